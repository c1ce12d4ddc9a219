"""The canonical parameters: one code, one unit, one plausibility range each.

Every driver translates what its device says into these codes and units, so that nothing behind the codec
needs to know a manufacturer. The ranges say what is physically believable; they are not alarm limits.
A value outside is kept and flagged, never corrected.
"""

from dataclasses import dataclass

from device_bridge.wire import Quality

PER_MIN = "/min"
PERCENT = "%"
MMHG = "mmHg"
CMH2O = "cmH2O"
CELSIUS = "°C"
ML = "mL"
ML_MIN = "mL/min"
L_MIN = "L/min"
ML_H = "mL/h"
MM = "mm"
ONE = "1"
DB = "dB"


# Channels of a rack of infusion pumps: each has its own pair of codes.
PUMPS = 8


@dataclass(frozen=True, slots=True)
class Parameter:
    """One canonical parameter; `low` and `high` are inclusive plausibility bounds in `unit`."""

    code: str
    name: str
    unit: str
    low: float
    high: float


# Blood gas analysers. The unit is the one of the chart; results arrive in the unit the analyser prints.
_BLOOD: list[tuple[str, str, str, float, float]] = [
    ("pH", "酸碱度", ONE, 6.3, 8.0),
    ("pH_T", "酸碱度（体温校正）", ONE, 6.3, 8.0),
    ("pCO2", "二氧化碳分压", MMHG, 4, 250),
    ("pCO2_T", "二氧化碳分压（体温校正）", MMHG, 4, 250),
    ("pO2", "氧分压", MMHG, 0, 800),
    ("pO2_T", "氧分压（体温校正）", MMHG, 0, 800),
    ("Na", "钠", "mmol/L", 80, 220),
    ("K", "钾", "mmol/L", 0.5, 15),
    ("Ca", "离子钙", "mmol/L", 0.1, 5),
    ("Cl", "氯", "mmol/L", 50, 170),
    ("Glu", "葡萄糖", "mmol/L", 0, 60),
    ("Lac", "乳酸", "mmol/L", 0, 35),
    ("tHb", "总血红蛋白", "g/L", 10, 280),
    ("Hct", "红细胞压积", PERCENT, 3, 80),
    ("sO2", "血氧饱和度（血气）", PERCENT, 0, 100),
    ("COHb", "碳氧血红蛋白", PERCENT, 0, 100),
    ("MetHb", "高铁血红蛋白", PERCENT, 0, 100),
    ("RHb", "还原血红蛋白", PERCENT, 0, 100),
    ("O2Hb", "氧合血红蛋白", PERCENT, 0, 100),
    ("HCO3", "碳酸氢根", "mmol/L", 0, 80),
    ("SBC", "标准碳酸氢根", "mmol/L", 0, 80),
    ("BE", "剩余碱", "mmol/L", -50, 50),
    ("ABE", "实际剩余碱", "mmol/L", -50, 50),
    ("SBE", "标准剩余碱", "mmol/L", -50, 50),
    ("AnGap", "阴离子间隙", "mmol/L", -30, 60),
    ("Crea", "肌酐", "µmol/L", 0, 3000),
    ("tBil", "总胆红素", "µmol/L", 0, 1000),
]
# Results of a sample: they belong to the moment at which it was drawn, however late they arrive.
SAMPLED: frozenset[str] = frozenset(row[0] for row in _BLOOD)


def _table() -> dict[str, Parameter]:
    rows: list[tuple[str, str, str, float, float]] = [
        ("HR", "心率", PER_MIN, 0, 350),
        ("PR", "脉率", PER_MIN, 0, 350),
        ("PVC", "室性早搏", PER_MIN, 0, 300),
        ("SpO2", "血氧饱和度", PERCENT, 0, 100),
        ("SvO2", "静脉血氧饱和度", PERCENT, 0, 100),
        ("SaO2", "动脉血氧饱和度", PERCENT, 0, 100),
        ("PI", "灌注指数", PERCENT, 0, 30),
        ("RR", "呼吸频率", PER_MIN, 0, 150),
        ("awRR", "气道呼吸频率", PER_MIN, 0, 150),
        ("EtCO2", "呼末二氧化碳", MMHG, 0, 150),
        ("FiCO2", "吸入二氧化碳", MMHG, 0, 100),
        ("EtCO2_pct", "呼末二氧化碳浓度", PERCENT, 0, 20),
        ("FiCO2_pct", "吸入二氧化碳浓度", PERCENT, 0, 14),
        ("FiO2", "吸入氧浓度", PERCENT, 15, 100),
        ("EtO2", "呼末氧浓度", PERCENT, 15, 100),
        ("FiN2O", "吸入笑气浓度", PERCENT, 0, 85),
        ("EtN2O", "呼末笑气浓度", PERCENT, 0, 85),
        ("FiAA", "吸入麻醉药浓度（未识别）", PERCENT, 0, 22),
        ("EtAA", "呼末麻醉药浓度（未识别）", PERCENT, 0, 22),
        ("MAC", "最低肺泡有效浓度", ONE, 0, 5),
        ("MAC_age", "年龄校正MAC", ONE, 0, 5),
        ("Ppeak", "气道峰压", CMH2O, 0, 120),
        ("Pplat", "平台压", CMH2O, 0, 120),
        ("Pmean", "平均气道压", CMH2O, 0, 80),
        ("PEEP", "呼气末正压", CMH2O, 0, 50),
        ("TVe", "呼出潮气量", ML, 0, 3000),
        ("TVi", "吸入潮气量", ML, 0, 3000),
        ("MV", "分钟通气量", L_MIN, 0, 60),
        ("Compl", "顺应性", "mL/cmH2O", 0, 300),
        ("Raw", "气道阻力", "cmH2O/L/s", 0, 200),
        ("IE", "吸呼比", "1:x", 0.1, 10),
        ("VT_set", "设定潮气量", ML, 0, 3000),
        ("RR_set", "设定呼吸频率", PER_MIN, 0, 150),
        ("PEEP_set", "设定呼气末正压", CMH2O, 0, 50),
        ("FiO2_set", "设定氧浓度", PERCENT, 15, 100),
        ("Pinsp_set", "设定吸气压力", CMH2O, 0, 120),
        ("PS_set", "设定压力支持", CMH2O, 0, 80),
        ("FG_O2", "氧气新鲜气流", ML_MIN, 0, 20000),
        ("FG_Air", "空气新鲜气流", ML_MIN, 0, 20000),
        ("FG_N2O", "笑气新鲜气流", ML_MIN, 0, 20000),
        ("BIS", "脑电双频指数", ONE, 0, 100),
        ("SQI", "脑电信号质量", PERCENT, 0, 100),
        ("EMG", "肌电", DB, -20, 120),
        ("SR", "爆发抑制比", PERCENT, 0, 100),
        ("CSI", "麻醉深度指数", ONE, 0, 100),
        ("BS", "爆发抑制", PERCENT, 0, 100),
        ("SE", "状态熵", ONE, 0, 100),
        ("RE", "反应熵", ONE, 0, 100),
        ("BSR", "熵爆发抑制比", PERCENT, 0, 100),
        ("SPI", "手术体积描记指数", ONE, 0, 100),
        ("CO", "心排量", L_MIN, 0, 30),
        ("CI", "心指数", "L/min/m²", 0, 20),
        ("SV", "每搏量", ML, 0, 300),
        ("SVV", "每搏量变异", PERCENT, 0, 60),
        ("PPV", "脉压变异", PERCENT, 0, 60),
        ("SPV", "收缩压变异", MMHG, 0, 100),
        ("TOF", "四个成串刺激比值", PERCENT, 0, 160),
        ("TOFcnt", "四个成串刺激计数", ONE, 0, 4),
        ("PTC", "强直后计数", ONE, 0, 21),
        ("NMT_T1", "首颤搐高度", PERCENT, 0, 400),
        ("rSO2", "脑氧饱和度", PERCENT, 15, 95),
        ("rSO2_L", "左脑氧饱和度", PERCENT, 15, 95),
        ("rSO2_R", "右脑氧饱和度", PERCENT, 15, 95),
        ("TB", "血温", CELSIUS, 15, 45),
        ("TD", "温差", CELSIUS, 0, 30),
        ("CVP", "中心静脉压", MMHG, -20, 60),
        ("RAP", "右房压", MMHG, -20, 60),
        ("LAP", "左房压", MMHG, -20, 60),
        ("PCWP", "肺动脉楔压", MMHG, 0, 60),
        ("ICP", "颅内压", MMHG, -20, 150),
        ("NIBP_PR", "无创血压脉率", PER_MIN, 0, 350),
        ("PVI", "灌注变异指数", PERCENT, 0, 100),
        ("SpCO", "碳氧血红蛋白（脉搏）", PERCENT, 0, 100),
        ("SpMet", "高铁血红蛋白（脉搏）", PERCENT, 0, 100),
        ("THI", "组织血红蛋白指数", ONE, 0, 1000),
        ("SEF", "95%频谱边缘频率", "Hz", 0, 50),
    ]
    rows += [(code, name, unit, low, high) for code, name, unit, low, high in _BLOOD]
    rows += [(f"T{n}", f"体温{n}", CELSIUS, 15, 45) for n in range(1, 7)]
    agents = [
        ("SEV", "七氟烷", 10),
        ("DES", "地氟烷", 22),
        ("ISO", "异氟烷", 7),
        ("HAL", "氟烷", 7),
        ("ENF", "安氟醚", 8),
    ]
    for short, name, high in agents:
        rows += [
            (f"Fi{short}", f"吸入{name}", PERCENT, 0, high),
            (f"Et{short}", f"呼末{name}", PERCENT, 0, high),
        ]
    pressures: list[tuple[str, str, float, float]] = [
        ("NIBP", "无创血压", 10, 300),
        ("ART", "有创动脉压", -30, 350),
        ("PAP", "肺动脉压", -10, 150),
        ("RVP", "右室压", -10, 150),
    ]
    pressures += [(f"P{n}", f"有创压{n}", -30, 350) for n in range(1, 9)]
    for short, name, floor, top in pressures:
        rows += [
            (f"{short}_S", f"{name}（收缩）", MMHG, floor, top),
            (f"{short}_D", f"{name}（舒张）", MMHG, floor, top),
            (f"{short}_M", f"{name}（平均）", MMHG, floor, top),
        ]
    for number in range(1, PUMPS + 1):
        rows += [
            (f"PUMP{number}_RATE", f"注射泵{number} 速度", ML_H, 0, 1500),
            (f"PUMP{number}_VOL", f"注射泵{number} 已输注量", ML, 0, 20_000),
        ]
    leads = ("I", "II", "III", "aVR", "aVL", "aVF", "V", "V1", "V2", "V3", "V4", "V5", "V6", "1", "2", "3")
    rows += [(f"ST_{lead}", f"ST段 {lead}", MM, -20, 20) for lead in leads]
    return {row[0]: Parameter(*row) for row in rows}


PARAMETERS: dict[str, Parameter] = _table()

# A measurement on demand: it has its own moment and stays on the device's display until the next one.
EPISODIC: frozenset[str] = frozenset({"NIBP_S", "NIBP_D", "NIBP_M", "NIBP_PR"}) | SAMPLED

# Stated unit and canonical unit → factor. Exact by definition or ISO 80000 (1 mmHg = 133.322 Pa, 1 cmH2O = 98.0665 Pa);
# concentrations by molar mass (IUPAC): glucose 180.16, lactate 90.08, Ca 40.08, creatinine 113.12, bilirubin 584.66 g/mol,
# haemoglobin by the monomer (16 114 g/mol).
_FACTORS: dict[tuple[str, str], float] = {
    ("kPa", MMHG): 7.50062,
    ("g/dL", "g/L"): 10.0,
    ("fraction", PERCENT): 100.0,
    ("cmH2O", MMHG): 0.735559,
    (MMHG, CMH2O): 1.35951,
    ("kPa", CMH2O): 10.19716,
    ("mbar", CMH2O): 1.019716,
    ("mbar", MMHG): 0.750062,
    ("L", ML): 1000.0,
    (L_MIN, ML_MIN): 1000.0,
    (ML_MIN, L_MIN): 0.001,
    ("mV", MM): 10.0,  # 1 mm of the paper is 0.1 mV
    ("L/bar", "mL/cmH2O"): 1 / 1.019716,
    ("mL/mbar", "mL/cmH2O"): 1 / 1.019716,
    ("mbar/L/s", "cmH2O/L/s"): 1.019716,
}
_BY_CODE: dict[tuple[str, str], float] = {
    ("tHb", "mmol/L"): 16.114,
    ("Glu", "mg/dL"): 1 / 18.016,
    ("Lac", "mg/dL"): 1 / 9.008,
    ("Ca", "mg/dL"): 1 / 4.008,
    ("Crea", "mg/dL"): 88.42,
    ("tBil", "mg/dL"): 17.104,
    ("Na", "mEq/L"): 1.0,
    ("K", "mEq/L"): 1.0,
    ("Cl", "mEq/L"): 1.0,
    ("Ca", "mEq/L"): 0.5,
}
# Parts of the gas mixture: concentration and partial pressure become each other by the ambient pressure.
_CARBON_DIOXIDE = frozenset({"EtCO2", "FiCO2"})
_CONCENTRATIONS = frozenset(
    f"{side}{gas}" for side in ("Et", "Fi") for gas in ("O2", "N2O", "AA", "HAL", "ENF", "ISO", "DES", "SEV", "CO2_pct")
)
Linear = tuple[float, float, float]


def conversion(code: str, unit: str) -> float | None:
    """The factor from a stated unit to the canonical unit of the code; None when it is not known."""
    wanted = PARAMETERS[code].unit
    if unit == wanted:
        return 1.0
    return _BY_CODE.get((code, unit)) or _FACTORS.get((unit, wanted))


def linear(code: str, unit: str, ambient_mmhg: float | None = None) -> Linear | None:
    """(zero, factor, divisor): canonical = (stated - zero) * factor / divisor. None when there is no way.

    With the ambient pressure also between the concentration of a gas and its partial pressure.
    """
    factor = conversion(code, unit)
    if factor is not None:
        return 0.0, factor, 1.0
    if (unit, PARAMETERS[code].unit) == ("°F", CELSIUS):
        return (0.0 if code == "TD" else 32.0), 1.0, 1.8  # a difference has no zero
    if ambient_mmhg is None:
        return None
    if code in _CONCENTRATIONS and unit in (MMHG, "kPa"):
        return 0.0, (100.0 if unit == MMHG else 750.062), ambient_mmhg
    if code in _CARBON_DIOXIDE and unit == PERCENT:
        return 0.0, ambient_mmhg, 100.0
    return None


def units_for(code: str) -> list[str]:
    """Every unit that can become the canonical one of the code, that one first."""
    wanted = PARAMETERS[code].unit
    others = {unit for unit, to in _FACTORS if to == wanted} | {unit for one, unit in _BY_CODE if one == code}
    others |= {unit for unit in ("°F", MMHG, "kPa", PERCENT) if linear(code, unit, 760.0) is not None}
    return [wanted, *sorted(others - {wanted})]


_GOOD = Quality.GOOD
_OXYGEN = frozenset({"FiO2", "EtO2"})
_TEMPERATURE = frozenset({"TB", "T1", "T2", "T3", "T4", "T5", "T6"})


def judge(code: str, value: float) -> Quality:
    """The flags that the number alone deserves: out of range, and whether another unit would explain it.

    Oxygen above 100 % is a partial pressure in mmHg (seen on a real monitor set to mmHg); a body temperature
    between 80 and 115 is degrees Fahrenheit.
    """
    parameter = PARAMETERS[code]
    if parameter.low <= value <= parameter.high:
        return _GOOD
    if code in _OXYGEN and 105 < value <= 800:
        return Quality.OUT_OF_RANGE | Quality.UNIT_SUSPECT
    if code in _TEMPERATURE and 80 < value < 115:
        return Quality.OUT_OF_RANGE | Quality.UNIT_SUSPECT
    return Quality.OUT_OF_RANGE
