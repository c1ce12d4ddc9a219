"""Reads of raw data: spans of parameters, latest values, counts."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select

from app.core.db import db
from app.vitals.columns import Samples, between, merge, to_samples, unpack_column, unpack_segment
from app.vitals.models import DeviceAlarmEvent, DeviceGap, VitalChunk, VitalRevisionChunk, VitalSegment


@dataclass(frozen=True, slots=True)
class LatestValue:
    """The newest value of one parameter of one device."""

    code: str
    unit: str
    value: float
    time_ms: int
    quality: int


def in_force() -> ColumnElement[bool]:
    """Condition on chunks: not replaced by a revision."""
    replaced = select(VitalRevisionChunk.id).where(
        VitalRevisionChunk.chunk_id == VitalChunk.id, VitalRevisionChunk.is_new.is_(False)
    )
    return ~replaced.exists()


def samples(device_id: int, codes: Collection[str], start_ms: int, end_ms: int) -> dict[str, Samples]:
    """Values with start <= time < end of the given parameters (all when empty), ascending in time."""
    parts: defaultdict[str, list[Samples]] = defaultdict(list)
    chunks = select(VitalChunk.code, VitalChunk.unit, VitalChunk.payload).where(
        VitalChunk.device_id == device_id, VitalChunk.end_ms >= start_ms, VitalChunk.start_ms < end_ms, in_force()
    )
    if codes:
        chunks = chunks.where(VitalChunk.code.in_(codes))
    for code, unit, payload in db.session.execute(chunks.order_by(VitalChunk.id)):
        parts[code].append(unpack_column(payload, unit))
    segments = (
        select(VitalSegment.payload)
        .where(VitalSegment.device_id == device_id, VitalSegment.end_ms >= start_ms, VitalSegment.start_ms < end_ms)
        .order_by(VitalSegment.id)
    )
    for payload in db.session.scalars(segments):
        for series in unpack_segment(payload):
            if not codes or series.code in codes:
                parts[series.code].append(to_samples(series))
    merged = {code: between(merge(found), start_ms, end_ms) for code, found in parts.items()}
    return {code: found for code, found in merged.items() if len(found)}


def latest(device_id: int, since_ms: int) -> dict[str, LatestValue]:
    """The newest value of each parameter measured since a moment."""
    found = samples(device_id, (), since_ms, 2**62)
    return {
        code: LatestValue(code, s.unit, float(s.values[-1]), int(s.times_ms[-1]), int(s.qualities[-1]))
        for code, s in found.items()
    }


def count(device_id: int) -> int:
    """Number of stored values of a device."""
    kept = select(func.coalesce(func.sum(VitalChunk.count), 0)).where(VitalChunk.device_id == device_id, in_force())
    young = select(func.coalesce(func.sum(VitalSegment.count), 0)).where(VitalSegment.device_id == device_id)
    return int(db.session.scalar(kept) or 0) + int(db.session.scalar(young) or 0)


def alarms(device_id: int, since_ms: int, limit: int = 50) -> list[DeviceAlarmEvent]:
    """Alarms that a device has announced since a moment, the newest first."""
    statement = (
        select(DeviceAlarmEvent)
        .where(DeviceAlarmEvent.device_id == device_id, DeviceAlarmEvent.at_ms >= since_ms)
        .order_by(DeviceAlarmEvent.at_ms.desc(), DeviceAlarmEvent.id.desc())
    )
    return list(db.session.scalars(statement.limit(limit)))


@dataclass(frozen=True, slots=True)
class StatedGap:
    """A span without data, with the bridge's reason and the word for it."""

    from_ms: int
    to_ms: int
    reason: str
    word: str


_GAP_WORDS = {
    "connect": "无法连接设备",
    "disconnect": "设备断开",
    "silent": "已连接但无数据",
    "restart": "采集服务重启",
    "config": "设备配置变更",
    "disk": "采集缓存空间不足",
}


def gaps(device_id: int, start_ms: int, end_ms: int) -> list[StatedGap]:
    """Spans without data that overlap start <= time < end, oldest first."""
    statement = (
        select(DeviceGap.from_ms, DeviceGap.to_ms, DeviceGap.reason)
        .where(DeviceGap.device_id == device_id, DeviceGap.to_ms > start_ms, DeviceGap.from_ms < end_ms)
        .order_by(DeviceGap.from_ms, DeviceGap.id)
    )
    return [StatedGap(a, b, reason, _GAP_WORDS.get(reason, reason)) for a, b, reason in db.session.execute(statement)]
