"""A gateway's own message, for simulators and tests."""

from collections.abc import Mapping
from datetime import datetime

from device_bridge.drivers.mllp import frame
from device_bridge.parameters import PARAMETERS
from device_bridge.profiles.store import terms

# Canonical unit → HL7 number and name of 11073.
_UNITS: dict[str, str] = {
    "mmHg": "266016^MDC_DIM_MMHG^MDC",
    "cmH2O": "266048^MDC_DIM_CM_H2O^MDC",
    "%": "262688^MDC_DIM_PERCENT^MDC",
    "/min": "264864^MDC_DIM_BEAT_PER_MIN^MDC",
    "°C": "268192^MDC_DIM_DEGC^MDC",
    "mL": "263762^MDC_DIM_MILLI_L^MDC",
    "L/min": "265216^MDC_DIM_X_L_PER_MIN^MDC",
    "mm": "263442^MDC_DIM_MILLI_M^MDC",
    "1": "262656^MDC_DIM_DIMLESS^MDC",
}
_TERM_OF: dict[str, tuple[str, str]] = {code: (number, name) for number, (code, name) in reversed(terms().items())}
SAID = frozenset(code for code in _TERM_OF if PARAMETERS[code].unit in _UNITS)


def identifiers_of(code: str) -> tuple[str, str]:
    """Number of a canonical code, and number of its unit."""
    return _TERM_OF[code][0], _UNITS[PARAMETERS[code].unit].split("^")[0]


def message(
    values: Mapping[str, float], cuff: Mapping[str, float], *, at: datetime, bed: str = "OR1", control: str = "1"
) -> bytes:
    """One ORU^R01 with numerics of this moment and, when it was taken, the cuff with its own time."""
    stamp = f"{at:%Y%m%d%H%M%S%z}"
    lines = [
        f"MSH|^~\\&|SIM_GATEWAY^00A0370000000001^EUI-64|SIM|||{stamp}||ORU^R01^ORU_R01|{control}|P|2.6|||AL|NE||"
        "UNICODE UTF-8|||IHE_PCD_001^IHE PCD^1.3.6.1.4.1.19376.1.6.1.1.1^ISO",
        "PID|||SIM^^^HOSP^PI||Simulated^^^^^^L",
        f"PV1||I|OR^1^{bed}",
        f"OBR|1||{control}|182777000^monitoring of patient^SCT|||{stamp}",
    ]
    for number, (code, value) in enumerate([*values.items(), *cuff.items()], 1):
        lines.append(_row(number, code, value, stamp if code in cuff else ""))
    return frame(("\r".join(lines) + "\r").encode("utf-8"))


def _row(number: int, code: str, value: float, at: str) -> str:
    term, name = _TERM_OF[code]
    return f"OBX|{number}|NM|{term}^{name}^MDC|1.1.1.{term}|{value:g}|{_UNITS[PARAMETERS[code].unit]}|||||R|||{at}"
