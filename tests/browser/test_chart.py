"""The chart in a real browser, under the strict content security policy and the themes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route

from app.charting.layout import layout
from app.charting.svg import to_svg
from app.charting.window import last_hours
from tests.charting.samples import record

CSS = Path(__file__).parents[2] / "static" / "css"
POLICY = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'"
ADDRESS = "http://chart.invalid"


def page_html(theme: str) -> str:
    view = record(480, live=True)
    charts = to_svg(layout(view), prefix="whole") + to_svg(layout(view, last_hours(view)), prefix="hour")
    links = '<link rel="stylesheet" href="/base.css"><link rel="stylesheet" href="/chart.css">'
    return (
        f'<!doctype html><html lang="zh-CN" data-theme="{theme}"><head><title>图</title>{links}</head>'
        f"<body>{charts}</body></html>"
    )


def serve(route: Route) -> None:
    path = route.request.url.removeprefix(ADDRESS)
    if path.endswith(".css"):
        route.fulfill(body=(CSS / path.lstrip("/")).read_text(encoding="utf-8"), content_type="text/css")
        return
    headers = {"Content-Security-Policy": POLICY}
    route.fulfill(body=page_html(path.lstrip("/")), content_type="text/html; charset=utf-8", headers=headers)


@pytest.fixture(scope="module")
def browser_page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    page.route(f"{ADDRESS}/**", serve)
    yield page
    page.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_complaint_and_every_theme_shows_the_curves(browser_page: Page, theme: str) -> None:
    complaints: list[str] = []
    browser_page.on("console", lambda message: complaints.append(message.text))
    browser_page.on("pageerror", lambda error: complaints.append(str(error)))
    browser_page.goto(f"{ADDRESS}/{theme}")
    assert [text for text in complaints if "favicon" not in text] == []
    stroke, surface = browser_page.evaluate(
        "() => [getComputedStyle(document.querySelector('.c-sbp')).stroke,"
        " getComputedStyle(document.querySelector('.chart')).backgroundColor]"
    )
    assert stroke != surface
    assert stroke == {"light": "rgb(122, 16, 112)", "dark": "rgb(245, 155, 232)"}[theme]


def test_words_do_not_collide_in_the_browsers_own_font(browser_page: Page) -> None:
    browser_page.goto(f"{ADDRESS}/light")
    collisions = browser_page.evaluate(
        """() => {
          const found = [];
          for (const chart of document.querySelectorAll('.chart')) {
            const boxes = [...chart.querySelectorAll('text')]
              .filter(text => !text.closest('.c-text-note') && text.closest('.c-text, .c-text-muted'))
              .map(text => ({ words: text.firstChild.data, box: text.getBBox() }));
            for (let i = 0; i < boxes.length; i++) for (let j = i + 1; j < boxes.length; j++) {
              const a = boxes[i].box, b = boxes[j].box;
              const wide = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
              const same = Math.abs(a.y - b.y) < 4;
              if (same && wide > 1.5) found.push(boxes[i].words + ' / ' + boxes[j].words);
            }
          }
          return found;
        }"""
    )
    assert collisions == []


def test_a_pointer_in_a_lane_hits_the_lane(browser_page: Page) -> None:
    browser_page.goto(f"{ADDRESS}/light")
    lane = browser_page.locator("#whole-title").locator("..").locator("[data-lane='d7']")
    box = lane.bounding_box()
    assert box is not None
    hit = browser_page.evaluate(
        "([x, y]) => document.elementFromPoint(x, y)?.dataset.lane",
        [box["x"] + box["width"] * 0.4, box["y"] + box["height"] / 2],
    )
    assert hit == "d7"
