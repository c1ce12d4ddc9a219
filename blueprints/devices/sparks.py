"""Small curves of raw values: SVG path data, nothing else."""

from dataclasses import dataclass

import numpy as np

from app.vitals.columns import Samples
from device_bridge.wire import NOT_CHARTABLE, Quality

WIDTH, HEIGHT = 240, 28
_MAX_POINTS = 180


@dataclass(frozen=True, slots=True)
class Spark:
    """`good` may reach a chart, `doubtful` is kept in the raw store only. Bounds are those of what is drawn."""

    good: str
    doubtful: str
    low: float | None
    high: float | None


def draw(samples: Samples, start_ms: int, end_ms: int, gap_ms: float) -> Spark:
    """Curve of the values from `start_ms` to `end_ms`; a pause longer than `gap_ms` stays a gap."""
    real = (samples.qualities & int(Quality.INVALID)) == 0
    if not real.any():
        return Spark("", "", None, None)
    values = samples.values[real]
    low, high = float(values.min()), float(values.max())
    span = (high - low) or 1.0
    step = max(1, len(values) // _MAX_POINTS)
    x = (samples.times_ms[real][::step] - start_ms) * (WIDTH / (end_ms - start_ms))
    y = HEIGHT - 2 - (values[::step] - low) / span * (HEIGHT - 4) if high > low else np.full(len(x), HEIGHT / 2)
    doubtful = (samples.qualities[real][::step] & int(NOT_CHARTABLE)) != 0
    gap = max(gap_ms, 2.5 * step * gap_ms / 3) * WIDTH / (end_ms - start_ms)
    return Spark(_path(x, y, ~doubtful, gap), _path(x, y, doubtful, gap), low, high)


def _path(x: np.ndarray, y: np.ndarray, chosen: np.ndarray, gap: float) -> str:
    parts: list[str] = []
    last: float | None = None
    for left, top, take in zip(x.tolist(), y.tolist(), chosen.tolist(), strict=True):
        if not take:
            last = None
            continue
        # A single point is drawn as a dot by the round cap of a line without length.
        parts.append(
            f"L{left:.1f} {top:.1f}" if last is not None and left - last <= gap else f"M{left:.1f} {top:.1f}h0"
        )
        last = left
    return "".join(parts)
