"""The figures of the server, over HTTP from a real gunicorn on the loopback, each beside a baseline of the same run.

    python -m benchmarks.server [--only pages|pdf|ingest|record|correct]

* pages: the first page after sign-in, and the chart of an 8 h case, against the whole page again.
* pdf: the printed record of a 4 h case, against the same sheet through the HTML renderer.
* ingest: device values through the service, against one row a value.
* record: one value by 20 clients at once, against a bare INSERT with a commit each.
* correct: one charted value among 5 000 cases, against a bare UPDATE that keeps no trace.
"""

import argparse
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from html import escape
from itertools import count, product
from statistics import median

from sqlalchemy import text

from app.anesthesia.queries import record_sheet
from app.charting.layout import layout
from app.charting.svg import to_svg
from app.core import clock, unit_of_work
from app.core.db import db
from app.vitals import service as vitals
from app.vitals.columns import SeriesColumns
from benchmarks.stage import DOCTOR, PASSWORD, Seeded, Stage, stage
from benchmarks.table import Line, percentile, show
from benchmarks.web import Answer, Visitor
from printing.render import render_html_pdf, svg_image

CLIENTS, CASES = 20, 5_000
_GZIP = {"Accept-Encoding": "gzip"}
_FRAGMENT = {**_GZIP, "HX-Request": "true"}
# Rows of the record that the simulated monitor leaves blank.
_FREE_CODES = ("FiO2", "BIS", "CVP", "TOF", "Ppeak", "PEEP")


def visitor(place: Stage) -> Visitor:
    """A signed-in browser."""
    one = Visitor(place.installation.port)
    one.sign_in(DOCTOR, PASSWORD)
    return one


def repeated(action: Callable[[], float], times: int) -> list[float]:
    """Milliseconds of each round; `action` gives seconds."""
    return [action() * 1000 for _ in range(times)]


def _follow(browser: Visitor, path: str) -> float:
    """Seconds until the page stands, redirects included."""
    seconds = 0.0
    for _ in range(4):
        answer = browser.get(path, **_GZIP)
        seconds += answer.seconds
        if answer.status == 200:
            return seconds
        path = answer.headers.partition("\r\nlocation: ")[2].partition("\r\n")[0]
    raise AssertionError("too many redirects")


def _checked(answer: Answer) -> float:
    assert answer.status == 200, (answer.status, answer.body[:300])
    return answer.seconds


def pages(place: Stage) -> list[Line]:
    """First page after sign-in, chart fragment."""
    for _ in range(12):
        place.open_case(1.0)
    long = place.open_case(8)
    browser = visitor(place)
    first = _follow(browser, "/") * 1000
    again = repeated(lambda: _follow(browser, "/"), 30)
    chart = f"/cases/{long.case_id}/chart?window=whole&width=1000&height=560"
    fragment = repeated(lambda: _checked(browser.get(chart, **_FRAGMENT)), 40)
    whole = repeated(lambda: _checked(browser.get(f"/cases/{long.case_id}", **_GZIP)), 20)
    inside = _in_process(place, chart)
    return [
        Line("first page after sign-in, very first request", first, "ms", most=100),
        Line("first page after sign-in, p95 of 30", percentile(again, 0.95), "ms", most=100),
        Line("chart fragment of 8 h, p95 of 40", percentile(fragment, 0.95), "ms", most=50),
        Line("chart fragment of 8 h, median", median(fragment), "ms", most=50),
        Line("  the same view without HTTP (median)", median(inside), "ms"),
        Line("  the whole case page instead (median)", median(whole), "ms"),
    ]


def _in_process(place: Stage, path: str) -> list[float]:
    client = place.app.test_client()
    browser = visitor(place)
    for name, value in browser.cookies.items():
        client.set_cookie(name, value)

    def once() -> float:
        began = time.perf_counter()
        answer = client.get(path, headers=_FRAGMENT)
        assert answer.status_code == 200, answer.status_code
        return time.perf_counter() - began

    once()
    return repeated(once, 20)


def pdf(place: Stage) -> list[Line]:
    """The record of a 4 h case as PDF: ask for the print, follow to the file."""
    case = place.open_case(4)
    browser = visitor(place)
    browser.take_token(f"/cases/{case.case_id}")
    sizes: list[int] = []

    def once() -> float:
        asked = browser.post(f"/cases/{case.case_id}/record/print", {})
        assert asked.status < 400, (asked.status, asked.body[:300])
        url = (
            asked.headers.partition("location: ")[2].partition("\r\n")[0]
            or asked.headers.partition("hx-redirect: ")[2].partition("\r\n")[0]
        )
        file = browser.get(url.removeprefix(f"http://127.0.0.1:{place.installation.port}"))
        assert file.body.startswith(b"%PDF"), (file.status, file.body[:200])
        sizes.append(len(file.body))
        return asked.seconds + file.seconds

    first, rest = once() * 1000, repeated(once, 8)
    return [
        Line("A4 PDF of 4 h, first (fonts are read)", first, "ms", most=1000),
        Line("A4 PDF of 4 h, freeze + draw, slowest of 8", max(rest), "ms", most=1000),
        Line("A4 PDF of 4 h, size", max(sizes) / 1000, "kB", most=200),
        Line("  through the HTML renderer (median of 3)", median(_html_pdf(place, case)), "ms"),
    ]


def _html_pdf(place: Stage, case: Seeded) -> list[float]:
    def once() -> float:
        began = time.perf_counter()
        with place.app.app_context():
            sheet = record_sheet(case.case_id, "青河县人民医院")
        cells = "".join(f"<tr><td>{escape(f.label)}</td><td>{escape(f.value)}</td></tr>" for f in sheet.header.fields)
        body = f"<h1>麻醉记录单</h1><table>{cells}</table>{svg_image(to_svg(layout(sheet.view)), 180, 140)}"
        assert render_html_pdf(body, place.fonts)
        return time.perf_counter() - began

    return repeated(once, 3)


def ingest(place: Stage) -> list[Line]:
    """Batches of a bridge: 60 parameters of 30 s, one transaction each, as after a short break of the line."""
    rounds, seconds, codes = 120, 30, 60
    now = clock.now_ms()
    batches = [
        [
            SeriesColumns(f"P{code}", "mmHg", times, [80.0 + (t // 1000 + code) % 40 for t in times], [0] * seconds)
            for code in range(codes)
        ]
        for number in range(rounds)
        for times in [[now + (number * seconds + second) * 1000 for second in range(seconds)]]
    ]
    values = rounds * seconds * codes
    with place.app.app_context():
        began = time.perf_counter()
        for seq, series in enumerate(batches, 1):
            with unit_of_work.writing():
                assert vitals.ingest("bench", "rate", seq, seq - 1, [vitals.DeviceData(9_001, tuple(series))])
        ours = values / (time.perf_counter() - began)
        one_second = _by_second(batches[:4])
    return [
        Line("values stored through the service, 30 s batches", ours, "/s", least=50_000),
        Line("  the same, one second and one commit a batch", one_second, "/s"),
        Line("  one row a value (executemany, a commit a batch)", _row_a_value(place, batches[:20]), "/s"),
    ]


def _by_second(batches: list[list[SeriesColumns]]) -> float:
    """Live delivery: every second of a monitor is a transaction of its own."""
    seqs, values, began = count(1), 0, time.perf_counter()
    for batch in batches:
        for second in range(len(batch[0].times_ms)):
            live = tuple(SeriesColumns(s.code, s.unit, s.times_ms[second : second + 1],
                                       s.values[second : second + 1], [0]) for s in batch)  # fmt: skip
            with unit_of_work.writing():
                assert vitals.ingest("bench", "live", next(seqs), 0, [vitals.DeviceData(9_002, live)])
            values += len(live)
    return values / (time.perf_counter() - began)


def _row_a_value(place: Stage, batches: list[list[SeriesColumns]]) -> float:
    """The usual table: device, code, time, value, quality, with the index that every read needs."""
    with closing(_plain(place)) as database:
        database.execute(
            "CREATE TABLE sample (id INTEGER PRIMARY KEY, device INT, code TEXT, at INT, value REAL, q INT)"
        )
        database.execute("CREATE INDEX ix_sample ON sample (device, code, at)")
        values, began = 0, time.perf_counter()
        for batch in batches:
            rows = [(1, s.code, t, v, 0) for s in batch for t, v in zip(s.times_ms, s.values, strict=True)]
            database.execute("BEGIN IMMEDIATE")
            database.executemany("INSERT INTO sample (device, code, at, value, q) VALUES (?, ?, ?, ?, ?)", rows)
            database.execute("COMMIT")
            values += len(rows)
        return values / (time.perf_counter() - began)


def _plain(place: Stage) -> sqlite3.Connection:
    """A bare SQLite file on the same disk with the same durability."""
    database = sqlite3.connect(place.installation.folder / "plain.db", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    return database


def record(place: Stage) -> list[Line]:
    """20 people, each on a record of 4 h of his own, write one value after the other."""
    cases = [place.open_case(4) for _ in range(CLIENTS)]
    short = place.open_case(0.5)
    browsers = [visitor(place) for _ in range(3)]
    clients = [_same_person(place, browsers[number % 3], case) for number, case in enumerate(cases)]
    for client in clients:
        client.write()
    began, limit = time.perf_counter(), 6.0
    threads = [threading.Thread(target=client.write_for, args=(limit,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - began
    times = [t * 1000 for client in clients for t in client.times]
    young = _same_person(place, browsers[0], short)
    young.write()
    return [
        Line(f"one value by {CLIENTS} clients at once, 4 h records", len(times) / took, "/s", least=300),
        Line("  p95 of its answer", percentile(times, 0.95), "ms", most=100),
        Line("  p50 of its answer", median(times), "ms"),
        Line("  answer body, largest", max(c.largest for c in clients), "B", most=1000),
        Line("  answer with headers, largest", max(c.wire for c in clients), "B"),
        Line("  growth of the answer against a 30 min record", max(c.largest for c in clients) - young.largest, "B",
             most=8),
        Line("  baseline: bare INSERT, a commit each", _bare_inserts(place), "/s"),
    ]  # fmt: skip


class _Writer:
    """One person writing on one record: every place of the free rows once."""

    def __init__(self, browser: Visitor, case: Seeded) -> None:
        self._browser, self._case = browser, case
        self._places = self._free_places()
        self._number = count(1)
        self.times: list[float] = []
        self.largest = self.wire = 0

    def _free_places(self) -> Iterator[tuple[str, str]]:
        start = clock.to_ms(self._case.start) // 300_000 * 300_000
        slots = [clock.from_ms(ms).isoformat() for ms in range(start + 300_000, clock.now_ms(), 300_000)]
        yield from product(_FREE_CODES, slots)

    def write(self) -> None:
        """Write one value."""
        code, at = next(self._places)
        number = next(self._number)
        fields = {"at": at, code: str(40 + number % 20), "confirm": "yes",
                  "idempotency_key": f"b{self._case.case_id}-{number}"}  # fmt: skip
        answer = self._browser.post(f"/cases/{self._case.case_id}/readings", fields)
        assert answer.status == 200, (answer.status, answer.body.decode()[:500])
        self.times.append(answer.seconds)
        self.largest, self.wire = max(self.largest, len(answer.body)), max(self.wire, answer.wire)

    def write_for(self, seconds: float) -> None:
        """Write one after the other for a while."""
        self.times.clear()
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            self.write()


def _same_person(place: Stage, browser: Visitor, case: Seeded) -> _Writer:
    """A further window of a signed-in person."""
    window = Visitor(place.installation.port)
    window.cookies = dict(browser.cookies)
    window.take_token(f"/cases/{case.case_id}")
    return _Writer(window, case)


def _bare_inserts(place: Stage) -> float:
    with closing(_plain(place)) as database:
        database.execute("CREATE TABLE reading (id INTEGER PRIMARY KEY, record INT, code TEXT, at TEXT, value TEXT)")
        number, began = 0, time.perf_counter()
        while time.perf_counter() - began < 2:
            number += 1
            database.execute("INSERT INTO reading (record, code, at, value) VALUES (1, 'HR', ?, '72')", (str(number),))
        return number / (time.perf_counter() - began)


def correct(place: Stage) -> list[Line]:
    """Correct values of one case in a database with many."""
    case = place.open_case(4)
    _multiply(place, case)
    browser = visitor(place)
    browser.take_token(f"/cases/{case.case_id}")
    with place.app.app_context():
        rows = db.session.execute(
            text("SELECT id FROM chart_reading WHERE record_id = :record AND code = 'HR' ORDER BY id"),
            {"record": case.record_id},
        )
        ids = [number for (number,) in rows]
    numbers, steps = iter(ids), count()

    def once() -> float:
        fields = {"value": str(40 + next(steps)), "reason": "电刀干扰", "confirm": "yes"}
        return _checked(browser.post(f"/cases/{case.case_id}/readings/{next(numbers)}", fields))

    times = repeated(once, min(40, len(ids)))
    return [
        Line(f"correcting one value among {CASES} cases, p95 of {len(times)}", percentile(times, 0.95), "ms", most=30),
        Line("  median", median(times), "ms", most=30),
        Line("  baseline: bare UPDATE, no trace (median)", median(_bare_updates(place, ids)), "ms"),
    ]


def _multiply(place: Stage, case: Seeded) -> None:
    """Copy the case with its readings until there are 5 000, in SQL: what matters is the size of the tables."""
    with closing(sqlite3.connect(place.database)) as database:
        for table, owner, key in (
            ("surgical_case", "id", "case_no"), ("anesthesia_record", "case_id", ""), ("chart_reading", "record_id", ""),
        ):  # fmt: skip
            names = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
            source = case.record_id if owner == "record_id" else case.case_id
            chosen = [_copied(name, table, owner, key) for name in names]
            database.execute(
                f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {CASES}) "
                f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(chosen)} FROM {table}, n "
                f"WHERE {owner} = ?",
                (source,),
            )
        database.commit()
        database.execute("ANALYZE")
        database.commit()


def _copied(name: str, table: str, owner: str, key: str) -> str:
    far = "100000 + n.i"
    if name == "id":
        return "NULL" if table == "chart_reading" else far
    if name == owner:
        return far
    if name == key:
        return f"{name} || '-' || n.i"
    return "NULL" if name in ("request_id", "idempotency_key") else name


def _bare_updates(place: Stage, ids: list[int]) -> list[float]:
    with closing(sqlite3.connect(place.database, isolation_level=None)) as database:
        database.execute("PRAGMA synchronous=FULL")
        numbers = iter(ids)

        def once() -> float:
            began = time.perf_counter()
            database.execute("UPDATE chart_reading SET value = 72 WHERE id = ?", (next(numbers),))
            return time.perf_counter() - began

        return repeated(once, min(40, len(ids)))


PARTS: dict[str, Callable[[Stage], list[Line]]] = {
    "pages": pages, "pdf": pdf, "ingest": ingest, "record": record, "correct": correct,
}  # fmt: skip


def main() -> int:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=PARTS, action="append")
    chosen = parser.parse_args().only or list(PARTS)
    with stage() as place:
        place.installation.start_web()
        return max(show(PARTS[name](place)) for name in chosen)


if __name__ == "__main__":
    sys.exit(main())
