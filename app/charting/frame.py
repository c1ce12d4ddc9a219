"""The measures of a chart and the mapping of time to the drawing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from app.charting.primitives import Primitive
from app.charting.window import Window


@dataclass(frozen=True, slots=True)
class Metrics:
    """Sizes of one medium. Screen units are CSS pixels, paper units are points."""

    width: float
    label_width: float
    right_width: float
    font: float  # labels and figures
    small: float  # notes, axis figures
    figure: float  # figures under the curves
    row: float  # height of one line of a lane
    pad: float  # air above and below the lines of a lane
    axis: float  # height of the time axis
    plot: float  # height of the curve area when no total height is asked for
    least_plot: float
    symbol: float
    air: float  # least space between two symbols of a series
    subrows: int  # lines a lane may grow to before the rest is listed as text
    paper: bool = False


SCREEN = Metrics(
    width=1000,
    label_width=132,
    right_width=72,
    font=12,
    small=11,
    figure=12,
    row=16,
    pad=2,
    axis=22,
    plot=260,
    least_plot=150,
    symbol=8,
    air=5,
    subrows=4,
)

#: For the theatre screen, where chart, values and actions share 1366 × 768.
DENSE = replace(SCREEN, font=11, small=10, figure=11, row=13, pad=1.5, axis=18, least_plot=160, symbol=7)

MM = 72 / 25.4

PAPER = Metrics(
    width=190 * MM,
    label_width=31 * MM,
    right_width=17 * MM,
    font=6.5,
    small=5.5,
    figure=6,
    row=8,
    pad=1,
    axis=10,
    plot=200,
    least_plot=150,
    symbol=6,
    air=1.2,
    subrows=6,
    paper=True,
)


@dataclass(frozen=True, slots=True)
class Frame:
    """A window placed between the label column and the totals column."""

    window: Window
    metrics: Metrics
    zone: ZoneInfo

    # Reckoned once: a chart asks for them some thousand times.
    left: float = field(init=False)
    right: float = field(init=False)
    per_minute: float = field(init=False)

    def __post_init__(self) -> None:
        """Where the time axis begins and ends, and the width of a minute on it."""
        left, right = self.metrics.label_width, self.metrics.width - self.metrics.right_width
        object.__setattr__(self, "left", left)
        object.__setattr__(self, "right", right)
        object.__setattr__(self, "per_minute", (right - left) / self.window.minutes)

    def x(self, at: datetime) -> float:
        """Place of a moment, not clipped."""
        return self.left + (at - self.window.start).total_seconds() / 60 * self.per_minute

    def clip(self, x: float) -> float:
        """``x`` kept within the axis."""
        return min(max(x, self.left), self.right)

    def keep(self, x: float, width: float) -> float:
        """Left edge for a label of ``width`` that would like to start at ``x``, moved to stay within the axis."""
        return max(self.left, min(x, self.right - width))

    def clock(self, at: datetime) -> str:
        """Wall-clock time of the hospital, HH:MM."""
        return at.astimezone(self.zone).strftime("%H:%M")


@dataclass(frozen=True, slots=True)
class Row:
    """One horizontal strip of the chart; ``paint`` draws it with its top at the given y."""

    kind: str
    id: str
    label: Sequence[str]
    height: float
    paint: Callable[[float], list[Primitive]]
    right: Sequence[str] = ()
    title: str = ""  # full name for tooltips and hit boxes
    muted: bool = False
    shaded: bool = False
