"""What the HIS tells of patients, merges and their undoing."""

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select, text

from app.accounts.models import Department, User
from app.core.audit import AuditEntry, verify_chain
from app.core.db import db
from app.core.errors import Conflict, InvalidInput, NotFound
from app.patients import service
from app.patients.facts import AllergyFacts, EncounterFacts, PatientFacts
from app.patients.models import Allergy, Encounter, Patient, PatientIdentifier
from tests.cast import ZHAO_QIAN, Person

TAN = PatientFacts(
    "P100", name="覃小芳", sex="female", birth_date=date(1984, 2, 29), national_id="450122198402290021", blood_type="O"
)
STAY = EncounterFacts("V100", kind="inpatient", inpatient_no="Z0001", department_code="WK1", ward="外一病区", bed="12")


@pytest.fixture
def zhao(as_user: Callable[[Person], User]) -> User:
    """The scheduler, who acts."""
    return as_user(ZHAO_QIAN)


def test_patient_is_made_once_and_then_refreshed(zhao: User) -> None:
    first = service.upsert_patient(zhao, TAN)
    again = service.upsert_patient(zhao, PatientFacts("P100", phone="13800000000"))
    assert first.id == again.id
    assert (again.name, again.pinyin, again.birth_date) == ("覃小芳", "qxf", date(1984, 2, 29)), "blank is not told"
    assert again.phone == "13800000000"


def test_secrets_are_encrypted_and_stay_out_of_the_trail(zhao: User) -> None:
    patient = service.upsert_patient(zhao, TAN)
    service.upsert_patient(zhao, PatientFacts("P100", national_id="450122198402290048"))
    stored = db.session.execute(text("SELECT national_id FROM patient WHERE id = :id"), {"id": patient.id}).scalar()
    assert "4501" not in str(stored)
    trail = "".join(entry.before + entry.after for entry in db.session.scalars(select(AuditEntry)))
    assert "4501" not in trail


def test_same_content_again_writes_no_audit_entry(zhao: User) -> None:
    service.upsert_patient(zhao, TAN)
    before = db.session.query(AuditEntry).count()
    service.upsert_patient(zhao, TAN)
    assert db.session.query(AuditEntry).count() == before


def test_patient_without_number_is_refused(zhao: User) -> None:
    with pytest.raises(InvalidInput):
        service.upsert_patient(zhao, PatientFacts(" "))


def test_encounter_and_unknown_department_are_made_on_the_fly(zhao: User) -> None:
    patient = service.upsert_patient(zhao, TAN)
    facts = EncounterFacts("V9", department_code="YK", department_name="眼科", bed="3")
    encounter = service.upsert_encounter(zhao, patient, facts)
    assert encounter.department is not None
    assert (encounter.department.code, encounter.department.name, encounter.department.pinyin) == ("YK", "眼科", "yk")
    service.upsert_encounter(zhao, patient, EncounterFacts("V9", bed="5"))
    assert (encounter.bed, encounter.department.code) == ("5", "YK")
    assert service.ensure_department("", "眼科") is encounter.department
    assert db.session.query(Department).filter_by(name="眼科").count() == 1


def test_visit_number_of_somebody_else_is_refused(zhao: User) -> None:
    service.upsert_encounter(zhao, service.upsert_patient(zhao, TAN), STAY)
    other = service.upsert_patient(zhao, PatientFacts("P200", name="黄大山"))
    with pytest.raises(Conflict, match="另一位患者"):
        service.upsert_encounter(zhao, other, STAY)


def test_discharge_can_be_taken_back(zhao: User) -> None:
    patient = service.upsert_patient(zhao, TAN)
    leave = EncounterFacts("V100", discharged_at=datetime(2026, 11, 22, 2, 0, tzinfo=UTC))
    encounter = service.upsert_encounter(zhao, patient, leave)
    assert encounter.discharged_at is not None
    service.reopen_encounter(zhao, encounter)
    assert encounter.discharged_at is None


def test_allergies_of_one_source_replace_only_their_own(zhao: User) -> None:
    patient = service.upsert_patient(zhao, TAN)
    service.set_allergies(zhao, patient, [AllergyFacts("乳胶")], source="local")
    service.set_allergies(zhao, patient, [AllergyFacts("青霉素", "皮疹"), AllergyFacts("头孢")])
    service.set_allergies(zhao, patient, [AllergyFacts("青霉素", "休克")])
    db.session.expire_all()
    rows = {(item.source, item.substance, item.reaction) for item in db.session.scalars(select(Allergy))}
    assert rows == {("local", "乳胶", ""), ("his", "青霉素", "休克")}


def test_temporary_patients_get_numbers_of_their_own(zhao: User) -> None:
    first, second = service.create_temporary_patient(zhao), service.create_temporary_patient(zhao, "某女", "female")
    assert first.patient_no.startswith("T")
    assert first.patient_no != second.patient_no
    assert (first.name, first.is_temporary, second.sex) == ("无名氏", True, "female")


def merged(zhao: User) -> tuple[Patient, Patient, Encounter]:
    survivor = service.upsert_patient(zhao, TAN)
    retired = service.upsert_patient(zhao, PatientFacts("T1", name="无名氏", is_temporary=True))
    encounter = service.upsert_encounter(zhao, retired, EncounterFacts("V1", kind="emergency"))
    service.set_allergies(zhao, retired, [AllergyFacts("青霉素")])
    service.merge_patients(zhao, "P100", "T1")
    return survivor, retired, encounter


def test_merge_moves_pointers_and_keeps_the_old_number_readable(zhao: User) -> None:
    survivor, retired, encounter = merged(zhao)
    assert encounter.patient_id == survivor.id
    assert [item.substance for item in survivor.allergies] == ["青霉素"]
    assert retired.merged_into_id == survivor.id
    assert service.find_patient("T1") is survivor
    cross = db.session.scalars(select(PatientIdentifier).where(PatientIdentifier.system == "his-retired")).one()
    assert (cross.value, cross.patient_id) == ("T1", survivor.id)
    assert verify_chain().is_intact


def test_message_with_a_retired_number_changes_nothing_of_the_survivor(zhao: User) -> None:
    survivor, _, _ = merged(zhao)
    answer = service.upsert_patient(zhao, PatientFacts("T1", name="改名"))
    assert (answer.id, answer.name) == (survivor.id, "覃小芳")


def test_merge_is_undone_once_and_later_rows_stay(zhao: User) -> None:
    survivor, retired, encounter = merged(zhao)
    later = service.upsert_encounter(zhao, survivor, EncounterFacts("V2"))
    merge = service.last_merge("T1")
    assert merge is not None
    restored = service.undo_merge(zhao, merge, "合并错人")
    assert restored is retired
    assert (encounter.patient_id, later.patient_id) == (retired.id, survivor.id)
    assert service.find_patient("T1") is retired
    with pytest.raises(Conflict, match="已经撤销"):
        service.undo_merge(zhao, merge, "再撤销")


def test_undoing_needs_a_reason(zhao: User) -> None:
    merged(zhao)
    merge = service.last_merge("T1")
    assert merge is not None
    with pytest.raises(InvalidInput):
        service.undo_merge(zhao, merge, " ")


def test_merges_that_make_no_sense_are_refused(zhao: User) -> None:
    merged(zhao)
    with pytest.raises(Conflict):
        service.merge_patients(zhao, "P100", "P100")
    with pytest.raises(Conflict):
        service.merge_patients(zhao, "P100", "T1")
    with pytest.raises(NotFound):
        service.merge_patients(zhao, "P404", "P100")


def test_merge_of_an_unknown_number_only_notes_it(zhao: User) -> None:
    survivor = service.upsert_patient(zhao, TAN)
    service.merge_patients(zhao, "P100", "P099")
    assert service.find_patient("P099") is survivor
