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
    """One 16-bit number: where it lies, and its name in the profile (`group.field`)."""

    offset: int
    native: str


@dataclass(frozen=True, slots=True)
class Group:
    """A measurement group: header offset, its numbers, and the status bits that spoil them."""

    name: str
    header: int
    fields: tuple[Field, ...]
    calibrating: int = 0  # status bits: calibrating or zeroing, flagged
    off: int = 0  # status bits: measurement switched off, nothing is given


def _group(name: str, header: int, *fields: tuple[int, str], calibrating: int = 0, off: int = 0) -> Group:
    return Group(name, header, tuple(Field(offset, f"{name}.{item}") for offset, item in fields), calibrating, off)


BASIC: tuple[Group, ...] = (
    _group("ecg", 4, (10, "hr"), (12, "st1"), (14, "st2"), (16, "st3"), (18, "imp_rr")),
    _group("t1", 90, (96, "temp")),
    _group("t2", 98, (104, "temp")),
    _group("t3", 106, (112, "temp")),
    _group("t4", 114, (120, "temp")),
    _group("spo2", 122, (128, "sat"), (130, "pr"), (132, "ir_amp")),
    _group("o2", 150, (156, "et"), (158, "fi"), calibrating=1 << 2, off=1 << 3),
    _group("n2o", 160, (166, "et"), (168, "fi"), calibrating=1 << 2, off=1 << 3),
    _group(
        "flow_vol",
        182,
        (190, "ppeak"),
        (192, "peep"),
        (194, "pplat"),
        (196, "tv_insp"),
        (198, "tv_exp"),
        (200, "compliance"),
        (202, "mv_exp"),
        calibrating=(1 << 3) | (1 << 4),
        off=1 << 7,
    ),
    _group("co_wedge", 204, (210, "co"), (212, "blood_temp"), (216, "pcwp")),
    _group("svo2", 236, (242, "svo2")),
)

PRESSURES: tuple[tuple[int, int], ...] = ((1, 20), (2, 34), (3, 48), (4, 62), (5, 244), (6, 258))
PRESSURES_EXT1: tuple[tuple[int, int], ...] = ((7, 82), (8, 96))
PRESSURE_ZEROING = 1 << 2
PRESSURE_LABELS: dict[int, str] = {1: "art", 2: "cvp", 3: "pap", 4: "rap", 5: "rvp", 6: "lap", 7: "icp", 8: "art"}

NIBP_HEADER = 76
NIBP_FIELDS: tuple[Field, ...] = (
    Field(82, "nibp.sys"),
    Field(84, "nibp.dia"),
    Field(86, "nibp.mean"),
    Field(88, "nibp.pr"),
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
    _group("arrh_ecg", 4, (14, "pvc")),
    _group(
        "ecg_12",
        52,
        (58, "st_I"),
        (60, "st_II"),
        (62, "st_III"),
        (64, "st_aVL"),
        (66, "st_aVR"),
        (68, "st_aVF"),
        (70, "st_V1"),
        (72, "st_V2"),
        (74, "st_V3"),
        (76, "st_V4"),
        (78, "st_V5"),
        (80, "st_V6"),
    ),
    _group("t5", 124, (130, "temp")),
    _group("t6", 132, (138, "temp")),
)

EXT2: tuple[Group, ...] = (
    _group("eeg_bis", 100, (106, "bis"), (108, "sqi"), (110, "emg"), (112, "sr")),
    _group("entropy", 116, (122, "se"), (124, "re"), (126, "bsr")),
    _group("spi", 234, (240, "spi")),
)

EXT3: tuple[Group, ...] = (
    _group("flow_vol2", 18, (26, "pmean"), (28, "raw")),
    _group("aa2", 96, (102, "mac_age")),
    _group("delp", 120, (126, "spv"), (128, "ppv")),
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
