"""Figures under the curves, numbered events and case marks."""

from __future__ import annotations

from collections.abc import Sequence

from app.charting.frame import Frame, Row
from app.charting.packing import Packer, join_numbers, text_width, wrap
from app.charting.primitives import Glyphs, Primitive, Ref, Text
from app.charting.record import CaseMark, NumberedEvent, NumericRow, RecordView, VitalPoint
from app.charting.strip import LABEL_INDENT, shifted
from app.charting.symbols import SymbolRegistry
from app.charting.thinning import Shown, thin
from app.charting.wording import number


def numeric_row(frame: Frame, view: RecordView, row: NumericRow) -> Row:
    """A row of figures. On paper figures alternate between two lines when one line cannot hold them; what still
    has no room is left to the zoomed view and the label says how it was chosen."""
    metrics = frame.metrics
    points = sorted((point for point in row.points if frame.window.holds(point.at)), key=lambda point: point.at)
    widest = max((text_width(number(point.value), metrics.figure) for point in points), default=0.0)
    least = widest + metrics.figure * 0.25
    lines, shown = _fit(frame, view, row, points, least)
    words = f"{row.label} {row.unit}".rstrip()
    if len(shown) < len(points) and metrics.paper:
        words += "（择显）"
    # a figure on the first grid line stands half in the label column, which leaves it that much room
    label = wrap(words, metrics.label_width - 2 * LABEL_INDENT - widest / 2, metrics.font)
    height = max(lines, len(label)) * metrics.row + 2 * metrics.pad
    shapes: list[Primitive] = []
    for index, item in enumerate(shown):
        shapes += _figure(frame, row, item, index % lines)
    return Row(
        "numeric", row.code, label, height, lambda top: [shifted(shape, top) for shape in shapes], title=row.label
    )


def _fit(
    frame: Frame, view: RecordView, row: NumericRow, points: Sequence[VitalPoint], least: float
) -> tuple[int, list[Shown]]:
    single = thin(points, frame, view.interval_minutes, least, row.limits)
    if len(single) == len(points) or not frame.metrics.paper:
        return 1, single
    double = thin(points, frame, view.interval_minutes, least / 2, row.limits)
    return 2, double


def _figure(frame: Frame, row: NumericRow, item: Shown, line: int) -> list[Primitive]:
    metrics = frame.metrics
    words = number(item.point.value)
    width = text_width(words, metrics.figure)
    left = item.x - width / 2
    baseline = metrics.pad + (line + 0.72) * metrics.row
    breached = row.limits.breached_by(item.point.value)
    role = "text-warn" if breached else "text"
    shapes: list[Primitive] = [Text(role, left, baseline, words, metrics.figure, bold=breached)]
    if item.edited:
        note = join_numbers(item.footnotes) or "*"
        size = metrics.figure * 0.75
        shapes.append(Text("text-note", left + width, baseline - size * 0.45, note, size))
    return shapes


def event_row(frame: Frame, events: Sequence[NumberedEvent]) -> Row:
    """Numbers in rings at their times; the remarks stand below the chart."""
    metrics = frame.metrics
    packer = Packer(metrics.font * 0.15)
    size = metrics.row * 0.92
    shapes: list[Primitive] = []
    for event in sorted(events, key=lambda event: event.at):
        if not frame.window.holds(event.at):
            continue
        left = frame.keep(frame.x(event.at) - size / 2, size)
        line = packer.place(left, left + size)
        middle = metrics.pad + ((line or 0) + 0.5) * metrics.row
        words = " ".join(filter(None, (frame.clock(event.at), event.label, event.remark)))
        ref = Ref("event", event.id, event.at, f"{event.number} {words}")
        figure = metrics.small if event.number < 100 else metrics.small * 0.75
        shapes.append(Glyphs("event", "badge", size, ((left + size / 2, middle),), ref))
        shapes.append(Text("text", left + size / 2, middle + figure * 0.36, str(event.number), figure, "middle"))
    height = max(1, packer.height) * metrics.row + 2 * metrics.pad
    return Row(
        "events", "events", ("事件",), height, lambda top: [shifted(shape, top) for shape in shapes], title="事件"
    )


def mark_row(frame: Frame, marks: Sequence[CaseMark], registry: SymbolRegistry) -> Row:
    """Symbol, word and time of each case mark; words move to another line rather than overlap."""
    metrics = frame.metrics
    packer = Packer(metrics.font * 0.5)
    shapes: list[Primitive] = []
    for mark in sorted(marks, key=lambda mark: mark.at):
        if frame.window.holds(mark.at):
            shapes += _mark(frame, mark, registry, packer)
    height = max(1, packer.height) * metrics.row + 2 * metrics.pad
    return Row("marks", "marks", ("标记",), height, lambda top: [shifted(shape, top) for shape in shapes], title="标记")


def _mark(frame: Frame, mark: CaseMark, registry: SymbolRegistry, packer: Packer) -> list[Primitive]:
    metrics = frame.metrics
    symbol = registry[mark.kind.value]
    size = metrics.row * 0.8
    half = size * symbol.half_width
    words = " ".join(filter(None, (mark.label, frame.clock(mark.at), mark.note)))
    width = text_width(words, metrics.small)
    air = metrics.small * 0.3
    x = frame.x(mark.at)
    to_left = x + half + air + width > frame.right
    left, right = (x - half - air - width, x + half) if to_left else (x - half, x + half + air + width)
    line = packer.place(left, right)
    middle = metrics.pad + ((line or 0) + 0.5) * metrics.row
    text_x = frame.keep(left if to_left else x + half + air, width)
    ref = Ref("mark", mark.id, mark.at, words)
    return [
        Glyphs("mark", symbol.name, size, ((x, middle),), ref),
        Text("text", text_x, middle + metrics.small * 0.36, words, metrics.small),
    ]
