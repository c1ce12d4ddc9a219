"""Reads of the inbound journal, the outbox and the endpoints."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select

from app.core import clock
from app.core.db import db
from app.interfaces.models import Endpoint, InboundMessage, OutboxMessage

PAGE_SIZE = 50
INBOUND_STATES: dict[str, str] = {
    "done": "已处理", "refused": "已拒绝", "failed": "处理失败", "waiting": "等待患者登记", "ignored": "不需处理",
}  # fmt: skip
OUTBOX_STATES: dict[str, str] = {"due": "待发送", "sent": "已送达", "superseded": "已被更新", "dead": "已停止"}
OUTBOX_KINDS: dict[str, str] = {
    "schedule_new": "新排班",
    "schedule_rescheduled": "改期",
    "schedule_modified": "排班变更",
    "schedule_cancelled": "排班取消",
    "status": "手术状态",
}
ENDPOINT_STATES: dict[str, str] = {"up": "正常", "down": "中断", "unknown": "未知"}


@dataclass(frozen=True, slots=True)
class MessageFilter:
    """What to look for; blank means any. Days are hospital days, both inclusive."""

    first_day: date
    last_day: date
    endpoint: str = ""
    state: str = ""
    text: str = ""
    """Begins the control number, request number or patient number."""


@dataclass(frozen=True, slots=True)
class InboundRow:
    """A line of the journal; without the content."""

    id: int
    received_at: datetime
    endpoint: str
    message_type: str
    control_id: str
    patient_no: str
    request_no: str
    state: str
    state_word: str
    ack_code: str
    error: str
    duplicates: int


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A line of the outbox; without the content."""

    id: int
    created_at: datetime
    endpoint: str
    kind_word: str
    lane: str
    control_id: str
    patient_no: str
    state: str
    state_word: str
    attempts: int
    next_attempt_at: datetime
    sent_at: datetime | None
    ack_code: str
    error: str


@dataclass(frozen=True, slots=True)
class MessagePage:
    """Newest first."""

    rows: tuple[Any, ...]
    total: int
    number: int
    pages: int


@dataclass(frozen=True, slots=True)
class EndpointRow:
    """A peer, how it is doing and what waits for it."""

    name: str
    label: str
    state: str
    state_word: str
    state_since: datetime | None
    detail: str
    options: tuple[tuple[str, str], ...]
    last_received_at: datetime | None
    last_sent_at: datetime | None
    due: int
    dead: int


def inbound_page(wanted: MessageFilter, number: int = 1) -> MessagePage:
    """Page `number` (from 1) of the journal."""
    table = InboundMessage
    conditions = _conditions(wanted, table.received_at, table.endpoint, table.state)
    if wanted.text:
        conditions.append(_begins(wanted.text, table.control_id, table.request_no, table.patient_no))
    total = db.session.scalar(select(func.count(table.id)).where(*conditions)) or 0
    number, pages = _bounds(number, total)
    statement = select(table).where(*conditions).order_by(table.id.desc())
    found = db.session.scalars(statement.offset((number - 1) * PAGE_SIZE).limit(PAGE_SIZE))
    return MessagePage(tuple(_inbound_row(message) for message in found), total, number, pages)


def outbox_page(wanted: MessageFilter, number: int = 1) -> MessagePage:
    """Page `number` (from 1) of the outbox."""
    table = OutboxMessage
    conditions = _conditions(wanted, table.created_at, table.endpoint, table.state)
    if wanted.text:
        conditions.append(_begins(wanted.text, table.control_id, table.lane, table.patient_no))
    total = db.session.scalar(select(func.count(table.id)).where(*conditions)) or 0
    number, pages = _bounds(number, total)
    statement = select(table).where(*conditions).order_by(table.id.desc())
    found = db.session.scalars(statement.offset((number - 1) * PAGE_SIZE).limit(PAGE_SIZE))
    return MessagePage(tuple(outbox_row(message) for message in found), total, number, pages)


def _conditions(wanted: MessageFilter, at: Any, endpoint: Any, state: Any) -> list[ColumnElement[bool]]:
    start, _next = clock.day_bounds(wanted.first_day)
    _first, end = clock.day_bounds(wanted.last_day)
    found: list[ColumnElement[bool]] = [at >= start, at < end]
    if wanted.endpoint:
        found.append(endpoint == wanted.endpoint)
    if wanted.state:
        found.append(state == wanted.state)
    return found


def _begins(text: str, *columns: Any) -> ColumnElement[bool]:
    return or_(*(column.startswith(text, autoescape=True) for column in columns))


def _bounds(number: int, total: int) -> tuple[int, int]:
    pages = max(1, -(-total // PAGE_SIZE))
    return min(max(1, number), pages), pages


def _inbound_row(message: InboundMessage) -> InboundRow:
    return InboundRow(
        id=message.id,
        received_at=message.received_at,
        endpoint=message.endpoint,
        message_type=message.message_type,
        control_id=message.control_id,
        patient_no=message.patient_no,
        request_no=message.request_no,
        state=message.state,
        state_word=INBOUND_STATES.get(message.state, message.state),
        ack_code=message.ack_code,
        error=message.error,
        duplicates=message.duplicates,
    )


def outbox_row(message: OutboxMessage) -> OutboxRow:
    """One message of the outbox as the list shows it."""
    return OutboxRow(
        id=message.id,
        created_at=message.created_at,
        endpoint=message.endpoint,
        kind_word=OUTBOX_KINDS.get(message.kind, message.kind),
        lane=message.lane,
        control_id=message.control_id,
        patient_no=message.patient_no,
        state=message.state,
        state_word=OUTBOX_STATES.get(message.state, message.state),
        attempts=message.attempts,
        next_attempt_at=message.next_attempt_at,
        sent_at=message.sent_at,
        ack_code=message.ack_code,
        error=message.error,
    )


def endpoint_rows() -> list[EndpointRow]:
    """Known peers: those that are set up and those that messages name."""
    waiting = _counts()
    last_in = _latest(InboundMessage.endpoint, InboundMessage.received_at)
    last_out = _latest(OutboxMessage.endpoint, OutboxMessage.sent_at)
    known = {endpoint.name: endpoint for endpoint in db.session.scalars(select(Endpoint))}
    names = sorted({*known, *last_in, *last_out, *(name for name, _state in waiting)})
    return [_endpoint_row(name, known.get(name), waiting, last_in.get(name), last_out.get(name)) for name in names]


def _counts() -> Mapping[tuple[str, str], int]:
    statement = select(OutboxMessage.endpoint, OutboxMessage.state, func.count()).group_by(
        OutboxMessage.endpoint, OutboxMessage.state
    )
    return {(endpoint, state): count for endpoint, state, count in db.session.execute(statement)}


def _latest(endpoint: Any, at: Any) -> dict[str, datetime | None]:
    return dict(db.session.execute(select(endpoint, func.max(at)).group_by(endpoint)).all())


def _endpoint_row(
    name: str,
    endpoint: Endpoint | None,
    waiting: Mapping[tuple[str, str], int],
    last_received_at: datetime | None,
    last_sent_at: datetime | None,
) -> EndpointRow:
    state = endpoint.state if endpoint else "unknown"
    return EndpointRow(
        name=name,
        label=endpoint.label if endpoint else name.upper(),
        state=state,
        state_word=ENDPOINT_STATES.get(state, state),
        state_since=endpoint.state_since if endpoint else None,
        detail=endpoint.detail if endpoint else "",
        options=tuple((key, str(value)) for key, value in sorted(endpoint.options.items())) if endpoint else (),
        last_received_at=last_received_at,
        last_sent_at=last_sent_at,
        due=waiting.get((name, "due"), 0),
        dead=waiting.get((name, "dead"), 0),
    )
