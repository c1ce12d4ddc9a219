"""Believable monitor data of a past span, so that a demonstration case does not begin on an empty sheet."""

import math
import random
from datetime import datetime, timedelta

from app.core import clock
from app.vitals import service as vitals
from app.vitals.columns import SeriesColumns
from app.vitals.service import DeviceData

_UNITS = {
    "HR": "/min", "SpO2": "%", "RR": "/min", "NIBP_S": "mmHg", "NIBP_D": "mmHg", "NIBP_M": "mmHg", "EtCO2": "mmHg",
    "T1": "℃",
}  # fmt: skip
_STEP_S = 15
_NIBP_S = 300


def _wave(minute: float, period: float, depth: float) -> float:
    return depth * math.sin(2 * math.pi * minute / period)


def value_at(code: str, minute: float, noise: random.Random) -> float | None:
    """Value of a parameter `minute` minutes after the patient came in; None before there can be one."""
    induction = math.exp(-(((minute - 18) / 9) ** 2))  # the dip after induction
    incision = math.exp(-(((minute - 36) / 8) ** 2))  # the answer to the incision
    slow = _wave(minute, 47, 3)
    match code:
        case "HR":
            return round(74 - 12 * induction + 9 * incision + slow + noise.gauss(0, 1.2))
        case "NIBP_S":
            return round(128 - 34 * induction + 16 * incision + 2 * slow + noise.gauss(0, 3))
        case "NIBP_D":
            return round(76 - 20 * induction + 9 * incision + slow + noise.gauss(0, 2))
        case "SpO2":
            return round(min(100.0, (97.5 if minute < 6 else 99.4) + noise.gauss(0, 0.4)))
        case "EtCO2":
            return round(36 + _wave(minute, 61, 2) + noise.gauss(0, 0.6)) if minute > 10 else None
        case "RR":
            return round(16 + noise.gauss(0, 1)) if minute < 8 else (12.0 if minute > 10 else None)
        case _:
            return round(36.6 - 0.4 * (1 - math.exp(-minute / 60)) + noise.gauss(0, 0.03), 1) if minute > 12 else None


def write(device_id: int, stream: str, start: datetime, end: datetime) -> int:
    """Store data of the span as one batch of a stream of its own; a second call stores nothing. Number of values."""
    noise = random.Random(f"{device_id}{stream}")  # noqa: S311 - a demonstration, not a secret
    columns: dict[str, tuple[list[int], list[float]]] = {code: ([], []) for code in _UNITS}
    moment = start
    while moment < end:
        minute = (moment - start).total_seconds() / 60
        is_nibp = round((moment - start).total_seconds()) % _NIBP_S == 0
        for code in _UNITS:
            if (code.startswith("NIBP") and not is_nibp) or code == "NIBP_M":
                continue
            value = value_at(code, minute, noise)
            if value is not None:
                columns[code][0].append(clock.to_ms(moment))
                columns[code][1].append(value)
        moment += timedelta(seconds=_STEP_S)
    columns["NIBP_M"] = (
        columns["NIBP_S"][0],
        [round((s + 2 * d) / 3) for s, d in zip(columns["NIBP_S"][1], columns["NIBP_D"][1], strict=True)],
    )
    data = DeviceData(
        device_id,
        tuple(
            SeriesColumns(code, _UNITS[code], times, values, [0] * len(times))
            for code, (times, values) in columns.items()
            if times
        ),
    )
    return data.count if vitals.ingest("demo-history", stream, 1, 0, [data]) else 0
