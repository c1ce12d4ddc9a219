"""Documents in a real browser: write by keyboard, jump to gaps, decide a conflict, sign, add a hospital field."""

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext, Page, Route, expect
from pypdf import PdfReader

from app.accounts.queries import user_by_name
from app.core import unit_of_work
from app.core.db import db
from app.documents.models import Document, DocumentSignature
from app.documents.service import begin_document, save_field
from tests.browser.conftest import sign_in
from tests.browser.serving import serving
from tests.cast import CHEN_JING, HUANG_WEI, LI_MING, PASSWORD, PIN, WANG_FANG, ZHOU_JIE, Person
from tests.documents import conftest as samples
from tests.documents.conftest import build_case
from tests.documents.helpers import write_all
from tests.processes import wait_until

Enter = Callable[[Person], Page]
paper_fonts = samples.paper_fonts


@pytest.fixture
def address(app: Flask, paper_fonts: Path) -> Iterator[str]:
    """A running server with one finished case (number 1) and the fonts of paper: signing makes a PDF."""
    with app.app_context():
        with unit_of_work.writing():
            build_case()
        db.session.remove()
    with serving(app) as address:
        yield address


@pytest.fixture
def enter(address: str, new_context: Callable[..., BrowserContext]) -> Enter:
    """A workstation at which somebody has signed in."""

    def open_for(person: Person) -> Page:
        page = new_context().new_page()
        sign_in(page, address, person.username, PASSWORD)
        return page

    return open_for


def begin(app: Flask, kind: str, *, write: bool = False, **special: object) -> int:
    """A document of the case, optionally with every field filled."""
    with app.app_context():
        with unit_of_work.writing():
            user = user_by_name(LI_MING.username)
            assert user is not None
            from_case = db.session.query(Document).count()
            document = begin_document(user, build_case(number=50 + from_case), kind, [])
            if write:
                write_all(user, document, **special)
            number = document.id
        db.session.remove()
    return number


def stored(app: Flask, document_id: int, key: str) -> object:
    with app.app_context():
        value = db.session.get_one(Document, document_id).content.values.get(key)
        db.session.remove()
    return value


def saved(page: Page) -> None:
    """The line that tells that everything is on the server."""
    expect(page.locator("[data-save-state]")).to_have_attribute("data-state", "done", timeout=5000)


def test_a_visit_is_written_from_the_folder_by_keyboard(app: Flask, enter: Enter, address: str) -> None:
    page = enter(LI_MING)
    page.goto(f"{address}/documents/case/1")
    expect(page.locator("#folder")).to_contain_text("整台手术还差什么")
    page.locator("tr", has_text="麻醉术前访视记录").get_by_role("button", name="书写").press("Enter")
    page.wait_for_url(re.compile(r"/documents/\d+$"))
    number = int(page.url.rsplit("/", 1)[1])
    before = int(page.locator(".gap-count").inner_text())

    page.locator("#f-heart").focus()
    page.keyboard.type("心律齐，未闻及杂音")
    page.keyboard.press("Enter")
    expect(page.locator("#f-lungs")).to_be_focused()
    saved(page)
    expect(page.locator(".gap-count")).to_have_text(str(before - 1))
    assert stored(app, number, "heart") == "心律齐，未闻及杂音"

    expect(page.locator("#field-mental_note")).to_be_hidden()
    page.locator("#f-mental_normal-yes").focus()
    page.keyboard.press("ArrowRight")  # 是 → 否: the explanation appears without loading the page
    expect(page.locator("#f-mental_note")).to_be_visible()
    expect(page.locator("#f-mental_normal-no")).to_be_focused()

    page.locator("#f-weight").fill("9999")
    page.keyboard.press("Tab")
    expect(page.locator("#field-weight")).to_contain_text("不能大于 400 kg")
    expect(page.locator("#f-weight")).to_have_value("9999")  # what was typed is not lost
    page.locator("#f-weight").fill("80")
    page.keyboard.press("Tab")
    expect(page.locator("#field-bmi")).to_contain_text("31.2")  # 80 kg / (1.60 m)²


def test_the_list_of_what_is_missing_jumps_to_the_field(app: Flask, enter: Enter, address: str) -> None:
    page = enter(LI_MING)
    page.goto(f"{address}/documents/{begin(app, 'preop_visit')}")
    page.locator("#missing").get_by_text("术前麻醉医嘱未填写").click()
    expect(page.locator("#f-orders")).to_be_focused()
    expect(page.locator("#f-orders")).to_be_in_viewport()
    page.goto(page.url.split("#")[0])
    page.wait_for_load_state("networkidle")
    page.keyboard.press("F8")
    expect(page.locator("#f-general_state")).to_be_focused()
    page.keyboard.press("F8")
    expect(page.locator("#f-mental_normal-yes")).to_be_focused()


def test_two_editors_see_both_values_and_decide(app: Flask, enter: Enter, address: str) -> None:
    number = begin(app, "preop_visit")
    mine, theirs = enter(LI_MING), enter(CHEN_JING)
    for page in (mine, theirs):
        page.goto(f"{address}/documents/{number}")
    for page, words in ((mine, "心律齐"), (theirs, "心律不齐")):
        page.locator("#f-heart").fill(words)
        page.locator("#f-heart").blur()
        page.wait_for_timeout(500)
    place = theirs.locator("#field-heart")
    expect(place.locator(".conflict-sides dd")).to_have_text(["心律齐", "心律不齐"])
    expect(place.locator(".conflict-sides dt").first).to_contain_text("李明")
    expect(theirs.locator("#f-heart")).to_have_value("心律不齐")
    assert stored(app, number, "heart") == "心律齐"
    place.get_by_role("button", name="保留对方的值").click()
    expect(theirs.locator("#f-heart")).to_have_value("心律齐")

    mine.locator("#f-heart").fill("心律齐，无杂音")
    mine.locator("#f-heart").blur()
    mine.wait_for_timeout(500)
    theirs.locator("#f-heart").fill("房颤律")
    theirs.locator("#f-heart").blur()
    place.get_by_role("button", name="用我的值").click()
    saved(theirs)
    assert stored(app, number, "heart") == "房颤律"


def test_the_safety_check_is_signed_in_three_stages_by_three_people(app: Flask, enter: Enter, address: str) -> None:
    number = begin(app, "safety_check", write=True, i_explain="无", i_allergy="no")
    pages = {"surgeon": enter(ZHOU_JIE), "anesthesiologist": enter(LI_MING), "nurse": enter(WANG_FANG)}
    for stage in ("induction", "incision", "leaving"):
        for role, page in pages.items():
            page.goto(f"{address}/documents/{number}")
            place = page.locator(f"#sign-{stage}_{role}")
            place.get_by_role("button").click()
            secret = page.locator("#dialog input[name=secret]")
            if (stage, role) == ("induction", "surgeon"):
                secret.fill("0000")
                page.keyboard.press("Enter")
                expect(page.locator("#dialog .notice-danger")).to_be_visible()
                secret = page.locator("#dialog input[name=secret]")
            secret.fill(PIN)
            page.keyboard.press("Enter")
            expect(place.locator(".signature-done")).to_be_visible(timeout=5000)
    expect(pages["nurse"].locator(".chip", has_text="已签名")).to_be_visible()
    with app.app_context():
        rows = db.session.query(DocumentSignature).filter_by(document_id=number).all()
        assert len(rows) == 9
        assert all(row.seconds_open is not None for row in rows)
        db.session.remove()


def test_the_patient_signs_on_the_pad(app: Flask, enter: Enter, address: str) -> None:
    number = begin(app, "anesthesia_consent", write=True)
    page = enter(LI_MING)
    page.goto(f"{address}/documents/{number}")
    page.locator("#sign-patient").get_by_role("button").click()
    page.locator("#dialog input[name=name]").fill("覃大山")
    page.locator("#dialog input[name=relation]").fill("丈夫")
    box = page.locator("[data-signature-pad]").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 40, box["y"] + 60)
    page.mouse.down()
    for step in range(1, 12):
        page.mouse.move(box["x"] + 40 + step * 20, box["y"] + 60 + (step % 3) * 15)
    page.mouse.up()
    page.locator("#dialog").get_by_role("button", name="签名", exact=True).click()
    expect(page.locator("#sign-patient img")).to_be_visible(timeout=5000)
    with app.app_context():
        row = db.session.query(DocumentSignature).filter_by(document_id=number).one()
        assert (row.method, row.name, row.witness) == ("drawn", "覃大山", "李明")
        assert len(row.image) > 500
        db.session.remove()


def test_what_is_typed_while_a_field_is_being_saved_is_kept(app: Flask, enter: Enter, address: str) -> None:
    visit = begin(app, "preop_visit")
    page = enter(LI_MING)
    page.goto(f"{address}/documents/{visit}")
    held: list[Route] = []
    page.route("**/fields/orders", lambda route: held.append(route))
    orders, other = page.locator("#f-orders"), page.locator("#f-attention")
    orders.fill("术前禁食 8 h")
    other.focus()
    wait_until(lambda: page.wait_for_timeout(20) is None and bool(held), 8, "the first save")
    orders.focus()
    page.keyboard.press("End")
    page.keyboard.type("，禁饮 2 h")
    held.pop().continue_()
    expect(page.locator("[data-save-state]")).to_contain_text("已保存")
    expect(orders).to_have_value("术前禁食 8 h，禁饮 2 h")
    expect(orders).to_be_focused()
    page.unroute("**/fields/orders")
    other.focus()
    wait_until(lambda: stored(app, visit, "orders") == "术前禁食 8 h，禁饮 2 h", 8, "the rest being saved")
    expect(page.locator("#field-orders .conflict")).to_have_count(0)


def test_phrases_terms_and_marks_help_writing(app: Flask, enter: Enter, address: str) -> None:
    number = begin(app, "invasive_procedure")
    page = enter(LI_MING)
    page.goto(f"{address}/documents/{number}")
    figure = page.locator("[data-body]")
    figure.scroll_into_view_if_needed()
    box = figure.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.4)
    expect(page.locator(".body-mark")).to_have_count(1, timeout=5000)
    mark = stored(app, number, "site_mark")
    assert isinstance(mark, list)
    assert abs(float(mark[0]["x"]) - 75) < 1

    visit = begin(app, "preop_visit")
    page.goto(f"{address}/documents/{visit}")
    page.locator("#f-orders").fill("术前禁食 8 h，禁清饮 2 h")
    place = "document.querySelector('#f-orders').getBoundingClientRect().top"
    before = page.evaluate(place)
    page.keyboard.press("Alt+p")
    expect(page.locator("#phrase-text")).to_have_value("术前禁食 8 h，禁清饮 2 h")
    assert abs(page.evaluate(place) - before) < 2  # the panel takes room, but the field stays under the eye
    page.locator("#side").get_by_role("button", name="保存常用语").click()
    expect(page.locator("#phrase-list")).to_contain_text("术前禁食 8 h")
    page.locator("#f-orders").fill("")
    page.locator("#side input[type=search]").fill("sqjs")
    expect(page.locator("#phrase-list")).to_contain_text("术前禁食 8 h")
    page.keyboard.press("Enter")  # takes the first one found
    wait_until(lambda: stored(app, visit, "orders") == "术前禁食 8 h，禁清饮 2 h", 8, "the phrase being saved")
    expect(page.locator("#f-orders")).to_be_focused()
    page.keyboard.press("Alt+p")
    expect(page.locator("#side input[type=search]")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#f-orders")).to_be_focused()

    page.locator("#field-preop_diagnosis [role=combobox]").last.click()
    page.keyboard.type("dnjs")
    page.locator("#field-preop_diagnosis [role=option]").first.click()
    expect(page.locator("#field-preop_diagnosis [role=combobox]")).to_have_count(3, timeout=5000)


def settled(page: Page) -> None:
    """Every change of the designer is on the server and drawn again."""
    page.wait_for_timeout(150)
    expect(page.locator(".htmx-request")).to_have_count(0)


def test_a_field_with_a_condition_and_a_table_live_without_a_restart(app: Flask, enter: Enter, address: str) -> None:
    """Designed in the browser: in form, list of what is missing, paper, query and statistics; an old one stays."""
    old = begin(app, "anesthesia_summary")
    keeper = enter(HUANG_WEI)
    keeper.goto(f"{address}/documents/design")
    keeper.get_by_role("button", name="修改：麻醉总结").click()
    keeper.wait_for_url("**/documents/design/drafts/*")

    keeper.get_by_role("button", name="加字段：单选").click()
    expect(keeper.locator("#e-label")).to_be_focused()
    keeper.keyboard.type("转运方式")
    keeper.keyboard.press("Enter")
    settled(keeper)
    expect(keeper.locator("#faults")).to_contain_text("至少要有两个选项")
    expect(keeper.locator("#inspector .field-error")).to_contain_text("至少要有两个选项")
    keeper.locator("#e-options").fill("平车\n轮椅")
    keeper.locator("#e-stage").select_option("sign")
    settled(keeper)
    expect(keeper.locator("#sheet")).to_contain_text("轮椅")

    keeper.get_by_role("button", name="加字段：表格").click()
    expect(keeper.locator("#e-label")).to_be_focused()
    keeper.keyboard.type("随行物品")
    keeper.locator("#e-column-label-1").fill("物品")
    keeper.locator("#e-column-label-1").press("Tab")
    settled(keeper)
    keeper.locator("#e-column-label-2").fill("数量")
    keeper.locator("#e-column-type-2").select_option("number")
    settled(keeper)
    keeper.locator("#e-visible-field-1").select_option(label="转运方式")
    settled(keeper)
    keeper.locator("#e-visible-value-1").select_option("平车")
    keeper.locator("#e-stage").select_option("sign")
    settled(keeper)
    expect(keeper.locator("#faults")).to_have_count(0)
    keeper.locator("#publish").get_by_role("button", name="发布").click()
    keeper.wait_for_url("**/documents/design")

    number = begin(app, "anesthesia_summary")
    page = enter(LI_MING)
    page.goto(f"{address}/documents/{number}")
    expect(page.locator("#missing")).to_contain_text("转运方式未填写")
    expect(page.locator("#missing")).not_to_contain_text("随行物品")
    page.locator("#f-h_xdx").select_option("平车")
    expect(page.locator("#missing")).to_contain_text("随行物品未填写")
    cells = page.locator("#field-h_xbg tbody tr").first
    cells.locator("input").nth(0).fill("氧气瓶")
    cells.locator("input").nth(1).fill("2")
    page.get_by_role("button", name="保存表格").last.click()
    expect(page.locator("#missing")).not_to_contain_text("随行物品未填写")
    sheet = page.request.get(f"{address}/documents/{number}/preview.pdf")
    words = "".join(leaf.extract_text() for leaf in PdfReader(io.BytesIO(sheet.body())).pages)
    assert all(word in words for word in ("转运方式", "随行物品", "氧气瓶"))

    page.goto(f"{address}/documents")
    page.select_option("#kind", "anesthesia_summary")
    page.locator("#field option", has_text="随行物品 / 物品").wait_for(state="attached")
    page.select_option("#field", label="随行物品 / 物品")
    page.fill("#field_value", "氧气")
    page.get_by_role("button", name="查询", exact=True).click()
    expect(page.locator("table tbody td:nth-child(4) a")).to_have_count(1)

    page.goto(f"{address}/documents/statistics?kind=anesthesia_summary&field=h_xdx&since=2026-11-01&until=2026-11-30")
    row = page.locator("tbody tr", has_text="平车")
    expect(row).to_contain_text("100.0%")
    expect(page.locator("table").first.locator("tbody tr td").nth(5)).to_have_text("1")  # the old one has no such field
    row.get_by_role("link").click()
    expect(page.locator("table tbody a")).to_have_count(1)

    page.goto(f"{address}/documents/{old}")
    expect(page.locator("#missing")).not_to_contain_text("转运方式")
    expect(page.locator("#f-h_xdx")).to_have_count(0)


def test_a_locked_part_stays_as_it_was_signed(app: Flask, enter: Enter, address: str) -> None:
    number = begin(app, "preop_visit", write=True)
    page = enter(LI_MING)
    page.goto(f"{address}/documents/{number}")
    page.locator("#sign-anesthesiologist").get_by_role("button").click()
    page.locator("#dialog input[name=secret]").fill(PIN)
    page.keyboard.press("Enter")
    expect(page.locator("#sign-anesthesiologist .signature-done")).to_be_visible(timeout=5000)
    expect(page.locator("#f-heart")).to_have_count(0)
    with app.app_context():
        user = user_by_name(LI_MING.username)
        assert user is not None
        with pytest.raises(Exception, match="已签名"):
            save_field(user, db.session.get_one(Document, number), "heart", "改", 1)
        db.session.rollback()
        db.session.remove()
