"""Commands on patients: what the HIS tells, merges of two numbers and their undoing."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from sqlalchemy import Column, delete, func, or_, select, update

from app.accounts.models import Department
from app.core import audit, clock, signals, unit_of_work
from app.core.audit import Actor
from app.core.db import Base, db
from app.core.errors import Conflict, InvalidInput, NotFound
from app.core.pinyin import initials
from app.patients.facts import AllergyFacts, EncounterFacts, PatientFacts
from app.patients.models import Allergy, Encounter, Patient, PatientIdentifier, PatientMerge

LOCAL = "local"  # source of an allergy that somebody here asked for

RETIRED = "his-retired"
# Boards of any day listen here: a name or an allergy may stand on all of them.
BOARDS = "schedule:any"
_PATIENT_FIELDS = ("name", "sex", "birth_date", "national_id", "phone", "blood_type", "rh")
_ENCOUNTER_FIELDS = ("kind", "inpatient_no", "outpatient_no", "ward", "bed", "admitted_at", "discharged_at")
_SECRET_FIELDS = frozenset({"national_id", "phone"})


_SYSTEMS = ("his", "his-mr", "his-pn")  # whose numbers other systems of the hospital use as well


def find_patient(patient_no: str) -> Patient | None:
    """The patient with this number; a number retired by a merge leads to the survivor."""
    patient = db.session.scalar(select(Patient).where(Patient.patient_no == patient_no))
    if patient is None:
        patient = db.session.scalar(
            select(Patient)
            .join(PatientIdentifier, PatientIdentifier.patient_id == Patient.id)
            .where(PatientIdentifier.system == RETIRED, PatientIdentifier.value == patient_no)
        )
    return _survivor(patient) if patient else None


def find_by_number(number: str) -> Patient | None:
    """By any number a laboratory may know: patient number, other identifier, inpatient or visit number."""
    if (patient := find_patient(number)) is not None:
        return patient
    visits = select(Patient).join(Encounter, Encounter.patient_id == Patient.id)
    numbers = select(Patient).join(PatientIdentifier, PatientIdentifier.patient_id == Patient.id)
    found = set(
        db.session.scalars(visits.where(or_(Encounter.visit_no == number, Encounter.inpatient_no == number)))
    ) | set(
        db.session.scalars(numbers.where(PatientIdentifier.system.in_(_SYSTEMS), PatientIdentifier.value == number))
    )
    owners = {_survivor(patient).id for patient in found}
    return db.session.get(Patient, owners.pop()) if len(owners) == 1 else None


def _survivor(patient: Patient) -> Patient:
    while patient.merged_into_id is not None:
        patient = db.session.get_one(Patient, patient.merged_into_id)
    return patient


def upsert_patient(actor: Actor, facts: PatientFacts) -> Patient:
    """Make or refresh a patient. A message with a retired number changes nothing of the survivor.

    Raises `InvalidInput` without a number.
    """
    number = facts.patient_no.strip()
    if not number:
        raise InvalidInput(fields={"patient_no": "缺少病人ID"})
    patient = find_patient(number)
    if patient is None:
        patient = _create_patient(actor, number, facts)
    elif patient.patient_no == number:
        _refresh_patient(actor, patient, facts)
    for system, value in facts.identifiers:
        add_identifier(patient, system, value)
    if facts.allergies is not None:
        set_allergies(actor, patient, facts.allergies)
    return patient


def _create_patient(actor: Actor, number: str, facts: PatientFacts) -> Patient:
    patient = Patient(patient_no=number, name=facts.name or "（未给姓名）", is_temporary=facts.is_temporary)
    patient.sex = facts.sex or "unknown"
    for name in _PATIENT_FIELDS:
        if name not in ("name", "sex") and getattr(facts, name):
            setattr(patient, name, getattr(facts, name))
    patient.index_name()
    db.session.add(patient)
    db.session.flush()
    audit.record(
        actor,
        "patients.create",
        _subject(patient),
        patient_id=patient.id,
        after={"patient_no": number, "is_temporary": facts.is_temporary},
    )
    return patient


def _refresh_patient(actor: Actor, patient: Patient, facts: PatientFacts) -> None:
    before, after = _apply(patient, facts, _PATIENT_FIELDS)
    if not after:
        return
    patient.index_name()
    _audit_change(actor, "patients.update", patient, before, after)


def _apply(target: object, facts: object, names: Iterable[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for name in names:
        new, old = getattr(facts, name), getattr(target, name)
        if new and new != old:
            setattr(target, name, new)
            hidden = name in _SECRET_FIELDS
            before[name], after[name] = ("***", "***") if hidden else (old, new)
    return before, after


def _audit_change(actor: Actor, action: str, patient: Patient, before: dict[str, Any], after: dict[str, Any]) -> None:
    audit.record(actor, action, _subject(patient), patient_id=patient.id, before=before, after=after)
    unit_of_work.after_commit(signals.changed, BOARDS, what="patients")


def create_temporary_patient(actor: Actor, name: str = "", sex: str = "") -> Patient:
    """A patient whose identity is not known yet, under a number of ours: T20261122-01."""
    prefix = f"T{clock.today():%Y%m%d}-"
    used = db.session.scalar(select(func.count()).where(Patient.patient_no.startswith(prefix))) or 0
    number = f"{prefix}{used + 1:02d}"
    return upsert_patient(actor, PatientFacts(number, name=name.strip() or "无名氏", sex=sex, is_temporary=True))


def add_identifier(patient: Patient, system: str, value: str) -> None:
    """Note a number by which some system knows the patient; a known one is left where it is."""
    if not value:
        return
    known = db.session.scalar(
        select(PatientIdentifier).where(PatientIdentifier.system == system, PatientIdentifier.value == value)
    )
    if known is None:
        db.session.add(PatientIdentifier(patient_id=patient.id, system=system, value=value))
        db.session.flush()


def upsert_encounter(actor: Actor, patient: Patient, facts: EncounterFacts) -> Encounter:
    """Make or refresh a visit of the patient. Raises `InvalidInput` without a visit number."""
    if not facts.visit_no.strip():
        raise InvalidInput(fields={"visit_no": "缺少就诊流水号"})
    encounter = db.session.scalar(select(Encounter).where(Encounter.visit_no == facts.visit_no.strip()))
    department = ensure_department(facts.department_code, facts.department_name)
    if encounter is None:
        encounter = Encounter(visit_no=facts.visit_no.strip(), patient=patient, kind=facts.kind or "inpatient")
        db.session.add(encounter)
        action = "patients.create_encounter"
    else:
        action = "patients.update_encounter"
        if _survivor(encounter.patient).id != patient.id:
            raise Conflict(f"就诊号 {facts.visit_no} 已属于另一位患者。")
    before, after = _apply(encounter, facts, _ENCOUNTER_FIELDS)
    if department is not None and encounter.department is not department:
        before["department"] = encounter.department.name if encounter.department else None
        encounter.department, after["department"] = department, department.name
    db.session.flush()
    if after or action.endswith("create_encounter"):
        _audit_change(actor, action, patient, before, after | {"visit_no": encounter.visit_no})
    return encounter


def reopen_encounter(actor: Actor, encounter: Encounter) -> None:
    """Take back a discharge (ADT^A13)."""
    if encounter.discharged_at is None:
        return
    before, encounter.discharged_at = {"discharged_at": encounter.discharged_at}, None
    _audit_change(actor, "patients.reopen_encounter", encounter.patient, before, {"discharged_at": None})


def ensure_department(code: str, name: str) -> Department | None:
    """The department with this code, or else this name; one that is unknown is made on the fly."""
    code, name = code.strip()[:32], name.strip()[:64]
    if not code and not name:
        return None
    known = Department.code == code if code else or_(Department.name == name, Department.code == f"N-{name}"[:32])
    department = db.session.scalar(select(Department).where(known).order_by(Department.id))
    if department is None:
        department = Department(code=code or f"N-{name}"[:32], name=name or code)
        department.pinyin = initials(department.name)
        db.session.add(department)
        db.session.flush()
    return department


def set_allergies(actor: Actor, patient: Patient, allergies: Iterable[AllergyFacts], source: str = "his") -> None:
    """Replace the allergies that one source told of; those of other sources stay."""
    wanted = {item.substance.strip(): item.reaction for item in allergies if item.substance.strip()}
    present = {item.substance: item for item in patient.allergies if item.source == source}
    if wanted == {name: item.reaction for name, item in present.items()}:
        return
    for name, item in present.items():
        if name not in wanted:
            patient.allergies.remove(item)
            db.session.delete(item)
    for name, reaction in wanted.items():
        if name in present:
            present[name].reaction = reaction
        else:
            patient.allergies.append(Allergy(patient_id=patient.id, substance=name, reaction=reaction, source=source))
    db.session.flush()
    before = {"allergies": sorted(present)}
    _audit_change(actor, "patients.set_allergies", patient, before, {"allergies": sorted(wanted)})


def record_allergies(actor: Actor, patient: Patient, substances: Iterable[str], reason: str = "") -> None:
    """What somebody here found out by asking, beside what the HIS told; nothing at all: asked and none known.

    Raises `InvalidInput` for a name that is too long, and when something written before is taken away without a reason.
    """
    told = {item.substance for item in patient.allergies if item.source != LOCAL}
    wanted = [name for name in dict.fromkeys(name.strip() for name in substances) if name and name not in told]
    if any(len(name) > 128 for name in wanted):
        raise InvalidInput(fields={"others": "过敏物名称不超过 128 字"})
    present = {item.substance: item for item in patient.allergies if item.source == LOCAL}
    dropped = [item for name, item in present.items() if name not in wanted]
    if dropped and not reason.strip():
        raise InvalidInput(fields={"reason": "去掉已记录的过敏，请写明理由"})
    before = {"allergies": sorted(present), "asked_at": patient.allergies_asked_at}
    for item in dropped:
        patient.allergies.remove(item)
        db.session.delete(item)
    patient.allergies += [Allergy(substance=name, source=LOCAL) for name in wanted if name not in present]
    patient.allergies_asked_at = clock.now()
    db.session.flush()
    audit.record(
        actor,
        "patients.record_allergies",
        f"patient:{patient.id}",
        patient_id=patient.id,
        before=before,
        after={"allergies": wanted, "asked_at": patient.allergies_asked_at},
        reason=reason.strip(),
    )


def merge_patients(actor: Actor, survivor_no: str, retired_no: str) -> PatientMerge:
    """Let everything of the retired number point to the survivor; the retired number stays readable.

    Raises `NotFound` for an unknown survivor and `Conflict` when both are the same person already.
    """
    survivor = find_patient(survivor_no)
    if survivor is None:
        raise NotFound(f"没有病人ID为 {survivor_no} 的患者，不能合并。")
    retired = db.session.scalar(select(Patient).where(Patient.patient_no == retired_no))
    if survivor_no == retired_no or (retired is not None and _survivor(retired).id == survivor.id):
        raise Conflict("两个病人ID已经是同一位患者。")
    db.session.flush()
    moved = _move_pointers(retired, survivor) if retired is not None else {}
    if retired is not None:
        retired.merged_into_id = survivor.id
    add_identifier(survivor, RETIRED, retired_no)
    merge = PatientMerge(
        survivor_id=survivor.id,
        retired_id=retired.id if retired else None,
        retired_no=retired_no,
        moved=moved,
        by=actor.actor_id,
    )
    db.session.add(merge)
    db.session.flush()
    db.session.expire_all()
    counts = {name: len(keys) for name, keys in merge.moved.items()}
    after = {"retired_no": retired_no, "moved": counts}
    _audit_change(actor, "patients.merge", survivor, {}, after)
    return merge


def _move_pointers(retired: Patient, survivor: Patient) -> dict[str, list[int]]:
    moved: dict[str, list[int]] = {}
    for column in _pointers():
        table = column.table
        keys = list(db.session.scalars(select(table.c.id).where(column == retired.id)))
        if keys:
            db.session.execute(update(table).where(table.c.id.in_(keys)).values({column.name: survivor.id}))
            moved[f"{table.name}.{column.name}"] = keys
    return moved


def _pointers() -> list[Column[Any]]:
    """Every column of every table that points to a patient and moves with a merge."""
    return [
        column
        for table in Base.metadata.sorted_tables
        for column in table.columns
        for key in column.foreign_keys
        if key.column.table.name == "patient"
        and table.name != "patient"
        and "id" in table.columns
        and key.info.get("merge") != "keep"
    ]


def undo_merge(actor: Actor, merge: PatientMerge, reason: str) -> Patient:
    """Take a merge back: what was moved returns, what came later stays. Once. Returns the patient restored."""
    if merge.undone_at is not None:
        raise Conflict("这次合并已经撤销过。")
    if not reason.strip():
        raise InvalidInput(fields={"reason": "请填写撤销合并的理由"})
    if merge.retired_id is None:
        raise Conflict("合并时本系统没有被停用的病人ID，没有可恢复的内容。")
    survivor = db.session.get_one(Patient, merge.survivor_id)
    retired = db.session.get_one(Patient, merge.retired_id)
    db.session.flush()
    for name, keys in merge.moved.items():
        table = Base.metadata.tables[name.partition(".")[0]]
        column = table.c[name.partition(".")[2]]
        db.session.execute(
            update(table).where(table.c.id.in_(keys), column == survivor.id).values({column.name: retired.id})
        )
    retired.merged_into_id = None
    db.session.execute(
        delete(PatientIdentifier).where(
            PatientIdentifier.system == RETIRED, PatientIdentifier.value == merge.retired_no
        )
    )
    merge.undone_at = clock.now()
    db.session.flush()
    db.session.expire_all()
    audit.record(
        actor,
        "patients.undo_merge",
        _subject(retired),
        patient_id=retired.id,
        after={"survivor": survivor.patient_no, "retired_no": merge.retired_no},
        reason=reason.strip(),
    )
    unit_of_work.after_commit(signals.changed, BOARDS, what="patients")
    return retired


def last_merge(retired_no: str, within: timedelta | None = None) -> PatientMerge | None:
    """The latest merge of a number that was not undone, optionally not older than `within`."""
    statement = select(PatientMerge).where(PatientMerge.retired_no == retired_no, PatientMerge.undone_at.is_(None))
    if within is not None:
        statement = statement.where(PatientMerge.created_at >= clock.now() - within)
    return db.session.scalar(statement.order_by(PatientMerge.id.desc()).limit(1))


def _subject(patient: Patient) -> str:
    return f"patient:{patient.id}"
