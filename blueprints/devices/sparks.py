"""Small curves of raw values: SVG path data, nothing else."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.vitals.columns import Samples
from device_bridge.wire import NOT_CHARTABLE, Quality

Numbers = NDArray[np.float64]
WIDTH, HEIGHT = 240, 28
_MAX_POINTS = 180


@dataclass(frozen=True, slots=True)
class Spark:
    """`good` may reach a chart, `doubtful` is kept in the raw store only, `dots` are values without a neighbour.

    Bounds are those of what is drawn.
    """

    good: str
    dots: str
    doubtful: str
    low: float | None
    high: float | None


def draw(samples: Samples, start_ms: int, end_ms: int, gap_ms: float) -> Spark:
    """Curve of the values from `start_ms` to `end_ms`; a pause longer than `gap_ms` stays a gap."""
    real = (samples.qualities & int(Quality.INVALID)) == 0
    if not real.any():
        return Spark("", "", "", None, None)
    times, values = samples.times_ms[real], samples.values[real]
    low, high = float(values.min()), float(values.max())
    step = max(1, len(values) // _MAX_POINTS)
    scale = WIDTH / (end_ms - start_ms)
    x = (times[::step] - start_ms) * scale
    y = HEIGHT - 2 - (values[::step] - low) / ((high - low) or 1.0) * (HEIGHT - 4)
    if high == low:
        y = np.full(len(x), HEIGHT / 2)
    doubtful = (samples.qualities[real][::step] & int(NOT_CHARTABLE)) != 0
    gap = gap_ms * step * scale  # thinned values lie further apart
    lines, dots = _paths(x, y, ~doubtful, gap)
    doubtful_lines, doubtful_dots = _paths(x, y, doubtful, gap)
    return Spark(lines, dots, doubtful_lines + doubtful_dots, low, high)


def _paths(x: Numbers, y: Numbers, chosen: NDArray[np.bool_], gap: float) -> tuple[str, str]:
    runs: list[list[str]] = []
    last: float | None = None
    for left, top, take in zip(x.tolist(), y.tolist(), chosen.tolist(), strict=True):
        if not take:
            last = None
            continue
        if last is None or left - last > gap:
            runs.append([])
        runs[-1].append(f"{left:.1f} {top:.1f}")
        last = left
    # A line without length shows as a dot because of its round cap.
    dots = "".join(f"M{run[0]}h0" for run in runs if len(run) == 1)
    return "".join("M" + "L".join(run) for run in runs if len(run) > 1), dots
