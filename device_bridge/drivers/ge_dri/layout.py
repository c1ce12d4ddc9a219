"""Where each field of the DRI records lies. Offsets count from the start of the 278-byte sub-record.

A measurement group has a header of status (u32) and label (u16); status bit 1 says that it is measuring.
"""

import struct
from dataclasses import dataclass

HEADER = struct.Struct("<hBBHIIh")  # length, number, level, plug id, time, reserved, main type … 18 bytes
HEADER_SIZE = 40
HEAD_FIELDS = struct.Struct("<hBBHII")  # up to r_maintype
SUBRECORDS_AT = 16
MAINTYPE_AT = 14
PHDB = 0
WAVE = 1
ALARM = 4
PHDB_SIZE = 278
DISPLAYED = 1
END_OF_LIST = 0xFF

STATUS_ACTIVE = 2

# Special values; everything below -32001 means "no number".
NO_DATA = -32767
LAST_SPECIAL = -32001


@dataclass(frozen=True, slots=True)
class Field:
    """One 16-bit number: canonical code and divisor to its unit."""

    offset: int
    code: str
    divisor: float


@dataclass(frozen=True, slots=True)
class Group:
    """A measurement group: header offset, its numbers, and the status bits that spoil them."""

    name: str
    header: int
    fields: tuple[Field, ...]
    calibrating: int = 0  # status bits: calibrating or zeroing, flagged
    off: int = 0  # status bits: measurement switched off, nothing is given


def _group(name: str, header: int, *fields: tuple[int, str, float], calibrating: int = 0, off: int = 0) -> Group:
    return Group(name, header, tuple(Field(*field) for field in fields), calibrating, off)


BASIC: tuple[Group, ...] = (
    _group("ecg", 4, (10, "HR", 1), (12, "ST_1", 100), (14, "ST_2", 100), (16, "ST_3", 100), (18, "RR", 1)),
    _group("t1", 90, (96, "T1", 100)),
    _group("t2", 98, (104, "T2", 100)),
    _group("t3", 106, (112, "T3", 100)),
    _group("t4", 114, (120, "T4", 100)),
    _group("spo2", 122, (128, "SpO2", 100), (130, "PR", 1), (132, "PI", 10)),
    _group("o2", 150, (156, "EtO2", 100), (158, "FiO2", 100), calibrating=1 << 2, off=1 << 3),
    _group("n2o", 160, (166, "EtN2O", 100), (168, "FiN2O", 100), calibrating=1 << 2, off=1 << 3),
    _group(
        "flow_vol",
        182,
        (190, "Ppeak", 100),
        (192, "PEEP", 100),
        (194, "Pplat", 100),
        (196, "TVi", 10),
        (198, "TVe", 10),
        (200, "Compl", 100),
        (202, "MV", 100),
        calibrating=(1 << 3) | (1 << 4),
        off=1 << 7,
    ),
    _group("co_wedge", 204, (210, "CO", 1000), (212, "TB", 100), (216, "PCWP", 100)),
    _group("svo2", 236, (242, "SvO2", 100)),
)

PRESSURES: tuple[tuple[int, int], ...] = ((1, 20), (2, 34), (3, 48), (4, 62), (5, 244), (6, 258))
PRESSURES_EXT1: tuple[tuple[int, int], ...] = ((7, 82), (8, 96))
PRESSURE_ZEROING = 1 << 2
PRESSURE_LABELS: dict[int, str] = {1: "ART", 2: "CVP", 3: "PAP", 4: "RAP", 5: "RVP", 6: "LAP", 7: "ICP", 8: "ART"}
MEAN_ONLY: frozenset[str] = frozenset({"CVP", "RAP", "LAP", "ICP"})

NIBP_HEADER = 76
NIBP_FIELDS: tuple[Field, ...] = (
    Field(82, "NIBP_S", 100),
    Field(84, "NIBP_D", 100),
    Field(86, "NIBP_M", 100),
    Field(88, "NIBP_PR", 1),
)
NIBP_CALIBRATING = 1 << 7
NIBP_OLD = 1 << 8

CO2_HEADER = 136
CO2_CALIBRATING = (1 << 3) | (1 << 4)
FLOW_HEADER = 182
FLOW_RR = 188
AGENT_HEADER = 170
AGENT_LABELS: dict[int, str] = {0: "AA", 2: "HAL", 3: "ENF", 4: "ISO", 5: "DES", 6: "SEV"}
NMT_HEADER = 218

EXT1: tuple[Group, ...] = (
    _group("arrh_ecg", 4, (14, "PVC", 1)),
    _group(
        "ecg_12",
        52,
        (58, "ST_I", 100),
        (60, "ST_II", 100),
        (62, "ST_III", 100),
        (64, "ST_aVL", 100),
        (66, "ST_aVR", 100),
        (68, "ST_aVF", 100),
        (70, "ST_V1", 100),
        (72, "ST_V2", 100),
        (74, "ST_V3", 100),
        (76, "ST_V4", 100),
        (78, "ST_V5", 100),
        (80, "ST_V6", 100),
    ),
    _group("t5", 124, (130, "T5", 100)),
    _group("t6", 132, (138, "T6", 100)),
)

EXT2: tuple[Group, ...] = (
    _group("eeg_bis", 100, (106, "BIS", 1), (108, "SQI", 1), (110, "EMG", 1), (112, "SR", 1)),
    _group("entropy", 116, (122, "SE", 1), (124, "RE", 1), (126, "BSR", 1)),
    _group("spi", 234, (240, "SPI", 1)),
)

EXT3: tuple[Group, ...] = (
    _group("flow_vol2", 18, (26, "Pmean", 100), (28, "Raw", 100)),
    _group("aa2", 96, (102, "MAC_age", 100)),
    _group("delp", 120, (126, "SPV", 100), (128, "PPV", 100)),
)

GROUPS: dict[int, tuple[Group, ...]] = {0: BASIC, 1: EXT1, 2: EXT2, 3: EXT3}


@dataclass(frozen=True, slots=True)
class WaveKind:
    """One curve: code, unit, samples per second and the physical value of one count."""

    code: str
    unit: str
    rate_hz: float
    scale: float


WAVES: dict[int, WaveKind] = {
    1: WaveKind("ECG1", "mV", 300, 0.001),
    2: WaveKind("ECG2", "mV", 300, 0.001),
    3: WaveKind("ECG3", "mV", 300, 0.001),
    4: WaveKind("P1", "mmHg", 100, 0.01),
    5: WaveKind("P2", "mmHg", 100, 0.01),
    6: WaveKind("P3", "mmHg", 100, 0.01),
    7: WaveKind("P4", "mmHg", 100, 0.01),
    8: WaveKind("PLETH", "%", 100, 0.01),
    9: WaveKind("CO2", "%", 25, 0.01),
    10: WaveKind("O2", "%", 25, 0.01),
    11: WaveKind("N2O", "%", 25, 0.01),
    12: WaveKind("AA", "%", 25, 0.01),
    13: WaveKind("AWP", "cmH2O", 25, 0.1),
    14: WaveKind("FLOW", "L/min", 25, 0.01),
    15: WaveKind("RESP", "Ω", 25, 0.01),
    16: WaveKind("P5", "mmHg", 100, 0.01),
    17: WaveKind("P6", "mmHg", 100, 0.01),
    18: WaveKind("EEG1", "µV", 100, 0.1),
    19: WaveKind("EEG2", "µV", 100, 0.1),
    20: WaveKind("EEG3", "µV", 100, 0.1),
    21: WaveKind("EEG4", "µV", 100, 0.1),
    32: WaveKind("ENT", "µV", 100, 0.1),
    35: WaveKind("EEG_BIS", "µV", 300, 0.1),
}
ECG_LEADS: dict[int, str] = {1: "I", 2: "II", 3: "III", 4: "aVR", 5: "aVL", 6: "aVF", 7: "V"}
