"""Phrases, searching terms, taking over, duties of departments, saved searches, workbook, counts, break-glass."""

import io
import zipfile
from typing import Any

import pytest
from flask import Flask

from app.accounts.queries import user_by_name
from app.core import unit_of_work
from app.core.audit import AuditEntry
from app.core.db import db
from app.documents.models import Document, Phrase
from app.documents.service import begin_document, save_field
from tests.cast import CHEN_JING, HUANG_WEI, LI_MING, QIN_YU
from tests.documents.conftest import build_case


@pytest.fixture
def visit(app: Flask) -> int:
    """A pre-op visit by 李明 with a heart and smoking habits."""
    with app.app_context():
        with unit_of_work.writing():
            user = user_by_name(LI_MING.username)
            assert user is not None
            document = begin_document(user, build_case(), "preop_visit", [])
            save_field(user, document, "heart", "心律齐", 0)
            save_field(user, document, "smoking", "现吸烟", 0)
            number = document.id
        db.session.remove()
    return number


def test_phrases_are_personal_or_of_the_department(app: Flask, visit: int, sign_in: Any) -> None:
    url = f"/documents/{visit}/phrases/orders"
    client = sign_in(LI_MING)
    assert client.post(url, data={"text": "术前禁食 8 h", "scope": "department"}).status_code == 200  # has no right
    assert client.post(url, data={"text": ""}).status_code == 422
    chief = sign_in(HUANG_WEI)
    chief.post(url, data={"text": "全科：术晨测血糖", "scope": "department", "everywhere": "1"})
    with app.app_context():
        owners = {row.text: row.user_id is None for row in db.session.query(Phrase)}
    assert owners == {"术前禁食 8 h": False, "全科：术晨测血糖": True}
    text = chief.get(url).get_data(as_text=True)
    assert "术晨测血糖" in text
    assert "术前禁食" not in text
    client = sign_in(LI_MING)
    assert "术前禁食" in client.get(f"{url}?q=sqjs&part=list").get_data(as_text=True)
    assert "没有找到" in client.get(f"{url}?q=zzzz&part=list").get_data(as_text=True)
    with app.app_context():
        shared = db.session.query(Phrase.id).filter(Phrase.user_id.is_(None)).scalar()
        own = db.session.query(Phrase.id).filter(Phrase.user_id.is_not(None)).scalar()
    assert client.post(f"{url}/{shared}/remove").status_code == 403
    assert client.post(f"{url}/{own}/remove").status_code == 200


def test_terms_are_found_by_pinyin_words_and_code(visit: int, sign_in: Any) -> None:
    client = sign_in(LI_MING)
    for what, word in (("diagnosis", "dnjs"), ("diagnosis", "K80"), ("procedure", "胆囊"), ("drug", "bbf")):
        text = client.get(f"/documents/terms/{what}?q={word}").get_data(as_text=True)
        assert 'role="option"' in text, (what, word)
    assert client.get("/documents/terms/secrets").status_code == 404
    assert "没有找到" in client.get("/documents/terms/procedure?q=qqqqq").get_data(as_text=True)


def test_the_last_document_is_taken_over_where_chosen(app: Flask, visit: int, sign_in: Any) -> None:
    with app.app_context():
        with unit_of_work.writing():
            user = user_by_name(LI_MING.username)
            assert user is not None
            old = db.session.get_one(Document, visit)
            again = build_case(number=2, patient=old.case.patient)
            number = begin_document(user, again, "preop_visit", []).id
        db.session.remove()
    client = sign_in(LI_MING)
    page = client.get(f"/documents/{number}/copy").get_data(as_text=True)
    assert "心律齐" in page
    assert "现吸烟" in page
    assert client.post(f"/documents/{number}/copy", data={"key": ["heart", "nonsense"]}).status_code == 302
    with app.app_context():
        content = db.session.get_one(Document, number).content
        assert content.values["heart"] == "心律齐"
        assert "smoking" not in content.values
        assert "引自" in content.meta["heart"]["origin"]
        assert "心律齐" in content.text


def test_a_department_sees_what_it_still_owes(visit: int, sign_in: Any, open_page: Any) -> None:
    sign_in(LI_MING)
    page = open_page("/documents/missing?since=2026-11-19&until=2026-11-21")
    assert "麻醉术前访视记录" in page.text
    assert "逾期" in page.text
    assert page.soup.select_one(f'a[href="/documents/{visit}#field-orders"]') is not None
    places = {item["href"] for item in page.soup.select(".duty-table td:last-child a")}
    assert {f"/documents/{visit}#sign-anesthesiologist"} <= places  # the visit is begun: its place to sign
    begun = [item.get_text() for item in page.soup.select(".duty-table td:last-child .link-button")]
    assert any("麻醉知情同意书" in words for words in begun)  # the consent is not: one press begins it
    assert "没有手术" in open_page("/documents/missing?since=2020-01-01&until=2020-01-02").text
    assert "14 天以内" in open_page("/documents/missing?since=2020-01-01&until=2026-11-21").text
    assert "年-月-日" in open_page("/documents/missing?since=x").text


@pytest.mark.parametrize(
    ("asked", "is_found"),
    [("words=心律齐", True), ("words=asa", True), ("words=ASA", True), ("words=100%25", False), ("words=_", False),
     ("procedure=胆囊", True), ("procedure=51.23", True), ("procedure=阑尾", False), ("diagnosis=k80", True),
     ("diagnosis=慢性胆囊炎", True), ("diagnosis=K81", False), ("diagnosis=%5C", False), ("text=qyc", False),
     ("text=覃䶮", True), ("person=李明", True), ("person=LM", True),
     ("kind=preop_visit&field=preop_visit.smoking&field_op=filled", True),
     ("kind=preop_visit&field=preop_visit.smoking&field_op=empty", False)],
)  # fmt: skip
def test_words_are_found_alike_on_both_databases(
    asked: str, is_found: bool, visit: int, sign_in: Any, open_page: Any
) -> None:
    sign_in(LI_MING)
    rows = open_page(f"/documents?{asked}").soup.select("tbody a")
    assert bool(rows) == is_found


def test_searches_are_kept_counted_and_taken_out(app: Flask, visit: int, sign_in: Any, open_page: Any) -> None:
    client = sign_in(LI_MING)
    asked = "kind=preop_visit&field=preop_visit.smoking"
    page = open_page(f"/documents?{asked}")
    link = page.soup.select_one('a[href^="/documents/statistics?"]')
    assert link is not None
    assert "100.0%" in open_page(f"{link['href']}&since=2026-11-01&until=2026-11-30").text
    assert client.post(f"/documents/searches?{asked}", data={"name": "吸烟患者"}).status_code == 302
    assert client.post("/documents/searches", data={"name": "空"}).status_code == 422
    assert "吸烟患者" in open_page("/documents").text
    answer = client.post(f"/documents/result.xlsx?{asked}")
    assert answer.status_code == 200
    words = zipfile.ZipFile(io.BytesIO(answer.data)).read("xl/sharedStrings.xml").decode()
    for word in ("覃䶮㛃", "麻醉术前访视记录", "现吸烟", "吸烟"):
        assert word in words
    with app.app_context():
        assert db.session.query(AuditEntry).filter_by(action="documents.export_result").count() == 1
    assert client.post("/documents/result.xlsx").status_code == 422
    assert client.get("/documents?text=x&_external=1&_scheme=evil&endpoint=y").status_code == 200
    sign_in(QIN_YU)
    assert "吸烟患者" not in open_page("/documents").text
    assert client.post("/documents/searches/1/forget").status_code == 404


def test_a_case_that_was_not_ones_own_asks_for_a_reason(app: Flask, visit: int, sign_in: Any) -> None:
    assert sign_in(CHEN_JING).get(f"/documents/{visit}").status_code == 200  # took part in the case
    client = sign_in(QIN_YU)
    assert client.get(f"/documents/{visit}").status_code == 403
    assert client.post(f"/documents/{visit}/open", data={"reason": "看"}).status_code == 422
    assert client.post(f"/documents/{visit}/open", data={"reason": "恢复室接班"}).status_code == 302
    assert client.get(f"/documents/{visit}").status_code == 200
    with app.app_context():
        assert db.session.query(AuditEntry).filter_by(action="documents.break_glass").one().reason == "恢复室接班"
