"""The theatre page in a real browser: few touches, live figures that age, two workstations, budget of the line."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from time import monotonic

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext, CDPSession, Page, Route, expect
from sqlalchemy import select

from app.anesthesia import service as anesthesia
from app.anesthesia.models import Administration
from app.core import clock, signals, unit_of_work
from app.core.db import db
from app.core.extensions import socketio
from app.terminology import queries as terminology
from tests.browser.conftest import sign_in
from tests.browser.serving import serving
from tests.cast import CHEN_JING, LI_MING, PASSWORD, Person
from tests.web.theatre_stage import Stage, rows, set_stage, user

KB = 1024


@dataclass(frozen=True, slots=True)
class House:
    """A running server with its stage."""

    app: Flask
    url: str
    stage: Stage

    def say(self, code: str, value: float, unit: str = "/min", age_s: float = 0, quality: int = 0) -> None:
        """A value on the live channel of the running case, past the glue that leaves out what pages know already."""
        topic = f"case:{self.stage.running}"
        values = [[code, value, unit, clock.now_ms() - int(age_s * 1000), quality]]
        socketio.emit("numeric", {"topic": topic, "values": values}, to=topic)

    def give(self, code: str) -> None:
        """Somebody elsewhere writes a dose of this drug."""
        with self.app.app_context():
            with unit_of_work.writing():
                anesthesia.give_bolus(
                    user(), self.stage.record, term_code=code, dose=Decimal(20), unit="mg", confirm=True
                )
            db.session.remove()

    def name_of(self, code: str) -> str:
        """How the drug is called on the chart."""
        with self.app.app_context():
            term = terminology.find("drug", code)
            assert term is not None
            return term.name


@pytest.fixture
def house(app: Flask) -> Iterator[House]:
    """The application on a free port."""
    stage = set_stage(app, minutes=200)
    with serving(app) as address:
        yield House(app, address, stage)


@pytest.fixture
def enter(house: House, new_context: Callable[..., BrowserContext]) -> Callable[[Person], Page]:
    """The page of the running case at the workstation of somebody."""

    def sit_down(person: Person) -> Page:
        page = new_context().new_page()
        sign_in(page, house.url, person.username, PASSWORD)
        page.goto(f"{house.url}/theatre/OR1")
        settled(page)
        return page

    return sit_down


def settled(page: Page) -> None:
    """Return when the live channel is up and its topics are joined."""
    expect(page.locator("html")).to_have_attribute("data-socket", "online")


@pytest.fixture
def page(enter: Callable[[Person], Page]) -> Page:
    """李明 before his patient."""
    return enter(LI_MING)


def test_a_dose_takes_two_touches_and_stands_on_the_chart(house: House, page: Page) -> None:
    page.locator(".rail-drug", has_text="丙泊酚").click()
    page.get_by_role("button", name="给药", exact=True).click()
    expect(page.locator("[data-written]")).to_contain_text("丙泊酚 100 mg iv")
    expect(page.locator("#side .panel")).to_have_count(0)
    expect(page.locator("svg.chart")).to_contain_text("丙泊酚", timeout=1500)
    assert rows(house.app, Administration) == {"Administration": 1}
    page.keyboard.press("Alt+z")
    expect(page.locator("[data-written]")).to_contain_text("已撤销")
    expect(page.locator("svg.chart")).not_to_contain_text("丙泊酚", timeout=1500)


def test_a_dose_takes_two_keys(house: House, page: Page) -> None:
    page.keyboard.press("1")
    expect(page.locator("#dose")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("[data-written]")).to_contain_text("丙泊酚 100 mg")
    assert rows(house.app, Administration) == {"Administration": 1}


def test_gloves_type_on_the_keypad(house: House, page: Page) -> None:
    page.locator(".rail-drug", has_text="丙泊酚").click()
    for key in ("8", "5", ".", "5"):
        page.locator(f'[data-key="{key}"]').click()
    page.locator('[data-key="back"]').click()
    page.locator('[data-key="back"]').click()
    expect(page.locator("#dose")).to_have_value("85")
    page.get_by_role("button", name="给药", exact=True).click()
    expect(page.locator("[data-written]")).to_contain_text("丙泊酚 85 mg")


def test_two_workstations_see_each_other_within_a_second(enter: Callable[[Person], Page]) -> None:
    mine, other = enter(LI_MING), enter(CHEN_JING)
    mine.keyboard.press("1")
    expect(mine.locator("#dose")).to_be_focused()
    began = monotonic()
    mine.keyboard.press("Enter")
    expect(other.locator("svg.chart")).to_contain_text("丙泊酚", timeout=2500)
    assert monotonic() - began < 1.5  # half a second is the burst; the rest is two browsers on one machine
    other.keyboard.press("m")
    expect(mine.locator(".flow-step.is-done", has_text="麻醉开始")).to_be_visible(timeout=2500)


def test_what_happens_before_the_subscription_or_on_a_lost_line_is_fetched(
    house: House, new_context: Callable[..., BrowserContext]
) -> None:
    page = new_context().new_page()
    sign_in(page, house.url, LI_MING.username, PASSWORD)
    held: list[Route] = []
    page.route(
        "**/socket.io.esm.min.js", lambda route: held.append(route)
    )  # a slow line: the page is drawn, its channel not yet up
    page.goto(f"{house.url}/theatre/OR1")
    expect(page.locator("svg.chart")).to_be_visible()
    house.give("D001")
    expect(page.locator("svg.chart")).not_to_contain_text("丙泊酚")
    held.pop().continue_()
    expect(page.locator("svg.chart")).to_contain_text("丙泊酚", timeout=2500)

    settled(page)
    for client in list(socketio.server.manager.get_participants("/", None)):
        socketio.server.disconnect(client[0])
    expect(page.locator("html")).to_have_attribute("data-socket", "offline")
    house.give("D002")
    expect(page.locator("svg.chart")).to_contain_text(house.name_of("D002"), timeout=6000)


def test_an_old_value_is_never_shown_as_a_present_one(house: House, page: Page) -> None:
    tile = page.locator('[data-numeric="HR"]')
    expect(tile).to_have_attribute("data-state", "none")
    house.say("HR", 72)
    expect(tile).to_have_attribute("data-state", "live")
    expect(tile.locator("output")).to_have_text("72")
    bright = tile.locator("output").evaluate("node => getComputedStyle(node).color")
    house.say("SpO2", 97, "%", age_s=3600)
    expect(page.locator('[data-numeric="SpO2"]')).to_have_attribute("data-stale", "true")
    expect(page.locator('[data-numeric="SpO2"] time')).to_have_text("1 小时前")
    expect(tile).to_have_attribute("data-stale", "true", timeout=15_000)
    grey = tile.locator("output").evaluate("node => getComputedStyle(node).color")
    assert grey != bright
    house.say("HR", 60, age_s=300)  # a late value does not replace a newer one
    page.wait_for_timeout(200)
    expect(tile.locator("output")).to_have_text("72")


def test_limits_doubt_and_pairs_are_told_in_words(house: House, page: Page) -> None:
    house.say("HR", 140)
    house.say("SpO2", 96, "%", quality=1)
    house.say("EtCO2", 36, "mmHg", quality=4)
    measured = clock.now_ms()
    cuff = [
        [code, value, "mmHg", measured, 0] for code, value in (("NIBP_S", 121.0), ("NIBP_D", 72.0), ("NIBP_M", 88.0))
    ]
    signals.numerics.send(f"case:{house.stage.running}", values=cuff, device="OR1-MON")
    expect(page.locator('[data-numeric="HR"] [data-numeric-word]')).to_contain_text("高")
    expect(page.locator('[data-numeric="SpO2"] [data-numeric-word]')).to_contain_text("存疑")
    expect(page.locator('[data-numeric="EtCO2"] output')).to_have_text("—")
    expect(page.locator('[data-numeric="NIBP"] output')).to_have_text("121/72")
    expect(page.locator('[data-numeric="ART"]')).to_be_hidden()


def test_the_command_line_writes_only_what_is_unambiguous(house: House, page: Page) -> None:
    page.keyboard.press("/")
    page.keyboard.type("s 20")
    expect(page.locator(".offer").nth(1)).to_be_visible()
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    assert rows(house.app, Administration) == {"Administration": 0}
    page.locator("#command").press("Escape")
    page.locator("#command").fill("bbf 90")
    page.locator("#command").press("Enter")  # faster than the answer: it waits for it
    expect(page.locator("[data-written]")).to_contain_text("丙泊酚 90 mg")
    expect(page.locator("#command")).to_have_value("")
    with house.app.app_context():
        assert db.session.scalars(select(Administration.dose)).one() == 90


def test_an_unusual_dose_asks_and_keeps_the_form(house: House, page: Page) -> None:
    page.keyboard.press("1")
    page.locator("#dose").fill("500")
    page.get_by_role("button", name="给药", exact=True).click()
    expect(page.locator("#dialog")).to_contain_text("500 mg")
    expect(page.get_by_role("button", name="返回修改")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#dialog")).not_to_be_visible()
    expect(page.locator("#dose")).to_have_value("500")
    assert rows(house.app, Administration) == {"Administration": 0}
    page.get_by_role("button", name="给药", exact=True).click()
    page.get_by_role("button", name="确认无误").click()
    expect(page.locator("[data-written]")).to_contain_text("500 mg")
    expect(page.locator("#side .panel")).to_have_count(0)
    assert rows(house.app, Administration) == {"Administration": 1}


def test_the_chart_opens_values_slots_and_lanes(house: House, page: Page) -> None:
    plot = page.locator('rect[data-lane="vitals"]')
    box = plot.bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.locator("#side h2").first).to_have_text("手录体征")
    wanted = page.locator("#at").input_value()
    page.locator("#NIBP_S").fill("118")
    page.locator("#NIBP_D").fill("70")
    page.locator("#HR").fill("66")
    page.get_by_role("button", name="记录", exact=True).click()
    expect(page.locator("[data-written]")).to_contain_text(f"{wanted}　收缩压 118　舒张压 70　心率 66")
    expect(page.locator('g[data-series="sbp"]')).to_have_attribute("data-values", "118", timeout=2000)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
    expect(page.locator("[data-readout]")).to_contain_text("心率 66")
    x, y = page.evaluate(
        """() => { const s = document.querySelector('svg.chart'), d = s.dataset, f = s.getBoundingClientRect();
        const series = document.querySelector('g[data-series="hr"]').dataset;
        const span = (Date.parse(d.end) - Date.parse(d.start)) / 60000, k = f.width / s.viewBox.baseVal.width;
        return [f.left + k * (Number(d.x0) + (d.x1 - d.x0) * series.min / span),
                f.top + k * (Number(d.y0) - (d.y0 - d.y1) * (66 - d.low) / (d.high - d.low))]; }"""
    )
    page.mouse.click(x, y)
    expect(page.locator("#side h2").first).to_contain_text("心率")
    page.locator("#value").fill("68")
    page.locator("#reason").fill("录入错误")
    page.get_by_role("button", name="保存更正").click()
    expect(page.locator('g[data-series="hr"]')).to_have_attribute("data-values", "68", timeout=2000)


def test_the_span_follows_the_wheel_and_comes_back(page: Page) -> None:
    chart = page.locator("svg.chart")
    whole = chart.get_attribute("data-start")
    box = page.locator('rect[data-lane="vitals"]').bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.wheel(0, -200)
    expect(chart).not_to_have_attribute("data-start", str(whole), timeout=2000)
    page.get_by_role("button", name="现在", exact=True).click()
    expect(chart).to_have_attribute("data-start", str(whole), timeout=2000)
    page.keyboard.press("n")
    expect(chart).not_to_have_attribute("data-start", str(whole), timeout=2000)
    page.keyboard.press("w")
    expect(chart).to_have_attribute("data-start", str(whole), timeout=2000)


def test_a_scanner_types_wherever_the_focus_is(
    house: House, new_context: Callable[..., BrowserContext], enter: Callable[[Person], Page]
) -> None:
    page = enter(LI_MING)
    page.goto(f"{house.url}/theatre/OR2")
    page.locator("h1").click()
    page.evaluate("document.activeElement.blur()")
    page.keyboard.type("ZY000003")
    page.keyboard.press("Enter")
    expect(page.locator("[data-refused]")).to_contain_text("患者不符：陆小梅")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.type("ZY000002")
    page.keyboard.press("Enter")
    expect(page.locator("[data-identified]")).to_contain_text("农志明")
    expect(page.locator("[data-refused]")).to_have_count(0)
    page.get_by_role("button", name="入手术间").click()
    expect(page.locator(".patient-name")).to_have_text("农志明")
    expect(page.locator("svg.chart")).to_be_visible()


@pytest.mark.parametrize("size", [(1366, 768), (1920, 1080)])
def test_everything_is_in_sight_without_scrolling(
    house: House, new_context: Callable[..., BrowserContext], size: tuple[int, int]
) -> None:
    page = new_context(*size).new_page()
    sign_in(page, house.url, LI_MING.username, PASSWORD)
    page.goto(f"{house.url}/theatre/OR1")
    settled(page)
    for part in ("html", ".theatre-rail", ".theatre-figures", ".chart-box", ".theatre-top"):
        over = page.locator(part).evaluate("e => [e.scrollHeight - e.clientHeight, e.scrollWidth - e.clientWidth]")
        assert max(over) <= 1, part
    assert page.locator('[data-numeric="HR"] output').evaluate("e => parseFloat(getComputedStyle(e).fontSize)") >= 48
    small = page.locator(".theatre button:visible").evaluate_all(
        "all => all.map(e => [e.textContent.trim(), e.getBoundingClientRect().height]).filter(([, h]) => h < 32)"
    )
    assert small == []


def test_panels_need_no_scrolling_and_words_narrow_what_is_offered(house: House, page: Page) -> None:
    with house.app.app_context(), unit_of_work.writing():
        for code, rate, unit in (("D001", "4", "mg/kg/h"), ("D021", "0.1", "ug/kg/min"), ("D050", "2", "%")):
            anesthesia.start_infusion(
                user(), house.stage.record, term_code=code, rate=Decimal(rate), rate_unit=unit, confirm=True
            )
    for key in "dbfvsoe":
        page.keyboard.press(key)
        panel = page.locator("#side .panel")
        expect(panel).to_be_visible()
        page.wait_for_load_state("networkidle")
        over = page.locator("#side").evaluate("e => e.scrollHeight - e.clientHeight")
        assert over <= 1, panel.get_attribute("aria-label")
        if key != "e":
            page.locator("#side [data-close-panel]").click()
    page.locator("#label").press_sequentially("xzzt")
    expect(page.locator("#side [data-words]:visible")).to_have_text(["心脏骤停"])
    page.locator("#side [data-words]:visible").click()
    page.get_by_role("button", name="记录事件").click()
    expect(page.locator("[data-written]")).to_contain_text("心脏骤停")


def test_nothing_lies_over_the_curves(house: House, new_context: Callable[..., BrowserContext]) -> None:
    """Wherever one points at the chart, the chart is what is there: no toolbar, no legend, no button on top."""
    page = new_context(1366, 768).new_page()
    sign_in(page, house.url, LI_MING.username, PASSWORD)
    page.goto(f"{house.url}/theatre/OR1")
    settled(page)
    covered = page.locator("#chart").evaluate(
        """chart => {
            const box = chart.getBoundingClientRect(), found = new Set();
            for (let x = 1; x < 40; x++) for (let y = 1; y < 40; y++) {
                const top = document.elementFromPoint(box.left + box.width * x / 40, box.top + box.height * y / 40);
                if (!chart.contains(top)) found.add(top ? top.outerHTML.slice(0, 80) : "outside of the window");
            }
            return [...found];
        }"""
    )
    assert covered == []


class Meter:
    """Requests and bytes on the line, as the browser counts them."""

    def __init__(self, page: Page) -> None:
        self.requests = 0
        self.bytes = 0
        session: CDPSession = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.on("Network.loadingFinished", self._finished)
        session.on("Network.webSocketFrameReceived", lambda event: self._frame(event["response"]["payloadData"]))

    def _finished(self, event: dict[str, float]) -> None:
        if event["encodedDataLength"] > 0:
            self.requests += 1
            self.bytes += int(event["encodedDataLength"])

    def _frame(self, payload: str) -> None:
        self.bytes += len(payload.encode())

    def take(self) -> tuple[int, int]:
        """Requests and bytes since the last call."""
        found, self.requests, self.bytes = (self.requests, self.bytes), 0, 0
        return found


def test_the_page_is_light(house: House, new_context: Callable[..., BrowserContext]) -> None:
    page = new_context().new_page()
    sign_in(page, house.url, LI_MING.username, PASSWORD)
    fresh = new_context().new_page()  # nothing cached
    fresh.context.add_cookies(page.context.cookies())  # type: ignore[arg-type]
    meter = Meter(fresh)
    fresh.goto(f"{house.url}/theatre/OR1")
    settled(fresh)
    requests, cold = meter.take()
    assert requests <= 20, requests
    assert cold <= 250 * KB, cold
    fresh.goto(f"{house.url}/theatre/OR1")
    settled(fresh)
    _requests, warm = meter.take()
    assert warm <= 60 * KB, warm
    fresh.wait_for_timeout(6000)
    _requests, watching = meter.take()
    assert watching * 10 <= 5 * KB, watching
