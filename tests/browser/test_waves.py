"""Curves in a real browser: drawn at 25 frames a second or more, without growth; hours of them in under a second."""

import math
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext, Page, expect
from socketio import Client

from app.core import clock, unit_of_work
from app.core.audit import SystemActor
from app.core.db import db
from app.devices import service
from app.vitals import wave_queries
from blueprints.common.access import settings
from device_bridge.wire import NAMESPACE
from device_bridge.wire_waves import WaveBatch, WaveBlock, WavePiece, pack_samples
from tests.browser.conftest import sign_in
from tests.browser.serving import serving
from tests.cast import HE_YU, PASSWORD

CHANNELS = ("ECG1", "PLETH", "P1", "CO2")
RATE = 250
COUNT_FRAMES = """
() => {
  const clear = CanvasRenderingContext2D.prototype.clearRect;
  window.frames_drawn = 0;
  CanvasRenderingContext2D.prototype.clearRect = function (...given) {
    if (this.canvas.getAttribute("aria-label")?.startsWith("ECG1")) window.frames_drawn += 1;
    return clear.apply(this, given);
  };
}
"""


class Feed:
    """A bridge that delivers four curves once a second, as the real one does."""

    def __init__(self, url: str, token: str, device: str) -> None:
        self._client = Client(reconnection=False)
        auth = {"token": token, "bridge": "b"}
        self._client.connect(url, auth=auth, namespaces=[NAMESPACE], transports=["websocket"])
        self._device, self._seq, self._end = device, 0, clock.now_ms() - 1000
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Deliver until `stop`."""
        self._thread.start()

    def stop(self) -> None:
        """No more."""
        self._stop.set()
        self._thread.join(5)
        self._client.disconnect()

    def _run(self) -> None:
        while not self._stop.wait(1.0):
            self._seq += 1
            samples = [round(1000 * math.sin((self._seq * RATE + n) / 20)) for n in range(RATE)]
            packed = pack_samples(samples)
            pieces = tuple(WavePiece(code, "mV", self._end, RATE, 0.001, 0.0, RATE, packed) for code in CHANNELS)
            batch = WaveBatch("b", "w", self._seq, self._seq - 1, clock.now_ms(), (WaveBlock(self._device, pieces),))
            self._client.call("waves", batch.to_json(), namespace=NAMESPACE)
            self._end += 1000


@pytest.fixture
def device(app: Flask) -> int:
    """A monitor with curves."""
    with app.app_context(), unit_of_work.writing():
        return service.register_device(
            SystemActor("setup", "安装"), "OR1-W", kind="monitor", driver="ge_dri", options={"waves": ["*"]},
            transport={"kind": "tcp_client", "host": "10.1.3.6", "port": 4001},
        ).id  # fmt: skip


@pytest.fixture
def page(app: Flask, new_context: Callable[..., BrowserContext]) -> Iterator[Page]:
    """何宇 at his desk."""
    with serving(app) as address:
        page = new_context().new_page()
        page.add_init_script(f"({COUNT_FRAMES})()")
        sign_in(page, address, HE_YU.username, PASSWORD)
        page.base = address  # type: ignore[attr-defined]
        yield page
        page.context.close()


def heap(page: Page) -> float:
    """Bytes of script objects after a collection."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    return float(session.send("Runtime.getHeapUsage")["usedSize"])


def test_live_curves_are_drawn_25_times_a_second_and_stored_at_full_rate(app: Flask, device: int, page: Page) -> None:
    page.goto(f"{page.base}/devices/{device}/waves")  # type: ignore[attr-defined]
    expect(page.locator("html")).to_have_attribute("data-socket", "online")
    with app.app_context():
        feed = Feed(page.base, settings().bridge_token, "OR1-W")  # type: ignore[attr-defined]
    feed.start()
    try:
        expect(page.locator("figure.wave")).to_have_count(len(CHANNELS), timeout=5000)
        page.wait_for_timeout(3000)
        before, began = page.evaluate("window.frames_drawn"), time.monotonic()
        used = heap(page)
        page.wait_for_timeout(4000)
        frames = (page.evaluate("window.frames_drawn") - before) / (time.monotonic() - began)
        grown = heap(page) - used
    finally:
        feed.stop()
    assert frames >= 25
    assert grown < 1_000_000, "20 s are kept and no more: what is added early is dropped later"
    with app.app_context():
        pieces = wave_queries.pieces(device, "ECG1", 0, 2**60)
        assert {piece.rate_hz for piece in pieces} == {RATE}
        assert sum(piece.count for piece in pieces) == RATE * len(pieces)
        db.session.remove()
    page.goto(f"{page.base}/devices/{device}/review?hours=1")  # type: ignore[attr-defined]
    expect(page.locator("[data-loaded='1']")).to_be_visible()
    expect(page.locator("[data-channel=ECG1] [data-bounds]")).to_have_text("-1 – 1 mV")
    page.goto(f"{page.base}/devices/{device}/trend?code=HR")  # type: ignore[attr-defined]
    expect(page.locator("[data-channel=HR] [data-bounds]")).to_have_text("无数据")
