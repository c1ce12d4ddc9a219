"""Commands on raw data: take over a batch exactly once, compact segments into chunks."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, insert, select

from app.core import clock
from app.core.db import db
from app.vitals.columns import Samples, SeriesColumns, merge, pack_column, pack_segment, to_samples, unpack_segment
from app.vitals.models import BridgeStream, DeviceAlarmEvent, DeviceGap, IngestedBatch, VitalChunk, VitalSegment

# A device that sends twice a second is compacted about once in two minutes.
COMPACT_AFTER_SEGMENTS = 240


@dataclass(frozen=True, slots=True)
class AlarmFacts:
    """An announced alarm, as plain facts."""

    at_ms: int
    code: str
    text: str
    priority: str
    phase: str


@dataclass(frozen=True, slots=True)
class GapFacts:
    """A span without data of a device, as the bridge states it."""

    from_ms: int
    to_ms: int
    reason: str


@dataclass(frozen=True, slots=True)
class DeviceData:
    """What a batch brings of one device."""

    device_id: int
    series: tuple[SeriesColumns, ...]
    alarms: tuple[AlarmFacts, ...] = ()
    gaps: tuple[GapFacts, ...] = ()

    @property
    def count(self) -> int:
        """Number of values."""
        return sum(len(one.times_ms) for one in self.series)


def ingest(bridge: str, stream: str, seq: int, floor: int, data: Sequence[DeviceData]) -> bool:
    """Store a batch unless it is stored already. True when it was new."""
    if not claim(bridge, stream, seq, floor):
        return False
    rows = [_segment_row(one) for one in data if one.count]
    if rows:
        db.session.execute(insert(VitalSegment), rows)
    alarms = [_alarm_row(one.device_id, alarm) for one in data for alarm in one.alarms]
    if alarms:
        db.session.execute(insert(DeviceAlarmEvent), alarms)
    gaps = [
        {"device_id": one.device_id, "from_ms": gap.from_ms, "to_ms": gap.to_ms, "reason": gap.reason[:16]}
        for one in data
        for gap in one.gaps
    ]
    if gaps:
        db.session.execute(insert(DeviceGap), gaps)
    db.session.flush()
    return True


def claim(bridge: str, stream: str, seq: int, floor: int) -> bool:
    """Mark a batch as taken over, in the transaction that stores it. False when it was stored before.

    Exactly once: the mark of the batch and its values are one transaction, and the mark is unique.
    """
    position = db.session.get(BridgeStream, (bridge, stream), with_for_update=True)
    if position is None:
        position = BridgeStream(bridge=bridge, stream=stream, floor=0)
        db.session.add(position)
    if seq <= position.floor or db.session.get(IngestedBatch, (bridge, stream, seq)) is not None:
        return False
    db.session.execute(insert(IngestedBatch).values(bridge=bridge, stream=stream, seq=seq))
    _raise_floor(position, min(floor, seq - 1))
    position.last_batch_at = clock.now()
    return True


def _raise_floor(position: BridgeStream, floor: int) -> None:
    if floor <= position.floor:
        return
    position.floor = floor
    db.session.execute(
        delete(IngestedBatch).where(
            IngestedBatch.bridge == position.bridge,
            IngestedBatch.stream == position.stream,
            IngestedBatch.seq <= floor,
        )
    )


def _segment_row(data: DeviceData) -> dict[str, object]:
    return {
        "device_id": data.device_id,
        "start_ms": min(min(one.times_ms) for one in data.series if one.times_ms),
        "end_ms": max(max(one.times_ms) for one in data.series if one.times_ms),
        "count": data.count,
        "payload": pack_segment(data.series),
    }


def _alarm_row(device_id: int, alarm: AlarmFacts) -> dict[str, object]:
    return {
        "device_id": device_id,
        "at_ms": alarm.at_ms,
        "code": alarm.code[:64],
        "text": alarm.text,
        "priority": alarm.priority[:16],
        "phase": alarm.phase[:16],
    }


def segment_counts() -> Mapping[int, int]:
    """Number of young segments of each device."""
    statement = select(VitalSegment.device_id, func.count()).group_by(VitalSegment.device_id)
    return {int(device_id): int(count) for device_id, count in db.session.execute(statement)}


def compact(device_id: int) -> int:
    """Turn all segments of a device into one chunk a parameter. Returns the number of segments."""
    segments = list(
        db.session.execute(
            select(VitalSegment.id, VitalSegment.payload)
            .where(VitalSegment.device_id == device_id)
            .order_by(VitalSegment.id)
        )
    )
    if not segments:
        return 0
    parts: defaultdict[str, list[Samples]] = defaultdict(list)
    for _segment_id, payload in segments:
        for series in unpack_segment(payload):
            parts[series.code].append(to_samples(series))
    rows = [_chunk_row(device_id, code, merge(samples)) for code, samples in parts.items()]
    db.session.execute(insert(VitalChunk), [row for row in rows if row["count"]])
    last_id = segments[-1][0]
    db.session.execute(delete(VitalSegment).where(VitalSegment.device_id == device_id, VitalSegment.id <= last_id))
    return len(segments)


def _chunk_row(device_id: int, code: str, samples: Samples) -> dict[str, object]:
    return {
        "device_id": device_id,
        "code": code,
        "unit": samples.unit,
        "start_ms": int(samples.times_ms[0]) if len(samples) else 0,
        "end_ms": int(samples.times_ms[-1]) if len(samples) else 0,
        "count": len(samples),
        "payload": pack_column(samples) if len(samples) else b"",
    }
