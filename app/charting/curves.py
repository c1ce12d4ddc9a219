"""The curve area: axes, grid, gaps, limits, fine lines and symbols."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

from app.charting.frame import Frame
from app.charting.packing import join_numbers, text_width, wrap
from app.charting.primitives import Band, Glyphs, Line, Point, Polyline, Primitive, Ref, SeriesTrace, Text
from app.charting.record import Axis, Gap, RecordView, VitalPoint, VitalSeries
from app.charting.symbols import SymbolRegistry
from app.charting.thinning import Shown, thin
from app.charting.wording import number

LEFT_LOW, LEFT_HIGH, LEFT_STEP = 0, 240, 20
RIGHT_LOW, RIGHT_HIGH, RIGHT_STEP = 20, 40, 2
#: A curve breaks when two slots in a row are empty (facts 2h.3 rule 1).
EMPTY_SLOTS_THAT_BREAK = 2
#: A series charted more rarely than this is never joined over the time between.
SLOWEST_RHYTHM = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Plot:
    """The curve area placed in the chart."""

    frame: Frame
    top: float
    height: float

    @property
    def bottom(self) -> float:
        """Where the value axis is zero."""
        return self.top + self.height

    def y(self, value: float, axis: Axis) -> float:
        """Place of a value, clamped to the area."""
        low, high = (LEFT_LOW, LEFT_HIGH) if axis is Axis.LEFT else (RIGHT_LOW, RIGHT_HIGH)
        share = (value - low) / (high - low)
        return self.bottom - min(max(share, 0.0), 1.0) * self.height

    def is_off(self, value: float, axis: Axis) -> bool:
        """Whether a value lies beyond the axis and must be told in figures."""
        low, high = (LEFT_LOW, LEFT_HIGH) if axis is Axis.LEFT else (RIGHT_LOW, RIGHT_HIGH)
        return not low <= value <= high


def plot_shapes(plot: Plot, view: RecordView) -> list[Primitive]:
    """All of the curve area."""
    registry = SymbolRegistry(view.symbols)
    shapes = _axes(plot, any(series.axis is Axis.RIGHT for series in view.vitals))
    shapes += [shape for gap in view.gaps for shape in _gap(plot, gap)]
    shapes += _legend(plot, view, registry)
    for series in view.vitals:
        shapes += _series(plot, view, series, registry)
    return shapes


def _axes(plot: Plot, with_temperature: bool) -> list[Primitive]:
    frame, size = plot.frame, plot.frame.metrics.small
    shapes: list[Primitive] = []
    for value in range(LEFT_LOW, LEFT_HIGH + 1, LEFT_STEP):
        y = plot.y(value, Axis.LEFT)
        if LEFT_LOW < value < LEFT_HIGH:
            role = "grid-half" if value % (2 * LEFT_STEP) == 0 else "grid"
            shapes.append(Line(role, frame.left, y, frame.right, y))
        baseline = min(max(y + size * 0.36, plot.top + size * 0.9), plot.bottom - size * 0.15)
        if value % (2 * LEFT_STEP) == 0 or plot.height / 12 >= size * 1.1:
            shapes.append(Text("text-muted", frame.left - 2, baseline, str(value), size, "end"))
    if with_temperature:
        for degree in range(RIGHT_LOW, RIGHT_HIGH + 1, RIGHT_STEP):
            y = plot.y(degree, Axis.RIGHT)
            baseline = min(max(y + size * 0.36, plot.top + size * 0.9), plot.bottom - size * 0.15)
            shapes.append(Text("text-temp", frame.right + 2, baseline, str(degree), size))
        unit_x = frame.right + 2 + text_width("40", size) + size * 0.5
        shapes.append(Text("text-temp", unit_x, plot.top + size * 0.9, "℃", size))
    return shapes


def _legend(plot: Plot, view: RecordView, registry: SymbolRegistry) -> list[Primitive]:
    """Symbol, name and unit of every series, in the label column."""
    metrics = plot.frame.metrics
    shapes: list[Primitive] = []
    step = min(metrics.row * 1.25, plot.height / max(1, len(view.vitals)))
    width = metrics.label_width - metrics.symbol - 8 - text_width("240", metrics.small) - 4
    y = plot.top + step * 0.7
    for series in view.vitals:
        role, symbol = role_of(series.code), registry[series.code]
        shapes.append(Glyphs(role, symbol.name, metrics.symbol, ((3 + metrics.symbol / 2, y),)))
        words = wrap(f"{series.label} {series.unit}".strip(), width, metrics.font)
        for index, line in enumerate(words):
            baseline = y + metrics.font * 0.36 + index * metrics.row
            shapes.append(Text(f"text-{role}", 8 + metrics.symbol, baseline, line, metrics.font))
        y += step + (len(words) - 1) * metrics.row
    return shapes


_KNOWN_ROLES = frozenset({"sbp", "dbp", "map", "abp_sys", "abp_dia", "abp_map", "hr", "rr", "rr_vent", "temp"})


def role_of(code: str) -> str:
    """The role a series is drawn in; unknown codes share one."""
    return code if code in _KNOWN_ROLES else "other"


def _gap(plot: Plot, gap: Gap) -> list[Primitive]:
    frame = plot.frame
    if not frame.window.touches(gap.start, gap.end):
        return []
    left, right = frame.clip(frame.x(gap.start)), frame.clip(frame.x(gap.end))
    ref = Ref("gap", None, gap.start, f"{frame.clock(gap.start)}–{frame.clock(gap.end)} 无数据 {gap.reason}".strip())
    shapes: list[Primitive] = [Band("gap", left, plot.top, max(right - left, 1), plot.height, ref)]
    size = frame.metrics.small
    words = wrap(gap.reason or "无数据", max(right - left - 2, size), size)
    for index, line in enumerate(words):
        baseline = plot.top + (index + 1) * size * 1.25
        if baseline < plot.bottom:
            shapes.append(Text("text-muted", (left + right) / 2, baseline, line, size, "middle"))
    return shapes


def _series(plot: Plot, view: RecordView, series: VitalSeries, registry: SymbolRegistry) -> list[Primitive]:
    frame = plot.frame
    points = [point for point in series.points if frame.window.holds(point.at)]
    if not points:
        return []
    points.sort(key=lambda point: point.at)
    role, symbol = role_of(series.code), registry[series.code]
    least = frame.metrics.symbol * symbol.half_width * 2 + frame.metrics.air
    shown = thin(points, frame, view.interval_minutes, least, series.limits)
    shapes = _limits(plot, series)
    if series.joined or len(shown) < len(points):
        shapes += _joining(plot, view, series, points, role)
    places = tuple((item.x, plot.y(float(item.point.value), series.axis)) for item in shown)
    shapes.append(Glyphs(role, symbol.name, frame.metrics.symbol, places))
    breached = tuple(
        place for item, place in zip(shown, places, strict=True) if series.limits.breached_by(item.point.value)
    )
    if breached:
        shapes.append(Glyphs("breach", symbol.name, frame.metrics.symbol, breached))
    for item, place in zip(shown, places, strict=True):
        shapes += _remarks(plot, series, item, place)
    return shapes


def _limits(plot: Plot, series: VitalSeries) -> list[Primitive]:
    bounds = [bound for bound in (series.limits.low, series.limits.high) if bound is not None]
    frame = plot.frame
    return [
        Line("limit", frame.left, y, frame.right, y) for y in (plot.y(float(bound), series.axis) for bound in bounds)
    ]


def _joining(
    plot: Plot, view: RecordView, series: VitalSeries, points: Sequence[VitalPoint], role: str
) -> list[Primitive]:
    """Fine lines through every reading, broken where data is missing."""
    runs: list[list[Point]] = [[]]
    longest = _rhythm(view, points) * (EMPTY_SLOTS_THAT_BREAK + 0.5)
    previous: VitalPoint | None = None
    for point in points:
        if previous is not None and _is_broken(view, previous, point, longest):
            runs.append([])
        runs[-1].append((plot.frame.x(point.at), plot.y(float(point.value), series.axis)))
        previous = point
    return [Polyline(f"{role}-line", tuple(run)) for run in runs if len(run) > 1]


def _rhythm(view: RecordView, points: Sequence[VitalPoint]) -> timedelta:
    """How often this series is charted: the interval of the record, or its own slower beat (a cuff every 5 min in
    rescue mode, a temperature every 15 min)."""
    steps = sorted(after.at - before.at for before, after in pairwise(points))
    usual = steps[len(steps) // 2] if steps else view.interval
    return min(max(view.interval, usual), SLOWEST_RHYTHM)


def _is_broken(view: RecordView, before: VitalPoint, after: VitalPoint, longest: timedelta) -> bool:
    if after.at - before.at > longest:
        return True
    return any(gap.start < after.at and gap.end > before.at for gap in view.gaps)


def _remarks(plot: Plot, series: VitalSeries, item: Shown, place: Point) -> list[Primitive]:
    """Footnote number of a corrected value, figure of a value beyond the axis."""
    metrics = plot.frame.metrics
    shapes: list[Primitive] = []
    x, y = place
    if item.edited:
        words = join_numbers(item.footnotes) or "*"
        above = y - metrics.symbol * 0.55 > plot.top + metrics.small * 0.8
        baseline = y - metrics.symbol * 0.45 if above else y + metrics.symbol * 0.9
        width = text_width(words, metrics.small)
        left = plot.frame.keep(x + metrics.symbol * 0.4, width)
        shapes.append(Text("text-note", left, baseline, words, metrics.small, bold=True))
    value = float(item.point.value)
    if plot.is_off(value, series.axis):
        size = metrics.small
        words = number(item.point.value)
        baseline = plot.top + size * 1.9 if y <= plot.top + 1 else plot.bottom - size
        left = plot.frame.keep(x - text_width(words, size) / 2, text_width(words, size))
        shapes.append(Text("text-warn", left, baseline, words, size))
    return shapes


def traces(frame: Frame, view: RecordView) -> tuple[SeriesTrace, ...]:
    """The readings in the window with their ids, for pointer and keyboard editing."""
    sources: list[tuple[str, str, str, tuple[VitalPoint, ...]]] = [
        (series.code, series.label, series.unit, series.points) for series in view.vitals
    ]
    sources += [(row.code, row.label, row.unit, row.points) for row in view.numerics]
    return tuple(_trace(frame, *source) for source in sources)


def _trace(frame: Frame, code: str, label: str, unit: str, charted: tuple[VitalPoint, ...]) -> SeriesTrace:
    points = [point for point in charted if frame.window.holds(point.at)]
    start = frame.window.start
    return SeriesTrace(
        code=code,
        label=label,
        unit=unit,
        minutes=tuple(round((point.at - start).total_seconds() / 60, 2) for point in points),
        values=tuple(number(Decimal(point.value)) for point in points),
        ids=tuple(point.reading_id or "" for point in points),
        edited=tuple(index for index, point in enumerate(points) if point.edited),
    )
