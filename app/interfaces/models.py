"""Tables of endpoints, the inbound journal and the transactional outbox."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.db import Base, Stamped


class Endpoint(Base):
    """A peer and how it is doing."""

    __tablename__ = "endpoint"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(32), unique=True, comment="his, lis, pacs …")
    label: Mapped[str] = mapped_column(String(64))
    options: Mapped[dict[str, Any]] = mapped_column(default=dict, comment="host, port, charset, version, pacing_ms …")
    state: Mapped[str] = mapped_column(String(16), default="unknown", comment="unknown, up, down")
    state_since: Mapped[datetime | None] = mapped_column(comment="UTC")
    detail: Mapped[str] = mapped_column(Text, default="", comment="last error, Chinese")


class InboundMessage(Base):
    """A message as it came, and what became of it. Kept whether it was understood or not.

    State `waiting`: a result of somebody who is not registered here yet; it is taken over when that changes.
    """

    __tablename__ = "inbound_message"
    __table_args__ = (
        UniqueConstraint("endpoint", "control_id", "content_hash"),
        Index("ix_inbound_message_received", "received_at"),
        Index("ix_inbound_message_request", "request_no"),
        Index("ix_inbound_message_patient", "patient_no", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    endpoint: Mapped[str] = mapped_column(String(32))
    control_id: Mapped[str] = mapped_column(String(64), comment="MSH-10; the content hash when blank")
    content_hash: Mapped[str] = mapped_column(String(64), comment="SHA-256 of the raw bytes")
    message_type: Mapped[str] = mapped_column(String(32), default="", comment="OMG^O19 …")
    charset: Mapped[str] = mapped_column(String(16), default="")
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    received_at: Mapped[datetime] = mapped_column(default=clock.now, comment="UTC")
    state: Mapped[str] = mapped_column(String(16), comment="done, refused, failed, ignored")
    ack_code: Mapped[str] = mapped_column(String(2), default="", comment="AA, AE, AR")
    ack: Mapped[bytes | None] = mapped_column(LargeBinary, comment="the answer, given again to a duplicate")
    error: Mapped[str] = mapped_column(Text, default="", comment="Chinese")
    flags: Mapped[list[str]] = mapped_column(default=list, comment="reused_control_id …")
    patient_no: Mapped[str] = mapped_column(String(32), default="")
    request_no: Mapped[str] = mapped_column(String(64), default="")
    outcome: Mapped[list[Any]] = mapped_column(default=list, comment="one row an order group of the message")
    duplicates: Mapped[int] = mapped_column(default=0, comment="how often the same message came again")


class OutboxMessage(Base, Stamped):
    """A message that must go out. Written in the transaction of the change; a lane keeps its order."""

    __tablename__ = "outbox_message"
    __table_args__ = (Index("ix_outbox_message_due", "state", "next_attempt_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    endpoint: Mapped[str] = mapped_column(String(32))
    kind: Mapped[str] = mapped_column(String(32), comment="schedule_new, schedule_changed, schedule_cancelled, status")
    lane: Mapped[str] = mapped_column(String(64), index=True, comment="case:<id>; one lane is delivered in order")
    payload: Mapped[dict[str, Any]] = mapped_column(comment="facts of the message, not its wire form")
    control_id: Mapped[str] = mapped_column(String(32), unique=True, comment="MSH-10, the same on every attempt")
    state: Mapped[str] = mapped_column(String(16), default="due", comment="due, sent, superseded, dead")
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime] = mapped_column(default=clock.now, comment="UTC")
    sent_at: Mapped[datetime | None] = mapped_column(comment="UTC")
    ack_code: Mapped[str] = mapped_column(String(2), default="")
    error: Mapped[str] = mapped_column(Text, default="", comment="Chinese")
    raw: Mapped[bytes | None] = mapped_column(LargeBinary, comment="as last sent")
    patient_no: Mapped[str] = mapped_column(String(32), default="")
