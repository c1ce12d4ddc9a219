"""How the shared scripts behave in a real browser under the real Content-Security-Policy."""

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.bench import Bench, running


@pytest.fixture
def bench() -> Iterator[Bench]:
    with running() as stage:
        yield stage


@pytest.fixture
def page(browser: Browser, bench: Bench) -> Iterator[Page]:
    """The bench page at the smallest desk screen; any script error or CSP refusal fails the test."""
    context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="zh-CN", timezone_id="Asia/Shanghai")
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda line: faults.append(line.text) if "Content Security" in line.text else None)
    page.goto(bench.url)
    bench.await_topics()
    yield page
    context.close()
    assert faults == []


def test_a_key_opens_the_dialog_and_the_focus_comes_back(page: Page) -> None:
    page.keyboard.press("i")
    expect(page.locator("dialog[open] h2")).to_have_text("气管插管")
    expect(page.locator("#size")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)
    expect(page.get_by_role("button", name="插管")).to_be_focused()


def test_keys_rest_while_someone_types(page: Page) -> None:
    page.locator("#note").press("i")
    assert page.locator("#note").input_value() == "i"
    expect(page.locator("dialog[open]")).to_have_count(0)


def test_the_question_mark_lists_the_keys_of_the_page(page: Page) -> None:
    page.locator("body").press("?")
    expect(page.locator("dialog[open]")).to_contain_text("插管")


def test_a_refused_save_says_why_and_what_was_kept(page: Page) -> None:
    page.keyboard.press("i")
    page.locator("#size").fill("7.5")
    page.get_by_role("button", name="记录").click()
    toast = page.locator(".toast")
    expect(toast).to_contain_text("没有保存：王医生 08:31 已改过本例时间")
    expect(toast).to_contain_text("填写的内容还在本页")
    expect(page.locator("dialog[open] .toast")).to_be_visible()  # above the modal, not behind it
    assert page.locator("#size").input_value() == "7.5"


def test_a_refusal_goes_to_its_field_and_the_form_stays(page: Page) -> None:
    give = page.get_by_role("button", name="给药")
    give.click()
    expect(page.locator(".toast-danger")).to_contain_text("剂量过大")
    expect(page.locator(".field-invalid .field-error")).to_have_text("单次上限 300 mg")
    expect(page.locator("#dose")).to_be_focused()
    expect(page.locator("#dose")).to_have_value("1000")
    give.click()
    expect(page.locator(".field-error")).to_have_count(1)  # said once, not piled up


def test_a_message_of_the_server_is_shown_and_goes_away_by_hand(page: Page) -> None:
    page.get_by_role("button", name="成功").click()
    expect(page.locator(".toast-ok")).to_contain_text("已记录")
    page.get_by_role("button", name="关闭提示").click()
    expect(page.locator(".toast")).to_have_count(0)


def test_a_refusal_leaves_the_screen_when_the_next_write_succeeds(page: Page) -> None:
    """It lies over the figures, so it must not stay there when the fault has been mended."""
    page.get_by_role("button", name="冲突").click()
    expect(page.locator(".toast-danger")).to_be_visible()
    page.get_by_role("button", name="成功").click()
    expect(page.locator(".toast-ok")).to_be_visible()
    expect(page.locator(".toast-danger")).to_have_count(0)


def test_a_broken_line_is_told_with_its_time(page: Page) -> None:
    page.context.set_offline(True)
    page.get_by_role("button", name="冲突").click()
    expect(page.locator(".toast-danger")).to_contain_text("没有保存：网络断开")
    expect(page.locator("[data-connection].pill")).to_contain_text("离线 自 ")


def test_search_by_keyboard(page: Page) -> None:
    field = page.locator("#drug")
    field.fill("bbf")
    expect(page.get_by_role("option")).to_have_count(2)
    field.press("ArrowDown")
    field.press("Enter")
    expect(field).to_have_value("依托咪酯")
    expect(page.locator("[name=drug]")).to_have_value("2")


def test_half_a_word_is_not_a_choice(page: Page) -> None:
    field = page.locator("#drug")
    field.fill("bbf")
    expect(page.get_by_role("option")).to_have_count(2)
    field.press("Enter")
    field.fill("zz")
    expect(page.locator(".combobox-empty")).to_be_visible()
    field.press("Tab")
    expect(field).to_have_value("丙泊酚")
    expect(page.locator("[name=drug]")).to_have_value("1")


def test_theme_changes_at_once_and_is_sent_to_the_server(page: Page, bench: Bench) -> None:
    page.locator("details[data-menu] > summary").click()
    page.get_by_role("button", name="暗", exact=True).click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    deadline = time.monotonic() + 3
    while not bench.posted and time.monotonic() < deadline:
        page.wait_for_timeout(20)
    assert bench.posted == [{"csrf_token": "token", "theme": "dark"}]


def test_an_old_value_turns_grey_and_its_alarm_ends(page: Page) -> None:
    expect(page.locator("[data-numeric=HR]")).to_have_attribute("data-state", "stale")
    expect(page.locator("[data-numeric=HR] time")).to_contain_text("分钟前")
    expect(page.locator("[data-numeric=SpO2]")).to_have_attribute("data-state", "live")


def test_the_side_panel_opens_and_closes_by_escape(page: Page) -> None:
    expect(page.locator("#side")).to_be_hidden()
    page.get_by_role("button", name="详情").click()
    expect(page.locator("#side .panel")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#side")).to_be_hidden()


def test_a_burst_of_changes_becomes_few_refreshes(page: Page, bench: Bench) -> None:
    for _ in range(30):
        bench.emit("changed", "case:12", what="vitals")
        time.sleep(0.02)
    expect(page.locator("#vitals p")).not_to_have_text("0")
    page.wait_for_timeout(1200)
    assert 1 <= bench.fetched <= 4


def test_other_changes_refresh_nothing(page: Page, bench: Bench) -> None:
    bench.emit("changed", "case:12", what="events")
    page.wait_for_timeout(900)
    assert bench.fetched == 0


def test_nothing_is_refreshed_under_typing_fingers(page: Page, bench: Bench) -> None:
    page.locator("#inside").fill("12")
    bench.emit("changed", "case:12", what="vitals")
    page.wait_for_timeout(900)
    assert bench.fetched == 0
    page.locator("#note").focus()
    expect(page.locator("#vitals p")).to_have_text("1")


def test_numeric_events_reach_page_modules(page: Page, bench: Bench) -> None:
    page.evaluate(
        """async () => {
          const live = await import("/assets/js/live.js");
          window.stop = live.onNumeric(({ values }) =>
            live.showNumeric(document.querySelector("[data-numeric=SpO2]"),
              { text: String(values.SpO2), at: new Date().toISOString(), state: "alarm", word: "低于 92" }));
        }"""
    )
    bench.emit("numeric", "case:12", values={"SpO2": 84})
    tile = page.locator("[data-numeric=SpO2]")
    expect(tile).to_have_attribute("data-state", "alarm")
    expect(tile).to_contain_text("84")
    expect(tile).to_contain_text("低于 92")


def test_an_idle_workstation_locks_itself(page: Page, bench: Bench) -> None:
    page.goto(bench.url + "?idle=0.005")
    page.wait_for_url("**/lock?next=*", timeout=15_000)


def test_the_page_stays_within_its_request_budget(browser: Browser, bench: Bench) -> None:
    context = browser.new_context()
    page = context.new_page()
    sizes: list[int] = []
    page.on("response", lambda answer: sizes.append(int(answer.headers.get("content-length", 0))))
    page.goto(bench.url)
    bench.await_topics()
    context.close()
    assert len(sizes) <= 16  # leaves room for a page's own files within twenty
    assert sum(sizes) < 210_000  # uncompressed
