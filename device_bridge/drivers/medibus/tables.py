"""What a dialect is beside its profile: names, and text messages that say how far the numbers can be trusted.

What the codes of the pages mean is in `profiles/medibus` and `profiles/medibus_x`.
"""

from dataclasses import dataclass

AMBIENT, INSPIRATORY_PART, EXPIRATORY_PART = 0x6B, 0xE7, 0xE8
# Agents as partial pressure (kPa), for machines set to it: per cent of the ambient pressure.
PARTIAL_PRESSURES = frozenset(range(0x50, 0x5A))


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a family of machines means by its codes."""

    name: str
    # text messages during which numbers of the ventilator are not those of a ventilated patient
    doubtful: frozenset[int]
    # text messages that say that nothing on the screen is a patient's
    simulated: frozenset[int]


_STANDBY_LEAK_HLM = frozenset({0x1E, 0x53, 0x54, 0x58})
MEDIBUS = Dialect("medibus", _STANDBY_LEAK_HLM, frozenset())
MEDIBUS_X = Dialect("medibus_x", _STANDBY_LEAK_HLM, frozenset({0x12, 0x62}))  # product test, simulation mode
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
