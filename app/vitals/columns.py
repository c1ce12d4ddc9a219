"""Columns of device data as bytes: small, exact, and quick to read. Pure functions.

A column of one parameter is times (int64 ms), values (float64) and quality bits (uint16). Values that are decimal
fractions of at most three places are kept as scaled integer differences, anything else as float64: nothing is
rounded.
"""

import json
import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_HEADER = struct.Struct("<BbIq")  # version, decimals (-1: float64), count, first time in ms
_VERSION = 1
_LARGEST_SCALED = 2.0**30


@dataclass(frozen=True, slots=True)
class SeriesColumns:
    """One parameter in one segment, as plain columns of equal length."""

    code: str
    unit: str
    times_ms: Sequence[int]
    values: Sequence[float]
    qualities: Sequence[int]


@dataclass(frozen=True, slots=True)
class Samples:
    """Values of one parameter, ascending in time."""

    unit: str
    times_ms: NDArray[np.int64]
    values: NDArray[np.float64]
    qualities: NDArray[np.uint16]

    def __len__(self) -> int:
        return len(self.times_ms)


def empty(unit: str = "") -> Samples:
    """No values."""
    return Samples(unit, np.empty(0, np.int64), np.empty(0, np.float64), np.empty(0, np.uint16))


def to_samples(series: SeriesColumns) -> Samples:
    """Plain columns as arrays."""
    return Samples(
        series.unit,
        np.asarray(series.times_ms, np.int64),
        np.asarray(series.values, np.float64),
        np.asarray(series.qualities, np.uint16),
    )


def merge(parts: Iterable[Samples]) -> Samples:
    """All parts in one, ascending in time; values of the same time keep their order of arrival."""
    kept = [part for part in parts if len(part)]
    if not kept:
        return empty()
    times = np.concatenate([part.times_ms for part in kept])
    order = np.argsort(times, kind="stable")
    return Samples(
        kept[-1].unit,
        times[order],
        np.concatenate([part.values for part in kept])[order],
        np.concatenate([part.qualities for part in kept])[order],
    )


def between(samples: Samples, start_ms: int, end_ms: int) -> Samples:
    """The part with start <= time < end."""
    first, last = np.searchsorted(samples.times_ms, (start_ms, end_ms))
    if first == 0 and last == len(samples):
        return samples
    return Samples(
        samples.unit, samples.times_ms[first:last], samples.values[first:last], samples.qualities[first:last]
    )


def pack_column(samples: Samples) -> bytes:
    """Bytes of one parameter's column."""
    decimals, body = _pack_values(samples.values)
    first = int(samples.times_ms[0]) if len(samples) else 0
    steps = np.diff(samples.times_ms, prepend=first).astype("<i4")
    if len(samples) and not np.array_equal(np.cumsum(steps, dtype=np.int64) + first, samples.times_ms):
        raise ValueError("a column spans more than 24 days between two values")
    packed = zlib.compress(steps.tobytes() + samples.qualities.astype("<u2").tobytes() + body, 6)
    return _HEADER.pack(_VERSION, decimals, len(samples), first) + packed


def _pack_values(values: NDArray[np.float64]) -> tuple[int, bytes]:
    if len(values) and np.max(np.abs(values)) >= _LARGEST_SCALED:
        return -1, values.astype("<f8").tobytes()
    for decimals in range(4):
        scaled = np.rint(values * 10**decimals)
        if np.all(np.abs(scaled) < _LARGEST_SCALED) and np.array_equal(scaled / 10**decimals, values):
            return decimals, np.diff(scaled.astype(np.int32), prepend=np.int32(0)).astype("<i4").tobytes()
    return -1, values.astype("<f8").tobytes()


def unpack_column(payload: bytes, unit: str) -> Samples:
    """Inverse of `pack_column`. Raises `ValueError` for bytes that are not such a column."""
    try:
        version, decimals, count, first = _HEADER.unpack_from(payload)
        body = zlib.decompress(payload[_HEADER.size :])
    except (struct.error, zlib.error) as error:
        raise ValueError("not a column") from error
    if version != _VERSION:
        raise ValueError(f"column version {version}")
    times = np.cumsum(np.frombuffer(body, "<i4", count), dtype=np.int64) + first
    qualities = np.frombuffer(body, "<u2", count, offset=4 * count).astype(np.uint16)
    if decimals < 0:
        values = np.frombuffer(body, "<f8", count, offset=6 * count).astype(np.float64)
    else:
        steps = np.frombuffer(body, "<i4", count, offset=6 * count)
        values = np.cumsum(steps, dtype=np.int64) / 10**decimals
    return Samples(unit, times, values, qualities)


def pack_segment(series: Sequence[SeriesColumns]) -> bytes:
    """Bytes of all that one batch brought of one device."""
    rows = [[s.code, s.unit, list(s.times_ms), list(s.values), list(s.qualities)] for s in series]
    return zlib.compress(json.dumps(rows, separators=(",", ":")).encode(), 1)


def unpack_segment(payload: bytes) -> list[SeriesColumns]:
    """Inverse of `pack_segment`."""
    rows: list[list[Any]] = json.loads(zlib.decompress(payload))
    return [SeriesColumns(code, unit, times, values, qualities) for code, unit, times, values, qualities in rows]
