"""Pull the network, kill -9 the web process, kill -9 the bridge: every value a device sent is stored exactly once.

The simulators note each value that they have really written to their line. A bridge is killed between two messages:
what lies unread in the socket of a killed process is lost to any reader of a protocol without acknowledgements.
"""

import json
import sqlite3
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.vitals.columns import to_samples, unpack_column, unpack_segment
from tests.processes import Installation, free_port, wait_until
from tests.reliability.cable import Cable

DEVICES = {"OR1-MON": "mindray_pds", "OR2-MON": "ge_dri"}
_QUIET_S = 0.35


class Scene:
    """An installation with two simulated monitors, a bridge behind a cable that can be pulled, and the counts."""

    def __init__(self, folder: Path) -> None:
        self.installation = Installation(folder / "instance", demo="true", log_level="WARNING")
        self.ports = {driver: free_port() for driver in DEVICES.values()}
        self.counts = {key: folder / f"{key}.jsonl" for key in DEVICES}
        self.cable: Cable | None = None

    def start(self) -> None:
        """Prepare the database, start the web, the simulators and the bridge."""
        place = self.installation
        place.run("-m", "flask", "db", "upgrade")
        place.run("-m", "flask", "setup", "basics")
        place.run("-m", "flask", "demo", "load")
        place.run("-m", "flask", "demo", "devices", f"--port=mindray_pds={self.ports['mindray_pds']}",
                  f"--port=ge_dri={self.ports['ge_dri']}")  # fmt: skip
        place.start_web()
        self.cable = Cable(place.port)
        for key, driver in DEVICES.items():
            place.start(f"sim-{key}", "-m", "device_bridge", "simulate", "--driver", driver,
                        "--listen", f"127.0.0.1:{self.ports[driver]}", "--seed", "7",
                        "--count-file", str(self.counts[key]))  # fmt: skip
        place.start("bridge", "-m", "device_bridge", "run", "--url", f"http://127.0.0.1:{self.cable.port}",
                    "--token-file", str(place.folder / "bridge_token"), "--bridge", "ward-1",
                    "--spool", str(place.folder / "bridge"))  # fmt: skip
        wait_until(lambda: all(self.stored(key) for key in DEVICES), 40, "values of both monitors being stored")

    def stop(self) -> None:
        """End everything that was started."""
        self.installation.stop_all()
        if self.cable is not None:
            self.cable.close()

    def sent(self, key: str) -> Counter[tuple[str, float]]:
        """Every value the monitor has sent, as (code, value) with its number."""
        return Counter((row["code"], row["value"]) for row in _json_lines(self.counts[key]))

    def stored(self, key: str) -> Counter[tuple[str, float]]:
        """Every value of the monitor in the database."""
        database = sqlite3.connect(f"file:{self.installation.folder / 'mafei.db'}?mode=ro", uri=True)
        try:
            return _stored_values(database, key)
        finally:
            database.close()

    def quiet_moment(self, key: str) -> None:
        """Wait until the monitor has just sent and its bytes have been taken off the line."""
        before = self.counts[key].stat().st_size
        wait_until(lambda: self.counts[key].stat().st_size > before, 20, f"{key} sending", pause=0.01)
        time.sleep(_QUIET_S)


def _json_lines(path: Path) -> Iterator[dict[str, object]]:
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        if line.endswith("\n"):
            row = json.loads(line)
            if "code" in row:
                yield row


def _stored_values(database: sqlite3.Connection, key: str) -> Counter[tuple[str, float]]:
    found: Counter[tuple[str, float]] = Counter()
    device = database.execute("SELECT id FROM device WHERE key = ?", (key,)).fetchone()
    if device is None:
        return found
    for code, payload in database.execute("SELECT code, payload FROM vital_chunk WHERE device_id = ?", device):
        found.update((code, value) for value in unpack_column(payload, "").values.tolist())
    for (payload,) in database.execute("SELECT payload FROM vital_segment WHERE device_id = ?", device):
        for series in unpack_segment(payload):
            found.update((series.code, value) for value in to_samples(series).values.tolist())
    return found


def _difference(sent: Counter[tuple[str, float]], stored: Counter[tuple[str, float]]) -> str:
    lost, doubled = sent - stored, stored - sent
    by_code: defaultdict[str, list[str]] = defaultdict(list)
    for word, counter in (("lost", lost), ("stored without being sent", doubled)):
        for (code, value), number in counter.items():
            by_code[word].append(f"{code}={value} ×{number}")
    return "; ".join(f"{word}: {', '.join(items[:8])}" for word, items in by_code.items())


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """The scene, running."""
    running = Scene(tmp_path)
    try:
        running.start()
        yield running
    finally:
        running.stop()


def test_three_kills_lose_and_double_nothing(scene: Scene) -> None:
    place = scene.installation
    assert scene.cable is not None

    scene.cable.pull()
    time.sleep(4)
    scene.cable.plug_in()
    time.sleep(2)

    place.kill("web")
    time.sleep(3)
    place.restart("web")
    wait_until(place.is_ready, 30, "the web process answering again")
    time.sleep(2)

    for _ in range(2):
        scene.quiet_moment("OR1-MON")
        place.kill("bridge")
        time.sleep(2)
        place.restart("bridge")
        wait_until(lambda: _is_growing(scene), 30, "values coming in again after the bridge was killed")

    for key in DEVICES:  # the devices fall silent first, so that "all" has an end
        scene.quiet_moment(key)
        place.kill(f"sim-{key}")
    wait_until(lambda: all(scene.sent(key) == scene.stored(key) for key in DEVICES), 40, _Story(scene))
    assert all(sum(scene.sent(key).values()) > 50 for key in DEVICES)


class _Story(str):
    """Tells the difference at the moment it is asked for, for the message of a failure."""

    def __new__(cls, scene: Scene) -> "_Story":
        story = super().__new__(cls, "every sent value being stored exactly once")
        story.scene = scene
        return story

    scene: Scene

    def __str__(self) -> str:
        parts = [f"{key}: {_difference(self.scene.sent(key), self.scene.stored(key))}" for key in DEVICES]
        return f"every sent value being stored exactly once ({' | '.join(parts)})"

    def __format__(self, _specification: str) -> str:
        return str(self)


def _is_growing(scene: Scene) -> bool:
    before = {key: sum(scene.stored(key).values()) for key in DEVICES}
    time.sleep(1.5)
    return all(sum(scene.stored(key).values()) > before[key] for key in DEVICES)
