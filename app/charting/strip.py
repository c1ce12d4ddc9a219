"""A lane under construction: shapes relative to its top, packed in as many lines as they need."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from app.charting.frame import Frame, Row
from app.charting.packing import Packer, text_width, wrap
from app.charting.primitives import Band, Glyphs, Line, Polyline, Primitive, Rect, Ref, Text
from app.charting.record import Infusion, RateChange
from app.charting.wording import UNSTOPPED, infusion_text, number

LABEL_INDENT = 3.0


def shifted(shape: Primitive, dy: float) -> Primitive:
    """The shape moved down by ``dy``."""
    match shape:
        case Text(role, x, y, text, size, anchor, bold, ref):
            return Text(role, x, y + dy, text, size, anchor, bold, ref)
        case Line(role, x1, y1, x2, y2, ref):
            return Line(role, x1, y1 + dy, x2, y2 + dy, ref)
        case Rect(role, x, y, width, height, ref):
            return Rect(role, x, y + dy, width, height, ref)
        case Band(role, x, y, width, height, ref):
            return Band(role, x, y + dy, width, height, ref)
        case Glyphs(role, symbol, size, points, ref):
            return Glyphs(role, symbol, size, tuple((x, y + dy) for x, y in points), ref)
        case Polyline(role, points):
            return Polyline(role, tuple((x, y + dy) for x, y in points))


class Strip:
    """Collects one lane. What does not fit in its lines is kept in ``overflow`` as text."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.shapes: list[Primitive] = []
        self.overflow: list[str] = []
        gap = frame.metrics.font * 0.25
        self.texts = Packer(gap, frame.metrics.subrows)
        self.lines = Packer(gap, frame.metrics.subrows)

    def base(self, row: int) -> float:
        """Base line of text in line ``row``, relative to the top of the lane."""
        metrics = self.frame.metrics
        return metrics.pad + (row + 1) * metrics.row - metrics.row * 0.28

    def foot(self, row: int) -> float:
        """Where lines and ticks of line ``row`` run, just under its text."""
        metrics = self.frame.metrics
        return metrics.pad + (row + 1) * metrics.row - metrics.row * 0.12

    def write(self, x: float, row: int, text: str, role: str = "text", **options: object) -> None:
        """Set text with its left edge at ``x`` in line ``row``."""
        size = self.frame.metrics.font
        ref = options.get("ref")
        self.shapes.append(
            Text(
                role,
                x,
                self.base(row),
                text,
                size,
                bold=bool(options.get("bold")),
                ref=ref if isinstance(ref, Ref) else None,
            )
        )

    def label(self, x: float, text: str, first: int = 0, role: str = "text") -> int | None:
        """Place text that starts at ``x`` in the first free line from ``first`` on."""
        width = text_width(text, self.frame.metrics.font)
        left = self.frame.keep(x, width)
        row = self.texts.place(left, left + width, first)
        if row is not None:
            self.write(left, row, text, role)
        return row

    def infusion(self, infusion: Infusion, edge: datetime, *, name: str, unit: str, finished: bool) -> bool:
        """Draw the line of a continuous dose; False when no part of it lies in the window."""
        frame, window = self.frame, self.frame.window
        end = infusion.end if infusion.end is not None else max(edge, infusion.start)
        if not window.touches(infusion.start, end):
            return False
        left, right = frame.clip(frame.x(infusion.start)), frame.clip(frame.x(end))
        row = self.lines.place(left, right)
        if row is None:
            self.overflow.append(infusion_text(infusion, frame.clock))
            return True
        self._run(infusion, row, left, right, end)
        self._rates(infusion, row, name, unit)
        if infusion.end is None and window.holds(edge):
            role = "text-warn" if finished else "text-now"
            self.label(right + frame.metrics.font * 0.3, UNSTOPPED, row, role)
        return True

    def _run(self, infusion: Infusion, row: int, left: float, right: float, end: datetime) -> None:
        frame, y = self.frame, self.foot(row)
        half = frame.metrics.row * 0.3
        ref = Ref("infusion", infusion.id, infusion.start, infusion_text(infusion, frame.clock))
        self.shapes.append(Line("infusion", left, y, right, y, ref))
        if frame.window.holds(infusion.start):
            self.shapes.append(Line("infusion", left, y - half, left, y))
        if infusion.end is not None and frame.window.holds(end):
            self.shapes.append(Line("infusion", right, y - half, right, y))
        elif infusion.end is None and frame.window.holds(end):
            self.shapes.append(Glyphs("infusion", "arrow-right", frame.metrics.font * 0.6, ((right, y),)))

    def _rates(self, infusion: Infusion, row: int, name: str, unit: str) -> None:
        frame = self.frame
        start = frame.window.start
        shown: str = unit
        if infusion.start < start:
            carried = infusion.rate_at(start)
            if carried is not None and carried.at < start:
                self.label(frame.left + 1, f"(续) {name} {_rate(carried, '')}", row)
                shown = carried.unit
        for change in infusion.rates:
            if frame.window.holds(change.at):
                self._rate_change(change, row, _rate(change, shown), change.at == infusion.start)
                shown = change.unit

    def _rate_change(self, change: RateChange, row: int, text: str, at_start: bool) -> None:
        frame = self.frame
        x = frame.x(change.at)
        placed = self.label(x + frame.metrics.font * 0.25, text, row)
        foot = self.foot(row)
        if placed is None:
            self.overflow.append(f"{frame.clock(change.at)} {text}")
        elif not at_start or placed != row:
            top = min(self.foot(placed), foot) - frame.metrics.row * 0.3
            self.shapes.append(Line("leader", x, top, x, max(self.foot(placed), foot)))

    def finish(self, kind: str, id: str, label: str, unit: str = "", right: str = "", marker: str = "") -> Row:
        """The finished row: as high as its lines, its label or its total need."""
        frame, metrics = self.frame, self.frame.metrics
        shown = f"{label} {unit}".rstrip()
        label_lines = wrap(shown, metrics.label_width - 2 * LABEL_INDENT, metrics.font)
        right_lines = wrap(right, metrics.right_width - 2 * LABEL_INDENT, metrics.font) if right else ()
        used = max(self.texts.height, self.lines.height)
        lines = max(1, used, len(label_lines), len(right_lines))
        shapes = list(self.shapes)
        height = lines * metrics.row
        if self.overflow:
            spilled = overflow_lines(frame, "未画出：" + "；".join(self.overflow))
            for index, line in enumerate(spilled):
                y = metrics.pad + height + (index + 0.72) * metrics.row
                shapes.append(Text("text", frame.left + LABEL_INDENT, y, line, metrics.small))
            height += len(spilled) * metrics.row
        return Row(
            kind,
            id,
            label_lines,
            height + 2 * metrics.pad,
            lambda top: [shifted(shape, top) for shape in shapes],
            right=right_lines,
            title=" ".join(filter(None, (label, marker))),
        )


def _rate(change: RateChange, shown_unit: str) -> str:
    """The rate, with its unit unless that unit already stands before it."""
    figure = number(change.rate)
    return figure if change.unit == shown_unit else f"{figure} {change.unit}"


def overflow_lines(frame: Frame, text: str) -> Sequence[str]:
    """``text`` broken to the width of the time axis."""
    return wrap(text, frame.right - frame.left - 2 * LABEL_INDENT, frame.metrics.small)


def text_row(frame: Frame, kind: str, id: str, label: str, text: str, right: str = "") -> Row:
    """A lane told in words because nothing of it can be drawn in this window."""
    metrics = frame.metrics
    lines = overflow_lines(frame, text)
    label_lines = wrap(label, metrics.label_width - 2 * LABEL_INDENT, metrics.font)
    right_lines = wrap(right, metrics.right_width - 2 * LABEL_INDENT, metrics.font) if right else ()
    height = max(len(lines), len(label_lines), len(right_lines)) * metrics.row + 2 * metrics.pad

    def paint(top: float) -> list[Primitive]:
        return [
            Text(
                "text-muted",
                frame.left + LABEL_INDENT,
                top + metrics.pad + (index + 0.72) * metrics.row,
                line,
                metrics.small,
            )
            for index, line in enumerate(lines)
        ]

    return Row(kind, id, label_lines, height, paint, right=right_lines, title=label, muted=True)
