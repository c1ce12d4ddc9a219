"""Tables of raw device data: what has been ingested, young segments, compacted chunks, alarms, gaps, curves."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.db import Base


class BridgeStream(Base):
    """How far a spool of a bridge has been taken over: every seq <= floor is stored."""

    __tablename__ = "bridge_stream"

    bridge: Mapped[str] = mapped_column(String(64), primary_key=True)
    stream: Mapped[str] = mapped_column(String(64), primary_key=True)
    floor: Mapped[int] = mapped_column(BigInteger, default=0)
    last_batch_at: Mapped[datetime] = mapped_column(default=clock.now, comment="UTC")


class IngestedBatch(Base):
    """A batch above the floor of its stream that is stored. Its row goes when the floor passes it."""

    __tablename__ = "ingested_batch"

    bridge: Mapped[str] = mapped_column(String(64), primary_key=True)
    stream: Mapped[str] = mapped_column(String(64), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)


class VitalSegment(Base):
    """What one batch brought of one device, all parameters together. Compaction turns segments into chunks."""

    __tablename__ = "vital_segment"
    __table_args__ = (Index("ix_vital_segment_device_end", "device_id", "end_ms"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    device_id: Mapped[int] = mapped_column(comment="device.id")
    start_ms: Mapped[int] = mapped_column(BigInteger, comment="first time, ms since 1970 UTC")
    end_ms: Mapped[int] = mapped_column(BigInteger, comment="last time, ms since 1970 UTC")
    count: Mapped[int] = mapped_column(comment="number of values")
    payload: Mapped[bytes] = mapped_column(LargeBinary, comment="vitals.columns.pack_segment")


class VitalChunk(Base):
    """A compressed column of one parameter of one device over a span."""

    __tablename__ = "vital_chunk"
    __table_args__ = (Index("ix_vital_chunk_device_code_end", "device_id", "code", "end_ms"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    device_id: Mapped[int] = mapped_column(comment="device.id")
    code: Mapped[str] = mapped_column(String(32), comment="canonical parameter code")
    unit: Mapped[str] = mapped_column(String(16))
    start_ms: Mapped[int] = mapped_column(BigInteger, comment="first time, ms since 1970 UTC")
    end_ms: Mapped[int] = mapped_column(BigInteger, comment="last time, ms since 1970 UTC")
    count: Mapped[int] = mapped_column(comment="number of values")
    payload: Mapped[bytes] = mapped_column(LargeBinary, comment="vitals.columns.pack_column")


class VitalRevision(Base):
    """Kept bytes of a device were decoded again and a person put the result in place of what stood there."""

    __tablename__ = "vital_revision"

    id: Mapped[int] = mapped_column(primary_key=True)
    device_id: Mapped[int] = mapped_column(index=True, comment="device.id")
    start_ms: Mapped[int] = mapped_column(BigInteger, comment="ms since 1970 UTC")
    end_ms: Mapped[int] = mapped_column(BigInteger, comment="ms since 1970 UTC")
    at: Mapped[datetime] = mapped_column(default=clock.now, comment="UTC")
    actor_id: Mapped[str] = mapped_column(String(64))
    actor_name: Mapped[str] = mapped_column(String(64), default="")
    reason: Mapped[str] = mapped_column(Text)
    counts: Mapped[dict[str, Any]] = mapped_column(comment="code: [same, changed, added, vanished]")


class VitalRevisionChunk(Base):
    """A chunk that a revision brought or replaced. A replaced chunk stays as it is; it is only no longer looked at."""

    __tablename__ = "vital_revision_chunk"

    id: Mapped[int] = mapped_column(primary_key=True)
    revision_id: Mapped[int] = mapped_column(ForeignKey("vital_revision.id"), index=True)
    chunk_id: Mapped[int] = mapped_column(index=True, comment="vital_chunk.id")
    is_new: Mapped[bool] = mapped_column(comment="brought by the revision; false: replaced by it")


class DeviceAlarmEvent(Base):
    """An alarm that a device announced."""

    __tablename__ = "device_alarm_event"
    __table_args__ = (Index("ix_device_alarm_event_device_at", "device_id", "at_ms"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    device_id: Mapped[int] = mapped_column(comment="device.id")
    at_ms: Mapped[int] = mapped_column(BigInteger, comment="ms since 1970 UTC")
    code: Mapped[str] = mapped_column(String(64))
    text: Mapped[str] = mapped_column(Text, default="")
    priority: Mapped[str] = mapped_column(String(16), comment="high, medium, low, technical")
    phase: Mapped[str] = mapped_column(String(16), comment="start, continue, end")


class DeviceGap(Base):
    """A span in which a device gave nothing, and why. Said by the bridge, never inferred here."""

    __tablename__ = "device_gap"
    __table_args__ = (Index("ix_device_gap_device_to", "device_id", "to_ms"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    device_id: Mapped[int] = mapped_column(comment="device.id")
    from_ms: Mapped[int] = mapped_column(BigInteger, comment="ms since 1970 UTC")
    to_ms: Mapped[int] = mapped_column(BigInteger, comment="ms since 1970 UTC")
    reason: Mapped[str] = mapped_column(String(16), comment="connect, disconnect, silent, restart, config, disk")


class WaveSegment(Base):
    """The curves that one batch brought of one device. Compaction turns segments into chunks."""

    __tablename__ = "wave_segment"
    __table_args__ = (Index("ix_wave_segment_device_end", "device_id", "end_ms"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    device_id: Mapped[int] = mapped_column(comment="device.id")
    start_ms: Mapped[int] = mapped_column(BigInteger, comment="first time, ms since 1970 UTC")
    end_ms: Mapped[int] = mapped_column(BigInteger, comment="last time, ms since 1970 UTC")
    payload: Mapped[bytes] = mapped_column(LargeBinary, comment="vitals.wave_service.pack_pieces")


class WaveChunk(Base):
    """A run of one curve of one device without a break, at full rate. Retention class `waves`.

    `peaks` stands before `payload`, so that looking from afar never reads the pages of the samples.
    """

    __tablename__ = "wave_chunk"
    __table_args__ = (Index("ix_wave_chunk_device_code_end", "device_id", "code", "end_ms"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    device_id: Mapped[int] = mapped_column(comment="device.id")
    code: Mapped[str] = mapped_column(String(32), comment="channel, e.g. ECG1, PLETH")
    unit: Mapped[str] = mapped_column(String(16))
    start_ms: Mapped[int] = mapped_column(BigInteger, comment="time of the first sample, ms since 1970 UTC")
    end_ms: Mapped[int] = mapped_column(BigInteger, comment="time after the last sample, ms since 1970 UTC")
    rate_hz: Mapped[float] = mapped_column(comment="samples per second")
    scale: Mapped[float] = mapped_column(comment="physical value of one count")
    offset: Mapped[float] = mapped_column(comment="physical value of count 0")
    count: Mapped[int] = mapped_column(comment="number of samples")
    peaks: Mapped[bytes] = mapped_column(LargeBinary, comment="vitals.waves.peaks: lowest and highest of each second")
    payload: Mapped[bytes] = mapped_column(LargeBinary, comment="vitals.waves.pack")


class VitalSummary(Base):
    """One parameter of one device on one UTC day, seen from afar: extremes, mean and number of each five minutes."""

    __tablename__ = "vital_summary"

    device_id: Mapped[int] = mapped_column(primary_key=True, comment="device.id")
    code: Mapped[str] = mapped_column(String(32), primary_key=True)
    day_ms: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, autoincrement=False, comment="start of the UTC day"
    )
    unit: Mapped[str] = mapped_column(String(16))
    payload: Mapped[bytes] = mapped_column(LargeBinary, comment="vitals.summary.pack_day")
