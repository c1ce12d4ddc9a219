"""What the HIS is told, as plain facts: the interface engine makes the wire form of them."""

from typing import Any

from app.accounts.models import User
from app.core.audit import Actor
from app.interfaces import service as interfaces
from app.patients.models import Encounter, Patient
from app.scheduling.models import SurgicalCase
from app.scheduling.rules import DISPOSITIONS, MILESTONES
from app.scheduling.service.common import subject, team_of

HIS = "his"


def is_known_to_his(case: SurgicalCase) -> bool:
    """A request made by hand has no number of the HIS; nothing can be told about it."""
    return case.request is not None and case.request.source != "manual"


def content_of(case: SurgicalCase) -> dict[str, Any]:
    """What a publication tells: compared with the last one to find what really changed."""
    return {
        "starts_at": case.planned_start.isoformat() if case.planned_start else None,
        "duration_minutes": case.planned_minutes,
        "room": {"code": case.room.code, "name": case.room.name} if case.room else {},
        "sequence": case.sequence,
        "kind": case.kind,
        "procedures": case.procedures,
        "diagnoses": case.diagnoses,
        "team": team_of(case.assignments),
        "anesthesia_method": case.anesthesia_method,
        "position": case.position,
        "notes": case.notes,
    }


def case_facts(case: SurgicalCase, actor: Actor) -> dict[str, Any]:
    """Who and what a message is about."""
    return {
        "request_no": case.request.request_no if case.request else "",
        "schedule_no": case.case_no,
        "patient": _patient(case.patient),
        "visit": _visit(case.encounter),
        "planned_at": case.planned_start.isoformat() if case.planned_start else None,
        "procedure": case.procedures[0] if case.procedures else {},
        "operator": _operator(actor),
    }


def send(kind: str, case: SurgicalCase, payload: dict[str, Any]) -> None:
    """Put a message about a case into the outbox, in the lane of the case."""
    interfaces.enqueue(HIS, kind, lane=subject(case), payload=payload, patient_no=case.patient.patient_no)


def send_status(actor: Actor, case: SurgicalCase, occurred_at: str) -> None:
    """Tell all milestones reached so far; the last is the present status."""
    if not is_known_to_his(case):
        return
    times = case.times
    reached = [{"kind": kind.value, "at": times[kind].isoformat()} for kind in MILESTONES if kind in times]
    finished = any(kind in times for kind in DISPOSITIONS)
    facts = {"milestones": reached, "occurred_at": occurred_at, "state": case.state.value, "is_finished": finished}
    send("status", case, case_facts(case, actor) | facts)


def _patient(patient: Patient) -> dict[str, Any]:
    return {
        "patient_no": patient.patient_no,
        "name": patient.name,
        "pinyin": patient.pinyin_full,
        "sex": patient.sex,
        "birth_date": patient.birth_date.isoformat() if patient.birth_date else None,
    }


def _visit(encounter: Encounter | None) -> dict[str, Any] | None:
    if encounter is None:
        return None
    department = encounter.department
    return {
        "visit_no": encounter.visit_no,
        "kind": encounter.kind,
        "inpatient_no": encounter.inpatient_no,
        "ward": encounter.ward,
        "bed": encounter.bed,
        "department": {"code": department.code, "name": department.name} if department else {},
    }


def _operator(actor: Actor) -> dict[str, str]:
    staff = actor.staff if isinstance(actor, User) else None
    return {"code": staff.code if staff else "", "name": actor.actor_name}
