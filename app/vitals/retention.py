"""How long each class of raw device data is kept. What was charted is part of the record and never touched here.

Curves are for looking back at an event; numerics are the source of the record and stay much longer; extremes of five
minutes stay for good.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import CursorResult, delete, select

from app.core import clock
from app.core.db import db
from app.vitals.models import DeviceAlarmEvent, DeviceGap, VitalChunk, VitalRevisionChunk, WaveChunk, WaveSegment

_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class RetentionClass:
    """A class of data, its name for people and its days."""

    name: str
    label: str
    days: int


LABELS = {"waves": "波形", "numerics": "原始数值", "alarms": "设备报警与中断"}


def classes(waves_days: int, numerics_days: int) -> tuple[RetentionClass, ...]:
    """The classes with the days of this installation; alarms and gaps explain the numerics and stay as long."""
    days = {"waves": waves_days, "numerics": numerics_days, "alarms": numerics_days}
    return tuple(RetentionClass(name, label, days[name]) for name, label in LABELS.items())


def forget_old(kept: Iterable[RetentionClass], now_ms: int | None = None) -> dict[str, int]:
    """Delete what is older than its class allows. Class → number of deleted rows."""
    now_ms = clock.now_ms() if now_ms is None else now_ms
    limits = {one.name: now_ms - one.days * _DAY_MS for one in kept}
    return {
        "waves": _gone(delete(WaveChunk).where(WaveChunk.end_ms < limits["waves"]))
        + _gone(delete(WaveSegment).where(WaveSegment.end_ms < limits["waves"])),
        "numerics": _forget_numerics(limits["numerics"]),
        "alarms": _gone(delete(DeviceAlarmEvent).where(DeviceAlarmEvent.at_ms < limits["alarms"]))
        + _gone(delete(DeviceGap).where(DeviceGap.to_ms < limits["alarms"])),
    }


def _forget_numerics(before_ms: int) -> int:
    """Also the marks of chunks that are gone: a number may be used again."""
    gone = _gone(delete(VitalChunk).where(VitalChunk.end_ms < before_ms))
    if gone:
        db.session.execute(delete(VitalRevisionChunk).where(VitalRevisionChunk.chunk_id.not_in(select(VitalChunk.id))))
    return gone


def _gone(statement: Any) -> int:
    result = cast(CursorResult[Any], db.session.execute(statement))
    return int(result.rowcount)
