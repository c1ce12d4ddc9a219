"""Archive, reopen and seal: who may do what, and what is kept."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from pypdf import PdfReader

from app.accounts.models import User
from app.core.audit import AuditEntry
from app.core.db import db
from app.core.errors import Conflict, InvalidInput, Locked, NotAllowed
from app.documents import service
from app.documents.models import FrozenCopy
from app.documents.service.common import Incomplete
from app.documents.service.seal_paper import seal_list
from app.documents.service.sealing import Party, seal_faults
from app.scheduling.models import SurgicalCase
from tests.cast import HUANG_WEI, MO_LAN
from tests.documents.conftest import PIXEL
from tests.documents.helpers import sign_all, signed, write_all

Case = Callable[..., SurgicalCase]
BOTH = [Party("hospital", "医务科李科长"), Party("patient", "覃大山", "配偶")]


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
