"""Parameters seen from afar: extremes, mean and number of values of each five minutes, kept a day a row, so that a
year of a parameter is 365 small rows. Only values that may be charted count."""

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, func, insert, select

from app.core import clock
from app.core.db import db
from app.vitals import queries
from app.vitals.columns import Samples
from app.vitals.models import VitalChunk, VitalSummary

DAY_MS = 86_400_000
BUCKET_MS = 300_000
BUCKETS = DAY_MS // BUCKET_MS
_NOT_MEASURED = (
    2 | 4 | 8 | 256 | 512
)  # demo, out of range, unit suspect, invalid, calibration: quality bits of the wire
_FROM_SUMMARY_ABOVE_MS = 3 * DAY_MS


@dataclass(frozen=True, slots=True)
class Trend:
    """Columns of a picture; NaN where there is nothing."""

    unit: str
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    mean: NDArray[np.float64]
    count: int


def pack_day(grid: NDArray[np.float64]) -> bytes:
    """Rows of (low, high, mean, number) of the buckets of a day."""
    return zlib.compress(grid.astype("<f4").T.tobytes(), 6)


def unpack_day(payload: bytes) -> NDArray[np.float64]:
    """Inverse of `pack_day`, in single precision."""
    return np.frombuffer(zlib.decompress(payload), "<f4").reshape(4, BUCKETS).T.astype(np.float64)


def buckets(samples: Samples, start_ms: int, width: int, bucket_ms: float) -> NDArray[np.float64]:
    """Rows of (low, high, mean, number) per bucket; NaN and 0 where there is nothing."""
    good = (samples.qualities & _NOT_MEASURED) == 0
    values = samples.values[good]
    places = np.floor((samples.times_ms[good] - start_ms) / bucket_ms).astype(np.int64)
    inside = (places >= 0) & (places < width)
    values, places = values[inside], places[inside]
    grid = np.full((width, 4), np.nan)
    np.fmin.at(grid[:, 0], places, values)
    np.fmax.at(grid[:, 1], places, values)
    number = np.bincount(places, minlength=width).astype(np.float64)
    total = np.bincount(places, weights=values, minlength=width)
    grid[:, 2] = np.divide(total, number, out=np.full(width, np.nan), where=number > 0)
    grid[:, 3] = number
    return grid


def summarise(device_id: int, day_ms: int) -> int:
    """Write the rows of one UTC day of a device anew. Number of parameters."""
    found = queries.samples(device_id, (), day_ms, day_ms + DAY_MS)
    db.session.execute(delete(VitalSummary).where(VitalSummary.device_id == device_id, VitalSummary.day_ms == day_ms))
    rows = [
        {
            "device_id": device_id,
            "code": code,
            "day_ms": day_ms,
            "unit": samples.unit,
            "payload": pack_day(buckets(samples, day_ms, BUCKETS, BUCKET_MS)),
        }
        for code, samples in found.items()
    ]
    if rows:
        db.session.execute(insert(VitalSummary), rows)
    return len(rows)


def refresh(device_id: int, day_ms: int) -> None:
    """Write the rows of a day anew when it has any, because its values were revised."""
    statement = select(VitalSummary.code).where(VitalSummary.device_id == device_id, VitalSummary.day_ms == day_ms)
    if db.session.scalars(statement.limit(1)).first() is not None:
        summarise(device_id, day_ms)


def summarise_due(days: int = 3) -> int:
    """Write the rows of the last full days, again and again while late values may still come. Number of rows."""
    today = clock.now_ms() // DAY_MS * DAY_MS
    devices = db.session.scalars(
        select(VitalChunk.device_id).where(VitalChunk.end_ms >= today - days * DAY_MS).distinct()
    ).all()
    return sum(summarise(device, today - back * DAY_MS) for device in devices for back in range(1, days + 1))


def known_until(device_id: int) -> int:
    """The end of the last summarised day, ms since 1970; 0 when there is none."""
    last = db.session.scalar(select(func.max(VitalSummary.day_ms)).where(VitalSummary.device_id == device_id))
    return int(last) + DAY_MS if last is not None else 0


def trend(device_id: int, code: str, start_ms: int, end_ms: int, width: int) -> Trend:
    """A parameter over any span in `width` columns: from the summaries when it is long, else from the values."""
    if end_ms - start_ms <= _FROM_SUMMARY_ABOVE_MS:
        return _trend_of(queries.samples(device_id, (code,), start_ms, end_ms).get(code), start_ms, end_ms, width)
    statement = (
        select(VitalSummary.day_ms, VitalSummary.unit, VitalSummary.payload)
        .where(
            VitalSummary.device_id == device_id,
            VitalSummary.code == code,
            VitalSummary.day_ms > start_ms - DAY_MS,
            VitalSummary.day_ms < end_ms,
        )
        .order_by(VitalSummary.day_ms)
    )
    rows = db.session.execute(statement).all()
    young_from = max(start_ms, known_until(device_id), end_ms - 4 * DAY_MS)
    young = queries.samples(device_id, (code,), young_from, end_ms).get(code)
    parts = [(day, unit, unpack_day(payload), BUCKET_MS) for day, unit, payload in rows]
    if young is not None:
        count = max(1, -(-(end_ms - young_from) // BUCKET_MS))
        parts.append((young_from, young.unit, buckets(young, young_from, count, BUCKET_MS), BUCKET_MS))
    return _combined(parts, start_ms, end_ms, width)


def _trend_of(samples: Samples | None, start_ms: int, end_ms: int, width: int) -> Trend:
    if samples is None:
        return _combined([], start_ms, end_ms, width)
    grid = buckets(samples, start_ms, width, (end_ms - start_ms) / width)
    return Trend(samples.unit, grid[:, 0], grid[:, 1], grid[:, 2], int(grid[:, 3].sum()))


def _combined(parts: list[tuple[int, str, NDArray[np.float64], int]], start_ms: int, end_ms: int, width: int) -> Trend:
    low, high = np.full(width, np.nan), np.full(width, np.nan)
    total, number = np.zeros(width), np.zeros(width)
    unit = ""
    for first, unit_of_part, grid, bucket_ms in parts:
        unit = unit_of_part
        times = first + np.arange(len(grid)) * bucket_ms
        places = np.floor((times - start_ms) * (width / (end_ms - start_ms))).astype(np.int64)
        used = (places >= 0) & (places < width) & (grid[:, 3] > 0)
        places, grid = places[used], grid[used]
        np.fmin.at(low, places, grid[:, 0])
        np.fmax.at(high, places, grid[:, 1])
        np.add.at(total, places, grid[:, 2] * grid[:, 3])
        np.add.at(number, places, grid[:, 3])
    mean = np.divide(total, number, out=np.full(width, np.nan), where=number > 0)
    return Trend(unit, low, high, mean, int(number.sum()))
