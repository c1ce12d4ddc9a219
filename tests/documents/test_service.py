"""Write, conflict, sign, freeze, amend, archive, reopen, seal: who may do what, and what is kept."""

import io
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from pypdf import PdfReader

from app.accounts.models import User
from app.accounts.service import SignInRefused
from app.core import clock
from app.core.audit import AuditEntry, verify_chain
from app.core.db import db
from app.core.errors import Conflict, InvalidInput, Locked, NotAllowed, NotFound
from app.documents import service
from app.documents.kinds import kind_of
from app.documents.models import Document, FrozenCopy
from app.documents.ports import sha256
from app.documents.queries.gates import safety_refusal
from app.documents.queries.lists import case_folder, case_folders
from app.documents.registry import catalogue
from app.documents.service.common import Incomplete, filled_of
from app.documents.service.freezing import canonical_text
from app.documents.service.seal_paper import seal_list
from app.documents.service.sealing import Party, seal_faults
from app.scheduling.models import SurgicalCase
from tests.cast import HUANG_WEI, MO_LAN, PIN, QIN_YU, ZHAO_QIAN
from tests.documents.conftest import PIXEL, START
from tests.documents.helpers import FITTING, sign_all, signed, write_all

Case = Callable[..., SurgicalCase]
BOTH = [Party("hospital", "医务科李科长"), Party("patient", "覃大山", "配偶")]


@pytest.fixture
def staff(users: dict[str, User], as_user: Any) -> dict[str, User]:
    return {**users, "theatre_nurse_2": as_user(ZHAO_QIAN), "anesthesia_nurse": as_user(QIN_YU)}


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


def test_archive_reopen_needs_another_person(make_case: Case, staff: dict[str, User], as_user: Any) -> None:
    document, chief, clerk = signed(staff, make_case(), "postop_visit"), as_user(HUANG_WEI), as_user(MO_LAN)
    service.archive_document(clerk, document)
    assert db.session.query(FrozenCopy).filter_by(document_id=document.id, cause="archived").count() == 1
    with pytest.raises(Locked, match="申请重新打开"):
        service.amend_document(staff["anesthesiologist"], document, "更正")
    request = service.request_reopen(chief, document, "漏写")
    with pytest.raises(Conflict):
        service.request_reopen(chief, document, "再次申请")
    with pytest.raises(NotAllowed, match="自己的申请"):
        service.decide_reopen(chief, request, True)
    new = service.decide_reopen(clerk, request, True, "同意")
    assert new is not None
    assert (new.version_no, new.state, document.state) == (2, "draft", "archived")
    with pytest.raises(Conflict, match="已经处理"):
        service.decide_reopen(clerk, request, False)


def test_a_late_field_may_follow_the_signature_and_archiving_asks_for_it(
    make_case: Case, staff: dict[str, User]
) -> None:
    document = service.begin_document(staff["surgeon"], make_case(), "surgical_risk", [])
    write_all(staff["surgeon"], document, healing="", infection="")
    sign_all(staff, document)
    assert document.state == "signed"
    with pytest.raises(Incomplete, match="切口愈合未填写"):
        service.archive_document(staff["surgeon"], document)
    service.save_field(
        staff["surgeon"], document, "healing", "甲级愈合", document.content.meta.get("healing", {}).get("v")
    )
    service.save_field(
        staff["surgeon"], document, "infection", "无", document.content.meta.get("infection", {}).get("v")
    )
    service.archive_document(staff["surgeon"], document)
    with pytest.raises(Locked):
        service.save_field(staff["surgeon"], document, "healing", "乙级愈合", 9)


def test_nothing_incomplete_is_archived(make_case: Case, users: dict[str, User]) -> None:
    document = service.begin_document(users["anesthesiologist"], make_case(), "anesthesia_summary", [])
    with pytest.raises(Incomplete, match=r"麻醉医师未签名|未填写"):
        service.archive_document(users["anesthesiologist"], document)


def test_a_seal_keeps_its_copies_while_the_original_goes_on(make_case: Case, staff: dict[str, User]) -> None:
    case, user = make_case(), staff["anesthesiologist"]
    done = signed(staff, case, "postop_visit")
    open_one = service.begin_document(user, case, "anesthesia_summary", [])
    with pytest.raises(InvalidInput, match="医疗机构一方"):
        service.seal_documents(user, case, [done], [BOTH[1]], "纠纷")
    with pytest.raises(InvalidInput, match="公证"):
        service.seal_documents(user, case, [done], [BOTH[0]], "纠纷")
    seal = service.seal_documents(user, case, [done, open_one], BOTH, "医疗纠纷", keeper="病案室")
    assert seal.is_partial
    before = [copy.sha256 for copy in seal.items]
    service.save_field(
        user, open_one, "induction", "封存后继续书写", open_one.content.meta.get("induction", {}).get("v")
    )
    service.amend_document(user, done, "封存后更正")
    assert [copy.sha256 for copy in seal.items] == before
    assert seal_faults(seal) == []
    later = service.seal_documents(user, case, [open_one], BOTH, "补封", continues=seal)
    assert (later.continues_id, later.number != seal.number) == (seal.id, True)


def test_what_is_finished_is_sealed_first_and_the_rest_later(make_case: Case, staff: dict[str, User]) -> None:
    case, user = make_case(), staff["anesthesiologist"]
    done = signed(staff, case, "postop_visit")
    rest = service.begin_document(user, case, "anesthesia_summary", [])
    first = service.seal_documents(user, case, [done], BOTH, "纠纷")
    assert first.is_partial, "the summary is not finished"
    write_all(user, rest)
    sign_all(staff, rest)
    drawn = [Party("hospital", "医务科李科长", "", PIXEL), BOTH[1]]
    later = service.seal_documents(user, case, [rest], drawn, "补封", continues=first)
    assert not later.is_partial, "with the seal it continues it holds everything"
    with pytest.raises(InvalidInput):
        service.seal_documents(user, case, [rest], [Party("hospital", "李", "", "data:text/html,x"), BOTH[1]], "纠纷")
    words = "".join(page.extract_text() for page in PdfReader(io.BytesIO(seal_list(later))).pages).replace("\n", "")
    for told in (
        later.number,
        first.number,
        later.sha256,
        later.items[0].sha256,
        "患者或其代理人（覃大山，配偶）",
        "全部封存",
    ):
        assert told in words
    noted = db.session.query(AuditEntry).filter_by(action="documents.seal").all()
    assert not any("image" in json.dumps(entry.after) for entry in noted)


def test_unsealing_needs_every_side_and_intact_copies(make_case: Case, staff: dict[str, User]) -> None:
    case, user = make_case(), staff["anesthesiologist"]
    seal = service.seal_documents(user, case, [signed(staff, case, "postop_visit")], BOTH, "纠纷")
    with pytest.raises(InvalidInput, match="还缺：患者或其代理人"):
        service.unseal(user, seal, [BOTH[0]], "鉴定")
    seal.items[0].canonical += " "
    with pytest.raises(Conflict, match="与清单不符"):
        service.unseal(user, seal, BOTH, "鉴定")
    seal.items[0].canonical = seal.items[0].canonical[:-1]
    service.unseal(user, seal, BOTH, "鉴定")
    with pytest.raises(Conflict, match="已经启封"):
        service.unseal(user, seal, BOTH, "鉴定")


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
