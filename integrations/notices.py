"""From the facts of an outbox row to the HL7 messages that tell them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from integrations.canonical import (
    CancellationNotice,
    Code,
    Milestone,
    PatientData,
    PersonRef,
    ProcedureData,
    RequestKind,
    ScheduleEvent,
    ScheduleNotice,
    StaffRole,
    StatusNotice,
    VisitData,
)
from integrations.hl7.errors import MessageError
from integrations.hl7.outbound import Route, cancellation_message, schedule_message, status_message

Facts = Mapping[str, Any]
SCHEDULE_EVENTS = {
    "schedule_new": ScheduleEvent.NEW,
    "schedule_rescheduled": ScheduleEvent.RESCHEDULED,
    "schedule_changed": ScheduleEvent.MODIFIED,
    "schedule_modified": ScheduleEvent.MODIFIED,
}
CANCELLED, STATUS = "schedule_cancelled", "status"
_MILESTONES = {
    "in_transit": Milestone.TRANSIT,
    "in_room": Milestone.OR_IN,
    "anesthesia_start": Milestone.ANES_START,
    "surgery_start": Milestone.OPER_START,
    "surgery_end": Milestone.OPER_END,
    "anesthesia_end": Milestone.ANES_END,
    "out_of_room": Milestone.OR_OUT,
    "pacu_in": Milestone.PACU_IN,
    "pacu_out": Milestone.PACU_OUT,
    "to_ward": Milestone.WARD,
    "to_icu": Milestone.ICU,
    "to_er": Milestone.ER,
    "to_home": Milestone.HOME,
    "dead": Milestone.DEAD,
}


@dataclass(frozen=True, slots=True)
class Wire:
    """One message ready to go."""

    control_id: str
    raw: bytes


def wire_messages(kind: str, facts: Facts, control_id: str, route: Route, *, was_told: bool) -> list[Wire]:
    """The messages of an outbox row; the same row gives the same control ids on every attempt.

    `was_told`: the HIS has been sent an appointment (S12) for this case. A cancelled case with an appointment needs
    two messages, the order's end (ORM OC) and the calendar's (SIU^S15); a plan taken back needs only the latter.
    Raises `MessageError` for facts that no message can be made of.
    """
    try:
        return _made(kind, facts, control_id, route, was_told)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MessageError(
            f"发送内容不完整（{type(error).__name__}：{error}），不能生成消息。", code="outbox_facts"
        ) from error


def _made(kind: str, facts: Facts, control_id: str, route: Route, was_told: bool) -> list[Wire]:
    if kind == STATUS:
        return [Wire(control_id, status_message(status_of(facts), route, control_id))]
    if kind in SCHEDULE_EVENTS:
        notice = schedule_of(facts, SCHEDULE_EVENTS[kind])
        return [Wire(control_id, schedule_message(notice, route, control_id))]
    if kind != CANCELLED:
        raise MessageError(f"不认识的发送类型 {kind}。", code="outbox_kind")
    made = []
    if "stage" in facts:
        made.append(Wire(control_id, cancellation_message(cancellation_of(facts), route, control_id)))
    if facts.get("starts_at") and (was_told or "stage" not in facts):
        other = f"{control_id}S" if made else control_id
        notice = schedule_of(facts, ScheduleEvent.CANCELLED)
        made.append(Wire(other, schedule_message(notice, route, other)))
    if not made:
        raise MessageError("取消的安排没有时间，HIS 不知道这次安排。", code="outbox_facts")
    return made


def schedule_of(facts: Facts, event: ScheduleEvent) -> ScheduleNotice:
    """A published, changed or withdrawn plan."""
    return ScheduleNotice(
        event=event,
        request_no=facts["request_no"],
        schedule_no=facts["schedule_no"],
        patient=_patient(facts["patient"]),
        visit=_visit(facts.get("visit")),
        starts_at=datetime.fromisoformat(facts["starts_at"]),
        duration_minutes=int(facts["duration_minutes"]),
        room=_code(facts.get("room")),
        kind=RequestKind(facts.get("kind") or "elective"),
        sequence=facts.get("sequence"),
        procedures=tuple(_procedure(item) for item in facts.get("procedures") or ()),
        diagnoses=tuple(_code(item) for item in facts.get("diagnoses") or ()),
        team=tuple(StaffRole(item["role"], _person(item)) for item in facts.get("team") or ()),
        anesthesia_method=facts.get("anesthesia_method") or "",
        position=facts.get("position") or "",
        notes=facts.get("notes") or "",
        reason=facts.get("reason") or "",
        scheduler=_person(facts.get("operator")),
    )


def status_of(facts: Facts) -> StatusNotice:
    """The times reached so far."""
    return StatusNotice(
        request_no=facts["request_no"],
        schedule_no=facts["schedule_no"],
        patient=_patient(facts["patient"]),
        visit=_visit(facts.get("visit")),
        milestones=tuple(
            (_MILESTONES[item["kind"]], datetime.fromisoformat(item["at"])) for item in facts["milestones"]
        ),
        occurred_at=datetime.fromisoformat(facts["occurred_at"]),
        procedure=_procedure(facts.get("procedure") or {}),
        planned_at=_moment(facts.get("planned_at")),
        operator=_person(facts.get("operator")),
        is_finished=bool(facts.get("is_finished")),
    )


def cancellation_of(facts: Facts) -> CancellationNotice:
    """A cancelled case."""
    return CancellationNotice(
        request_no=facts["request_no"],
        schedule_no=facts["schedule_no"],
        patient=_patient(facts["patient"]),
        visit=_visit(facts.get("visit")),
        reason=Code(facts.get("code") or "", facts["reason"], "MAFEI"),
        after_anesthesia=bool(facts["after_anesthesia"]),
        occurred_at=datetime.fromisoformat(facts["occurred_at"]),
        procedure=_procedure(facts.get("procedure") or {}),
        planned_at=_moment(facts.get("planned_at")),
        operator=_person(facts.get("operator")),
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _patient(facts: Facts) -> PatientData:
    born = facts.get("birth_date")
    return PatientData(
        patient_no=facts["patient_no"],
        name=facts.get("name") or "",
        sex=facts.get("sex") or "",
        birth_date=date.fromisoformat(born) if born else None,
    )


def _visit(facts: Facts | None) -> VisitData | None:
    if not facts:
        return None
    return VisitData(
        visit_no=facts["visit_no"],
        kind=facts.get("kind") or "",
        ward=Code(name=facts.get("ward") or ""),
        department=_code(facts.get("department")),
        bed=facts.get("bed") or "",
    )


def _code(facts: Facts | None) -> Code:
    facts = facts or {}
    return Code(facts.get("code") or "", facts.get("name") or "", facts.get("system") or "")


def _person(facts: Facts | None) -> PersonRef:
    facts = facts or {}
    return PersonRef(facts.get("code") or "", facts.get("name") or "")


def _procedure(facts: Facts) -> ProcedureData:
    return ProcedureData(facts.get("code") or "", facts.get("name") or "", facts.get("system") or "")
