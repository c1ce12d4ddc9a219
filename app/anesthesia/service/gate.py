"""The gate every write on a record passes: it must be open, its time believable, the same post counted once."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple, TypeVar, cast

from sqlalchemy import Select, bindparam, select
from sqlalchemy.exc import IntegrityError

from app.anesthesia.models import AnesthesiaRecord
from app.anesthesia.rules.grid import Span, rescue_spans_ms
from app.core import audit, clock, signals, unit_of_work
from app.core.audit import Actor
from app.core.db import Base, db
from app.core.errors import Conflict, InvalidInput, Locked, NotFound
from app.scheduling.models import SurgicalCase

# Clocks of workstations differ a little; a case may be written up after a night.
FUTURE, PAST = timedelta(minutes=5), timedelta(hours=48)
_WORDS = {"finished": "麻醉记录已完成", "locked": "麻醉记录已锁定"}

T = TypeVar("T", bound=Base)


class Gate(NamedTuple):
    """What a write needs to know of its record; read without loading the record's content."""

    record_id: int
    case_id: int
    patient_id: int
    state: str
    opened_at: datetime
    interval_minutes: int
    rescue: tuple[Span, ...]
    weight_kg: Decimal | None


# Built once, on the tables and not on the models: every write passes here, and building costs more than running.
_RECORD, _CASE = AnesthesiaRecord.__table__, SurgicalCase.__table__
_FACTS = (
    select(
        _RECORD.c.id,
        _RECORD.c.case_id,
        _CASE.c.patient_id,
        _RECORD.c.state,
        _RECORD.c.opened_at,
        _RECORD.c.interval_minutes,
        _RECORD.c.rescue_spans,
        _CASE.c.weight_kg,
    )
    .join_from(_RECORD, _CASE, _CASE.c.id == _RECORD.c.case_id)
    .where(_RECORD.c.id == bindparam("record"))
    .with_for_update(read=True, of=_RECORD)
)


def pass_gate(record_id: int) -> Gate:
    """The record's facts, held against a simultaneous lock. Raises `NotFound`, `Locked`."""
    row = db.session.execute(_FACTS, {"record": record_id}).one_or_none()
    if row is None:
        raise NotFound("没有找到麻醉记录。")
    number, case_id, patient_id, state, opened_at, interval, spans, weight = row
    gate = Gate(number, case_id, patient_id, state, opened_at, interval, rescue_spans_ms(spans), weight)
    if gate.state != "open":
        raise Locked(f"{_WORDS.get(gate.state, '麻醉记录不可修改')}，不能写入。如需更正，请先申请重新打开。")
    return gate


def check_time(gate: Gate, at: datetime | None, field: str = "at") -> datetime:
    """`at` or the present moment. Raises `InvalidInput` for a time that cannot belong to this record."""
    now = clock.now()
    if at is None:
        return now
    if at > now + FUTURE:
        raise InvalidInput(fields={field: "时间晚于现在，请核对"})
    if at < gate.opened_at - PAST:
        raise InvalidInput(fields={field: "时间比麻醉记录早两天以上，请核对日期"})
    return at


def already(model: type[T], key: str, record_id: int) -> T | None:
    """What an earlier post of the same form made. Raises `Conflict` when the key belongs to another record."""
    if not key:
        return None
    found: Any = db.session.scalar(_by_key(model), {"key": key})
    if found is not None and getattr(found, "record_id", record_id) != record_id:
        raise Conflict("这张表单已用于另一份麻醉记录，请刷新页面后再试。", code="key_reused")
    return found  # type: ignore[no-any-return]


@cache
def _by_key(model: type[Base]) -> Select[Any]:
    return select(model).where(cast(Any, model).idempotency_key == bindparam("key"))


def add(row: Base) -> None:
    """Insert; a simultaneous twin (same slot, same form) is a `Conflict`. The whole transaction is undone then:
    a command is done or it is not.
    """
    db.session.add(row)
    try:
        db.session.flush()
    except IntegrityError:
        unit_of_work.rollback()
        raise Conflict("同一内容刚刚已被保存，请刷新后查看。", code="duplicate") from None


def tell(
    gate: Gate,
    actor: Actor,
    verb: str,
    *,
    what: tuple[str, ...] = ("chart",),
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    reason: str = "",
) -> None:
    """Write the audit entry and tell the pages of this case what changed."""
    audit.record(
        actor,
        f"anesthesia.{verb}",
        f"case:{gate.case_id}",
        patient_id=gate.patient_id,
        before=before,
        after=after,
        reason=reason,
    )
    for part in what:
        unit_of_work.after_commit(signals.changed, f"case:{gate.case_id}", what=part)


def need_reason(reason: str) -> str:
    """The reason of a correction, trimmed. Raises `InvalidInput` when it is blank."""
    text = reason.strip()
    if not text:
        raise InvalidInput(fields={"reason": "请填写更正理由"})
    if len(text) > 255:
        raise InvalidInput(fields={"reason": "理由不超过 255 字"})
    return text


def ask(message: str, field: str) -> InvalidInput:
    """The error that asks for a second confirmation; the same post with `confirm=True` is accepted."""
    return InvalidInput(fields={field: message}, code="needs_confirmation")


def plain_json(value: Any) -> Any:
    """A value as history keeps it: numbers and times as text."""
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def amend(row: Any, actor: Actor, changes: Mapping[str, Any], reason: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Set what differs and append the old values to the row's history. Gives (before, after), blank when equal."""
    before = {name: getattr(row, name) for name, new in changes.items() if getattr(row, name) != new}
    after = {name: changes[name] for name in before}
    if not before:
        return {}, {}
    entry = {
        "at": clock.now().isoformat(),
        "by": actor.actor_id,
        "by_name": actor.actor_name,
        "reason": reason,
        "before": {name: plain_json(value) for name, value in before.items()},
        "after": {name: plain_json(value) for name, value in after.items()},
    }
    for name, value in after.items():
        setattr(row, name, value)
    row.history = [*row.history, entry]
    db.session.flush()
    return before, after
