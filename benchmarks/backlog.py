"""The server was away: how fast a bridge drains what piled up, while live data keep coming and go first.

    python -m benchmarks.backlog [--minutes 30] [--beds 15]

A spool with `minutes` of all beds (60 numerics at 1 Hz each) waits when bridge and web process start. Beds send live
messages over TCP meanwhile; socket → browser of those is measured while the backlog drains. A day of the ward takes
`86 400 s / factor` at the measured factor. At the end every value of the backlog must be stored exactly once.
"""

import argparse
import sqlite3
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

from benchmarks import ward
from benchmarks.bridge_load import Load, Page, processor_s, stored_numerics
from benchmarks.stage import stage
from benchmarks.table import Line, percentile, show
from device_bridge.normaliser import Reading
from device_bridge.spool import Received, Spool

BRIDGE = "ward-1"
_PAUSE_S = 60  # between the last second of the backlog and now


class Piled(Load):
    """A ward whose bridge starts with a backlog."""

    def __init__(self, *arguments: object, minutes: int) -> None:
        super().__init__(*arguments, bridges=(BRIDGE,), waves=(), hours=minutes / 60 + 0.1)  # type: ignore[arg-type]
        self.seconds = minutes * 60
        self.end_ms = 0
        self.mark = 0

    @property
    def spool(self) -> Path:
        """The file of the bridge."""
        return self.installation.folder / BRIDGE / "spool.sqlite"

    def start_bridge(self, name: str) -> None:
        """Fill its spool first, as if it had been cut off all the while."""
        self.end_ms = (int(time.time()) - _PAUSE_S) * 1000
        spool = Spool(self.spool.parent, name)
        for second in range(self.seconds):
            done = [
                spool.add(Received(key, self.at(second), b"", [
                    Reading(code, self.at(second), ward.value_of(bed, code, second), 0) for code in ward.numerics()
                ])) for bed, (key, _) in enumerate(self.plan)
            ]  # fmt: skip
            if second % 60 == 0:
                done[-1].result(60)
        spool.close()
        with closing(sqlite3.connect(self.spool)) as database:
            self.mark = int(database.execute("SELECT MAX(id) FROM pending").fetchone()[0])
        super().start_bridge(name)

    def at(self, second: int) -> int:
        """Time of a second of the backlog in ms."""
        return self.end_ms - (self.seconds - second) * 1000

    def waiting(self) -> int:
        """Pieces of the backlog that still wait."""
        with closing(sqlite3.connect(f"file:{self.spool}?mode=ro", uri=True, timeout=30)) as database:
            return int(database.execute("SELECT COUNT(*) FROM pending WHERE id <= ?", (self.mark,)).fetchone()[0])


def drain(load: Piled, page: Page) -> list[Line]:
    """Watch until nothing of the backlog waits."""
    pids = {name: load.installation.children[name].pid for name in ("web", BRIDGE)}
    first, began = load.waiting(), time.time()
    used = {name: processor_s(pid) for name, pid in pids.items()}
    while load.waiting():
        time.sleep(0.5)
    took = time.time() - began
    share = {name: 100 * (processor_s(pid) - used[name]) / took for name, pid in pids.items()}
    drained_s = load.seconds * first / load.mark  # some was delivered before anybody looked
    time.sleep(2)
    waits = [
        page.arrived[(bed, claimed)] - written
        for bed, _, claimed, written, _ in load.acknowledged()
        if (bed, claimed) in page.arrived and began * 1000 < written < (began + took) * 1000
    ]
    factor = drained_s / took
    return [
        Line("backlog drained while watched", drained_s / 60, "min"),
        Line("in", took, "s"),
        Line("times real time", factor, "×", least=20),
        Line("a day of the ward at this pace", 1440 / factor, "min"),
        Line("values a second", factor * len(load.plan) * len(ward.numerics()), "/s"),
        Line("live messages followed meanwhile", len(waits), "", least=1),
        *(Line(f"live socket → browser, {name}", percentile(waits, at), "ms", most=2000)
          for name, at in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))),
        *(Line(f"{name}, processor", value, "% core") for name, value in share.items()),
    ]  # fmt: skip


def count(load: Piled) -> Counter[str]:
    """Every value of the backlog, looked up."""
    result: Counter[str] = Counter()
    with closing(sqlite3.connect(load.place.database)) as database:
        for bed, (key, _) in enumerate(load.plan):
            expected = Counter(
                (code, load.at(second), ward.value_of(bed, code, second))
                for second in range(load.seconds) for code in ward.numerics()
            )  # fmt: skip
            stored = Counter(one for one in stored_numerics(database, load.ids[key]) if one[1] <= load.end_ms)
            result["values"] += expected.total()
            result["lost"] += (expected - stored).total()
            result["stored twice"] += (stored - expected).total()
    return result


def main() -> int:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=30)
    parser.add_argument("--beds", type=int, default=15)
    options = parser.parse_args()
    with stage() as place:
        load = Piled(place, options.beds, minutes=options.minutes)
        load.start()
        page = Page(load)
        page.open()
        lines = drain(load, page)
        load.finish()
        page.close()
        result = count(load)
        lines += [Line("values of the backlog", result["values"], "")]
        lines += [Line(name, result[name], "", most=0) for name in ("lost", "stored twice")]
    return show(lines)


if __name__ == "__main__":
    sys.exit(main())
