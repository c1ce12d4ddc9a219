"""Shared pieces: the real captures (absent on a clone alone, and said so) and a small web process."""

import json
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import socketio
from werkzeug.serving import make_server

from device_bridge.drivers.base import Clocks, CodecOptions, Observation, Output
from device_bridge.drivers.registry import get_driver
from device_bridge.wire import NAMESPACE, Batch
from device_bridge.wire_waves import WaveBatch

CAPTURES = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "devices"
AT = Clocks(1_790_000_000_000, 1000.0)


@pytest.fixture
def capture() -> Callable[[str], bytes]:
    """The bytes of a real capture by its name."""

    def read(name: str) -> bytes:
        path = CAPTURES / name
        if not path.is_file():
            pytest.skip(f"REAL CAPTURES ARE NOT HERE: {path} - this decoder was not checked against a real device")
        return path.read_bytes()

    return read


@pytest.fixture
def decode() -> Callable[..., list[Output]]:
    """Decode bytes with a fresh codec, as `decode` on the command line does."""

    def run(driver: str, data: bytes, **options: Any) -> list[Output]:
        codec = get_driver(driver).codec(CodecOptions(values=options))
        prepared = get_driver(driver).prepare_file(data)
        return codec.feed(prepared, AT) + codec.closed(AT)

    return run


@pytest.fixture
def values() -> Callable[[list[Output]], dict[str, float | None]]:
    """Code → last value."""

    def collect(outputs: list[Output]) -> dict[str, float | None]:
        return {one.code: one.value for one in outputs if isinstance(one, Observation)}

    return collect


class FakeWeb:
    """The web process's side of the wire: stores, dedupes, answers; can be slow, broken or stopped."""

    def __init__(self) -> None:
        self.devices: list[dict[str, Any]] = []
        self.stored: dict[tuple[str, str, int], str] = {}
        self.duplicates = 0
        self.changed_content: list[int] = []
        self.health: list[dict[str, Any]] = []
        self.auth: list[Any] = []
        self.waves: list[WaveBatch] = []
        self.reports: list[dict[str, Any]] = []
        self.answer: Callable[[Batch], dict[str, Any] | None] = lambda batch: None
        self.asked = 0
        self.port = 0
        self._server: Any = None
        self._thread: threading.Thread | None = None
        self._sio: Any = None

    def start(self) -> None:
        """Listen; the second start uses the same port again."""
        self._sio = sio = socketio.Server(async_mode="threading")
        sio.on("connect", self._connect, namespace=NAMESPACE)
        sio.on("samples", self._samples, namespace=NAMESPACE)
        sio.on("waves", self._waves, namespace=NAMESPACE)
        sio.on("report", self._report, namespace=NAMESPACE)
        sio.on("devices", self._devices, namespace=NAMESPACE)
        sio.on("health", self._health, namespace=NAMESPACE)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._server = make_server("127.0.0.1", self.port, socketio.WSGIApp(sio), threaded=True)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Go away and cut the connections."""
        if self._server is None:
            return
        for sid in list(self._sio.manager.get_participants(NAMESPACE, None)):
            self._sio.disconnect(sid[0], namespace=NAMESPACE)
        self._server.shutdown()
        self._server.server_close()
        self._server = None

    def announce_change(self) -> None:
        """Tell the bridge that the device list changed."""
        self._sio.emit("devices_changed", {"version": "2"}, namespace=NAMESPACE)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def batches(self) -> list[Batch]:
        """What is stored, in order of arrival."""
        return [Batch.from_json(json.loads(text)) for text in list(self.stored.values())]

    def readings(self, device: str) -> list[tuple[str, int, float]]:
        """(code, time, value) of a device, in order of arrival."""
        return [
            (series.code, at, value)
            for batch in self.batches()
            for block in batch.blocks
            if block.device == device
            for series in block.series
            for at, value in zip(series.times_ms, series.values, strict=True)
        ]

    def _connect(self, sid: str, environ: Any, auth: Any) -> bool:
        self.auth.append(auth)
        return bool(auth and auth.get("token") == "right")

    def _devices(self, sid: str, data: Any) -> dict[str, Any]:
        self.asked += 1
        return {"version": "1", "devices": self.devices}

    def _health(self, sid: str, data: Any) -> dict[str, Any]:
        self.health.append(data)
        return {"ok": True}

    def _waves(self, sid: str, data: Any) -> dict[str, Any]:
        self.waves.append(WaveBatch.from_json(data))
        return {"seq": data["seq"], "status": "stored"}

    def _report(self, sid: str, data: Any) -> None:
        self.reports.append(data)

    def _samples(self, sid: str, data: Any) -> dict[str, Any]:
        batch = Batch.from_json(data)
        special = self.answer(batch)
        if special is not None:
            return special
        key = (batch.bridge, batch.stream, batch.seq)
        text = json.dumps(data, ensure_ascii=False)
        if key in self.stored:
            self.duplicates += 1
            if self.stored[key] != text:
                self.changed_content.append(batch.seq)
            return {"seq": batch.seq, "status": "duplicate"}
        self.stored[key] = text
        return {"seq": batch.seq, "status": "stored"}


@pytest.fixture
def web() -> Iterator[FakeWeb]:
    """A running web process."""
    fake = FakeWeb()
    fake.start()
    yield fake
    fake.stop()
