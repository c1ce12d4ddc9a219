"""Curves as bytes: pieces as they travel, chunks as they are kept, and extremes per second for looking from afar.

The byte format of a piece is the bridge's (differences modulo 65536, zigzag, high bytes before low bytes, zlib); a
chunk of a minute or more uses it too. `NO_SAMPLE` stands where the device had none. Pure functions.
"""

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NO_SAMPLE = -32768
Counts = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of samples without a break; physical value = count * scale + offset."""

    code: str
    unit: str
    start_ms: int
    rate_hz: float
    scale: float
    offset: float
    count: int
    data: bytes

    @property
    def end_ms(self) -> int:
        """Time just after the last sample."""
        return self.start_ms + round(self.count * 1000 / self.rate_hz)


def pack(samples: Counts) -> bytes:
    """Counts as bytes."""
    steps = np.diff(samples.view(np.uint16), prepend=np.uint16(0)).view(np.int16)
    zigzag = ((steps.astype(np.int32) << 1) ^ (steps.astype(np.int32) >> 15)).astype("<u2")
    planes = zigzag.view(np.uint8).reshape(-1, 2)
    return zlib.compress(planes[:, 1].tobytes() + planes[:, 0].tobytes(), 6)


def unpack(data: bytes, count: int) -> Counts:
    """Inverse of `pack`. Raises `ValueError` for bytes that are not `count` samples."""
    try:
        raw = np.frombuffer(zlib.decompress(data), np.uint8)
    except zlib.error as error:
        raise ValueError("not a piece of a curve") from error
    if len(raw) != 2 * count:
        raise ValueError(f"{len(raw)} bytes are not {count} samples")
    words = raw[:count].astype(np.uint16) << 8 | raw[count:]
    steps = (words >> 1) ^ (np.uint16(0) - (words & 1))
    return np.cumsum(steps, dtype=np.uint16).view(np.int16)


def peaks(samples: Counts, rate_hz: float) -> bytes:
    """Lowest and highest count of each second as little-endian pairs; a second without samples is a pair of -32768."""
    per = max(1, round(rate_hz))
    rows = -(-len(samples) // per)
    padded = np.full(rows * per, NO_SAMPLE, np.int16)
    padded[: len(samples)] = samples
    grid = padded.reshape(rows, per)
    high = grid.max(axis=1)
    low = np.where(grid == NO_SAMPLE, np.int16(32767), grid).min(axis=1)
    low = np.where(high == NO_SAMPLE, np.int16(NO_SAMPLE), low)
    return np.column_stack((low, high)).astype("<i2").tobytes()


def unpack_peaks(data: bytes) -> NDArray[np.int16]:
    """Inverse of `peaks`: rows of (low, high)."""
    return np.frombuffer(data, "<i2").reshape(-1, 2)


def thin(samples: Counts, rate_hz: float, at_most_hz: float) -> tuple[Counts, float]:
    """Fewer samples for a screen, keeping of each few the one furthest from their mean, so that no spike is lost."""
    step = max(1, int(np.ceil(rate_hz / at_most_hz)))
    if step == 1 or len(samples) < step:
        return samples, rate_hz
    grid = samples[: len(samples) // step * step].reshape(-1, step).astype(np.int32)
    far = np.abs(grid - grid.mean(axis=1, keepdims=True)).argmax(axis=1)
    return grid[np.arange(len(grid)), far].astype(np.int16), rate_hz / step


@dataclass(frozen=True, slots=True)
class Envelope:
    """Lowest and highest physical value per column of a picture; NaN where there is nothing."""

    unit: str
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def blank(unit: str, width: int) -> Envelope:
    """Nothing in any column."""
    return Envelope(unit, np.full(width, np.nan), np.full(width, np.nan))


def draw_into(
    envelope: Envelope,
    times_ms: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    span: tuple[int, int],
) -> None:
    """Put values at their times into the columns of the span; what lies outside is left out."""
    start_ms, end_ms = span
    columns = np.floor((times_ms - start_ms) * (len(envelope.low) / (end_ms - start_ms))).astype(np.int64)
    inside = (columns >= 0) & (columns < len(envelope.low)) & ~np.isnan(low)
    np.fmin.at(envelope.low, columns[inside], low[inside])
    np.fmax.at(envelope.high, columns[inside], high[inside])
