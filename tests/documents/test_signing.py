"""Signing: who may, what is missing, what rules stop it, what a complete set freezes."""

from collections.abc import Callable

import pytest

from app.accounts.models import User
from app.accounts.service import SignInRefused
from app.core import clock
from app.core.db import db
from app.core.errors import Conflict, InvalidInput, Locked, NotAllowed
from app.documents import service
from app.documents.kinds import kind_of
from app.documents.models import FrozenCopy
from app.documents.ports import sha256
from app.documents.service.common import Incomplete, filled_of
from app.documents.service.freezing import canonical_text
from app.scheduling.models import SurgicalCase
from tests.cast import PIN
from tests.documents.conftest import PIXEL
from tests.documents.helpers import FITTING, sign_all, signed, write_all

Case = Callable[..., SurgicalCase]


def test_signing_tells_what_is_missing(make_case: Case, users: dict[str, User]) -> None:
    document = service.begin_document(users["anesthesiologist"], make_case(), "preop_visit")
    with pytest.raises(Incomplete) as refused:
        service.sign_document(users["anesthesiologist"], document, "anesthesiologist", PIN)
    paths = {gap.path for gap in refused.value.gaps}
    assert {"heart", "lungs", "mallampati", "visited_at"} <= paths
    assert not paths & {"asa", "method", "allergy"}, "what the case filled is not missing"


def test_a_wrong_pin_signs_nothing_and_is_counted(make_case: Case, users: dict[str, User]) -> None:
    user = users["anesthesiologist"]
    document = service.begin_document(user, make_case(), "preop_visit", [])
    write_all(user, document)
    answer = service.sign_document(user, document, "anesthesiologist", "0000")
    assert isinstance(answer, SignInRefused)
    assert user.failed_attempts == 1
    assert document.signatures == []


def test_a_signature_needs_the_right_role(make_case: Case, users: dict[str, User]) -> None:
    document = service.begin_document(users["anesthesiologist"], make_case(), "preop_visit", [])
    write_all(users["anesthesiologist"], document)
    with pytest.raises(NotAllowed, match="须由麻醉医师签名，您登记的岗位是手术医师"):
        service.sign_document(users["surgeon"], document, "anesthesiologist", PIN)


def test_one_person_is_not_two(make_case: Case, staff: dict[str, User]) -> None:
    document = service.begin_document(staff["theatre_nurse"], make_case(), "instrument_count", [])
    write_all(staff["theatre_nurse"], document, counts=[
        {"name": "纱布", "before": 10, "added": 0, "closing": 10, "closed": 10, "skin": 10}])  # fmt: skip
    service.sign_document(staff["theatre_nurse"], document, "scrub", PIN)
    with pytest.raises(NotAllowed, match="同一人不能代签两处"):
        service.sign_document(staff["theatre_nurse"], document, "circulating", PIN)
    service.sign_document(staff["theatre_nurse_2"], document, "circulating", PIN)
    assert document.state == "signed"


def test_a_count_that_does_not_add_up_is_refused(make_case: Case, users: dict[str, User]) -> None:
    document = service.begin_document(users["theatre_nurse"], make_case(), "instrument_count", [])
    write_all(users["theatre_nurse"], document, correct="yes", counts=[
        {"name": "纱布", "before": 10, "added": 5, "closing": 15, "closed": 14, "skin": 15},
        {"name": "缝针", "before": 6, "closing": 6, "closed": 7, "skin": 6}])  # fmt: skip
    with pytest.raises(Incomplete, match="关体腔后数目与术前加数合计不符") as refused:  # the sums alone would agree
        service.sign_document(users["theatre_nurse"], document, "scrub", PIN)
    assert len(refused.value.gaps) == 1
    assert filled_of(document).computed["unlike"] == "纱布，缝针"
    counts = [{"name": "纱布", "before": 10, "closing": 10, "closed": "", "skin": 10}]
    service.save_field(users["theatre_nurse"], document, "counts", counts, document.content.meta["counts"]["v"])
    with pytest.raises(Incomplete, match="四次清点"):
        service.sign_document(users["theatre_nurse"], document, "scrub", PIN)


def test_two_checkers_of_blood_are_two_people(make_case: Case, users: dict[str, User]) -> None:
    document = service.begin_document(users["anesthesiologist"], make_case(), "transfusion_record", [])
    bag = FITTING["transfusion_record"]["bags"][0]
    wrong = {**bag, "checker_2": bag["checker_1"], "expiry": "2026-11-19", "ended_at": "2026-11-20 08:00"}
    write_all(users["anesthesiologist"], document, bags=[wrong])
    with pytest.raises(Incomplete) as refused:
        service.sign_document(users["anesthesiologist"], document, "doctor", PIN)
    assert [gap.path for gap in refused.value.gaps] == ["bags"] * 3


def test_the_safety_check_goes_stage_by_stage(make_case: Case, users: dict[str, User]) -> None:
    document = service.begin_document(users["theatre_nurse"], make_case(), "safety_check", [])
    people = {
        "surgeon": users["surgeon"],
        "anesthesiologist": users["anesthesiologist"],
        "nurse": users["theatre_nurse"],
    }
    first = {item.key: value for item in kind_of(document).sections[1].fields for value in ["yes"]}
    first |= {"i_allergy": "no", "i_materials": ["均无"], "i_other": "", "i_explain": ""}
    for key, value in first.items():
        service.save_field(users["theatre_nurse"], document, key, value, 0)
    with pytest.raises(NotAllowed, match="请先完成"):
        service.sign_document(users["surgeon"], document, "incision_surgeon", PIN)
    for role, user in people.items():
        service.sign_document(user, document, f"induction_{role}", PIN)
    with pytest.raises(Locked, match="已签名"):
        service.save_field(users["theatre_nurse"], document, "i_skin", "no", 1)
    with pytest.raises(Incomplete):
        service.sign_document(users["surgeon"], document, "incision_surgeon", PIN)
    assert document.state == "draft"


def test_a_negative_answer_needs_an_explanation(make_case: Case, users: dict[str, User]) -> None:
    document = service.begin_document(users["theatre_nurse"], make_case(), "safety_check", [])
    write_all(users["theatre_nurse"], document, i_skin="no", i_explain="")
    with pytest.raises(Incomplete) as refused:
        service.sign_document(users["surgeon"], document, "induction_surgeon", PIN)
    assert {gap.path for gap in refused.value.gaps} == {"i_explain"}


def test_a_patient_signs_on_the_pad_and_staff_cannot(make_case: Case, users: dict[str, User]) -> None:
    user = users["anesthesiologist"]
    document = service.begin_document(user, make_case(), "anesthesia_consent", [])
    write_all(user, document)
    with pytest.raises(NotAllowed, match="由患者"):
        service.sign_document(user, document, "patient", PIN)
    with pytest.raises(NotAllowed):
        service.sign_as_patient(user, document, "anesthesiologist", "覃", "", PIXEL)
    with pytest.raises(InvalidInput, match="签名"):
        service.sign_as_patient(user, document, "patient", "覃䶮㛃", "", "")
    row = service.sign_as_patient(user, document, "patient", "覃䶮㛃", "本人", PIXEL)
    assert (row.user_id, row.witness, row.method) == (None, "李明", "drawn")


def test_a_complete_set_of_signatures_freezes(make_case: Case, staff: dict[str, User]) -> None:
    document = signed(staff, make_case(), "anesthesia_consent")
    copy = db.session.query(FrozenCopy).filter_by(document_id=document.id).one()
    assert copy.sha256 == sha256(copy.canonical) == sha256(canonical_text(document))
    assert "覃䶮㛃" in copy.canonical
    with pytest.raises(Locked):
        service.save_field(staff["anesthesiologist"], document, "base_disease", "改写", 1)
    assert document.retain_until is not None
    assert document.retain_until.year - clock.today().year == 30


def test_a_signature_can_be_taken_back_until_all_have_signed(make_case: Case, users: dict[str, User]) -> None:
    user = users["anesthesiologist"]
    document = service.begin_document(user, make_case(), "anesthesia_consent", [])
    write_all(user, document)
    row = service.sign_document(user, document, "anesthesiologist", PIN)
    assert not isinstance(row, SignInRefused)
    with pytest.raises(NotAllowed, match="本人"):
        service.withdraw_signature(users["surgeon"], row, "代撤")
    service.withdraw_signature(user, row, "补充风险")
    service.save_field(user, document, "special_risk", "困难气道", document.content.meta["special_risk"]["v"])
    assert row.withdrawn_at is not None, "the withdrawn signature stays"


def test_amending_makes_a_version_and_strikes_the_old_when_signed(make_case: Case, staff: dict[str, User]) -> None:
    old = signed(staff, make_case(), "postop_visit")
    user = staff["anesthesiologist"]
    with pytest.raises(InvalidInput, match="理由"):
        service.amend_document(user, old, " ")
    new = service.amend_document(user, old, "补记声音嘶哑")
    with pytest.raises(Conflict, match="已有正在修改的新版本"):
        service.amend_document(user, old, "再改")
    service.save_field(user, new, "special", "轻度嘶哑", new.content.meta["special"]["v"])
    assert old.struck_at is None, "the old version is valid until the new one is signed"
    sign_all(staff, new)
    assert old.struck_at is not None
    assert (new.version_no, new.previous_id) == (2, old.id)
    assert old.content.values["special"] != new.content.values["special"]
    with pytest.raises(Locked):
        service.amend_document(user, old, "旧版")
