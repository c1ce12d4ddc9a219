"""The board in a real browser: drag, resize, collide, take back, keyboard, and a second workstation that looks on."""

import re
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext, Locator, Page, expect

from app.accounts.queries import user_by_name
from app.core import clock, unit_of_work
from app.core.db import db
from app.scheduling import service
from app.scheduling.facts import PersonFacts, ProcedureFacts
from app.scheduling.models import SurgicalCase
from tests.browser.conftest import sign_in
from tests.browser.serving import serving
from tests.cast import HUANG_WEI, PASSWORD, ZHAO_QIAN, ZHOU_JIE, Person
from tests.scheduling.samples import HIS, received, request, room

TODAY = clock.today()


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    """A running server with one placed case (覃小芳, 1号, 13:00-14:00) and one pending (黄大山, 60 min)."""
    with app.app_context():
        with unit_of_work.writing():
            zhao = user_by_name(ZHAO_QIAN.username)
            assert zhao is not None
            placed = received(1, surgeon=PersonFacts("77", "邓海"))
            service.place_case(zhao, placed, room(1), clock.at(TODAY, 13))
            received(2, surgeon=PersonFacts("78", "卢志"), procedures=(ProcedureFacts("胆囊切除术"),))
        db.session.remove()
    with serving(app) as address:
        yield address


@pytest.fixture
def open_board(address: str, new_context: Callable[..., BrowserContext]) -> Callable[[Person], Page]:
    """The board of today at the workstation of somebody."""

    def enter(person: Person) -> Page:
        page = new_context().new_page()
        sign_in(page, address, person.username, PASSWORD)
        page.wait_for_url(f"**/schedule/{TODAY}")  # the first place of everybody in these tests
        settled(page)
        return page

    return enter


@pytest.fixture
def page(open_board: Callable[[Person], Page]) -> Page:
    """The board of the scheduler."""
    return open_board(ZHAO_QIAN)


def settled(page: Page) -> None:
    """Return when the live channel is up and its topics are joined."""
    expect(page.locator("html")).to_have_attribute("data-socket", "online")
    page.wait_for_timeout(400)


def bar(page: Page, name: str) -> Locator:
    return page.locator(".track .bar", has_text=name)


def pending(page: Page, name: str) -> Locator:
    return page.locator(".pending [data-card]", has_text=name)


def point(page: Page, room_no: int, hour: float) -> tuple[float, float]:
    """Where a time of a room is on the screen."""
    box = page.locator(f'[data-room="{room_no}号手术间"]').bounding_box()
    assert box is not None
    first, minutes = page.evaluate("(() => { const d = document.querySelector('[data-board]').dataset; "
                                   "return [Number(d.first), Number(d.minutes)]; })()")  # fmt: skip
    begin = (first / 3_600_000 + 8) % 24
    return box["x"] + (hour - begin) * 60 / minutes * box["width"], box["y"] + box["height"] / 2


def drag(page: Page, card: Locator, room_no: int, hour: float, *, grasp: float = 4, drop: bool = True) -> None:
    """Take a card `grasp` pixels from its left edge and bring it to a time of a room."""
    box = card.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + grasp, box["y"] + box["height"] / 2)
    page.mouse.down()
    x, y = point(page, room_no, hour)
    page.mouse.move(x + grasp - 60, y - 3, steps=4)
    page.mouse.move(x + (0 if "request" in (card.get_attribute("class") or "") else grasp), y, steps=4)
    if drop:
        page.mouse.up()


def test_pending_case_is_dragged_into_a_room_and_another_workstation_sees_it(
    page: Page, open_board: Callable[[Person], Page]
) -> None:
    other = open_board(HUANG_WEI)
    drag(page, pending(page, "黄大山"), 2, 9, drop=False)
    expect(page.locator(".drag-ghost[data-state=free] .drag-label")).to_contain_text("09:00–10:00")
    page.mouse.up()
    expect(bar(page, "黄大山").locator(".bar-time")).to_contain_text("09:00–10:00")
    expect(pending(page, "黄大山")).to_have_count(0)
    expect(bar(other, "黄大山")).to_be_visible(timeout=2000)


def test_collision_is_asked_about_and_refused_by_default(page: Page) -> None:
    drag(page, pending(page, "黄大山"), 1, 13.5, drop=False)
    expect(page.locator(".drag-ghost[data-state=conflict]")).to_contain_text("与 覃小芳 重叠")
    page.mouse.up()
    dialog = page.locator("dialog[open]")
    expect(dialog.locator(".conflicts")).to_contain_text("1号手术间已有手术（覃小芳）")
    dialog.get_by_role("button", name="不安排").click()
    expect(pending(page, "黄大山")).to_be_visible()


def test_collision_is_accepted_with_a_reason(page: Page) -> None:
    drag(page, pending(page, "黄大山"), 1, 13.5)
    page.fill("#conflict-reason", "上一台会提前结束")
    page.get_by_role("button", name="仍要安排").click()
    expect(bar(page, "黄大山").locator(".bar-time")).to_contain_text("13:30–14:30")
    expect(page.locator("dialog[open]")).to_have_count(0)
    bar(page, "黄大山").click()
    expect(page.locator("#inspector .clashes")).to_contain_text("上一台会提前结束")


def test_move_resize_and_undo(page: Page) -> None:
    card = bar(page, "覃小芳")
    drag(page, card, 3, 10)
    expect(page.locator("#track-3 .bar .bar-time")).to_contain_text("10:00–11:00")
    box = card.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] - 3, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(point(page, 3, 12)[0], box["y"] + 20, steps=5)
    page.mouse.up()
    expect(card.locator(".bar-time")).to_contain_text("10:00–12:00")
    page.keyboard.press("Control+z")
    expect(card.locator(".bar-time")).to_contain_text("10:00–11:00")
    page.keyboard.press("Control+z")
    expect(page.locator("#track-1 .bar .bar-time")).to_contain_text("13:00–14:00")
    expect(page.locator("[data-undo]")).to_be_disabled()


def test_placed_case_is_dragged_back_to_the_pending_ones(page: Page) -> None:
    box = bar(page, "覃小芳").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 10, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(100, 500, steps=6)
    expect(page.locator(".drag-ghost")).to_have_text("松开：撤回待排")
    page.mouse.up()
    expect(pending(page, "覃小芳")).to_be_visible()


def test_escape_puts_the_card_back(page: Page) -> None:
    drag(page, bar(page, "覃小芳"), 2, 9, drop=False)
    page.keyboard.press("Escape")
    page.mouse.up()
    expect(page.locator(".drag-ghost")).to_have_count(0)
    expect(page.locator("#track-1 .bar .bar-time")).to_contain_text("13:00–14:00")


def test_keyboard_twin_of_dragging(page: Page) -> None:
    pending(page, "黄大山").focus()
    page.keyboard.press("m")
    page.select_option("#move-room", label="4号手术间")
    page.fill("#move-start", f"{TODAY}T10:20")
    page.keyboard.press("Enter")
    expect(page.locator("#track-4 .bar .bar-time")).to_contain_text("10:20–11:20")


def test_finger_drags_as_the_mouse_does(page: Page) -> None:
    box = bar(page, "覃小芳").bounding_box()
    assert box is not None
    x, y = point(page, 2, 15)
    page.evaluate(
        """([x0, y0, x1, y1]) => {
          const card = document.elementFromPoint(x0, y0);
          const fire = (type, x, y, to) => to.dispatchEvent(new PointerEvent(type, { bubbles: true, cancelable: true,
            pointerId: 7, pointerType: "touch", isPrimary: true, button: 0, clientX: x, clientY: y }));
          fire("pointerdown", x0, y0, card);
          fire("pointermove", (x0 + x1) / 2, (y0 + y1) / 2, document.body);
          fire("pointermove", x1, y1, document.body);
          fire("pointerup", x1, y1, document.body);
        }""",
        [box["x"] + 4, box["y"] + 20, x + 4, y],
    )
    expect(page.locator("#track-2 .bar .bar-time")).to_contain_text("15:00–16:00")


def test_staff_is_chosen_by_pinyin_and_published(page: Page) -> None:
    bar(page, "覃小芳").click()
    field = page.locator("#staff-anesthesiologist")
    field.fill("lm")
    expect(page.locator("#staff-anesthesiologist-list")).to_contain_text("空闲")
    field.press("Enter")
    expect(bar(page, "覃小芳").locator(".bar-people")).to_contain_text("李明")
    page.locator("[data-publish]").click()
    page.locator("dialog[open] button[type=submit]").click()
    expect(page.locator("[data-publish]")).to_have_text("已全部发布")
    expect(bar(page, "覃小芳").locator(".bar-state")).to_have_text("已发布")


def test_change_of_the_his_appears_by_itself_and_is_acknowledged(page: Page, app: Flask) -> None:
    with app.app_context():
        with unit_of_work.writing():
            service.receive_request(HIS, request(1, surgeon=PersonFacts("77", "邓海"), asa="4"))
        db.session.remove()
    expect(bar(page, "覃小芳").locator(".mark-changed")).to_have_text("HIS 改 1")
    bar(page, "覃小芳").click()
    expect(page.locator(".changes ins")).to_have_text("4")
    page.get_by_role("button", name="已阅").click()
    expect(page.locator(".mark-changed")).to_have_count(0)


def test_two_planners_of_one_case_never_overwrite_each_other(page: Page, app: Flask) -> None:
    drag(page, bar(page, "覃小芳"), 2, 9, drop=False)  # the card is in the hand while somebody else moves it
    with app.app_context():
        with unit_of_work.writing():
            huang = user_by_name(HUANG_WEI.username)
            assert huang is not None
            case = db.session.query(SurgicalCase).filter_by(room_id=room(1).id).one()
            service.place_case(huang, case, room(4), clock.at(TODAY, 16))
        db.session.remove()
    page.wait_for_timeout(900)
    page.mouse.up()
    expect(page.locator(".toast-danger")).to_contain_text("黄伟")
    expect(page.locator("#track-4 .bar .bar-time")).to_contain_text("16:00–17:00")


def test_who_may_only_look_cannot_drag(open_board: Callable[[Person], Page]) -> None:
    page = open_board(ZHOU_JIE)
    drag(page, bar(page, "覃小芳"), 2, 9)
    expect(page.locator(".drag-ghost")).to_have_count(0)
    expect(page.locator("#track-1 .bar .bar-time")).to_contain_text("13:00–14:00")


@pytest.mark.parametrize("view", ["gantt", "list", "cards", "agenda"])
def test_everything_fits_into_the_window(page: Page, address: str, view: str) -> None:
    page.goto(f"{address}/schedule/{TODAY}?view={view}")
    settled(page)
    sizes = page.evaluate("[document.documentElement.scrollHeight, innerHeight, "
                          "document.documentElement.scrollWidth, innerWidth]")  # fmt: skip
    assert sizes[0] <= sizes[1]
    assert sizes[2] <= sizes[3]


def test_search_fades_the_others(page: Page) -> None:
    page.keyboard.press("/")
    page.keyboard.type("hds")
    expect(page.locator("#day .is-faded")).to_have_count(1)
    expect(bar(page, "覃小芳")).to_have_class(re.compile(r"\bis-faded\b"))
