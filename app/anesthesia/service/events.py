"""Commands on numbered events of the record (①②③). Their numbers follow from the order of their times."""

from datetime import datetime
from typing import Any

from sqlalchemy import select

from app.anesthesia.models import AnesthesiaRecord
from app.anesthesia.service.gate import add, already, check_time, need_reason, pass_gate, tell
from app.core import clock
from app.core.audit import Actor
from app.core.db import db
from app.core.errors import Conflict, InvalidInput, NotFound
from app.scheduling.models import CaseEvent
from app.scheduling.rules import DISPOSITIONS, EventKind

WHAT = ("events", "chart")
# Where the patient goes after the operation is told when the record has long been closed.
_AFTERWARDS = frozenset({EventKind.IN_TRANSIT, EventKind.PACU_IN, EventKind.PACU_OUT, *DISPOSITIONS})


def check_course_open(case_id: int, kind: EventKind | str, *, is_new: bool = False) -> None:
    """Hold the times of a case to its record: what is drawn on a closed record is not written any more.

    A new time of leaving the room is taken until the record is locked, so that nobody keeps a room occupied by
    finishing early. Raises `Locked`.
    """
    if kind in _AFTERWARDS:
        return
    found = db.session.execute(
        select(AnesthesiaRecord.id, AnesthesiaRecord.state).where(AnesthesiaRecord.case_id == case_id)
    ).one_or_none()
    if found is None or (is_new and kind == EventKind.OUT_OF_ROOM and found.state == "finished"):
        return
    pass_gate(found.id)


def check_open(case_id: int) -> None:
    """Refuse a write of what stands on the record of a case when that is closed; before it is opened all is free.

    Raises `Locked`.
    """
    number = db.session.scalar(select(AnesthesiaRecord.id).where(AnesthesiaRecord.case_id == case_id))
    if number is not None:
        pass_gate(number)


def note_event(
    actor: Actor,
    record_id: int,
    *,
    label: str,
    at: datetime | None = None,
    remark: str = "",
    idempotency_key: str = "",
) -> CaseEvent:
    """Write an event of the record. Raises `InvalidInput`, `Locked`."""
    gate = pass_gate(record_id)
    earlier = already(CaseEvent, idempotency_key, record_id)
    if earlier is not None:
        if earlier.case_id != gate.case_id:
            raise Conflict("这张表单已用于另一台手术，请刷新页面后再试。", code="key_reused")
        return earlier
    text = _label(label)
    row = CaseEvent(
        case_id=gate.case_id,
        kind=EventKind.NOTED.value,
        at=check_time(gate, at),
        label=text,
        remark=remark.strip(),
        by=actor.actor_id,
        by_name=actor.actor_name,
        idempotency_key=idempotency_key or None,
    )
    add(row)
    tell(gate, actor, "note_event", what=WHAT, after={"id": row.id, "label": text, "at": row.at})
    return row


def correct_event(
    actor: Actor,
    record_id: int,
    event_id: int,
    reason: str,
    *,
    at: datetime | None = None,
    label: str | None = None,
    remark: str | None = None,
) -> CaseEvent:
    """Correct time, text or remark of a numbered event with a reason; what it was is kept."""
    gate = pass_gate(record_id)
    row = _event(event_id, gate.case_id)
    text = need_reason(reason)
    wanted: dict[str, Any] = {}
    if at is not None:
        wanted["at"] = check_time(gate, at)
    if label is not None:
        wanted["label"] = _label(label)
    if remark is not None:
        wanted["remark"] = remark.strip()
    before = {name: getattr(row, name) for name, new in wanted.items() if getattr(row, name) != new}
    if not before:
        return row
    after = {name: wanted[name] for name in before}
    row.history = [*row.history, *(_step(actor, name, before[name], after[name], text) for name in before)]
    for name, value in after.items():
        setattr(row, name, value)
    db.session.flush()
    tell(gate, actor, "correct_event", what=WHAT, before={"id": row.id, **before}, after=after, reason=text)
    return row


def void_event(actor: Actor, record_id: int, event_id: int, reason: str) -> CaseEvent:
    """Withdraw a numbered event; the numbers of the others close up and the entry stays readable."""
    gate = pass_gate(record_id)
    row = _event(event_id, gate.case_id)
    text = need_reason(reason)
    if row.voided_at is not None:
        return row
    row.voided_at = clock.now()
    row.history = [*row.history, _step(actor, "voided", "", row.voided_at, text)]
    db.session.flush()
    tell(gate, actor, "void_event", what=WHAT, before={"id": row.id, "label": row.label, "at": row.at}, reason=text)
    return row


def _step(actor: Actor, field: str, old: Any, new: Any, reason: str) -> dict[str, str]:
    return {
        "at": clock.now().isoformat(),
        "field": field,
        "old": old.isoformat() if isinstance(old, datetime) else str(old),
        "new": new.isoformat() if isinstance(new, datetime) else str(new),
        "by": actor.actor_id,
        "by_name": actor.actor_name,
        "reason": reason,
    }


def _event(event_id: int, case_id: int) -> CaseEvent:
    row = db.session.get(CaseEvent, event_id)
    if row is None or row.case_id != case_id:
        raise NotFound("没有找到这个事件。")
    if row.kind != EventKind.NOTED.value:
        raise Conflict("手术的关键时间请在「时间」中更正。", code="milestone")
    return row


def _label(label: str) -> str:
    text = label.strip()
    if not text or len(text) > 64:
        raise InvalidInput(fields={"label": "请填写 1–64 字的事件名称"})
    return text
