"""What a screen costs: headless Chromium, 1440 × 900, on the theatre page of a 4 h record with a live monitor.

    python -m benchmarks.browser [--minutes 5]

Real processes: simulated monitor → bridge → gunicorn → a relay that counts every byte on the wire → Chromium.
"Drawn" is the later of the first contentful paint and the last change of the chart while the page loads. The
baseline of the watching screen is the usual way to keep it current: the whole page again, once a minute.
"""

import argparse
import shutil
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, sync_playwright

from benchmarks.relay import CountingRelay
from benchmarks.stage import DOCTOR, PASSWORD, Stage, stage
from benchmarks.table import Line, show
from tests.processes import free_port, wait_until

_SIZE: Any = {"width": 1440, "height": 900}
_FLAGS = ["--disable-background-networking", "--disable-component-update", "--disable-gpu", "--no-first-run"]
_WATCHER = """
window.__chart = 0;
document.addEventListener("DOMContentLoaded", () => {
  const chart = document.querySelector("[data-chart]");
  const drawn = () => requestAnimationFrame(() => { window.__chart = performance.now(); });
  drawn();
  new MutationObserver(drawn).observe(chart, { childList: true, subtree: true });
});
"""
_DRAWN = """() => Math.max(window.__chart,
  performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0)"""
_QUIET_S = 1.2


@dataclass
class Traffic:
    """What the browser itself says it has received."""

    requests: int = 0
    by_type: dict[str, int] = field(default_factory=dict)
    socket_payload: int = 0
    socket_frames: int = 0
    paths: dict[str, int] = field(default_factory=dict)
    _kinds: dict[str, tuple[str, str]] = field(default_factory=dict)

    def listen(self, session: CDPSession) -> None:
        """Count from now on."""
        session.send("Network.enable")
        session.on("Network.responseReceived", self._response)
        session.on("Network.loadingFinished", self._finished)
        session.on("Network.webSocketFrameReceived", self._frame)

    def _response(self, event: dict[str, Any]) -> None:
        url = event["response"]["url"].split("?")[0].split("/", 3)[-1]
        self._kinds[event["requestId"]] = (event["type"], url)
        if event["response"]["encodedDataLength"]:  # zero: taken from the cache of the browser
            self.requests += 1

    def _finished(self, event: dict[str, Any]) -> None:
        kind, url = self._kinds.get(event["requestId"], ("Other", "?"))
        size = int(event["encodedDataLength"])
        self.by_type[kind] = self.by_type.get(kind, 0) + size
        self.paths[url] = self.paths.get(url, 0) + size

    def _frame(self, event: dict[str, Any]) -> None:
        self.socket_frames += 1
        self.socket_payload += len(event["response"]["payloadData"].encode())


def start_processes(place: Stage) -> int:
    """Web, one simulated monitor at one set of values a second, and the bridge; the case that it serves."""
    installation, ports = place.installation, (free_port(), free_port())
    installation.run("-m", "flask", "demo", "devices", f"--port=mindray_pds={ports[0]}", f"--port=ge_dri={ports[1]}")
    case = place.open_case(4, device_key="OR1-MON")
    installation.start_web()
    installation.start("simulator", "-m", "device_bridge", "simulate", "--driver", "mindray_pds", "--listen",
                       f"127.0.0.1:{ports[0]}", "--case-clock", "5400", "--interval", "1")  # fmt: skip
    installation.start_bridge()
    return case.case_id


def signed_in(browser: Browser, base: str) -> Any:
    """Cookies of a person who has signed in; the cache of that window is thrown away."""
    context = browser.new_context(viewport=_SIZE, locale="zh-CN")
    page = context.new_page()
    page.goto(f"{base}/sign-in")
    page.fill("#username", DOCTOR)
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/sign-in" not in url)
    state = context.storage_state()
    context.close()
    return state


def _open(browser: Browser, state: Any) -> tuple[BrowserContext, Page, CDPSession]:
    context = browser.new_context(viewport=_SIZE, locale="zh-CN", storage_state=state)
    page = context.new_page()
    page.add_init_script(_WATCHER)
    return context, page, context.new_cdp_session(page)


def _load(page: Page, url: str) -> float:
    """Open the page, wait until it is quiet; milliseconds until it was drawn."""
    answer = page.goto(url, wait_until="load")
    assert answer is not None, "no answer"
    assert (answer.status, page.url) == (200, url)
    page.wait_for_selector("[data-chart] svg")
    page.wait_for_timeout(_QUIET_S * 1000)
    return float(page.evaluate(_DRAWN))


def loading(browser: Browser, relay: CountingRelay, url: str, state: Any) -> list[Line]:
    """Cold, cold with a slow processor, warm."""
    times, slow = [], []
    for _ in range(3):
        context, page, session = _open(browser, state)
        traffic = Traffic()
        traffic.listen(session)
        relay.reset()
        times.append(_load(page, url))
        session.detach()
        cold_bytes, cold = relay.received, traffic
        session, warm = context.new_cdp_session(page), Traffic()
        warm.listen(session)
        relay.reset()
        _load(page, url)
        warm_bytes = relay.received
        context.close()
    for _ in range(2):
        context, page, session = _open(browser, state)
        session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
        slow.append(_load(page, url))
        context.close()
    for path, size in sorted(cold.paths.items(), key=lambda item: -item[1]):
        print(f"    {size:8d} B  {path}")
    return [
        Line("theatre page cold, drawn (worst of 3)", max(times), "ms", most=800),
        Line("theatre page cold, processor slowed 4 times (worst of 2)", max(slow), "ms", most=2000),
        Line("  cold: requests", cold.requests, "", most=20),
        Line("  cold: all bytes on the wire, headers and socket included", cold_bytes / 1000, "kB", most=250),
        Line("  warm: requests that reached the server", warm.requests, ""),
        Line("  warm: all bytes on the wire", warm_bytes / 1000, "kB", most=60),
    ]


def watching(browser: Browser, relay: CountingRelay, url: str, state: Any, minutes: float) -> list[Line]:
    """Leave the page open and count."""
    context, page, session = _open(browser, state)
    _load(page, url)
    traffic = Traffic()
    traffic.listen(session)
    relay.reset()
    page.wait_for_timeout(minutes * 60_000)
    wire = relay.received / minutes
    session.detach()
    fetched = sum(traffic.by_type.values()) / minutes
    relay.reset()
    page.reload(wait_until="load")
    page.wait_for_timeout(500)
    whole = relay.received
    context.close()
    for path, size in sorted(traffic.paths.items(), key=lambda item: -item[1]):
        print(f"    {size:8d} B  {path}")
    return [
        Line(f"watching screen, all bytes on the wire a minute ({minutes:g} min)", wire / 1000, "kB", most=5),
        Line("  of it fetched", fetched / 1000, "kB"),
        Line("  socket messages, before compression", traffic.socket_payload / minutes / 1000, "kB"),
        Line(
            "  fetched and messages before compression together",
            fetched / 1000 + traffic.socket_payload / minutes / 1000,
            "kB",
            most=5,
        ),
        Line("  socket messages a minute", traffic.socket_frames / minutes, ""),
        Line("  baseline: the page again once a minute", whole / 1000, "kB"),
    ]


def main() -> int:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=5, help="how long the watching screen is measured")
    minutes = parser.parse_args().minutes
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("no Chromium on this machine")
    with stage() as place, sync_playwright() as playwright:
        case_id = start_processes(place)
        relay = CountingRelay(place.installation.port)
        base = f"http://127.0.0.1:{relay.port}"
        browser = playwright.chromium.launch(executable_path=chromium, args=_FLAGS)
        state, url = signed_in(browser, base), f"{base}/cases/{case_id}"
        wait_until(lambda: place.has_live_values("OR1-MON"), 30, "values of the monitor being stored")
        time.sleep(2)
        code = show(loading(browser, relay, url, state))
        code = max(code, show(watching(browser, relay, url, state, minutes)))
        browser.close()
    return code


if __name__ == "__main__":
    sys.exit(main())
