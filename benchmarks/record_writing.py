"""Charting one value and correcting one, many clients at once, on records of four hours.

    .venv/bin/python -m benchmarks.record_writing [--clients 20] [--each 40]

Baseline in the same run: the bare cost of one committed audit entry in the same database, one client, which no
audited write can undercut. Also tells how many bytes a charted case-hour takes and what drawing a record costs.
"""

import argparse
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from flask import Flask
from sqlalchemy import insert, select, text

from app.anesthesia import queries, service
from app.anesthesia.models import ChartReading
from app.anesthesia.rules import CHARTED
from app.core import audit, clock, unit_of_work
from app.core.audit import SystemActor
from app.core.db import db
from app.core.settings import Settings
from app.factory import create_app
from tests.anesthesia.samples import at, make_case

ACTOR = SystemActor("user:1", "李明")
SERIES = ("HR", "NIBP_S", "NIBP_D", "SpO2", "EtCO2")
HOURS = 4


def prepare(cases: int) -> list[tuple[int, int]]:
    """Cases with five charted series of four hours: (case, record)."""
    made = []
    with unit_of_work.writing():
        for number in range(cases):
            case = make_case(number + 1)
            made.append((case.id, service.open_record(ACTOR, case.id, at=at(9)).id))
    return made


def chart(record_id: int) -> None:
    """Five series of four hours as the filling writes them."""
    rows = []
    for slot in range(12 * HOURS):
        moment = at(9) + timedelta(minutes=5 * slot)
        for code in SERIES:
            fixed = {"record_id": record_id, "code": code, "slot_at": moment, "at": moment, "value": Decimal(70)}
            rows.append({**fixed, "unit": CHARTED[code].unit, "source": "device", "state": "auto", "device_id": 1})
    db.session.execute(insert(ChartReading), rows)


def size(path: Path) -> int:
    """Bytes of the database file with its log folded in."""
    db.session.rollback()
    db.session.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    db.session.rollback()
    return path.stat().st_size


def timed(work: Callable[[], object]) -> float:
    """Milliseconds of one call."""
    begin = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - begin)


def tell(name: str, times: list[float], seconds: float) -> None:
    """One line of the result."""
    ordered = sorted(times)
    p50, p95 = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.95)]
    print(f"{name:44} {len(times) / seconds:7.0f}/s  p50 {p50:6.1f} ms  p95 {p95:6.1f} ms")


def write_one(record_id: int, number: int) -> None:
    """Chart one typed value in its own transaction."""
    codes = [code for code in CHARTED if code not in SERIES]
    item = CHARTED[codes[number % len(codes)]]
    value = ((item.soft_low + item.soft_high) / 2).quantize(Decimal(1).scaleb(-item.digits))
    moment = at(9) + timedelta(minutes=5 * (number // len(codes)))
    with unit_of_work.writing():
        service.record_reading(ACTOR, record_id, item.code, moment, value, idempotency_key=f"{record_id}-{number}")


def clients(app: Flask, records: list[int], each: int) -> tuple[list[float], float]:
    """All clients at once, each on its own record."""
    times: list[float] = []

    def one(record_id: int) -> None:
        with app.app_context():
            for number in range(each):
                times.append(timed(lambda n=number: write_one(record_id, n)))  # type: ignore[misc]
                db.session.remove()

    threads = [threading.Thread(target=one, args=(record_id,)) for record_id in records]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times, time.perf_counter() - begin


def audit_one() -> None:
    """The baseline: one committed audit entry."""
    with unit_of_work.writing():
        audit.record(ACTOR, "benchmark.note", "case:1", after={"value": 1})


def correct_one(reading_id: int) -> None:
    """Correct one value in its own transaction."""
    with unit_of_work.writing():
        service.correct_reading(ACTOR, reading_id, Decimal(71), "看错")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--each", type=int, default=40)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, clock.fixed(at(14)):
        path = Path(folder) / "b.db"
        app = create_app(Settings(Path(folder), f"sqlite:///{path}", testing=True, log_level="ERROR"))
        with app.app_context():
            db.create_all()
            cases = prepare(options.clients)
            before = size(path)
            with unit_of_work.writing():
                for _case, record in cases:
                    chart(record)
            print(f"database per charted case-hour: {(size(path) - before) / len(cases) / HOURS / 1000:.1f} kB")
            base = [timed(audit_one) for _ in range(200)]
            tell("baseline: one audit entry, one client", base, sum(base) / 1000)
        tell(f"record_reading, {options.clients} clients", *clients(app, [r for _c, r in cases], options.each))
        with app.app_context():
            numbers = db.session.scalars(select(ChartReading.id).where(ChartReading.code == "HR").limit(100)).all()
            times = [timed(lambda n=number: correct_one(n)) for number in numbers]  # type: ignore[misc]
            tell("correct_reading, one client", times, sum(times) / 1000)
            drawn = [timed(lambda: queries.record_view(cases[0][0], at(13))) for _ in range(20)]
            tell("record_view of 4 h", drawn, sum(drawn) / 1000)


if __name__ == "__main__":
    main()
