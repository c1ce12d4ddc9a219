"""Charted values that stand against what their device's bytes say when they are decoded again. Nothing is changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import numpy as np
from sqlalchemy import select

from app.anesthesia.models import AnesthesiaRecord, ChartReading
from app.anesthesia.rules.limits import CHARTED
from app.core import clock
from app.core.db import db
from app.scheduling.models import SurgicalCase
from app.vitals.columns import Samples

_NEAR_MS = 500
_NOT_CHARTABLE = 2 | 4 | 8 | 256 | 512  # demo, out of range, unit suspect, invalid, calibration


@dataclass(frozen=True, slots=True)
class ChartDifference:
    """A place of a chart: what was taken from the device then, and what its bytes say now (None: no value)."""

    case_id: int
    case_no: str
    slot_at: datetime
    label: str
    unit: str
    charted: Decimal | None
    now: Decimal | None
    is_corrected: bool


def chart_differences(
    device_id: int, decoded: Mapping[str, Samples], start_ms: int, end_ms: int
) -> list[ChartDifference]:
    """Readings from this device in the span whose value would be another. `decoded`: the parameters that differ."""
    if not decoded:
        return []
    rows = db.session.execute(
        select(ChartReading, AnesthesiaRecord.case_id, SurgicalCase.case_no)
        .join(AnesthesiaRecord, AnesthesiaRecord.id == ChartReading.record_id)
        .join(SurgicalCase, SurgicalCase.id == AnesthesiaRecord.case_id)
        .where(
            ChartReading.device_id == device_id,
            ChartReading.at >= clock.from_ms(start_ms),
            ChartReading.at < clock.from_ms(end_ms),
            ChartReading.raw_code.in_(decoded),
        )
        .order_by(ChartReading.slot_at, ChartReading.code)
    )
    found: list[ChartDifference] = []
    for reading, case_id, case_no in rows:
        taken = reading.original if reading.original is not None else reading.value
        now = _value_at(decoded[reading.raw_code], clock.to_ms(reading.at))
        item = CHARTED[reading.code]
        rounded = None if now is None else item.rounded(now)
        if rounded != taken:
            found.append(
                ChartDifference(
                    case_id, case_no, reading.slot_at, item.label, item.unit, taken, rounded,
                    reading.state != "auto",
                )
            )  # fmt: skip
    return found


def _value_at(samples: Samples, at_ms: int) -> float | None:
    """The chartable value of that moment."""
    good = (samples.qualities & _NOT_CHARTABLE) == 0
    times, values = samples.times_ms[good], samples.values[good]
    if not len(times):
        return None
    nearest = int(np.argmin(np.abs(times - at_ms)))
    return float(values[nearest]) if abs(int(times[nearest]) - at_ms) <= _NEAR_MS else None
