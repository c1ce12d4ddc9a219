"""The pages of documents: folder, form, autosave, conflict, signing dialog, query, break-glass, sealing."""

from collections.abc import Callable
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from app.accounts.models import User
from app.core import clock
from app.core.audit import AuditEntry
from app.core.db import db
from app.documents.models import Document, Seal
from app.documents.registry import catalogue
from app.documents.service import amend_document, archive_document, begin_document
from app.scheduling.models import SurgicalCase
from tests.cast import CHEN_JING, HUANG_WEI, LI_MING, MO_LAN, PIN, QIN_YU, ZHOU_JIE, Person
from tests.documents.conftest import PIXEL
from tests.documents.helpers import sign_all, signed, write_all
from tests.pages import Page

Open = Callable[..., Page]
SignIn = Callable[[Person], FlaskClient]


def begun(kind: str) -> Callable[..., int]:
    return lambda case, users: begin_document(users["anesthesiologist"], case, kind, []).id


def complete(kind: str) -> Callable[..., int]:
    return lambda case, users: signed(users, case, kind).id


def archived(kind: str) -> Callable[..., int]:
    def work(case: SurgicalCase, users: dict[str, User]) -> int:
        return archive_document(users["anesthesiologist"], signed(users, case, kind)).id

    return work


def test_the_folder_lists_and_begins(world: Any, sign_in: SignIn, open_page: Open) -> None:
    case_id = world(lambda case, users: case.id)
    client = sign_in(LI_MING)
    page = open_page(f"/documents/case/{case_id}")
    assert "整台手术还差什么" in page.text
    assert "没有已签名的麻醉术前访视记录" in page.text
    answer = client.post(f"/documents/case/{case_id}/begin", data={"kind": "preop_visit"})
    assert answer.status_code == 302
    assert "麻醉术前访视记录" in open_page(answer.headers["Location"]).text
    assert client.post(f"/documents/case/{case_id}/begin", data={"kind": "preop_visit"}).status_code == 409
    assert client.post(f"/documents/case/{case_id}/begin", data={"kind": "nothing"}).status_code == 404


@pytest.mark.parametrize("kind", sorted(catalogue().kinds))
def test_every_kind_opens_as_a_form(kind: str, world: Any, sign_in: SignIn, open_page: Open) -> None:
    document_id = world(begun(kind))
    sign_in(LI_MING)
    page = open_page(f"/documents/{document_id}")
    made = catalogue().kinds[kind]
    assert page.soup.select_one("#missing") is not None
    for section in made.sections:
        if section.visible is None:
            assert section.title in page.text
    targets = {a["href"] for a in page.soup.select("#missing a")}
    assert targets
    for target in targets:
        assert page.soup.select_one(str(target)) is not None, f"{target} leads nowhere"


def test_a_field_is_saved_and_refused_beside_itself(world: Any, sign_in: SignIn) -> None:
    document_id = world(begun("preop_visit"))
    client = sign_in(LI_MING)
    url = f"/documents/{document_id}/fields/weight"
    refused = client.post(url, data={"value": "9999", "version": "1"})
    assert refused.status_code == 422
    assert "体重：不能大于 400 kg" in refused.get_data(as_text=True)
    saved = client.post(url, data={"value": "61.5", "version": "1"})
    assert saved.status_code == 200
    assert saved.headers["HX-Trigger"] == "document-saved"
    soup = BeautifulSoup(saved.get_data(as_text=True), "html.parser")
    assert (soup.select_one("[name=value]")["value"], soup.select_one("[name=version]")["value"]) == ("61.5", "2")  # type: ignore[index]


def test_a_conflict_shows_both_values_and_can_be_decided(world: Any, sign_in: SignIn) -> None:
    document_id = world(begun("preop_visit"))
    client = sign_in(LI_MING)
    url = f"/documents/{document_id}/fields/heart"
    client.post(url, data={"value": "心律齐", "version": "0"})
    sign_in(CHEN_JING)
    answer = client.post(url, data={"value": "心律不齐", "version": "0"})
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422
    soup = BeautifulSoup(text, "html.parser")
    sides = [" ".join(dd.get_text().split()) for dd in soup.select(".conflict-sides dd")]
    assert sides == ["心律齐", "心律不齐"]
    assert [mark.get_text() for mark in soup.select(".conflict-sides mark")] == ["不"]
    assert "李明" in soup.select(".conflict-sides dt")[0].get_text()
    assert (soup.select_one("[name=version]")["value"], soup.select_one("[name=accept]")["value"]) == ("0", "1")  # type: ignore[index]
    # Typing on without choosing is refused again; so is a choice made against a value that is no longer the last.
    assert client.post(url, data={"value": "房颤", "version": "0"}).status_code == 422
    sign_in(LI_MING)
    assert client.post(url, data={"value": "早搏", "version": "1"}).status_code == 200
    sign_in(CHEN_JING)
    assert client.post(url, data={"value": "心律不齐", "version": "0", "accept": "1"}).status_code == 422
    assert client.post(url, data={"value": "心律不齐", "version": "0", "accept": "2"}).status_code == 200


def test_tables_scores_and_choices_are_read_from_the_form(world: Any, sign_in: SignIn) -> None:
    counts, visit = world(
        lambda case, users: (begun("instrument_count")(case, users), begun("preop_visit")(case, users))
    )
    client = sign_in(LI_MING)
    table = {"version": "1", "name": ["纱布", "", "缝针"], "before": ["10", "", "4"], "added": ["", "", "2"],
             "closing": ["", "", ""], "closed": ["", "", ""], "skin": ["", "", ""]}  # fmt: skip
    assert client.post(f"/documents/{counts}/fields/counts", data=table).status_code == 200
    apfel = {"version": "0", "item-female": "1", "item-non_smoker": "1", "item-history": "0", "item-opioid": "1"}
    answer = client.post(f"/documents/{visit}/fields/apfel", data=apfel)
    assert "3 分：风险约 61%" in answer.get_data(as_text=True)

    def check(case: SurgicalCase, users: dict[str, User]) -> None:
        rows = db.session.get_one(Document, counts).content.values["counts"]
        assert rows == [{"name": "纱布", "before": "10"}, {"name": "缝针", "before": "4", "added": "2"}]

    world(check)


def test_signing_lists_what_is_missing_then_takes_the_pin(world: Any, sign_in: SignIn, open_page: Open) -> None:
    document_id = world(begun("postop_visit"))
    client = sign_in(LI_MING)
    url = f"/documents/{document_id}/sign/anesthesiologist"
    assert "PIN 或密码" in client.get(url).get_data(as_text=True)
    refused = client.post(url, data={"secret": PIN})
    assert refused.status_code == 422
    assert f"/documents/{document_id}#field-recovery" in refused.get_data(as_text=True)
    world(lambda case, users: write_all(users["anesthesiologist"], db.session.get_one(Document, document_id),
                                        visited_at="2026-11-21 09:00"))  # fmt: skip
    wrong = client.post(url, data={"secret": "0000"})
    assert "不正确" in wrong.get_data(as_text=True)
    assert world(lambda case, users: users["anesthesiologist"].failed_attempts) == 1, "the failure is committed"
    assert client.post(url, data={"secret": PIN}).status_code == 302
    assert "已签名" in open_page(f"/documents/{document_id}").text


def test_the_patient_signs_by_picture(world: Any, sign_in: SignIn) -> None:
    def work(case: SurgicalCase, users: dict[str, User]) -> int:
        document = begin_document(users["anesthesiologist"], case, "anesthesia_consent", [])
        write_all(users["anesthesiologist"], document)
        return document.id

    document_id = world(work)
    client = sign_in(LI_MING)
    url = f"/documents/{document_id}/sign/patient"
    assert "手写签名" in client.get(url).get_data(as_text=True)
    assert client.post(url, data={"name": "覃䶮㛃", "image": ""}).status_code == 422
    assert client.post(url, data={"name": "覃䶮㛃", "image": PIXEL}).status_code == 302


def test_a_surgeon_reads_and_does_not_write(world: Any, sign_in: SignIn, open_page: Open) -> None:
    document_id = world(begun("preop_visit"))
    client = sign_in(ZHOU_JIE)
    assert not open_page(f"/documents/{document_id}").soup.select("[data-document-field] form")
    answer = client.post(f"/documents/{document_id}/fields/heart", data={"value": "x", "version": "0"})
    assert answer.status_code == 403


def test_the_query_finds_by_everything(world: Any, sign_in: SignIn, open_page: Open) -> None:
    world(complete("postop_visit"))
    sign_in(HUANG_WEI)
    for query in ("text=覃䶮", "text=2026000001", "text=SCH-1", "kind=postop_visit", "state=signed", "person=周杰", "person=zhouj",
                  "procedure=胆囊", "procedure=51.2300", "diagnosis=K80.100", "since=2026-11-20&until=2026-11-20",
                  "words=无特殊", "kind=postop_visit&field=postop_visit.ponv&field_value=无"):  # fmt: skip
        assert open_page(f"/documents?{query}").select("tbody td:nth-child(4) a") == ["麻醉术后访视记录"], query
    for query in ("text=张三", "kind=preop_visit", "state=draft", "since=2026-11-21", "words=百分号%", "diagnosis=J00"):
        assert open_page(f"/documents?{query}").select("tbody td:nth-child(4) a") == [], query
    assert "日期应为" in open_page("/documents?since=昨天").text


def test_an_archived_record_of_others_asks_for_a_reason(world: Any, sign_in: SignIn, open_page: Open) -> None:
    document_id = world(archived("postop_visit"))
    client = sign_in(LI_MING)
    open_page(f"/documents/{document_id}")
    sign_in(QIN_YU)
    assert client.get(f"/documents/{document_id}").status_code == 403
    sign_in(MO_LAN)
    open_page(f"/documents/{document_id}")

    def orphan(case: SurgicalCase, users: dict[str, User]) -> None:
        case.assignments = [a for a in case.assignments if a.name != "陈静"]

    world(orphan)
    sign_in(CHEN_JING)
    asked = client.get(f"/documents/{document_id}")
    assert asked.status_code == 403
    assert "查看理由" in asked.get_data(as_text=True)
    assert client.post(f"/documents/{document_id}/open", data={"reason": "看"}).status_code == 422
    assert client.post(f"/documents/{document_id}/open", data={"reason": "会诊参考既往麻醉"}).status_code == 302
    open_page(f"/documents/{document_id}")
    reasons = world(lambda case, users: [e.reason for e in db.session.query(AuditEntry).filter_by(
        action="documents.break_glass")])  # fmt: skip
    assert reasons == ["会诊参考既往麻醉"]


def test_the_shared_document_page_tells_what_is_missing(world: Any, sign_in: SignIn, open_page: Open) -> None:
    document_id = world(complete("postop_visit"))
    client = sign_in(LI_MING)
    assert "统一社会信用代码" in open_page(f"/documents/{document_id}/cda").text
    assert client.get(f"/documents/{document_id}/cda.xml").status_code == 422


def test_sealing_and_unsealing_in_the_browser(world: Any, sign_in: SignIn, open_page: Open) -> None:
    document_id = world(complete("postop_visit"))
    case_id = world(lambda case, users: case.id)
    client = sign_in(MO_LAN)
    url = f"/documents/case/{case_id}/seals"
    open_page(url)
    form = {"document": str(document_id), "party_hospital": "李科长", "reason": "医疗纠纷"}
    assert client.post(url, data=form).status_code == 422
    assert client.post(url, data={**form, "party_patient": "覃大山"}).status_code == 302
    assert "封存中" in open_page(url).text
    seal_id = world(lambda case, users: db.session.query(Seal).one().id)
    refused = client.post(f"/documents/seals/{seal_id}/unseal", data={"party_hospital": "李科长", "reason": "鉴定"})
    assert refused.status_code == 422
    both = {"party_hospital": "李科长", "party_patient": "覃大山", "reason": "鉴定"}
    assert client.post(f"/documents/seals/{seal_id}/unseal", data=both).status_code == 302
    assert "已启封" in open_page(url).text


def test_requests_to_reopen_are_decided_by_another(world: Any, sign_in: SignIn, open_page: Open) -> None:
    document_id = world(archived("postop_visit"))
    client = sign_in(LI_MING)
    assert client.post(f"/documents/{document_id}/reopen", data={"reason": "漏写镇痛"}).status_code == 302
    sign_in(MO_LAN)
    page = open_page("/documents/archive")
    assert "漏写镇痛" in page.text
    action = page.soup.select_one("tbody form")["action"]  # type: ignore[index]
    assert client.post(str(action), data={"decision": "approve", "note": "属实"}).status_code == 302
    page = open_page("/documents/archive")
    assert "没有待审批的申请" in page.text
    assert "属实" in page.text
    sign_in(LI_MING)
    told = open_page(f"/documents/{document_id}").text
    assert "莫兰" in told
    assert "同意重新打开：属实" in told
    assert "第 2 版" in told, "the new version is one step away"


def test_documents_are_submitted_and_archived_together(world: Any, sign_in: SignIn, open_page: Open) -> None:
    done = world(complete("postop_visit"))
    client = sign_in(LI_MING)
    draft = world(lambda case, users: begin_document(users["anesthesiologist"], case, "anesthesia_plan", []).id)
    refused = client.post(f"/documents/{draft}/submit")
    assert refused.status_code == 422
    assert "还差" in refused.get_data(as_text=True)
    world(lambda case, users: write_all(users["anesthesiologist"], db.session.get_one(Document, draft)))
    assert client.post(f"/documents/{draft}/submit").status_code == 302
    assert "已提交" in open_page(f"/documents/{draft}").text

    late = world(lambda case, users: signed(users, case, "anesthesia_summary").id)

    def spoil(case: SurgicalCase, users: dict[str, User]) -> None:
        db.session.get_one(Document, late).signatures[0].withdrawn_at = clock.now()

    world(spoil)
    sign_in(MO_LAN)
    days = "since=2026-11-01&until=2026-11-30"
    page = open_page(f"/documents/archive?{days}")
    assert page.soup.select_one(f'input[value="{done}"][checked]')
    assert page.soup.select_one(f'input[value="{late}"][disabled]')
    answer = client.post(f"/documents/archive?{days}", data={"document": [done, late]}).get_data(as_text=True)
    assert "已归档 1 份" in answer
    assert "没有归档" in answer
    assert "开始日期" in open_page("/documents/archive?since=2026-11-30&until=2026-11-01").text


def test_a_replaced_version_is_found_where_it_is_asked_for(world: Any, sign_in: SignIn, open_page: Open) -> None:
    def amend(case: SurgicalCase, users: dict[str, User]) -> int:
        old = signed(users, case, "postop_visit")
        new = amend_document(users["anesthesiologist"], old, "更正")
        sign_all(users, new)
        return old.id

    old = world(amend)
    sign_in(LI_MING)
    assert open_page("/documents?kind=postop_visit&state=struck").soup.select_one(f'a[href="/documents/{old}"]')
    assert not open_page("/documents?kind=postop_visit").soup.select_one(f'a[href="/documents/{old}"]')
    assert "第 2 版" in open_page(f"/documents/{old}").text


def test_strangers_see_nothing(world: Any, client: FlaskClient) -> None:
    document_id = world(begun("preop_visit"))
    for url in (f"/documents/{document_id}", "/documents", f"/documents/{document_id}/cda.xml"):
        assert client.get(url).status_code == 302


def test_commands(world: Any, app: Flask, tmp_path: Any) -> None:
    world(complete("postop_visit"))
    runner = app.test_cli_runner()
    assert "全部正确" in runner.invoke(args=["documents", "lint"]).output
    case_id = world(lambda case, users: case.id)
    target = tmp_path / "out.json"
    args = [
        "documents",
        "export",
        "--case",
        str(case_id),
        "--kind",
        "C0012",
        "--format",
        "json",
        "--output",
        str(target),
    ]
    assert runner.invoke(args=args).exit_code == 0
    assert "覃䶮㛃" in target.read_text(encoding="utf-8")
    refused = runner.invoke(args=["documents", "export", "--case", str(case_id), "--kind", "C0012"])
    assert refused.exit_code == 1
    assert "统一社会信用代码" in refused.output
    assert runner.invoke(args=["documents", "export", "--case", "999", "--kind", "C0012"]).exit_code == 1
    for code in ("C0001", "C0009"):
        answer = runner.invoke(args=["documents", "export", "--case", "1", "--kind", code])
        assert answer.exit_code == 1
        assert f"本系统不产生 {code}" in answer.output


def test_only_keepers_of_forms_design(sign_in: SignIn, open_page: Open) -> None:
    client = sign_in(HUANG_WEI)
    url = client.post("/documents/design/drafts", data={"kind": "preop_visit"}).headers["Location"]
    assert "居住地" not in open_page(url).text
    change = {"revision": "1", "selected": "s:general", "do": "add:choice"}
    assert "至少要有两个选项" in client.post(url, data=change).get_data(as_text=True)
    sign_in(LI_MING)
    assert client.get("/documents/design").status_code == 403
    assert client.post(url, data={**change, "revision": "2"}).status_code == 403
