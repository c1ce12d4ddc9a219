"""Units and sentinels of values that are named by ISO/IEEE 11073 codes: shared by HL7 gateways and by SDC.

A unit is a number (262144 + dimension), its REFID, or plain text as some senders write it. A known unit that cannot
become the canonical one makes the value suspect; an unknown one is taken for the canonical.
"""

import re
from functools import lru_cache

from device_bridge.drivers.ihe_pcd01 import codes
from device_bridge.parameters import PARAMETERS, conversion

_LONGEST_KEPT = 200

# Numbers, names and plain spellings → the spelling of `device_bridge.parameters`.
_SPELLINGS: dict[str, str] = {
    "mmHg": "266016 MDC_DIM_MMHG mmhg mm[hg]",
    "cmH2O": "266048 MDC_DIM_CM_H2O cmh2o cm[h2o]",
    "kPa": "265987 MDC_DIM_KILO_PASCAL kpa",
    "mbar": "265986 MDC_DIM_HECTO_PASCAL hpa mbar",
    "%": "262688 MDC_DIM_PERCENT %",
    "/min": "264864 264928 264672 MDC_DIM_BEAT_PER_MIN MDC_DIM_RESP_PER_MIN MDC_DIM_PER_MIN bpm rpm /min",
    "°C": "268192 MDC_DIM_DEGC cel °c ℃",
    "°F": "268160 266560 MDC_DIM_FAHR [degf] °f ℉",
    "mL": "263762 MDC_DIM_MILLI_L ml",
    "L": "263744 MDC_DIM_X_L MDC_DIM_L l",
    "L/min": "265216 MDC_DIM_X_L_PER_MIN MDC_DIM_L_PER_MIN l/min",
    "mL/min": "265234 MDC_DIM_MILLI_L_PER_MIN ml/min",
    "mL/h": "265266 MDC_DIM_MILLI_L_PER_HR ml/h ml/hr",
    "mV": "266418 MDC_DIM_MILLI_VOLT mv",
    "mm": "263442 MDC_DIM_MILLI_M mm",
}
_UNITS: dict[str, str] = {one: unit for unit, all_ in _SPELLINGS.items() for one in all_.split()}
_MDIL_UNIT = re.compile(r"0004-([0-9a-fA-F]{4})")
_UNIT_PARTITION = 262_144
_NO_DIMENSION = frozenset({"1", "dB", "1:x"})


def is_sentinel(code: str, value: float) -> bool:
    """Does the number only say that there is none? A pressure, an ST segment or a base excess of -1 can be real."""
    return value in codes.SENTINELS and not (value == -1.0 and PARAMETERS[code].low <= -1.0)


def in_canonical_unit(code: str, value: float, number: str, name: str = "") -> float | None:
    """The value in the canonical unit; None when the stated unit (its number, its name) cannot become it."""
    if not number and not name:
        return value
    short = len(number) + len(name) <= _LONGEST_KEPT
    found = _conversion_known(code, number, name) if short else _conversion(code, number, name)
    return None if found is None else (value - found[0]) * found[1]


def _conversion(code: str, number: str, name: str) -> tuple[float, float] | None:
    """(zero, factor) from the stated unit to the canonical one; None when there is no way."""
    wanted = PARAMETERS[code].unit
    match = _MDIL_UNIT.fullmatch(number)
    if match is not None:
        number = str(_UNIT_PARTITION + int(match.group(1), 16))
    keys = (number, name, number.lower(), name.lower())
    stated = next((_UNITS[key] for key in keys if key in _UNITS), None)
    if stated is None or wanted in _NO_DIMENSION:
        return 0.0, 1.0
    if stated == "°F":
        return (32.0, 1 / 1.8) if wanted == "°C" else None
    if (stated, wanted) == ("mV", "mm"):
        return 0.0, 10.0  # 1 mm of the paper is 0.1 mV
    factor = conversion(code, stated)
    return None if factor is None else (0.0, factor)


_conversion_known = lru_cache(maxsize=1024)(_conversion)
