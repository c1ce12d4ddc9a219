"""Places a window of a record: time axis, lanes, curves, figures, events, marks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from app.charting.curves import Plot, plot_shapes, traces
from app.charting.frame import PAPER, SCREEN, Frame, Metrics, Row
from app.charting.lanes import Lane, lane_rows, spans
from app.charting.packing import text_width
from app.charting.primitives import Band, Chart, LaneBox, Line, Primitive, Rect, Text
from app.charting.record import RecordView
from app.charting.rows import event_row, mark_row, numeric_row
from app.charting.strip import LABEL_INDENT, text_row
from app.charting.symbols import SymbolRegistry
from app.charting.window import Window, believable, floor_to, pages, whole_case
from app.charting.wording import number

#: Steps of the time labels in minutes; the first that leaves room between labels is taken.
_LABEL_STEPS = (1, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440)
_LEAST_GRID_GAP = 3.5
_TALLEST_PLOT = 330


def layout(
    view: RecordView,
    window: Window | None = None,
    metrics: Metrics = SCREEN,
    *,
    height: float | None = None,
    tell_outside: bool = True,
) -> Chart:
    """Lay out one window (default: the whole case). With ``height`` the curve area takes what the rows leave, but
    never less than ``metrics.least_plot``; the chart then grows. ``tell_outside`` adds a text row for every lane
    with nothing in this window, so that no charted drug is silently missing."""
    window = window or whole_case(view)
    frame = Frame(window, metrics, ZoneInfo(view.timezone))
    sheet = _Sheet(view, frame)
    upper = lane_rows(frame, view, tell_outside=tell_outside)
    lower = sheet.lower_rows(tell_outside=tell_outside)
    return sheet.assemble(upper, lower, _plot_height(metrics, upper, lower, height))


def layout_pages(
    view: RecordView,
    height: float,
    metrics: Metrics = PAPER,
    *,
    first_height: float | None = None,
    last_height: float | None = None,
) -> tuple[Chart, ...]:
    """The printed pages, each at most ``height`` tall (``first_height`` for the first) unless a single row is taller:
    48 slots a page, and a page of lanes alone where the lanes of one span do not fit beside its curves. The last
    span is squeezed into ``last_height`` when it can be, so that what follows the chart shares its page."""
    charts: list[Chart] = []
    windows = pages(view)
    for index, window in enumerate(windows):
        room = first_height if index == 0 and first_height is not None else height
        is_last = index == len(windows) - 1
        span = _span_pages(view, window, metrics, room, height, is_last)
        if is_last and last_height is not None and len(span) == 1:
            squeezed = _span_pages(view, window, metrics, last_height, height, is_last)
            span = squeezed if len(squeezed) == 1 and squeezed[0].height <= last_height + 0.01 else span
        charts += span
    return tuple(charts)


def _span_pages(
    view: RecordView, window: Window, metrics: Metrics, room: float, height: float, is_last: bool
) -> list[Chart]:
    """One span of 48 slots: the page with its curves, then pages for the lanes that did not fit."""
    frame = Frame(window, metrics, ZoneInfo(view.timezone))
    sheet = _Sheet(view, frame)
    upper = lane_rows(frame, view, tell_outside=False)
    lower = sheet.lower_rows(tell_outside=is_last)
    beside_curves = room - metrics.axis - metrics.least_plot - _total(lower)
    first, *others = _batches(upper, height - metrics.axis, beside_curves)
    charts = [sheet.assemble(first, lower, _plot_height(metrics, first, lower, room))]
    return charts + [sheet.assemble(batch, [], None) for batch in others]


def _total(rows: Iterable[Row]) -> float:
    return sum(row.height for row in rows)


def _plot_height(metrics: Metrics, upper: Sequence[Row], lower: Sequence[Row], height: float | None) -> float:
    if height is None:
        return metrics.plot
    left_over = height - metrics.axis - _total(upper) - _total(lower)
    tallest = _TALLEST_PLOT if metrics.paper else left_over
    return max(metrics.least_plot, min(left_over, tallest))


def _batches(rows: Sequence[Row], height: float, first_budget: float) -> list[list[Row]]:
    """Rows split over pages: the first shares its page with the curves, the others have only a time axis above."""
    batches: list[list[Row]] = [[]]
    budget = first_budget
    for row in rows:
        if row.height > budget and (batches[-1] or len(batches) == 1):
            batches.append([])
            budget = height
        batches[-1].append(row)
        budget -= row.height
    return batches


@dataclass(frozen=True, slots=True)
class _Sheet:
    """One window being assembled."""

    view: RecordView
    frame: Frame

    def lower_rows(self, *, tell_outside: bool) -> list[Row]:
        """Figures, events, marks, and in words what lies outside."""
        view, frame = self.view, self.frame
        rows = [numeric_row(frame, view, row) for row in view.numerics]
        rows.append(event_row(frame, view.events))
        rows.append(mark_row(frame, view.marks, SymbolRegistry(view.symbols)))
        if tell_outside:
            if not frame.metrics.paper:
                rows += self._marks_outside()
            rows += self._doubtful()
        return rows

    def _marks_outside(self) -> list[Row]:
        view, frame = self.view, self.frame
        words = [f"{frame.clock(mark.at)} {mark.label}" for mark in view.marks if not frame.window.holds(mark.at)]
        words += [
            f"{frame.clock(event.at)} ({event.number}) {event.label}"
            for event in view.events
            if not frame.window.holds(event.at)
        ]
        return [text_row(frame, "marks", "outside", "窗外标记", "；".join(words))] if words else []

    def _doubtful(self) -> list[Row]:
        """Items whose time cannot belong to the case: told in words with their full date."""
        words = list(self._doubtful_words())
        if not words:
            return []
        return [text_row(self.frame, "doubtful", "doubtful", "时间存疑", "；".join(words))]

    def _doubtful_words(self) -> Iterator[str]:
        view = self.view
        lanes: tuple[Lane, ...] = (*view.drugs, *view.gases, *view.fluids, *view.outputs)
        for lane in lanes:
            for start, _, words in spans(view, lane, self._dated):
                if not believable(view, start):
                    yield f"{lane.name} {words}"
        points = [(series.label, series.points) for series in view.vitals]
        points += [(row.label, row.points) for row in view.numerics]
        for label, charted in points:
            for point in charted:
                if not believable(view, point.at):
                    yield f"{label} {self._dated(point.at)} {number(point.value)}"
        marks = [(mark.at, mark.label) for mark in view.marks]
        marks += [(event.at, f"({event.number}) {event.label}") for event in view.events]
        yield from (f"{self._dated(at)} {label}" for at, label in marks if not believable(view, at))

    def _dated(self, at: datetime) -> str:
        return at.astimezone(self.frame.zone).strftime("%Y-%m-%d %H:%M")

    def assemble(self, upper: Sequence[Row], lower: Sequence[Row], plot_height: float | None) -> Chart:
        """Stack the rows; ``plot_height`` None leaves the curves out (a page of lanes alone)."""
        frame, metrics = self.frame, self.frame.metrics
        shapes: list[Primitive] = []
        lanes: list[LaneBox] = []
        y = self._stack(upper, metrics.axis, shapes, lanes)
        plot_top = y
        if plot_height is not None:
            shapes += plot_shapes(Plot(frame, y, plot_height), self.view)
            lanes.append(LaneBox("vitals", "vitals", "生命体征", y, plot_height))
            y += plot_height
            shapes.append(Line("rule-strong", 0, plot_top, metrics.width, plot_top))
            shapes.append(Line("rule-strong", 0, y, metrics.width, y))
        plot_bottom = y
        y = self._stack(lower, y, shapes, lanes)
        shapes += self._time_axis(y)
        shapes += self._guides(y, plot_top, plot_bottom)
        shapes.append(Rect("frame", 0, 0, metrics.width, y))
        shapes.append(Line("rule-strong", frame.left, 0, frame.left, y))
        shapes.append(Line("rule-strong", frame.right, 0, frame.right, y))
        return Chart(
            width=metrics.width,
            height=y,
            plot_left=frame.left,
            plot_right=frame.right,
            plot_top=plot_top,
            plot_bottom=plot_bottom,
            start=frame.window.start,
            end=frame.window.end,
            slot_minutes=self.view.interval_minutes,
            title=f"麻醉记录图 {frame.clock(frame.window.start)}–{frame.clock(frame.window.end)}",
            primitives=tuple(shapes),
            lanes=tuple(lanes),
            traces=traces(frame, self.view) if plot_height is not None else (),
        )

    def _stack(self, rows: Sequence[Row], y: float, shapes: list[Primitive], lanes: list[LaneBox]) -> float:
        metrics = self.frame.metrics
        kind = ""
        for row in rows:
            shapes += row.paint(y)
            shapes += self._label(row, y)
            strong = bool(kind) and row.kind != kind
            shapes.append(Line("rule-strong" if strong else "rule", 0, y, metrics.width, y))
            lanes.append(LaneBox(row.kind, row.id, row.title, y, row.height))
            y += row.height
            kind = row.kind
        return y

    def _label(self, row: Row, y: float) -> list[Primitive]:
        metrics = self.frame.metrics
        role = "text-muted" if row.muted else "text"
        shapes: list[Primitive] = []
        for index, line in enumerate(row.label):
            baseline = y + metrics.pad + (index + 0.72) * metrics.row
            shapes.append(Text(role, LABEL_INDENT, baseline, line, metrics.font))
        for index, line in enumerate(row.right):
            baseline = y + metrics.pad + (index + 0.72) * metrics.row
            shapes.append(Text("text", metrics.width - LABEL_INDENT, baseline, line, metrics.font, "end"))
        return shapes

    def _time_axis(self, bottom: float) -> list[Primitive]:
        """The head of the chart: date, clock labels, grid lines of the slots, half hours and hours."""
        frame, metrics = self.frame, self.frame.metrics
        baseline = metrics.axis * 0.72
        date = frame.window.start.astimezone(frame.zone).strftime("%Y-%m-%d")
        shapes: list[Primitive] = [
            Band("head", 0, 0, metrics.width, metrics.axis),
            Line("rule-strong", 0, metrics.axis, metrics.width, metrics.axis),
            Text("text", LABEL_INDENT, baseline, date, metrics.small),
            Text("text", metrics.width - LABEL_INDENT, baseline, "合计", metrics.small, "end"),
        ]
        step = self._label_step()
        for at in self._ticks(step):
            words = _clock_label(at, frame.zone)
            width = text_width(words, metrics.small)
            left = frame.keep(frame.x(at) - width / 2, width)
            is_hour = at.astimezone(frame.zone).minute == 0
            shapes.append(Text("text", left, baseline, words, metrics.small, bold=is_hour))
        for at in self._ticks(self._grid_step()):
            minute = at.astimezone(frame.zone).minute
            role = "grid-hour" if minute == 0 else "grid-half" if minute % 15 == 0 else "grid"
            x = frame.x(at)
            if frame.left < x < frame.right:
                shapes.append(Line(role, x, metrics.axis, x, bottom))
        return shapes

    def _label_step(self) -> int:
        """Minutes between clock labels; a midnight label is the widest."""
        metrics, per_minute = self.frame.metrics, self.frame.per_minute
        least = text_width("00:00", metrics.small) * 1.5
        least_with_date = text_width("12-31 00:00", metrics.small) / 2 + least / 2
        wanted = max(least, least_with_date)
        return next((step for step in _LABEL_STEPS if step * per_minute >= wanted), _LABEL_STEPS[-1])

    def _grid_step(self) -> int:
        per_minute = self.frame.per_minute
        interval = self.view.interval_minutes
        fine = (interval, *(step for step in _LABEL_STEPS if step > interval))
        return next((step for step in fine if step * per_minute >= _LEAST_GRID_GAP), 60)

    def _ticks(self, step: int) -> Iterator[datetime]:
        """Grid lines of the hospital's clock within the window, ends included."""
        window, zone = self.frame.window, self.frame.zone
        local = window.start.astimezone(zone)
        day = local.replace(hour=0, minute=0, second=0, microsecond=0)
        skipped = -(-int((local - day).total_seconds()) // (step * 60))
        at = day.astimezone(window.start.tzinfo) + timedelta(minutes=skipped * step)
        while at <= window.end:
            yield at
            at += timedelta(minutes=step)

    def _guides(self, bottom: float, plot_top: float, plot_bottom: float) -> list[Primitive]:
        """Thin lines of the case marks through the curves, and the live edge through everything."""
        frame, view, metrics = self.frame, self.view, self.frame.metrics
        shapes: list[Primitive] = []
        if plot_bottom > plot_top:
            for mark in view.marks:
                if frame.window.holds(mark.at):
                    x = frame.x(mark.at)
                    shapes.append(Line("mark-line", x, plot_top, x, plot_bottom))
        if view.is_live and frame.window.holds(view.now):
            x = frame.x(view.now)
            shapes.append(Line("now", x, metrics.axis * 0.5, x, bottom))
        return shapes


def _clock_label(at: datetime, zone: ZoneInfo) -> str:
    """HH:MM, with the date at midnight so that a night case stays readable."""
    local = at.astimezone(zone)
    return local.strftime("%m-%d %H:%M") if local.hour == 0 and local.minute == 0 else local.strftime("%H:%M")


def slot_of(view: RecordView, at: datetime) -> datetime:
    """The slot a pointer position belongs to: the grid line at or before it."""
    return floor_to(at, view.interval_minutes)
