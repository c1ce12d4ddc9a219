"""Code tables of both dialects: code of the page → canonical code and the factor to its unit.

Pressures come in mbar: 1 mbar is 1.0197 cmH2O. Compliance in mL/mbar or L/bar is the same number.
"""

from collections.abc import Mapping
from dataclasses import dataclass

MBAR = 1.019716
KPA = 7.50062
_PER_MBAR = 1 / MBAR

Entry = tuple[str, float]

_COMMON: dict[int, Entry] = {
    0x07: ("Compl", _PER_MBAR), 0x08: ("Raw", MBAR),
    0x73: ("Pmean", MBAR), 0x74: ("Pplat", MBAR), 0x78: ("PEEP", MBAR), 0x7D: ("Ppeak", MBAR),
    0x88: ("TVe", 1), 0xB9: ("MV", 1), 0xAD: ("MAC", 1),
    0xAE: ("FiDES", 1), 0xAF: ("EtDES", 1), 0xB0: ("FiSEV", 1), 0xB1: ("EtSEV", 1),
    0xF4: ("FiHAL", 1), 0xF5: ("EtHAL", 1), 0xF6: ("FiENF", 1), 0xF7: ("EtENF", 1),
    0xF8: ("FiISO", 1), 0xF9: ("EtISO", 1), 0xE9: ("FiAA", 1), 0xEA: ("EtAA", 1),
    0xD6: ("RR", 1), 0xD5: ("awRR", 1),
    0xDD: ("FG_N2O", 1), 0xDE: ("FG_Air", 1), 0xE2: ("FG_O2", 1),
    0xE1: ("PR", 1), 0xEB: ("SpO2", 1), 0xEF: ("EtO2", 1), 0xF0: ("FiO2", 1), 0xFB: ("FiN2O", 1), 0xFC: ("EtN2O", 1),
    0xE6: ("EtCO2", 1), 0xE5: ("FiCO2", 1), 0xDB: ("EtCO2_pct", 1), 0xDA: ("FiCO2_pct", 1),
}  # fmt: skip
# Used when the code that comes first in the table is not filled: (canonical code, factor).
_COMMON_STAND_INS: dict[int, Entry] = {
    0xE3: ("EtCO2", KPA), 0xFF: ("FiCO2", KPA),
    0xD7: ("awRR", 1), 0xD9: ("awRR", 1), 0xB4: ("RR", 1), 0x82: ("TVe", 1000),
}  # fmt: skip
# Agents as partial pressure (kPa), for machines set to it: per cent of the ambient pressure.
PARTIAL_PRESSURES: dict[int, str] = {
    0x50: "FiHAL", 0x51: "EtHAL", 0x52: "FiENF", 0x53: "EtENF", 0x54: "FiISO", 0x55: "EtISO",
    0x56: "FiDES", 0x57: "EtDES", 0x58: "FiSEV", 0x59: "EtSEV",
}  # fmt: skip
AMBIENT, INSPIRATORY_PART, EXPIRATORY_PART = 0x6B, 0xE7, 0xE8

_SECOND: dict[int, Entry] = {0x21: ("TVe", 1), 0x22: ("TVi", 1)}
_X_FIRST: dict[int, Entry] = {
    0xDC: ("HR", 1), 0xC3: ("T1", 1), 0xBE: ("T2", 1), 0x8B: ("TVi", 1),
    0x96: ("NIBP_S", 1), 0x8C: ("NIBP_D", 1), 0x91: ("NIBP_M", 1),
    0xD2: ("ART_S", 1), 0xC8: ("ART_D", 1), 0xCD: ("ART_M", 1),
    0xAB: ("PAP_S", 1), 0xA1: ("PAP_D", 1), 0xA6: ("PAP_M", 1),
    0x32: ("P1_S", 1), 0x31: ("P1_D", 1), 0x33: ("P1_M", 1), 0x35: ("P2_S", 1), 0x34: ("P2_D", 1), 0x36: ("P2_M", 1),
    0x2F: ("RVP_S", 1), 0x2E: ("RVP_D", 1), 0x30: ("RVP_M", 1),
    0xA5: ("CVP", 1), 0xC5: ("PCWP", 1), 0x39: ("LAP", 1), 0xA7: ("RAP", 1), 0x37: ("ICP", 1),
    0x9B: ("CO", 1), 0x21: ("CI", 1), 0x22: ("SV", 1),
    0x19: ("ST_I", 1), 0x1A: ("ST_II", 1), 0x5E: ("ST_III", 1), 0x61: ("ST_aVR", 1), 0x5F: ("ST_aVL", 1),
    0x60: ("ST_aVF", 1), 0x62: ("ST_V", 1),
}  # fmt: skip
_X_SECOND: dict[int, Entry] = {
    0x13: ("BIS", 1), 0x14: ("EMG", 1), 0x15: ("SQI", 1), 0x16: ("SR", 1), 0x17: ("SEF", 1),
    0x0E: ("TOF", 1), 0x12: ("TOFcnt", 1), 0x0F: ("PTC", 1), 0x11: ("NMT_T1", 1),
}  # fmt: skip


# What the machine is set to (page 29). Age and weight of the patient stand there as well and are left out.
_SETTINGS: dict[int, Entry] = {
    0x01: ("FiO2_set", 1), 0x0A: ("RR_set", 1), 0x0B: ("PEEP_set", MBAR), 0x12: ("PS_set", MBAR), 0x40: ("VT_set", 1),
    0x45: ("Pinsp_set", MBAR),
}  # fmt: skip
_SETTING_STAND_INS: dict[int, Entry] = {0x04: ("VT_set", 1000), 0x09: ("RR_set", 1), 0x0E: ("Pinsp_set", MBAR)}
# In MEDIBUS.X 09 is the rate; 0A is only its minimum and 42 the one of apnoea ventilation.
_X_SETTINGS: dict[int, Entry] = {code: entry for code, entry in _SETTINGS.items() if code != 0x0A} | {
    0x09: ("RR_set", 1)
}
_X_SETTING_STAND_INS: dict[int, Entry] = {0x04: ("VT_set", 1000), 0x0E: ("Pinsp_set", MBAR), 0x24: ("FiO2_set", 1)}


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a family of machines means by its codes."""

    name: str
    first: Mapping[int, Entry]
    first_stand_ins: Mapping[int, Entry]
    second: Mapping[int, Entry]
    settings: Mapping[int, Entry]
    setting_stand_ins: Mapping[int, Entry]
    # text messages during which numbers of the ventilator are not those of a ventilated patient
    doubtful: frozenset[int]
    # text messages that say that nothing on the screen is a patient's
    simulated: frozenset[int]


_STANDBY_LEAK_HLM = frozenset({0x1E, 0x53, 0x54, 0x58})
MEDIBUS = Dialect(
    "medibus",
    {0x06: ("Compl", _PER_MBAR)} | _COMMON,
    _COMMON_STAND_INS,
    _SECOND,
    _SETTINGS,
    _SETTING_STAND_INS,
    _STANDBY_LEAK_HLM,
    frozenset(),
)
MEDIBUS_X = Dialect(
    "medibus_x",
    _COMMON | _X_FIRST,
    {code: entry for code, entry in _COMMON_STAND_INS.items() if code != 0x82} | {0x03: ("MV", 1)},
    _SECOND | _X_SECOND,
    _X_SETTINGS,
    _X_SETTING_STAND_INS,
    _STANDBY_LEAK_HLM,
    frozenset({0x12, 0x62}),  # product test, simulation mode
)
VENTILATION = frozenset(
    {"Ppeak", "Pplat", "Pmean", "PEEP", "TVe", "TVi", "MV", "Compl", "Raw", "RR", "awRR", "IE", "EtCO2", "FiCO2"}
)
# Text messages that carry a person's name are never passed on: 60 first name, 61 last name (MEDIBUS.X).
PERSONAL = frozenset({0x60, 0x61})
MONTHS = ("JAN", "FEB", "MRZ", "APR", "MAI", "JUN", "JUL", "AUG", "SEP", "OKT", "NOV", "DEZ")
ENGLISH_MONTHS: dict[str, str] = {"MAR": "MRZ", "MAY": "MAI", "OCT": "OKT", "DEC": "DEZ"}
MODES: dict[int, str] = {
    0x01: "IPPV / VC-CMV", 0x06: "SIMV", 0x0A: "CPAP", 0x0E: "BIPAP", 0x1E: "待机", 0x2B: "手动/自主", 0x34: "PCV",
    0x53: "泄漏测试", 0x54: "设备待机", 0x58: "体外循环(HLM)", 0x59: "容量控制", 0x5A: "压力控制", 0x5B: "压力支持",
    0x3E: "PC-PSV", 0x47: "PC-AC", 0x6A: "PC-CMV", 0x35: "SPN-PPS", 0x18: "PC-SIMV", 0x62: "模拟模式",
}  # fmt: skip
