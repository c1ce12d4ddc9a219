"""Commands on surgery requests: receive from the HIS, register by hand, read its later changes.

What a later message alters is shown on the card as a difference until somebody has seen it. It is taken over only
where nobody here has changed the value; room, time and length of a placed case are never touched.
"""

import secrets
from dataclasses import dataclass, replace

from sqlalchemy import func, select

from app.core import audit, clock
from app.core.audit import Actor
from app.core.db import db
from app.core.errors import InvalidInput, NotFound
from app.patients import service as patients
from app.patients.models import Encounter, Patient
from app.scheduling import canonical
from app.scheduling.facts import Outcome, PersonFacts, RequestAction, RequestFacts
from app.scheduling.models import SurgeryRequest, SurgicalCase
from app.scheduling.rules import RequestKind, Role
from app.scheduling.service import flow
from app.scheduling.service.common import ensure_staff, subject, tell_board, tell_case, touch
from app.scheduling.service.staffing import seat

_ASSISTANTS = (Role.ASSISTANT_1, Role.ASSISTANT_2, Role.ASSISTANT_3, Role.ASSISTANT_4)
DEFAULT_MINUTES = 90


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a request; `changes` counts the differences now shown on the card."""

    outcome: Outcome
    case: SurgicalCase
    changes: int = 0


def receive_request(actor: Actor, facts: RequestFacts) -> Received:
    """Carry out a request of the HIS. The same content again changes nothing.

    Raises `InvalidInput` without number or patient and `NotFound` for cancelling what was never asked for.
    """
    if not facts.request_no.strip():
        raise InvalidInput(fields={"request_no": "缺少申请单号"})
    request = db.session.scalar(
        select(SurgeryRequest).where(
            SurgeryRequest.source == facts.source, SurgeryRequest.request_no == facts.request_no.strip()
        )
    )
    if request is None:
        if facts.action in (RequestAction.CANCEL, RequestAction.HOLD):
            raise NotFound(f"没有申请单 {facts.request_no}，不能{facts.action.label}。")
        return Received(Outcome.CREATED, _create(actor, facts))
    case = db.session.scalars(select(SurgicalCase).where(SurgicalCase.request_id == request.id)).one()
    if facts.action is RequestAction.CANCEL:
        return _cancel(actor, request, case, facts)
    if facts.action is RequestAction.HOLD:
        return _hold(actor, request, case, facts)
    return _update(actor, request, case, facts)


def register_request(actor: Actor, facts: RequestFacts) -> SurgicalCase:
    """Register a request by hand; a patient without a number becomes a temporary one.

    `source` and `request_no` of the facts are ignored. Raises `InvalidInput` with the fields to correct.
    """
    fields: dict[str, str] = {}
    if not any(item.name.strip() for item in facts.procedures):
        fields["procedure"] = "请填写手术名称"
    if facts.kind not in set(RequestKind):
        fields["kind"] = "请选择手术类别"
    if not facts.patient.patient_no.strip() and not facts.patient.name.strip() and facts.kind != RequestKind.EMERGENCY:
        fields["name"] = "请填写姓名；身份不明的患者只能登记急诊"
    if fields:
        raise InvalidInput(fields=fields)
    patient = facts.patient
    if not patient.patient_no.strip():
        made = patients.create_temporary_patient(actor, patient.name, patient.sex)
        patient = replace(patient, patient_no=made.patient_no, name=made.name, is_temporary=True)
    return _create(actor, replace(facts, source="manual", request_no=_manual_number(), patient=patient))


def _manual_number() -> str:
    prefix = f"M{clock.today():%Y%m%d}-"
    used = db.session.scalar(select(func.count()).where(SurgeryRequest.request_no.startswith(prefix))) or 0
    return f"{prefix}{used + 1:03d}"


def _create(actor: Actor, facts: RequestFacts) -> SurgicalCase:
    patient, encounter = _person(actor, facts)
    content = canonical.of_facts(facts)
    kind = content.get("kind") or RequestKind.ELECTIVE.value
    request = SurgeryRequest(
        source=facts.source,
        request_no=facts.request_no.strip(),
        kind=kind,
        applied_at=facts.applied_at or clock.now(),
        applicant=facts.applicant,
        planned_at=facts.planned_at,
        planned_minutes=facts.planned_minutes or DEFAULT_MINUTES,
        original=content,
    )
    department = patients.ensure_department(facts.department_code, facts.department_name)
    case = SurgicalCase(
        case_no=f"new-{secrets.token_hex(8)}",  # the id is not known yet
        request=request,
        patient=patient,
        encounter=encounter,
        department=department or (encounter.department if encounter else None),
        kind=kind,
        planned_minutes=request.planned_minutes,
    )
    for name in canonical.CONTENT:
        if name in content:
            canonical.write(case, name, content[name])
    db.session.add_all([request, case])
    db.session.flush()
    case.case_no = f"S{clock.today():%y%m%d}{case.id:05d}"
    _seat_surgeons(case, facts.surgeon, facts.assistants)
    audit.record(
        actor,
        "scheduling.receive_request",
        subject(case),
        patient_id=patient.id,
        after={"source": facts.source, "request_no": facts.request_no, "content": content},
    )
    tell_board(everywhere=True)
    return case


def _person(actor: Actor, facts: RequestFacts) -> tuple[Patient, Encounter | None]:
    patient = patients.upsert_patient(actor, facts.patient)
    encounter = None
    if facts.encounter is not None and facts.encounter.visit_no:
        encounter = patients.upsert_encounter(actor, patient, facts.encounter)
    return patient, encounter


def _seat_surgeons(case: SurgicalCase, surgeon: PersonFacts, assistants: tuple[PersonFacts, ...]) -> None:
    for role, person in ((Role.SURGEON, surgeon), *zip(_ASSISTANTS, assistants, strict=False)):
        if person:
            staff = ensure_staff(person, role)
            seat(case, role, staff, staff.name if staff else person.name or person.code)


def _update(actor: Actor, request: SurgeryRequest, case: SurgicalCase, facts: RequestFacts) -> Received:
    told = canonical.of_facts(facts)
    old = dict(request.original)
    differences = [name for name, value in told.items() if value != old.get(name)]
    restored = _reactivate(actor, request, case, facts)
    patient, encounter = _person(actor, facts)
    rows = [_take_over(case, name, old.get(name), told[name]) for name in differences]
    if patient.id != case.patient_id:
        rows.append(_row("patient", case.patient.name, patient.name, applied=False))
    elif encounter is not None:
        case.encounter = encounter
    if not rows:
        return Received(Outcome.RESTORED if restored else Outcome.UNCHANGED, case)
    request.original = old | told
    request.changes = [*request.changes, *rows]
    request.planned_at = facts.planned_at or request.planned_at
    request.planned_minutes = facts.planned_minutes or request.planned_minutes
    request.kind = told.get("kind", request.kind)
    touch(case)
    _note(actor, case, "scheduling.update_request", {row["field"]: row["new"] for row in rows})
    return Received(Outcome.RESTORED if restored else Outcome.UPDATED, case, len(rows))


def _take_over(case: SurgicalCase, name: str, old: object, new: object) -> canonical.Row:
    """Write a value of a later message into the case unless it was scheduled, begun or changed here."""
    applied = False
    if name in canonical.TEAM and not case.state.has_started:
        applied = _take_over_team(case, name, old, new)
    elif name in canonical.CONTENT and not case.state.has_started:
        applied = not (name in canonical.PLAN and case.is_placed) and canonical.read(case, name) == (
            old if old is not None else canonical.blank(name)
        )
        if applied:
            canonical.write(case, name, new)
    elif name in canonical.PERSON:
        applied = True  # written to patient and visit already: the HIS is the master of those
    return _row(name, old, new, applied=applied)


def _take_over_team(case: SurgicalCase, name: str, old: object, new: object) -> bool:
    roles = (Role.SURGEON,) if name == "surgeon" else _ASSISTANTS
    present = [item.name for role in roles for item in case.assignments if item.role == role]
    if present != canonical.names(old):
        return False
    for item in [item for item in case.assignments if item.role in roles]:
        case.assignments.remove(item)
    db.session.flush()
    people = tuple(PersonFacts(**person) for person in canonical.people(new))
    if name == "surgeon":
        _seat_surgeons(case, people[0], ())
    else:
        _seat_surgeons(case, PersonFacts(), people)
    return True


def _row(name: str, old: object, new: object, *, applied: bool) -> canonical.Row:
    return {
        "at": clock.now().isoformat(),
        "field": name,
        "label": canonical.label(name),
        "old": canonical.words(name, old),
        "new": canonical.words(name, new),
        "value": new,
        "seen": False,
        "applied": applied,
    }


def _reactivate(actor: Actor, request: SurgeryRequest, case: SurgicalCase, facts: RequestFacts) -> bool:
    was, request.state = request.state, "active"
    if was == "cancelled" and case.cancelled_at is not None and case.cancel_code == flow.BY_HIS:
        flow.restore_case(actor, case, f"HIS {facts.action.label}")
    elif was == "held" and case.paused_at is not None:
        flow.resume_case(actor, case)
    return was != "active"


def _cancel(actor: Actor, request: SurgeryRequest, case: SurgicalCase, facts: RequestFacts) -> Received:
    if request.state == "cancelled":
        return Received(Outcome.UNCHANGED, case)
    request.state = "cancelled"
    reason = facts.reason or "HIS 取消申请"
    if case.cancelled_at is not None:
        return Received(Outcome.CANCELLED, case)
    if not case.state.has_started:
        flow.cancel_case(actor, case, reason, flow.BY_HIS)
        return Received(Outcome.CANCELLED, case)
    request.changes = [*request.changes, _row("cancel", "", reason, applied=False)]
    touch(case)
    _note(actor, case, "scheduling.flag_cancellation", {"reason": reason})
    return Received(Outcome.FLAGGED, case, 1)


def _hold(actor: Actor, request: SurgeryRequest, case: SurgicalCase, facts: RequestFacts) -> Received:
    if request.state == "held":
        return Received(Outcome.UNCHANGED, case)
    if case.state.has_started or case.cancelled_at is not None:
        request.changes = [*request.changes, _row("hold", "", facts.reason or "HIS 暂缓申请", applied=False)]
        touch(case)
        _note(actor, case, "scheduling.flag_hold", {"reason": facts.reason})
        return Received(Outcome.FLAGGED, case, 1)
    request.state = "held"
    if case.paused_at is None:
        flow.pause_case(actor, case, facts.reason or "HIS 暂缓申请")
    return Received(Outcome.HELD, case)


def acknowledge_changes(actor: Actor, case: SurgicalCase) -> int:
    """Mark every difference of the HIS as seen; returns how many there were."""
    request = case.request
    fresh = [row for row in request.changes if not row["seen"]] if request else []
    if request is None or not fresh:
        return 0
    request.changes = [row | {"seen": True, "seen_by": actor.actor_name} for row in request.changes]
    touch(case)
    _note(actor, case, "scheduling.acknowledge_changes", {"fields": [row["field"] for row in fresh]})
    return len(fresh)


def adopt_change(actor: Actor, case: SurgicalCase, index: int) -> SurgicalCase:
    """Take over one difference that was not taken over by itself (its place in `request.changes`)."""
    request = case.request
    rows = list(request.changes) if request else []
    if request is None or not 0 <= index < len(rows) or rows[index]["applied"]:
        raise NotFound("没有这条待采用的修改。")
    row = rows[index]
    if row["field"] in canonical.CONTENT and row["field"] not in canonical.PLAN:
        canonical.write(case, row["field"], row["value"])
    elif row["field"] in canonical.TEAM:
        _take_over_team(case, row["field"], _present_team(case, row["field"]), row["value"])
    else:
        raise InvalidInput("这项修改需要在排班中处理，不能直接采用。")
    rows[index] = row | {"applied": True, "seen": True, "seen_by": actor.actor_name}
    request.changes = rows
    touch(case)
    _note(actor, case, "scheduling.adopt_change", {row["field"]: row["new"]})
    return case


def _present_team(case: SurgicalCase, name: str) -> object:
    roles = (Role.SURGEON,) if name == "surgeon" else _ASSISTANTS
    rows = [{"code": "", "name": item.name} for role in roles for item in case.assignments if item.role == role]
    return rows[0] if name == "surgeon" and rows else rows


def _note(actor: Actor, case: SurgicalCase, action: str, after: dict[str, object]) -> None:
    db.session.flush()
    audit.record(actor, action, subject(case), patient_id=case.patient_id, after=after)
    tell_board(case.day, everywhere=True)
    tell_case(case, "plan")
