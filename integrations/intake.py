"""Carry out a canonical change by the commands of the domain. The caller owns the transaction."""

from collections.abc import Callable

from app.core.audit import Actor, SystemActor
from app.core.errors import Conflict, DomainError
from app.labs import service as labs
from app.patients import service as patients
from app.patients.facts import AllergyFacts, EncounterFacts, PatientFacts
from app.patients.models import Patient
from app.scheduling import service as scheduling
from app.scheduling.facts import (
    DiagnosisFacts,
    PersonFacts,
    ProcedureFacts,
    RequestAction,
    RequestFacts,
)
from integrations.canonical import (
    Change,
    LabReportChange,
    PatientAction,
    PatientChange,
    PatientData,
    PersonRef,
    SurgeryRequestChange,
    VisitData,
)

SOURCE = "his"
ACTOR = SystemActor("his", "HIS 接口")
LAB_ACTOR = SystemActor("lis", "LIS 接口")
#: Kinds of PID-3 numbers that may be kept in clear; identity cards go to the encrypted column.
_NUMBER_SYSTEMS = {"PI": "his", "MR": "his-mr", "PN": "his-pn"}


class PatientUnknown(DomainError):
    """A result of somebody who is not registered here (yet): most patients of a laboratory are never operated on."""

    code = "patient_unknown"
    default_message = "本系统没有这位患者，结果已存入日志；患者登记后自动归入，不必重发。"


def carry_out(change: Change, actor: Actor = ACTOR) -> str:
    """Do it; says in Chinese what came of it. Raises `DomainError` when it cannot be done."""
    if isinstance(change, LabReportChange):
        return _receive_report(change)
    if isinstance(change, SurgeryRequestChange):
        received = scheduling.receive_request(actor, request_facts(change))
        return received.outcome.label
    return _PATIENT_COMMANDS.get(change.action, _refresh)(actor, change)


def _receive_report(change: LabReportChange) -> str:
    """Raises `PatientUnknown`, and `Conflict` when number and name do not belong together."""
    patient = next((found for number in numbers_of(change) if (found := patients.find_by_number(number))), None)
    if patient is None:
        raise PatientUnknown
    told, known = "".join(change.patient.name.split()), "".join(patient.name.split())
    if told and not patient.is_temporary and told != known:
        raise Conflict("患者号对应的姓名与消息中的不一致，结果没有归入任何患者。请在 LIS 核对患者号后重发。")
    report = labs.ReportFacts(
        source=change.source,
        report_no=change.report_no,
        panel=change.panel.name or change.panel.code,
        specimen=change.specimen,
        visit_no=change.visit.visit_no if change.visit else "",
        message_no=change.message_no,
        results=tuple(
            labs.ResultFacts(
                item.item.code or item.item.name, item.item.name, item.sub_id, item.text, item.unit, item.reference,
                item.flag, item.status, item.taken_at, item.reported_at,
            )
            for item in change.items
        ),
    )  # fmt: skip
    return labs.receive_report(LAB_ACTOR, patient, report).label


def numbers_of(change: Change) -> list[str]:
    """Numbers by which a message names its patient, the patient number first, then those of visit and card."""
    told = [change.patient.patient_no, *(number.value for number in change.patient.identifiers)]
    if change.visit is not None:
        told.append(change.visit.visit_no)
    return list(dict.fromkeys(number for number in told if number))


def _refresh(actor: Actor, change: PatientChange) -> str:
    _patient_and_visit(actor, change)
    return change.action.label


def _discharge(actor: Actor, change: PatientChange) -> str:
    """A cancelled admission ends the visit as well: the patient is not in the hospital."""
    patient = patients.upsert_patient(actor, patient_facts(change.patient))
    facts = encounter_facts(change.visit)
    if facts is not None:
        left_at = facts.discharged_at or change.occurred_at
        patients.upsert_encounter(actor, patient, encounter_facts(change.visit, discharged_at=left_at) or facts)
    return change.action.label


def _cancel_discharge(actor: Actor, change: PatientChange) -> str:
    patient = patients.upsert_patient(actor, patient_facts(change.patient))
    facts = encounter_facts(change.visit)
    if facts is not None:
        patients.reopen_encounter(actor, patients.upsert_encounter(actor, patient, facts))
    return change.action.label


def _merge(actor: Actor, change: PatientChange) -> str:
    survivor = patients.upsert_patient(actor, patient_facts(change.patient))
    try:
        patients.merge_patients(actor, change.patient.patient_no, change.retired_patient_no)
    except Conflict:
        if _leads_to(change.retired_patient_no, survivor):
            return "已经合并过"
        raise
    return change.action.label


def _leads_to(number: str, survivor: Patient) -> bool:
    found = patients.find_patient(number)
    return found is not None and found.id == survivor.id


_PATIENT_COMMANDS: dict[PatientAction, Callable[[Actor, PatientChange], str]] = {
    PatientAction.DISCHARGE: _discharge,
    PatientAction.CANCEL_ADMIT: _discharge,
    PatientAction.CANCEL_DISCHARGE: _cancel_discharge,
    PatientAction.MERGE: _merge,
}


def _patient_and_visit(actor: Actor, change: PatientChange) -> None:
    patient = patients.upsert_patient(actor, patient_facts(change.patient))
    facts = encounter_facts(change.visit)
    if facts is not None:
        patients.upsert_encounter(actor, patient, facts)


def patient_facts(told: PatientData) -> PatientFacts:
    """The patient in the words of the domain; allergies that were not told stay as they are."""
    others = tuple(
        (_NUMBER_SYSTEMS[number.kind], number.value[:64])
        for number in told.identifiers
        if number.kind in _NUMBER_SYSTEMS and number.value != told.patient_no
    )
    return PatientFacts(
        patient_no=told.patient_no,
        name=told.name[:64],
        sex=told.sex,
        birth_date=told.birth_date,
        national_id=told.national_id,
        phone=told.phone,
        blood_type=told.blood_type,
        rh=told.rh,
        identifiers=others,
        allergies=tuple(AllergyFacts(item.substance[:128], item.reaction[:128]) for item in told.allergies) or None,
    )


def encounter_facts(visit: VisitData | None, **changes: object) -> EncounterFacts | None:
    """The visit in the words of the domain; `None` without a visit number."""
    if visit is None or not visit.visit_no:
        return None
    facts: dict[str, object] = {
        "visit_no": visit.visit_no[:32],
        "kind": visit.kind,
        "inpatient_no": visit.visit_no[:32] if visit.kind in ("inpatient", "day") else "",
        "outpatient_no": visit.visit_no[:32] if visit.kind in ("outpatient", "emergency") else "",
        "department_code": visit.department.code,
        "department_name": visit.department.name,
        "ward": (visit.ward.name or visit.ward.code)[:64],
        "bed": visit.bed[:16],
        "admitted_at": visit.admitted_at,
        "discharged_at": visit.discharged_at,
    }
    return EncounterFacts(**(facts | changes))  # type: ignore[arg-type]


def request_facts(change: SurgeryRequestChange) -> RequestFacts:
    """The request in the words of the domain."""
    return RequestFacts(
        source=SOURCE,
        request_no=change.request_no,
        patient=patient_facts(change.patient),
        action=RequestAction(change.action.value),
        encounter=encounter_facts(change.visit),
        kind=change.kind.value if change.kind else "",
        procedures=tuple(
            ProcedureFacts(item.name or item.code, item.code, item.level, item.site, item.laterality)
            for item in change.procedures
        ),
        diagnoses=tuple(DiagnosisFacts(item.name or item.code, item.code) for item in change.diagnoses),
        surgeon=_person(change.surgeon),
        assistants=tuple(_person(person) for person in change.assistants),
        planned_at=change.planned_at,
        planned_minutes=change.duration_minutes,
        anesthesia_method=str(change.anesthesia_method)[:64],
        asa=change.asa,
        wound_class=change.wound_class,
        position=change.position[:32],
        isolation=change.isolation[:64],
        special_equipment=change.special_equipment[:255],
        notes=change.notes,
        height_cm=change.height_cm,
        weight_kg=change.weight_kg,
        department_code=change.department.code,
        department_name=change.department.name,
        applicant=change.applicant.name or change.applicant.code,
        applied_at=change.applied_at,
        reason=change.reason,
    )


def _person(person: PersonRef) -> PersonFacts:
    return PersonFacts(person.code, person.name)
