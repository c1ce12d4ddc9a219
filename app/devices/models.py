"""Tables of devices, their history, bindings and health."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.db import Base, Stamped
from app.scheduling.models import OperatingRoom


class Device(Base, Stamped):
    """A monitor, anesthesia machine, ventilator or analyser, and how the bridge reaches it."""

    __tablename__ = "device"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True, comment="stable name at the bridge, e.g. OR1-MON")
    kind: Mapped[str] = mapped_column(String(24), comment="monitor, anesthesia_machine, ventilator, blood_gas, other")
    brand: Mapped[str] = mapped_column(String(32), default="")
    model: Mapped[str] = mapped_column(String(64), default="")
    serial_no: Mapped[str] = mapped_column(String(64), default="")
    asset_no: Mapped[str] = mapped_column(String(64), default="", comment="资产编号")
    room_id: Mapped[int | None] = mapped_column(ForeignKey("operating_room.id"), comment="home place")
    bridge: Mapped[str] = mapped_column(String(64), default="", comment="name of its bridge; blank: any bridge")
    driver: Mapped[str] = mapped_column(String(32))
    transport: Mapped[dict[str, Any]] = mapped_column(comment="kind, host, port or serial line settings")
    options: Mapped[dict[str, Any]] = mapped_column(default=dict, comment="driver options, unit profile")
    timezone: Mapped[str] = mapped_column(String(32), default="Asia/Shanghai")
    expected_period_s: Mapped[float] = mapped_column(default=2.0, comment="seconds between frames")
    stale_after_s: Mapped[float] = mapped_column(default=10.0, comment="seconds until a value counts as old")
    enabled: Mapped[bool] = mapped_column(default=True)

    room: Mapped[OperatingRoom | None] = relationship(lazy="joined")

    @property
    def title(self) -> str:
        """Brand and model as people say it."""
        return f"{self.brand} {self.model}".strip() or self.key


class Binding(Base, Stamped):
    """A device belongs to a case from `bound_at` to `released_at`; only then its data is the case's."""

    __tablename__ = "binding"
    __table_args__ = (
        Index("ix_binding_device_open", "device_id", "released_at"),
        Index("ix_binding_case", "case_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"))
    case_id: Mapped[int] = mapped_column(ForeignKey("surgical_case.id"))
    bound_at: Mapped[datetime] = mapped_column(comment="UTC")
    released_at: Mapped[datetime | None] = mapped_column(comment="UTC")
    bound_by: Mapped[str] = mapped_column(String(64), comment="actor id")

    device: Mapped[Device] = relationship(lazy="joined")


class DeviceStatus(Base):
    """What a bridge last said of a device. One row a device, overwritten; not a medical fact."""

    __tablename__ = "device_status"

    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"), primary_key=True)
    bridge: Mapped[str] = mapped_column(String(64), default="")
    state: Mapped[str] = mapped_column(String(16), default="unknown", comment="connecting, receiving, silent, down")
    since: Mapped[datetime | None] = mapped_column(comment="UTC")
    last_frame_at: Mapped[datetime | None] = mapped_column(comment="UTC")
    frames: Mapped[int] = mapped_column(BigInteger, default=0)
    frame_rate: Mapped[float | None] = mapped_column(comment="frames per second, smoothed over some reports")
    bytes_in: Mapped[int] = mapped_column(BigInteger, default=0)
    bytes_out: Mapped[int] = mapped_column(BigInteger, default=0)
    faults: Mapped[int] = mapped_column(BigInteger, default=0)
    clock_offset_ms: Mapped[int | None] = mapped_column(BigInteger, comment="receive clock minus device clock")
    detail: Mapped[str] = mapped_column(Text, default="")
    reported_at: Mapped[datetime] = mapped_column(default=clock.now, comment="UTC")


class DeviceEvent(Base, Stamped):
    """What happened to a device outside a case: moved, lent, returned, replaced, maintained, retired."""

    __tablename__ = "device_event"
    __table_args__ = (Index("ix_device_event_device_at", "device_id", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"))
    at: Mapped[datetime] = mapped_column(comment="UTC")
    kind: Mapped[str] = mapped_column(String(16), comment="devices.history.EVENT_KINDS")
    from_place: Mapped[str] = mapped_column(String(64), default="")
    to_place: Mapped[str] = mapped_column(String(64), default="")
    other_device_id: Mapped[int | None] = mapped_column(ForeignKey("device.id"), comment="the one it replaced")
    case_id: Mapped[int | None] = mapped_column(ForeignKey("surgical_case.id"), comment="the case it served then")
    note: Mapped[str] = mapped_column(Text, default="")
    actor_id: Mapped[str] = mapped_column(String(64))
    actor_name: Mapped[str] = mapped_column(String(64), default="")


class DeviceSentDay(Base):
    """All that a bridge sent to a device on one day, as the spool of the bridge counted it: the proof of reading only."""

    __tablename__ = "device_sent_day"

    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"), primary_key=True)
    day: Mapped[str] = mapped_column(String(10), primary_key=True, comment="YYYY-MM-DD of the bridge's calendar")
    stream: Mapped[str] = mapped_column(String(64), primary_key=True, comment="identity of the spool")
    bridge: Mapped[str] = mapped_column(String(64))
    messages: Mapped[int] = mapped_column(BigInteger, comment="that left")
    bytes: Mapped[int] = mapped_column(BigInteger, comment="that left")
    refused: Mapped[int] = mapped_column(BigInteger, comment="messages that were stopped")
    reasons: Mapped[dict[str, Any]] = mapped_column(comment="reason: messages")
    reported_at: Mapped[datetime] = mapped_column(default=clock.now, comment="UTC")


class DeviceUnmapped(Base):
    """A measurement that a device offers and no table knows."""

    __tablename__ = "device_unmapped"

    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"), primary_key=True)
    source_code: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(64), default="")
    example: Mapped[str] = mapped_column(String(40), default="")
    count: Mapped[int] = mapped_column(BigInteger, comment="since the connection began")
    first_seen_at: Mapped[datetime] = mapped_column(default=clock.now, comment="UTC")
    last_seen_at: Mapped[datetime] = mapped_column(default=clock.now, comment="UTC")


class DeviceCodeMap(Base, Stamped):
    """A person said "map this": a code of a protocol family that the tables of the bridge do not know, and what it is."""

    __tablename__ = "device_code_map"

    driver: Mapped[str] = mapped_column(String(32), primary_key=True)
    source_code: Mapped[str] = mapped_column(String(64), primary_key=True)
    code: Mapped[str] = mapped_column(String(32), comment="canonical parameter code")
    factor: Mapped[float] = mapped_column(default=1.0, comment="stated number times this is the canonical unit")
    mapped_by: Mapped[str] = mapped_column(String(64), comment="actor id")


class BridgeSeen(Base):
    """A device bridge that has connected, and what its computer offers. Overwritten; not a medical fact."""

    __tablename__ = "bridge_seen"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    host: Mapped[str] = mapped_column(String(64), default="", comment="name of its computer")
    serial_ports: Mapped[list[Any]] = mapped_column(default=list, comment="[[port, description]…]")
    clock_offset_ms: Mapped[int | None] = mapped_column(
        BigInteger, comment="clock of the server minus that of its computer"
    )
    seen_at: Mapped[datetime] = mapped_column(default=clock.now, comment="UTC")


class BridgeErrand(Base, Stamped):
    """Something an engineer wants a bridge to do: decode again, listen on a line, hand out raw bytes, self-test."""

    __tablename__ = "bridge_errand"
    __table_args__ = (Index("ix_bridge_errand_bridge_state", "bridge", "state"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    bridge: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(16), comment="devices.errands.KINDS")
    device_id: Mapped[int | None] = mapped_column(ForeignKey("device.id"))
    request: Mapped[dict[str, Any]] = mapped_column(comment="what the bridge needs to know beside the device")
    state: Mapped[str] = mapped_column(String(16), default="waiting", comment="waiting, done, failed, ended, applied")
    said: Mapped[list[Any]] = mapped_column(default=list, comment="lines for people while it works")
    result: Mapped[dict[str, Any]] = mapped_column(default=dict)
    detail: Mapped[str] = mapped_column(Text, default="", comment="why it failed")
    actor_id: Mapped[str] = mapped_column(String(64))
    actor_name: Mapped[str] = mapped_column(String(64), default="")
    finished_at: Mapped[datetime | None] = mapped_column(comment="UTC")


class BridgeErrandPart(Base):
    """A piece of what an errand brought. Goes when the errand is applied, ended or old."""

    __tablename__ = "bridge_errand_part"

    errand_id: Mapped[int] = mapped_column(ForeignKey("bridge_errand.id"), primary_key=True)
    part: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    code: Mapped[str] = mapped_column(String(32), default="", comment="canonical parameter code; blank: raw bytes")
    unit: Mapped[str] = mapped_column(String(16), default="")
    count: Mapped[int] = mapped_column(comment="values, or raw bytes")
    payload: Mapped[bytes] = mapped_column(
        LargeBinary, comment="zlib: int64 times, float64 values, uint16 qualities; or raw"
    )
