"""The print centre and sealing in a real browser: sets, progress, cancel, reprint, log; seal, add, unseal."""

import hashlib
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext, Page, expect
from pypdf import PdfReader

from app.core.db import db
from app.documents import batch_work
from app.documents.batch_work import step, work_on_batches
from app.documents.models import Document, PrintEntry, Seal
from app.documents.service import amend_document, begin_document
from tests.browser.conftest import sign_in
from tests.browser.serving import serving
from tests.cast import LI_MING, MO_LAN, PASSWORD, Person
from tests.documents import conftest as samples
from tests.documents.conftest import build_case
from tests.documents.helpers import sign_all, signed, write_all

paper_fonts = samples.paper_fonts
world = samples.world


@pytest.fixture
def address(app: Flask, paper_fonts: Path) -> Iterator[str]:
    """A running server."""
    with serving(app) as address:
        yield address


@pytest.fixture
def enter(address: str, new_context: Callable[..., BrowserContext]) -> Callable[[Person], Page]:
    """A workstation at which somebody has signed in."""

    def open_for(person: Person) -> Page:
        page = new_context().new_page()
        sign_in(page, address, person.username, PASSWORD)
        return page

    return open_for


def fetched(page: Page) -> list[str]:
    """Words of each page of the PDF behind the button of the set."""
    form = page.locator("form", has=page.get_by_role("button", name="打开 PDF"))
    token = form.locator("input[name=csrf_token]").input_value()
    answer = page.request.post(page.url + "/file", form={"csrf_token": token})
    assert answer.status == 200
    return [leaf.extract_text().replace("\n", "") for leaf in PdfReader(io.BytesIO(answer.body())).pages]


def test_sets_are_listed_printed_cancelled_and_logged(
    app: Flask, world: Any, enter: Callable[[Person], Page], address: str, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    def write(case: Any, users: Any) -> int:
        done = signed(users, case, "anesthesia_consent").id
        begin_document(users["anesthesiologist"], case, "preop_visit", [])
        for number in range(2, 11):
            other = build_case(number=number, sequence=number)
            begin_document(users["anesthesiologist"], other, "consultation", [])
        return done

    done = world(write)
    page = enter(LI_MING)

    # The whole set of a patient, twice: what is not finished is listed and stays out, the second print is marked.
    for copy in (1, 2):
        page.goto(f"{address}/documents/case/1")
        page.get_by_role("link", name="打印全套").click()
        expect(page.get_by_role("heading", name="2 份，其中未完成 1 份")).to_be_visible()
        everything = page.get_by_role("checkbox", name="全选")
        everything.uncheck()
        expect(page.locator("input[name=document]:checked")).to_have_count(0)
        everything.check()
        page.get_by_role("button", name="打印成册").click()
        expect(page.locator("#batch .chip")).to_have_text("已完成")
        expect(page.locator("#batch")).to_contain_text("未打印（1 份）")
        leaves = fetched(page)
        assert "文书打印清单" in leaves[0]
        assert f"全套第 2 页　共 {len(leaves)} 页" in leaves[1]
        assert ("重打　第 2 份" in leaves[1]) == (copy == 2)

    # A batch by query goes to the background: its progress is seen without touching the page, then it is cancelled.
    monkeypatch.setattr(batch_work, "STEP_SECONDS", 0.0)
    for outcome in ("已取消", "已完成"):
        page.goto(f"{address}/documents/print")
        page.get_by_text("按条件：").click()
        page.fill("#since", "2026-11-20")
        page.fill("#until", "2026-11-20")
        page.fill("#person", "chenj")
        page.fill("#procedure", "胆囊")
        page.select_option("#kind", "consultation")
        page.get_by_role("button", name="列出文书").click()
        expect(page.locator("input[name=document]:checked")).to_have_count(9)
        page.get_by_label("未完成的也打印").check()
        page.get_by_role("button", name="打印成册").click()
        expect(page.locator("#batch .chip")).to_have_text("排队中")
        number = int(page.url.rsplit("/", 1)[1])
        with app.app_context():
            step(number)
            step(number)
            db.session.remove()
        expect(page.locator("#batch")).to_contain_text("2 / 9 份", timeout=7000)
        if outcome == "已取消":
            page.get_by_role("button", name="取消").click()
        else:
            with app.app_context():
                work_on_batches()
                db.session.remove()
        expect(page.locator("#batch .chip")).to_have_text(outcome, timeout=7000)
    assert "草稿" in fetched(page)[1]

    page.get_by_role("link", name="打印日志").click()
    page.fill("#text", "SCH-1")
    page.get_by_role("button", name="查询").click()
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("第 2 份")
    expect(rows.first).to_contain_text("李明")
    with app.app_context():
        assert db.session.query(PrintEntry).count() == 2 + 9, "the cancelled set printed nothing"
        assert db.session.query(PrintEntry).filter_by(document_id=done).count() == 2
        db.session.remove()


def draw(page: Page, label: str) -> None:
    """A stroke on a signature pad."""
    pad = page.get_by_label(label)
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    for at in range(1, 8):
        page.mouse.move(box["x"] + 20 + at * 12, box["y"] + 20 + at % 3 * 10)
    page.mouse.up()


def digest(content: str | bytes) -> str:
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


def kept(app: Flask) -> list[dict[str, Any]]:
    """The seals with the digests that their copies have now, reckoned here and not by the code under test."""
    with app.app_context():
        made = [
            {
                "id": seal.id, "sha256": seal.sha256, "partial": seal.is_partial, "continues": seal.continues_id,
                "titles": [copy.title for copy in seal.items], "copies": [copy.id for copy in seal.items],
                "told": [item["sha256"] for item in seal.manifest],
                "digests": [digest(digest(copy.canonical) + digest(copy.pdf)) for copy in seal.items],
                "whole": digest(json.dumps({"manifest": seal.manifest, "parties": seal.parties}, ensure_ascii=False,
                                           sort_keys=True, separators=(",", ":"))),
                "images": [party["side"] for party in seal.parties if party["image"]],
            }
            for seal in db.session.query(Seal).order_by(Seal.id)
        ]  # fmt: skip
        db.session.remove()
    for seal in made:
        assert seal["told"] == seal["digests"]
        assert seal["whole"] == seal["sha256"]
    return made


def test_a_record_is_sealed_in_two_parts_and_opened_before_everybody(
    app: Flask, world: Any, enter: Callable[[Person], Page], address: str
) -> None:
    def write(case: Any, users: Any) -> tuple[int, int]:
        done = signed(users, case, "postop_visit")
        return done.id, begin_document(users["anesthesiologist"], case, "anesthesia_summary", []).id

    done, rest = world(write)
    page = enter(MO_LAN)
    page.goto(f"{address}/documents/case/1")
    page.get_by_role("link", name="封存").click()
    expect(page.locator("input[name=document]:checked")).to_have_count(1)
    page.fill("#party_hospital", "医务科李科长")
    page.fill("#reason", "家属要求封存")
    page.get_by_role("button", name="封存").click()
    expect(page.locator(".notice-danger")).to_contain_text("须在公证下进行")
    expect(page.locator("#party_hospital")).to_have_value("医务科李科长")
    page.fill("#party_patient", "覃大山")
    page.fill("#note_patient", "配偶")
    draw(page, "患者或其代理人签名（或在清单上手签）")
    page.get_by_role("button", name="封存").click()
    expect(page.locator("#seal-1")).to_contain_text("部分封存")
    expect(page.locator("#seal-1 .signature-image")).to_be_visible()
    first = kept(app)[0]
    assert first["partial"]
    assert first["images"] == ["patient"]
    for told in (first["sha256"], *first["digests"]):
        expect(page.locator("#seal-1")).to_contain_text(told)
    paper = page.request.get(f"{address}/documents/seals/1/list.pdf").body()
    words = "".join(leaf.extract_text() for leaf in PdfReader(io.BytesIO(paper)).pages).replace("\n", "")
    assert first["sha256"] in words
    assert "覃大山，配偶" in words

    # The original goes on; what is finished later is sealed as an addition and leaves the first seal as it was.
    def go_on(case: Any, users: Any) -> None:
        later = db.session.get_one(Document, rest)
        write_all(users["anesthesiologist"], later)
        sign_all(users, later)

    world(go_on)
    page.reload()
    expect(page.locator("input[name=document]:checked")).to_have_count(1)
    expect(page.locator("#continues option:checked")).to_contain_text("F")
    page.fill("#party_hospital", "医务科李科长")
    page.fill("#party_notary", "公证员韦某")
    page.fill("#reason", "补封完成的部分")
    page.get_by_role("button", name="封存").click()
    expect(page.locator("#seal-2")).to_contain_text("补封")
    world(lambda case, users: amend_document(users["anesthesiologist"], db.session.get_one(Document, done), "更正").id)
    both = kept(app)
    assert both[0] == first
    assert (both[1]["titles"], both[1]["partial"], both[1]["continues"]) == (["麻醉总结"], False, 1)

    # Unsealing wants every side; only then a copy can be read, and it is the one that was sealed.
    copy = f"{address}/documents/seals/copies/{first['copies'][0]}.pdf"
    assert page.request.get(copy).status == 404
    page.locator("#seal-1 summary").click()
    page.fill("#u1hospital", "医务科李科长")
    page.fill("#ur1", "医疗事故鉴定")
    page.locator("#u1patient").evaluate("input => input.removeAttribute('required')")
    page.locator("#seal-1").get_by_role("button", name="启封").click()
    expect(page.locator(".notice-danger")).to_contain_text("还缺：患者或其代理人")
    page.locator("#seal-1 summary").click()
    page.fill("#u1hospital", "医务科李科长")
    page.fill("#u1patient", "覃大山")
    page.fill("#ur1", "医疗事故鉴定")
    page.locator("#seal-1").get_by_role("button", name="启封").click()
    expect(page.locator("#seal-1 h2")).to_contain_text("已启封")
    opened = page.request.get(copy)
    assert opened.status == 200
    with app.app_context():
        assert digest(opened.body()) == digest(db.session.get_one(Seal, 1).items[0].pdf)
        db.session.remove()
    expect(page.locator("#seal-2 h2")).to_contain_text("封存中")
    assert kept(app)[0]["digests"] == first["digests"]
