"""Commands on the course of a case: its times, cancelling and restoring, pausing and resuming."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from app.core import audit, clock
from app.core.audit import Actor
from app.core.db import db
from app.core.errors import Conflict, InvalidInput
from app.scheduling.models import CaseEvent, SurgicalCase
from app.scheduling.rules import MILESTONES, REPEATABLE, CancelStage, EventKind, order_warnings
from app.scheduling.service.common import check_version, renumber, require_open, subject, tell_board, tell_case
from app.scheduling.service.outward import case_facts, content_of, is_known_to_his, send, send_status

# Clocks of workstations differ a little; more than this ahead is a slip.
_AHEAD = timedelta(minutes=2)
BY_HIS = "his"
# What may still happen after a cancellation: the patient must leave.
_AFTER_CANCEL = frozenset(EventKind) - {EventKind.ANESTHESIA_START, EventKind.SURGERY_START, EventKind.IN_ROOM}


def mark_event(
    actor: Actor,
    case: SurgicalCase,
    kind: EventKind | str,
    at: datetime | None = None,
    remark: str = "",
    *,
    label: str = "",
    order_reason: str = "",
    idempotency_key: str | None = None,
) -> CaseEvent:
    """Note a time of the case (default now). The same key gives the same event.

    Raises `Conflict` when a once-only time exists already or the case is cancelled or has no room, `InvalidInput` for a
    time that lies ahead, and for one in an impossible order (code `needs_reason`): with `order_reason` it is accepted,
    because what happened, happened; the reason stands in the remark.
    """
    kind = _kind(kind)
    if (twin := _twin(case, idempotency_key)) is not None:
        return twin
    moment = _past(at or clock.now())
    _check_markable(case, kind, moment)
    disorder = _new_disorder(case, kind, moment)
    if disorder:
        if not order_reason.strip():
            raise InvalidInput(fields={"at": f"{disorder}。请核对时间"}, code="needs_reason")
        remark = f"{remark.strip()} {disorder}，说明：{order_reason.strip()}".strip()
    event = CaseEvent(
        case=case,
        kind=kind.value,
        at=moment,
        label=label.strip() or kind.label,
        remark=remark.strip(),
        by=actor.actor_id,
        by_name=actor.actor_name,
        idempotency_key=idempotency_key or None,
    )
    db.session.add(event)
    db.session.flush()
    after = {"kind": kind.value, "at": moment, "label": event.label}
    _told(actor, case, "scheduling.mark_event", kind, {}, after, remark)
    return event


def correct_event_time(
    actor: Actor, event: CaseEvent, at: datetime, reason: str, *, confirm: bool = False
) -> CaseEvent:
    """Set another time with a reason; the old one stays in the history of the event.

    Raises `InvalidInput` (code `needs_confirmation`) when that puts times into an impossible order they had not before.
    """
    _check_correctable(event, reason)
    moment = _past(at)
    if moment == event.at:
        return event
    disorder = _new_disorder(event.case, EventKind(event.kind), moment, event)
    if disorder and not confirm:
        raise InvalidInput(fields={"at": f"{disorder}。确认要这样更正吗？"}, code="needs_confirmation")
    before = {"kind": event.kind, "at": event.at}
    row = {
        "at": clock.now().isoformat(),
        "old": event.at.isoformat(),
        "new": moment.isoformat(),
        "by": actor.actor_id,
        "by_name": actor.actor_name,
        "reason": reason.strip(),
    }
    event.history = [*event.history, row]
    event.at = moment
    db.session.flush()
    after = {"kind": event.kind, "at": moment} | ({"order": disorder} if disorder else {})
    _told(actor, event.case, "scheduling.correct_event", EventKind(event.kind), before, after, reason)
    return event


def void_event(actor: Actor, event: CaseEvent, reason: str) -> CaseEvent:
    """Withdraw an event that did not happen; it stays visible as withdrawn."""
    _check_correctable(event, reason)
    event.voided_at = clock.now()
    row = {
        "at": event.voided_at.isoformat(),
        "old": event.at.isoformat(),
        "new": None,
        "by": actor.actor_id,
        "by_name": actor.actor_name,
        "reason": reason.strip(),
    }
    event.history = [*event.history, row]
    db.session.flush()
    before = {"kind": event.kind, "at": event.at}
    _told(actor, event.case, "scheduling.void_event", EventKind(event.kind), before, {"voided": True}, reason)
    return event


def _kind(kind: EventKind | str) -> EventKind:
    try:
        return EventKind(kind)
    except ValueError:
        raise InvalidInput(fields={"kind": "没有这种事件"}) from None


def _twin(case: SurgicalCase, key: str | None) -> CaseEvent | None:
    if not key:
        return None
    event = db.session.scalar(select(CaseEvent).where(CaseEvent.idempotency_key == key))
    if event is not None and event.case_id != case.id:
        raise Conflict("这个表单已用于另一台手术，请刷新页面。")
    return event


def _past(moment: datetime) -> datetime:
    if moment > clock.now() + _AHEAD:
        raise InvalidInput(fields={"at": "时间不能晚于现在"})
    return moment


def _check_markable(case: SurgicalCase, kind: EventKind, moment: datetime) -> None:
    if case.cancelled_at is not None and kind not in _AFTER_CANCEL and moment > case.cancelled_at:
        require_open(case)
    if kind is EventKind.IN_ROOM and case.room_id is None:
        raise Conflict("尚未安排手术间，不能入室。")
    known = case.times.get(kind)
    if known is not None and kind not in REPEATABLE:
        raise Conflict(f"{kind.label}已记录为 {clock.to_hospital(known):%H:%M}，如有误请更正时间。")


def _new_disorder(case: SurgicalCase, kind: EventKind, moment: datetime, moved: CaseEvent | None = None) -> str:
    """What would stand in an impossible order with this time and does not yet, with the times; blank when nothing."""
    others = [event for event in case.events if event.voided_at is None and event is not moved]
    times = {EventKind(event.kind): event.at for event in sorted(others, key=lambda event: event.at, reverse=True)}
    wanted = times | {kind: min(moment, times.get(kind, moment))}
    known = {(one.earlier, one.later) for one in order_warnings(case.times)}
    return "；".join(
        f"{one.later.label} {clock.to_hospital(wanted[one.later]):%H:%M} "
        f"早于{one.earlier.label} {clock.to_hospital(wanted[one.earlier]):%H:%M}"
        for one in order_warnings(wanted)
        if (one.earlier, one.later) not in known
    )


def _check_correctable(event: CaseEvent, reason: str) -> None:
    if event.voided_at is not None:
        raise Conflict("这条事件已作废。")
    if not reason.strip():
        raise InvalidInput(fields={"reason": "请填写更正的理由"})


def _told(
    actor: Actor,
    case: SurgicalCase,
    action: str,
    kind: EventKind,
    before: dict[str, Any],
    after: dict[str, Any],
    reason: str,
) -> None:
    db.session.refresh(case, ["events"])  # in the order of their times again
    audit.record(
        actor, action, subject(case), patient_id=case.patient_id, before=before, after=after, reason=reason.strip()
    )
    if kind in MILESTONES:
        send_status(actor, case, clock.now().isoformat())
    tell_case(case)
    tell_board(case.day)


def cancel_case(
    actor: Actor, case: SurgicalCase, reason: str, code: str = "", version: int | None = None
) -> CancelStage:
    """Cancel with a reason. The stage follows from the times; returns it. Reversible by `restore_case`."""
    require_open(case)
    check_version(case, version)
    if not reason.strip():
        raise InvalidInput(fields={"reason": "请填写取消原因"})
    if case.state.is_over:
        raise Conflict("患者已出室，手术不能再取消。")
    case.cancelled_at, case.cancel_code, case.cancel_reason = clock.now(), code, reason.strip()[:255]
    case.paused_at, case.pause_reason, case.sequence = None, "", None
    renumber((case.room_id, case.day))
    stage = case.cancel_stage or CancelStage.BEFORE_ROOM
    if is_known_to_his(case) and (case.published or code != BY_HIS):
        send("schedule_cancelled", case, _cancellation(actor, case, stage))
    _course_changed(actor, case, "scheduling.cancel_case", {"stage": stage.value, "code": code}, reason)
    return stage


def _cancellation(actor: Actor, case: SurgicalCase, stage: CancelStage) -> dict[str, Any]:
    return (
        case_facts(case, actor)
        | (case.published or content_of(case))
        | {
            "reason": case.cancel_reason,
            "code": case.cancel_code,
            "stage": stage.value,
            "after_anesthesia": stage.is_after_anesthesia,
            "occurred_at": clock.now().isoformat(),
        }
    )


def restore_case(actor: Actor, case: SurgicalCase, reason: str = "") -> SurgicalCase:
    """Take a cancellation back; the case is published anew with the next publication."""
    if case.cancelled_at is None:
        raise Conflict("这台手术没有取消。")
    case.cancelled_at, case.cancel_code, case.cancel_reason = None, "", ""
    case.published, case.published_day, case.published_at = {}, None, None
    if case.request is not None and case.request.state == "cancelled":
        case.request.state = "active"
    renumber((case.room_id, case.day))
    _course_changed(actor, case, "scheduling.restore_case", {"cancelled": False}, reason)
    return case


def pause_case(actor: Actor, case: SurgicalCase, reason: str, version: int | None = None) -> SurgicalCase:
    """Hold the case: before or during its course, reversible."""
    require_open(case)
    check_version(case, version)
    if case.paused_at is not None:
        raise Conflict("这台手术已经暂停。")
    if case.state.is_over:
        raise Conflict("患者已出室，不能再暂停。")
    if not reason.strip():
        raise InvalidInput(fields={"reason": "请填写暂停原因"})
    case.paused_at, case.pause_reason = clock.now(), reason.strip()[:255]
    _course_changed(actor, case, "scheduling.pause_case", {"paused": True}, reason)
    return case


def resume_case(actor: Actor, case: SurgicalCase, version: int | None = None) -> SurgicalCase:
    """Go on after a pause."""
    require_open(case)
    check_version(case, version)
    if case.paused_at is None:
        raise Conflict("这台手术没有暂停。")
    case.paused_at, case.pause_reason = None, ""
    if case.request is not None and case.request.state == "held":
        case.request.state = "active"
    _course_changed(actor, case, "scheduling.resume_case", {"paused": False}, "")
    return case


def _course_changed(actor: Actor, case: SurgicalCase, action: str, after: dict[str, Any], reason: str) -> None:
    db.session.flush()
    audit.record(actor, action, subject(case), patient_id=case.patient_id, after=after, reason=reason.strip())
    tell_case(case)
    tell_board(case.day, everywhere=True)
