"""Headless Chromium for the flows that matter. Pages may reach the loopback only."""

import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_FLAGS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs a browser."""
    for item in items:
        if "tests/browser" in str(item.path):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for the run."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        instance = playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS)
        yield instance
        instance.close()


@pytest.fixture
def new_context(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Make a browser context of a workstation; console errors and outside requests fail the test."""
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def make(width: int = 1366, height: int = 768) -> BrowserContext:
        context = browser.new_context(
            viewport={"width": width, "height": height}, locale="zh-CN", timezone_id="Asia/Shanghai"
        )
        context.on("page", lambda page: _watch(page, faults))
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()
    assert not faults, faults


def _watch(page: Page, faults: list[str]) -> None:
    page.on("pageerror", lambda error: faults.append(f"script error: {error}"))
    page.on("request", lambda request: _check_host(request.url, faults))
    page.on("console", lambda message: _check_console(message.text, message.type, faults))


def _check_host(url: str, faults: list[str]) -> None:
    if not url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:", "about:")):
        faults.append(f"request to the outside: {url}")


def _check_console(text: str, kind: str, faults: list[str]) -> None:
    # A refused action (409, 422) and a server that a test has killed are told in the console by the browser itself.
    told = ("Failed to load resource", "WebSocket connection", "Response Status Error Code 4", "Send Error from")
    if kind == "error" and not any(word in text for word in told):
        faults.append(f"console: {text}")


def sign_in(page: Page, base: str, username: str, password: str) -> None:
    """Sign in as a person does."""
    page.goto(f"{base}/sign-in")
    page.fill("#username", username)
    page.fill("#password", password)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/sign-in" not in url)
