"""What data and processes take: database bytes of a charted hour and of a bed-hour, memory of the web process.

    python -m benchmarks.space

* A case-hour of five charted series, against the same values as one row a second each.
* A bed-hour of 60 numerics at 1 Hz after compaction, against one row a value.
* Resident memory of gunicorn after an hour of demonstration, run as fast as it goes: 3 600 batches of a monitor
  through the bridge's own socket, and the pages that three screens fetch meanwhile.
"""

import json
import math
import sqlite3
import sys
import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import socketio

from app.core import clock, unit_of_work
from app.vitals import service as vitals
from app.vitals.columns import SeriesColumns
from benchmarks.stage import DOCTOR, PASSWORD, Seeded, Stage, stage
from benchmarks.table import Line, show
from benchmarks.web import Visitor
from device_bridge.wire import NAMESPACE, Batch, DeviceBlock, Series

_BEDS, _CODES, _SECONDS = 4, 60, 3_600
_MONITOR = "OR1-MON"
_SERIES = ("NIBP_S", "NIBP_D", "HR", "RR", "TEMP")


def used(database: Path) -> int:
    """Bytes of the pages in use, the log written back before."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        pages, free, size = (
            connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)


def case_hour(place: Stage) -> list[Line]:
    """Ten cases of two hours: what the charted values of five series take, indexes included."""
    cases = [place.open_case(2) for _ in range(10)]
    with closing(sqlite3.connect(place.database)) as connection:
        marks = ", ".join("?" for _ in _SERIES)
        rows = connection.execute(f"SELECT COUNT(*) FROM chart_reading WHERE code IN ({marks})", _SERIES).fetchone()[0]
    before = used(place.database)
    _copy_readings(place, cases)
    hours = 2 * len(cases)
    charted = (used(place.database) - before) / hours
    return [
        Line(f"case-hour of five charted series ({rows / hours:.0f} values)", charted / 1000, "kB", most=40),
        Line("  baseline: the same series, one row a second", _row_a_value(place, len(_SERIES), _SECONDS) / 1000, "kB"),
    ]


def _copy_readings(place: Stage, cases: list[Seeded]) -> None:
    """The charted values of five series once more, one second later, so that only they grow the file."""
    with closing(sqlite3.connect(place.database)) as connection:
        names = [row[1] for row in connection.execute("PRAGMA table_info(chart_reading)")]
        changed = {"id": "NULL", "idempotency_key": "NULL", "slot_at": "REPLACE(slot_at, ':00.000000', ':01.000000')"}
        chosen = ", ".join(changed.get(name, name) for name in names)
        marks = ", ".join("?" for _ in _SERIES)
        connection.execute(
            f"INSERT INTO chart_reading ({', '.join(names)}) SELECT {chosen} FROM chart_reading "
            f"WHERE code IN ({marks}) AND record_id IN ({', '.join(str(case.record_id) for case in cases)})",
            _SERIES,
        )
        connection.commit()


def bed_hour(place: Stage) -> list[Line]:
    """One batch a second of 60 numerics for an hour, compacted as in operation; four beds."""
    before, began = used(place.database), clock.now_ms() - _SECONDS * 1000
    with place.app.app_context():
        for bed in range(_BEDS):
            _one_bed(9_100 + bed, began)
    ours = (used(place.database) - before) / _BEDS
    naive = _row_a_value(place, _CODES, _SECONDS)
    return [
        Line("bed-hour of 60 numerics at 1 Hz", ours / 1000, "kB", most=1000),
        Line("  baseline: one row a value", naive / 1000, "kB"),
    ]


def _one_bed(device_id: int, began: int) -> None:
    for start in range(0, _SECONDS, vitals.COMPACT_AFTER_SEGMENTS):
        with unit_of_work.writing():
            for second in range(start, min(start + vitals.COMPACT_AFTER_SEGMENTS, _SECONDS)):
                series = tuple(
                    SeriesColumns(f"P{code}", "mmHg", [began + second * 1000], [_value(code, second)], [0])
                    for code in range(_CODES)
                )
                vitals.ingest("space", f"bed-{device_id}", second + 1, second, [vitals.DeviceData(device_id, series)])
            vitals.compact(device_id)


def _value(code: int, second: int) -> float:
    """Breathing, drift and noise of a believable size; a third of the parameters have a decimal."""
    noise = (second * 7919 + code * 104_729) % 97 / 97 - 0.5
    value = 80 + code % 40 + 6 * math.sin(second / 5 + code) + 10 * math.sin(second / 900) + 3 * noise
    return round(value, 1 if code % 3 == 0 else 0)


def _row_a_value(place: Stage, codes: int, seconds: int) -> float:
    """File size of the usual table with its index."""
    path = place.installation.folder / f"rows-{codes}.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "CREATE TABLE sample (id INTEGER PRIMARY KEY, device INT, code TEXT, at INT, value REAL, q INT)"
        )
        connection.execute("CREATE INDEX ix_sample ON sample (device, code, at)")
        rows: Iterable[Any] = (
            (1, f"P{code}", 1_790_000_000_000 + second * 1000, _value(code, second), 0)
            for second in range(seconds)
            for code in range(codes)
        )
        connection.executemany("INSERT INTO sample (device, code, at, value, q) VALUES (?, ?, ?, ?, ?)", rows)
        connection.commit()
    return used(path)


def memory(place: Stage) -> list[Line]:
    """An hour of a monitor and of three screens, as fast as it goes."""
    place.installation.run("-m", "flask", "demo", "devices", "--port=mindray_pds=9", "--port=ge_dri=9")
    case = place.open_case(1, device_key=_MONITOR)
    place.installation.start_web()
    screens = [Visitor(place.installation.port) for _ in range(3)]
    for screen in screens:
        screen.sign_in(DOCTOR, PASSWORD)
        screen.take_token(f"/cases/{case.case_id}")
    fresh = rss(place)
    seconds = time.monotonic()
    _play_hour(place, case, screens)
    first, later = _print(screens[0], case), _print(screens[0], case)
    worker = _worker(place)
    return [
        Line("web process after an hour of demonstration and a print, resident", rss(place), "MB", most=150),
        Line("  fresh, after the first pages", fresh, "MB"),
        Line("  the drawing process, which leaves when idle", max(map(_rss_of, _children(worker))), "MB"),
        Line("  the first print, with the start of that process", first, "s"),
        Line("  a later print", later, "s"),
        Line("  the hour took", time.monotonic() - seconds, "s"),
    ]


def _play_hour(place: Stage, case: Seeded, screens: list[Visitor]) -> None:
    client = socketio.Client(reconnection=False)
    token = (place.installation.folder / "bridge_token").read_text(encoding="ascii").strip()
    client.connect(place.installation.url, namespaces=[NAMESPACE], transports=["websocket"],
                   auth={"token": token, "bridge": "space"})  # fmt: skip
    began = clock.now_ms() - _SECONDS * 1000
    for second in range(_SECONDS):
        at = began + second * 1000
        rows = tuple(Series(code, "/min", (at,), (_value(n, second),), (0,)) for n, code in enumerate(_PLAYED))
        batch = Batch("space", "hour", second + 1, second, at, (DeviceBlock(_MONITOR, rows),)).to_json()
        answer = client.call("samples", batch, namespace=NAMESPACE, timeout=30)
        assert answer.get("status") == "stored", json.dumps(answer)
        if second % 60 == 0:
            for screen in screens:
                for path in (f"/cases/{case.case_id}/chart?window=4h", f"/cases/{case.case_id}/status"):
                    assert screen.get(path, **{"HX-Request": "true"}).status == 200
    client.disconnect()


_PLAYED = ("HR", "SpO2", "RR", "EtCO2", "T1", "PR", "FiO2", "MAC", "Ppeak", "PEEP", "TVe", "MV")


def _print(screen: Visitor, case: Seeded) -> float:
    """Seconds until the sheet of a record is there."""
    began = time.monotonic()
    frozen = screen.post(f"/cases/{case.case_id}/record/print", {})
    assert frozen.status < 400, frozen.status
    sheet = screen.get(f"/cases/{case.case_id}/record/prints/1")
    assert sheet.status == 200, sheet.status
    return time.monotonic() - began


def rss(place: Stage) -> float:
    """Resident megabytes of gunicorn's worker."""
    return _rss_of(_worker(place))


def _worker(place: Stage) -> int:
    return max(_children(place.installation.children["web"].pid), key=_rss_of)


def _children(number: int) -> list[int]:
    """Process ids of the children that any thread of a process started."""
    tasks = Path(f"/proc/{number}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text(encoding="ascii").split()]


def _rss_of(number: int) -> float:
    status = Path(f"/proc/{number}/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def main() -> int:
    """Measure and print one table."""
    with stage() as place:
        return max(show(part(place)) for part in (case_hour, bed_hour, memory))


if __name__ == "__main__":
    sys.exit(main())
