"""Two bridges and thirty beds against one web process, and what an open page gets to see.

    python -m benchmarks.bridge_load [--minutes 20] [--beds 30] [--kills 100]

Real processes: beds (`benchmarks.ward`, real PCD-01 messages over TCP with acknowledgements: 60 numerics at 1 Hz and
four curves at 250 Hz each) → two bridges (spool on disk) → gunicorn (SQLite, every bed bound to an open case with a
record) → WebSocket → a subscriber that joins the topics of all devices and all cases and the curves of one device.

Socket → browser is the time from the moment a bed has written its message to the moment the subscriber has the event
with its values. At the end every acknowledged message is looked up in the database: each of its 60 values and each
second of its curves must be there exactly once. With `--kills` bridges and web are killed with signal 9 at random all
the while and started again, and only that count matters.
"""

import argparse
import json
import os
import random
import signal
import socket
import sqlite3
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import socketio

from app.core import unit_of_work
from app.core.db import db
from app.devices import service as devices
from app.vitals import service as vitals
from app.vitals import wave_service
from app.vitals.columns import to_samples, unpack_column, unpack_segment
from app.vitals.wave_service import unpack_pieces
from app.vitals.waves import unpack
from benchmarks import ward
from benchmarks.stage import DOCTOR, PASSWORD, Stage, doctor_of, stage
from benchmarks.table import Line, percentile, show
from benchmarks.web import Visitor
from tests.processes import free_port, wait_until

BRIDGES = ("ward-1", "ward-2")
_SETTLE_S = 15.0
_RESTART_S = 0.5
_TICKS = os.sysconf("SC_CLK_TCK")


class Load:
    """The installation under load."""

    def __init__(
        self,
        place: Stage,
        beds: int,
        bridges: tuple[str, ...] = BRIDGES,
        waves: tuple[str, ...] = ("*",),
        hours: float = 0.1,
    ) -> None:
        self.place, self.installation = place, place.installation
        self.bridges, self._waves, self._hours = bridges, waves, hours
        self.plan = [(f"BED-{number:02}", free_port()) for number in range(beds)]
        self.journal = self.installation.folder / "ward.jsonl"
        self.ids: dict[str, int] = {}
        self.cases: list[int] = []

    def start(self) -> None:
        """Registry, cases, web, bridges, beds."""
        with self.place.app.app_context(), unit_of_work.writing():
            for number, (key, port) in enumerate(self.plan):
                made = devices.register_device(
                    doctor_of(), key, kind="monitor", brand="Bench", model="PCD", driver="ihe_pcd01",
                    transport={"kind": "tcp_listener", "host": "127.0.0.1", "port": port}, options={"waves": list(self._waves)},
                    bridge=self.bridges[number % len(self.bridges)], expected_period_s=1.0,
                )  # fmt: skip
                self.ids[key] = made.id
        self.cases = [self.place.open_case(self._hours, device_key=key).case_id for key, _ in self.plan]
        with self.place.app.app_context(), unit_of_work.writing():
            for table in ("vital_segment", "vital_chunk"):  # the history of those cases is not ours
                db.session.execute(db.text(f"DELETE FROM {table}"))
        self.installation.start_web()
        for name in self.bridges:
            self.start_bridge(name)
        wait_until(lambda: all(is_open(port) for _, port in self.plan), 60, "the bridges listening for every bed")
        plan = self.installation.folder / "plan.json"
        plan.write_text(json.dumps(self.plan), encoding="utf-8")
        self.installation.start("ward", "-m", "benchmarks.ward", "--plan", str(plan), "--journal", str(self.journal))
        wait_until(lambda: len(self.acknowledged()) > 2 * len(self.plan), 60, "messages of the beds being acknowledged")

    def start_bridge(self, name: str) -> None:
        """One bridge with a spool of its own."""
        folder = self.installation.folder
        self.installation.start(name, "-m", "device_bridge", "run", "--url", self.installation.url, "--token-file",
                                str(folder / "bridge_token"), "--bridge", name, "--spool", str(folder / name))  # fmt: skip

    def acknowledged(self) -> list[list[int]]:
        """Lines of the journal."""
        text = self.journal.read_text(encoding="utf-8") if self.journal.exists() else ""
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def finish(self) -> None:
        """The beds fall silent; wait until both spools are empty."""
        child = self.installation.children["ward"]
        child.send_signal(signal.SIGTERM)
        child.wait(90)
        wait_until(lambda: not any(map(self.backlog, self.bridges)), 180, "the spools being empty", pause=0.5)
        time.sleep(1)

    def backlog(self, bridge: str) -> int:
        """Pieces and batches that wait in a spool."""
        path = self.installation.folder / bridge / "spool.sqlite"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as spool:
            tables = ("pending", "batch", "dead", "wave_pending", "wave_batch", "wave_dead")
            return sum(int(spool.execute(f"SELECT COUNT(*) FROM {name}").fetchone()[0]) for name in tables)


def is_open(port: int) -> bool:
    """Whether somebody listens."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def family(pid: int) -> list[int]:
    """A process and those that it started."""
    found = [pid]
    for one in found:
        children = Path(f"/proc/{one}/task/{one}/children")
        found += [int(word) for word in children.read_text().split()] if children.exists() else []
    return found


def processor_s(pid: int) -> float:
    """Seconds of processor that a process and those it started have used."""
    total = 0
    for one in family(pid):
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / _TICKS


def memory_mb(pid: int) -> float:
    """Memory of a process and those it started, shared pages divided among them."""
    total = 0
    for one in family(pid):
        lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


class Page:
    """What a browser with all beds in view receives; notes the arrival of every message of a bed."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._bed_of = {f"device:{load.ids[key]}": bed for bed, (key, _) in enumerate(load.plan)}
        self.arrived: dict[tuple[int, int], float] = {}
        self.curves = self.figures = 0
        self._client = socketio.Client(reconnection=True, reconnection_delay=0.5, reconnection_delay_max=2)
        self._client.on("connect", self._joined)
        self._client.on("numeric", self._numeric)
        self._client.on("wave", self._wave)
        self._client.on("n", self._figure)

    def open(self) -> None:
        """Sign in and join."""
        visitor = Visitor(self._load.installation.port)
        visitor.sign_in(DOCTOR, PASSWORD)
        cookie = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
        self._client.connect(self._load.installation.url, headers={"Cookie": cookie}, transports=["websocket"])

    def close(self) -> None:
        """Leave."""
        self._client.disconnect()

    def _joined(self) -> None:
        first = next(iter(self._load.ids.values()))
        topics = [*self._bed_of, f"wave:{first}", *(f"case:{case}" for case in self._load.cases)]
        self._client.emit("subscribe", {"topics": topics})

    def _numeric(self, event: dict[str, Any]) -> None:
        now = time.time() * 1000
        bed = self._bed_of.get(event["topic"])
        if bed is not None:
            self.arrived.setdefault((bed, int(event["values"][0][3])), now)

    def _wave(self, _event: dict[str, Any]) -> None:
        self.curves += 1

    def _figure(self, *_event: Any) -> None:
        self.figures += 1


def stored_numerics(database: sqlite3.Connection, device: int) -> Iterator[tuple[str, int, float]]:
    """(code, ms, value) of everything stored of a device."""
    for code, payload in database.execute("SELECT code, payload FROM vital_chunk WHERE device_id = ?", (device,)):
        found = unpack_column(payload, "")
        yield from zip([code] * len(found), found.times_ms.tolist(), found.values.tolist(), strict=True)
    for (payload,) in database.execute("SELECT payload FROM vital_segment WHERE device_id = ?", (device,)):
        for series in unpack_segment(payload):
            found = to_samples(series)
            yield from zip([series.code] * len(found), found.times_ms.tolist(), found.values.tolist(), strict=True)


def stored_curves(database: sqlite3.Connection, device: int) -> dict[str, list[tuple[int, Any]]]:
    """Channel → (start ms, raw counts) of everything stored of a device, in order of time."""
    found: defaultdict[str, list[tuple[int, Any]]] = defaultdict(list)
    rows = "SELECT code, start_ms, payload, count FROM wave_chunk WHERE device_id = ?"
    for code, start, payload, count in database.execute(rows, (device,)):
        found[code].append((start, unpack(payload, count)))
    for (payload,) in database.execute("SELECT payload FROM wave_segment WHERE device_id = ?", (device,)):
        for piece in unpack_pieces(payload):
            found[piece.code].append((piece.start_ms, unpack(piece.data, piece.count)))
    return {code: sorted(parts, key=lambda part: part[0]) for code, parts in found.items()}


def count(load: Load) -> Counter[str]:
    """Compare what was acknowledged with what is stored: lost, doubled, wrong; numerics and seconds of curves."""
    told: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for bed, number, claimed, _, _ in load.acknowledged():
        told[bed].append((number, claimed))
    result: Counter[str] = Counter()
    with closing(sqlite3.connect(load.place.database)) as database:
        for bed, (key, _) in enumerate(load.plan):
            expected: Counter[tuple[str, int, float]] = Counter()
            for number, claimed in told[bed]:
                expected.update((code, claimed, ward.value_of(bed, code, number)) for code in ward.numerics())
            stored = Counter(stored_numerics(database, load.ids[key]))
            result["messages"] += len(told[bed])
            result["values"] += expected.total()
            result["lost values"] += (expected - stored).total()
            result["values too many"] += (stored - expected).total()
            for code, parts in stored_curves(database, load.ids[key]).items():
                place = next(n for n, one in enumerate(ward.CHANNELS) if code == ward.codes.WAVES[one[0]])
                _count_channel(result, bed, place, told[bed], parts)
    return result


def _count_channel(
    result: Counter[str], bed: int, place: int, told: list[tuple[int, int]], parts: list[tuple[int, Any]]
) -> None:
    """Every acknowledged second of a channel, looked for by its samples in order."""
    line = np.concatenate([counts for _, counts in parts])
    wanted = [np.array(ward.curves(place)[ward.second_of(bed, number)], np.int16) for number, _ in sorted(told)]
    whole = np.concatenate(wanted)
    result["seconds of curves"] += len(wanted)
    if np.array_equal(line, whole):
        return
    pieces = Counter(line[at : at + ward.RATE_HZ].tobytes() for at in range(0, len(line), ward.RATE_HZ))
    due = Counter(one.tobytes() for one in wanted)
    result["lost seconds of curves"] += (due - pieces).total()
    result["seconds of curves too many"] += (pieces - due).total()


def disk(load: Load) -> tuple[float, float]:
    """Bytes on disk of a bed-hour of numerics and of curves, compacted as in operation, indexes included."""
    with load.place.app.app_context(), unit_of_work.writing():
        for device in load.ids.values():
            vitals.compact(device)
            wave_service.compact_waves(device)
    hours = len(load.acknowledged()) / 3600
    with closing(sqlite3.connect(load.place.database)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        sizes = dict(database.execute("SELECT name, SUM(pgsize) FROM dbstat GROUP BY name"))
    numerics = sum(size for name, size in sizes.items() if "vital_chunk" in name)
    waves = sum(size for name, size in sizes.items() if "wave_chunk" in name)
    return numerics / hours, waves / hours


def figures(load: Load, page: Page, began: float, processor: dict[str, float], seconds: float) -> list[Line]:
    """The table of an undisturbed run."""
    waits = [
        page.arrived[(bed, claimed)] - written
        for bed, _, claimed, written, _ in load.acknowledged()
        if (bed, claimed) in page.arrived and written > began * 1000
    ]
    lines = [Line("messages followed to the page", len(waits), "", least=1)]
    for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        lines.append(Line(f"socket → browser, {name}", percentile(waits, share), "ms", most=1000))
    lines.append(Line("socket → browser, slowest", max(waits), "ms"))
    bridges = sum(processor[name] for name in BRIDGES)
    lines.append(Line("both bridges, processor", 100 * bridges / seconds, "% core", most=50))
    lines.append(Line("web, processor", 100 * processor["web"] / seconds, "% core", most=50))
    children = load.installation.children
    lines += [Line(f"{name}, memory", memory_mb(children[name].pid), "MB") for name in ("web", *BRIDGES)]
    return lines


def undisturbed(load: Load, page: Page, minutes: float) -> list[Line]:
    """Let it run and measure."""
    time.sleep(_SETTLE_S)
    pids = {name: load.installation.children[name].pid for name in ("web", *BRIDGES)}
    before, began = {name: processor_s(pid) for name, pid in pids.items()}, time.time()
    time.sleep(minutes * 60)
    seconds = time.time() - began
    used = {name: processor_s(pid) - before[name] for name, pid in pids.items()}
    time.sleep(1)
    return figures(load, page, began, used, seconds)


def killed(load: Load, minutes: float, kills: int, seed: int) -> list[Line]:
    """Kill at random all the while; how soon values come to the page again is measured elsewhere."""
    chance = random.Random(seed)
    done: Counter[str] = Counter()
    pause = minutes * 60 / kills
    for _ in range(kills):
        time.sleep(chance.uniform(0.4, 1.6) * max(0.0, pause - _RESTART_S))
        name = chance.choice((*BRIDGES, "web"))
        load.installation.kill(name)
        done[name] += 1
        time.sleep(_RESTART_S)
        load.installation.restart(name)
    wait_until(load.installation.is_ready, 60, "the web process answering again")
    return [Line(f"{name} killed", number, "times") for name, number in sorted(done.items())]


def main() -> int:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--beds", type=int, default=30)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with stage() as place:
        load = Load(place, options.beds)
        load.start()
        page = Page(load)
        if options.kills:
            lines = killed(load, options.minutes, options.kills, options.seed)
            load.finish()
        else:
            page.open()
            lines = undisturbed(load, page, options.minutes)
            load.finish()
            page.close()
            lines.append(Line("curves and figures told to the page", page.curves + page.figures, ""))
        result = count(load)
        lines += [Line(name, result[name], "") for name in ("messages", "values", "seconds of curves")]
        bad = ("lost values", "values too many", "lost seconds of curves", "seconds of curves too many")
        lines += [Line(name, result[name], "", most=0) for name in bad]
        if not options.kills:
            numerics, waves = disk(load)
            lines.append(Line("bed-hour of 60 numerics on disk", numerics / 1e6, "MB", most=1))
            lines.append(Line("bed-hour of four curves on disk", waves / 1e6, "MB", most=4))
    return show(lines)


if __name__ == "__main__":
    sys.exit(main())
