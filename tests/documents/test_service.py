"""Begin, write, conflict and copy; the folder of a case; a document of every kind."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from app.accounts.models import User
from app.core import clock
from app.core.audit import AuditEntry, verify_chain
from app.core.db import db
from app.core.errors import Conflict, NotFound
from app.documents import service
from app.documents.kinds import kind_of
from app.documents.models import Document
from app.documents.queries.gates import safety_refusal
from app.documents.queries.lists import case_folder, case_folders
from app.documents.registry import catalogue
from app.scheduling.models import SurgicalCase
from tests.documents.conftest import START
from tests.documents.helpers import signed

Case = Callable[..., SurgicalCase]


def test_a_new_document_is_filled_from_the_case(make_case: Case, users: dict[str, User]) -> None:
    document = service.begin_document(users["anesthesiologist"], make_case(), "preop_visit")
    values, meta = document.content.values, document.content.meta
    assert values["asa"] == "2"
    assert values["method"] == "41"
    assert values["weight"] == "58.5"
    assert values["preop_diagnosis"] == [{"code": "K80.100", "name": "胆囊结石伴慢性胆囊炎"}]
    assert values["allergy"] == "青霉素（皮疹）"
    assert meta["allergy"]["origin"] == "过敏记录"
    since = meta["preop_diagnosis"]["since"]
    assert (meta["preop_diagnosis"]["origin"], since) == ("手术申请", document.case.created_at.isoformat())
    assert "surgery_check" not in values


def test_the_safety_check_knows_its_head_and_no_answer(make_case: Case, users: dict[str, User]) -> None:
    document = service.begin_document(users["theatre_nurse"], make_case(), "safety_check")
    assert set(document.content.values) == {"procedure", "method", "surgeon"}


def test_one_document_of_a_kind_unless_repeatable(make_case: Case, users: dict[str, User]) -> None:
    case, user = make_case(), users["anesthesiologist"]
    service.begin_document(user, case, "preop_visit")
    with pytest.raises(Conflict, match="已有《麻醉术前访视记录》"):
        service.begin_document(user, case, "preop_visit")
    assert [service.begin_document(user, case, "postop_visit").number for _ in range(2)] == [1, 2]


def test_a_discarded_draft_frees_its_place_and_stays_readable(make_case: Case, users: dict[str, User]) -> None:
    case, user = make_case(), users["anesthesiologist"]
    first = service.begin_document(user, case, "preop_visit")
    service.discard_draft(user, first, "误建")
    assert service.begin_document(user, case, "preop_visit").id != first.id
    assert first in case_folder(case).struck


def test_specialty_packages_follow_the_case(make_case: Case, users: dict[str, User]) -> None:
    case = make_case(kind="emergency", asa="3E")
    document = service.begin_document(users["anesthesiologist"], case, "preop_visit")
    assert document.packages == ["emergency"]
    assert kind_of(document).find("em_gcs") is not None


def test_two_editors_see_both_values(make_case: Case, users: dict[str, User]) -> None:
    document = service.begin_document(users["anesthesiologist"], make_case(), "preop_visit")
    first = service.save_field(users["anesthesiologist"], document, "heart", "心律齐", 0)
    assert first.version == 1
    with pytest.raises(service.FieldConflict) as refused:
        service.save_field(users["anesthesiologist_2"], document, "heart", "心律不齐", 0)
    conflict = refused.value
    assert (conflict.theirs, conflict.mine, conflict.by_name) == ("心律齐", "心律不齐", "李明")
    assert document.content.values["heart"] == "心律齐"
    saved = service.save_field(users["anesthesiologist_2"], document, "heart", "心律不齐", 1)
    assert saved.version == 2
    forced = service.save_field(users["anesthesiologist"], document, "heart", "房颤", saved.version)
    assert forced.version == 3


def test_the_same_value_is_no_conflict_and_another_field_is_free(make_case: Case, users: dict[str, User]) -> None:
    document = service.begin_document(users["anesthesiologist"], make_case(), "preop_visit")
    service.save_field(users["anesthesiologist"], document, "heart", "心律齐", 0)
    service.save_field(users["anesthesiologist_2"], document, "heart", "心律齐", 0)
    service.save_field(users["anesthesiologist_2"], document, "lungs", "呼吸音清", 0)
    assert (document.content.values["heart"], document.content.values["lungs"]) == ("心律齐", "呼吸音清")


def test_every_save_is_in_the_trail(make_case: Case, users: dict[str, User]) -> None:
    document = service.begin_document(users["anesthesiologist"], make_case(), "preop_visit")
    service.save_field(users["anesthesiologist"], document, "heart", "心律齐", 0)
    service.save_field(users["anesthesiologist"], document, "heart", "心律不齐", 1)
    entry = db.session.query(AuditEntry).filter_by(action="documents.save_field").all()[-1]
    assert (json.loads(entry.before), json.loads(entry.after)) == ({"heart": "心律齐"}, {"heart": "心律不齐"})
    assert verify_chain().is_intact


@pytest.mark.parametrize("key", ["nothing", "bmi"])
def test_unknown_and_computed_fields_are_not_written(key: str, make_case: Case, users: dict[str, User]) -> None:
    document = service.begin_document(users["anesthesiologist"], make_case(), "preop_visit")
    with pytest.raises(NotFound):
        service.save_field(users["anesthesiologist"], document, key, "1", 0)


def test_copying_takes_only_what_was_chosen(make_case: Case, staff: dict[str, User]) -> None:
    first, second = make_case(), make_case(number=2)
    second.patient = first.patient
    old = signed(staff, first, "preop_visit")
    new = service.begin_document(staff["anesthesiologist"], second, "preop_visit", [])
    assert service.copy_from_last(staff["anesthesiologist"], new, ["heart", "bmi", "nothing"]) == ["heart"]
    assert new.content.values["heart"] == old.content.values["heart"]
    assert "引自" in new.content.meta["heart"]["origin"]
    assert "lungs" not in new.content.values


def test_an_old_document_keeps_its_definition(
    make_case: Case, users: dict[str, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    document = service.begin_document(users["anesthesiologist"], make_case(), "consultation", [])
    shipped = catalogue()
    changed = {**shipped.raw["consultation"], "title": "改版会诊单", "version": 2}
    monkeypatch.setitem(shipped.raw, "consultation", changed)  # type: ignore[arg-type]
    second = service.begin_document(users["anesthesiologist"], make_case(number=2), "consultation", [])
    assert (kind_of(document).title, kind_of(second).title) == ("麻醉科会诊记录", "改版会诊单")


@pytest.mark.parametrize("kind", sorted(catalogue().kinds))
def test_every_kind_can_be_filled_signed_and_archived(kind: str, make_case: Case, staff: dict[str, User]) -> None:
    from app.accounts.models import StaffMember
    from tests.cast import HE_YU

    ward = db.session.query(User).filter_by(username=HE_YU.username).one()
    assert isinstance(ward.staff, StaffMember)
    ward.staff.kind = "ward_nurse"
    document = signed({**staff, "ward_nurse": ward}, make_case(), kind)
    assert document.state == "signed"
    service.archive_document(staff["anesthesiologist"], document)
    assert document.state == "archived"


def test_the_folder_tells_what_is_wanted_and_late(make_case: Case, users: dict[str, User]) -> None:
    case = make_case()
    with clock.fixed(START + timedelta(hours=80)):
        folder = case_folder(case)
    wanted = {row.kind.key: row for row in folder.wanted}
    assert wanted["preop_visit"].overdue
    assert {"pacu_record", "safety_check", "anesthesia_consent"} <= set(wanted)
    assert "rescue_record" not in wanted
    assert {"no_preop_visit", "no_safety_incision", "no_postop_visit", "no_consent"} <= {
        f.code for f in folder.findings
    }
    assert isinstance(db.session.query(Document).count(), int)


def test_many_cases_are_told_as_each_by_itself(make_case: Case, users: dict[str, User]) -> None:
    cases = [make_case(), make_case(number=2, with_times=False), make_case(number=3, anesthesia_method="")]
    service.begin_document(users["anesthesiologist"], cases[0], "preop_visit")
    signed(users, cases[1], "anesthesia_consent")
    together, alone = case_folders(cases), [case_folder(case) for case in cases]
    for one, other in zip(together, alone, strict=True):
        assert (one.case, one.rows, one.findings, one.facts) == (other.case, other.rows, other.findings, other.facts)
        assert [row.kind.key for row in one.wanted] == [row.kind.key for row in other.wanted]
    assert [len(folder.rows) for folder in together] == [1, 1, 0]


def test_the_flow_waits_for_the_safety_check(make_case: Case, users: dict[str, User]) -> None:
    case = make_case()
    assert safety_refusal(case.id, "in_room") == ""
    assert "第二阶段" in safety_refusal(case.id, "surgery_start")
    signed(users, case, "safety_check")
    assert [safety_refusal(case.id, event) for event in ("anesthesia_start", "surgery_start", "out_of_room")] == [
        ""
    ] * 3
