"""Twelve hours of four curves and a year of one parameter: bytes on disk and time to draw.

PYTHONPATH=. python benchmarks/waves.py
"""

import tempfile
import time
from pathlib import Path

import numpy as np
from sqlalchemy import func, insert, select

from app.core.db import db, write_intent
from app.core.settings import Settings
from app.factory import create_app
from app.vitals import summary, wave_queries, wave_service
from app.vitals.columns import SeriesColumns, pack_column, to_samples
from app.vitals.models import VitalSummary, WaveChunk
from app.vitals.waves import Piece, pack
from device_bridge.simulators.curves import sample

T0 = 1_790_000_000_000
RATE = 250
HOURS = 12
CHANNELS = ("ECG1", "PLETH", "P1", "CO2")
MINUTE = 60 * RATE


def minute_of(code: str, noise: np.random.Generator) -> np.ndarray:
    """A minute of a patient's curve at 250 Hz in counts, with the noise of a real lead."""
    scale = {"ECG1": 0.001, "PLETH": 0.01, "P1": 0.01, "CO2": 0.01}[code]
    values = [sample(code, n / RATE * 1.2 % 1, n / RATE * 0.2 % 1) / scale for n in range(MINUTE)]
    return (np.array(values) + noise.normal(0, 3, MINUTE)).astype(np.int16)


def store_waves() -> float:
    """Twelve hours through ingest and compaction; seconds it took."""
    noise = np.random.default_rng(1)
    began = time.process_time()
    minutes = {code: minute_of(code, noise) for code in CHANNELS}
    for minute in range(HOURS * 60):
        pieces = []
        for code in CHANNELS:
            counts = np.roll(minutes[code], minute * 97)
            for second in range(0, 60, 10):
                part = counts[second * RATE : (second + 10) * RATE]
                start = T0 + (minute * 60 + second) * 1000
                pieces.append(Piece(code, "mV", start, float(RATE), 0.01, 0.0, len(part), pack(part)))
        wave_service.ingest_waves("b", "s-w", minute + 1, minute, [wave_service.DeviceWaves(1, tuple(pieces))])
        wave_service.compact_waves(1)
    db.session.commit()
    return time.process_time() - began


def store_year() -> None:
    """A year of summaries of a parameter at one value a second."""
    noise = np.random.default_rng(2)
    for day in range(365):
        start = T0 // summary.DAY_MS * summary.DAY_MS + day * summary.DAY_MS
        values = np.round(70 + noise.normal(0, 5, 86_400))
        series = SeriesColumns("HR", "/min", start + np.arange(86_400) * 1000, values, np.zeros(86_400))
        packed = summary.pack_day(summary.buckets(to_samples(series), start, summary.BUCKETS, summary.BUCKET_MS))
        db.session.execute(
            insert(VitalSummary).values(device_id=1, code="HR", day_ms=start, unit="/min", payload=packed)
        )
    db.session.commit()


def numerics_bytes() -> int:
    """A bed-hour of 60 numerics at 1 Hz, packed as compaction packs two minutes of each."""
    noise, total = np.random.default_rng(3), 0
    for _code in range(60):
        walk = np.round(70 + np.cumsum(noise.choice((-1, 0, 0, 0, 1), 3600)))
        for begin in range(0, 3600, 120):
            times = T0 + np.arange(begin, begin + 120) * 1000
            total += len(
                pack_column(to_samples(SeriesColumns("X", "1", times, walk[begin : begin + 120], np.zeros(120))))
            )
    return total


def timed(work: object) -> float:
    """The best of five in milliseconds, on a fresh session each."""
    best = 1e9
    for _ in range(5):
        db.session.remove()
        began = time.perf_counter()
        work()  # type: ignore[operator]
        best = min(best, time.perf_counter() - began)
    return best * 1000


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(Settings(instance_dir=Path(folder), database_url=f"sqlite:///{folder}/x.db", testing=True))
        with app.app_context():
            write_intent.set(True)
            db.create_all()
            spent = store_waves()
            store_year()
            end = T0 + HOURS * 3_600_000
            size = db.session.scalar(select(func.sum(func.length(WaveChunk.payload) + func.length(WaveChunk.peaks))))
            print(f"four curves at 250 Hz, a bed-hour on disk {size / HOURS / 1e6:8.2f} MB")
            print(f"stored and compacted, processor           {spent / (HOURS * 3600):8.2%} of a core per bed")
            far = timed(lambda: [wave_queries.picture(1, code, T0, end, 1200) for code in CHANNELS])
            print(f"twelve hours of four curves, drawn        {far:8.0f} ms")
            near = timed(lambda: [wave_queries.picture(1, code, T0, T0 + 60_000, 1200) for code in CHANNELS])
            print(f"one minute of four curves, drawn          {near:8.0f} ms")
            year = timed(lambda: summary.trend(1, "HR", T0, T0 + 365 * summary.DAY_MS, 1200))
            print(f"a year of a parameter, drawn              {year:8.0f} ms")
            print(f"60 numerics at 1 Hz, a bed-hour on disk   {numerics_bytes() / 1e6:8.2f} MB")
            db.session.remove()
            db.engine.dispose()


if __name__ == "__main__":
    main()
