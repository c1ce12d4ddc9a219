"""Pictures of the manuals from a running demonstration: schedule, theatre (dark), first page of the printed record.

    .venv/bin/python scripts/screenshots.py --url http://127.0.0.1:8080 [--out docs/images]

Starts nothing itself. Signs in with the demonstration accounts in headless Chromium; needs the packages of
requirements/dev.txt, chromium and pdftoppm.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urljoin

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
SIZE = {"width": 1440, "height": 900}
PASSWORD = "Mafei-2026"
SCHEDULER, ANESTHESIOLOGIST = "zhaoq", "lim"
_FLAGS = ["--disable-background-networking", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars"]


def main() -> int:
    """Take the three pictures; says which."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--url", required=True, help="address of a running demonstration")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images")
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None or shutil.which("pdftoppm") is None:
        print("chromium and pdftoppm (poppler-utils) are needed.", file=sys.stderr)
        return 1
    options.out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=_FLAGS)
        base = options.url.rstrip("/")
        take_schedule(browser, base, options.out / "schedule.png")
        take_theatre_and_record(browser, base, options.out / "theatre.png", options.out / "record.png")
        browser.close()
    return 0


def signed_in(browser: Browser, base: str, username: str) -> Page:
    """A page of a person who has signed in."""
    context = browser.new_context(viewport=SIZE, locale="zh-CN", timezone_id="Asia/Shanghai")
    page = context.new_page()
    page.goto(f"{base}/sign-in")
    page.fill("#username", username)
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/sign-in" not in url)
    return page


def settle(page: Page) -> None:
    """Give the live channel time to bring its first values."""
    page.wait_for_load_state("load")
    page.evaluate("document.fonts.ready")
    page.wait_for_timeout(4000)


def shoot(page: Page, target: Path) -> None:
    """Write the visible part of the page."""
    page.screenshot(path=target)
    print(target)


def take_schedule(browser: Browser, base: str, target: Path) -> None:
    """Today's board as the scheduling nurse sees it."""
    page = signed_in(browser, base, SCHEDULER)
    page.goto(f"{base}/schedule")
    settle(page)
    shoot(page, target)
    page.context.close()


def take_theatre_and_record(browser: Browser, base: str, theatre: Path, record: Path) -> None:
    """The case that runs now, in the dark theme of the theatre, and its record on paper."""
    page = signed_in(browser, base, ANESTHESIOLOGIST)
    case_url = running_case(page, base)
    page.goto(case_url)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    settle(page)
    shoot(page, theatre)
    draw_record(page, base, case_url, record)
    page.context.close()


def running_case(page: Page, base: str) -> str:
    """Address of a case that runs in one of the rooms. Ends the program when there is none yet."""
    page.goto(f"{base}/theatre")
    rooms = page.eval_on_selector_all("a[href^='/theatre/']", "links => links.map(link => link.getAttribute('href'))")
    for room in dict.fromkeys(rooms):
        page.goto(urljoin(base, room))
        chart = page.locator("#chart[data-case]")
        if chart.count() and chart.locator("svg").count():
            return urljoin(base, str(chart.get_attribute("data-case")))
    sys.exit("No case with a chart is running yet. Wait a minute after the start of the demonstration and try again.")


def draw_record(page: Page, base: str, case_url: str, target: Path) -> None:
    """Print the record as its button does, then turn the first page into a picture 1440 dots high."""
    token = page.evaluate("JSON.parse(document.body.getAttribute('hx-headers'))['X-CSRFToken']")
    answer = page.request.post(f"{case_url}/record/print", form={"csrf_token": token}, headers={"Referer": base})
    if not answer.ok or not answer.body().startswith(b"%PDF-"):
        sys.exit(f"The record was not printed: HTTP {answer.status}")
    with tempfile.TemporaryDirectory() as folder:
        pdf = Path(folder) / "record.pdf"
        pdf.write_bytes(answer.body())
        stem = Path(folder) / "record"
        command = ["pdftoppm", "-png", "-f", "1", "-l", "1", "-singlefile", "-scale-to", "1440", str(pdf), str(stem)]
        subprocess.run(command, check=True)
        shutil.move(stem.with_suffix(".png"), target)
    print(target)


if __name__ == "__main__":
    raise SystemExit(main())
