"""A chart as SVG: attributes only (the CSP refuses style), a class a role, merged paths, data for the pointer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from itertools import groupby

from app.charting.palette import PAPER_COLOUR, Paint, paint
from app.charting.primitives import (
    Band,
    Chart,
    Glyphs,
    LaneBox,
    Line,
    Polyline,
    Primitive,
    Rect,
    Ref,
    SeriesTrace,
    Text,
)
from app.charting.symbols import DRAWINGS, Fill, Symbol

_KEPT_INLINE = 24  # longer symbol paths are defined once and used


def to_svg(chart: Chart, *, prefix: str = "chart", css_class: str = "chart") -> str:
    """The chart as one ``<svg>`` element. ``prefix`` keeps ids apart when a page shows several charts.

    The root carries ``data-start``, ``data-end`` (ISO 8601), ``data-x0``, ``data-x1`` (plot edges in view-box
    units), ``data-slot`` (minutes), ``data-y0``, ``data-y1`` (plot bottom and top) and ``data-low``,
    ``data-high`` (left axis). Lanes are ``rect[data-lane][data-kind]``; items carry ``data-kind``, ``data-id``,
    ``data-at``; series values lie in ``g[data-series]`` as space-separated ``data-min`` (minutes from start),
    ``data-values``, ``data-ids`` (comma-separated) and ``data-edited`` (indices).
    """
    writer = _Writer(prefix)
    body = "".join(writer.groups(chart.layered()))
    hits = "".join(_hit(lane, chart) for lane in chart.lanes)
    data = "".join(_trace(trace) for trace in chart.traces)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="{css_class}" role="img" '
        f'aria-labelledby="{prefix}-title" viewBox="0 0 {_n(chart.width)} {_n(chart.height)}" '
        f'data-start="{chart.start.isoformat()}" data-end="{chart.end.isoformat()}" '
        f'data-x0="{_n(chart.plot_left)}" data-x1="{_n(chart.plot_right)}" data-slot="{chart.slot_minutes}" '
        f'data-y0="{_n(chart.plot_bottom)}" data-y1="{_n(chart.plot_top)}" '
        f'data-low="{_n(chart.value_low)}" data-high="{_n(chart.value_high)}">'
        f'<title id="{prefix}-title">{escape(chart.title)}</title>'
        f"<defs>{writer.definitions()}</defs><g>{hits}</g>{body}{data}</svg>"
    )


def _n(value: float) -> str:
    """A coordinate with at most one decimal."""
    text = f"{value:.1f}"
    return text[:-2] if text.endswith(".0") else text


def _paint_attributes(look: Paint) -> str:
    parts = [f' fill="{look.fill}"']
    if look.stroke != "none":
        parts.append(f' stroke="{look.stroke}" stroke-width="{look.width * 1.5:g}"')
    if look.dash:
        parts.append(f' stroke-dasharray="{" ".join(f"{part:g}" for part in look.dash)}"')
    return "".join(parts)


def _ref_attributes(ref: Ref) -> str:
    parts = [f' data-kind="{escape(ref.kind)}"']
    if ref.id is not None:
        parts.append(f' data-id="{escape(ref.id)}"')
    if ref.at is not None:
        parts.append(f' data-at="{ref.at.isoformat()}"')
    return "".join(parts)


def _titled(tag: str, attributes: str, content: str, ref: Ref | None) -> str:
    """An element; one with a reference carries its data and its words."""
    if ref is None:
        return f"<{tag}{attributes}>{content}</{tag}>" if content else f"<{tag}{attributes}/>"
    title = f"<title>{escape(ref.title)}</title>" if ref.title else ""
    return f"<{tag}{attributes}{_ref_attributes(ref)}>{content}{title}</{tag}>"


class _Writer:
    """Writes shapes, remembering which symbols need a definition."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._defined: dict[str, str] = {}
        self._names: dict[tuple[str, float], str] = {}

    def definitions(self) -> str:
        """The ``<path>`` definitions of the symbols in use."""
        return "".join(self._defined.values())

    def groups(self, shapes: Iterable[Primitive]) -> Iterator[str]:
        """Shapes grouped by kind and look."""
        for kind, layer in groupby(shapes, key=type):
            by_look: dict[tuple[object, ...], list[Primitive]] = {}
            for shape in layer:
                by_look.setdefault(_look(shape), []).append(shape)
            for members in by_look.values():
                yield self._group(kind, members)

    def _group(self, kind: type[Primitive], members: list[Primitive]) -> str:
        role = members[0].role
        look = paint(role)
        extra = ""
        if isinstance(members[0], Text):
            first = members[0]
            extra = f' font-size="{_n(first.size)}"'
            extra += f' text-anchor="{first.anchor}"' if first.anchor != "start" else ""
            extra += ' font-weight="700"' if first.bold else ""
        elif isinstance(members[0], Glyphs):
            look = _glyph_paint(look, DRAWINGS[members[0].symbol])
        if kind in (Line, Polyline):
            look = Paint(look.stroke, look.width, "none", look.dash)
        css = f"c-{role}" + (f" g-{DRAWINGS[members[0].symbol].fill}" if isinstance(members[0], Glyphs) else "")
        if all(getattr(member, "ref", None) is None for member in members):
            extra += ' pointer-events="none"'
        return f'<g class="{css}"{_paint_attributes(look)}{extra}>{"".join(self._members(members))}</g>'

    def _members(self, members: list[Primitive]) -> Iterator[str]:
        merged: list[str] = []
        for shape in members:
            match shape:
                case Line(_, x1, y1, x2, y2, ref):
                    path = f"M{_n(x1)} {_n(y1)}" + _straight(x1, y1, x2, y2)
                    if ref is None:
                        merged.append(path)
                    else:
                        yield _titled("path", f' d="{path}"', "", ref)
                case Polyline(_, points):
                    merged.append("M" + " ".join(f"{_n(x)} {_n(y)}" for x, y in points))
                case Band(_, x, y, width, height, ref) | Rect(_, x, y, width, height, ref):
                    box = f' x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}"'
                    yield _titled("rect", box, "", ref)
                case Glyphs():
                    yield self._glyphs(shape)
                case Text(_, x, y, text, _, _, _, ref):
                    yield _titled("text", f' x="{_n(x)}" y="{_n(y)}"', escape(text, quote=False), ref)
        if merged:
            yield f'<path d="{"".join(merged)}"/>'

    def _glyphs(self, run: Glyphs) -> str:
        path = symbol_path(DRAWINGS[run.symbol], run.size)
        if len(path) <= _KEPT_INLINE and run.ref is None:
            return f'<path d="{"".join(f"M{_n(x)} {_n(y)}{path}" for x, y in run.points)}"/>'
        name = self._names.setdefault((run.symbol, run.size), f"{self._prefix}-{len(self._names)}")
        self._defined.setdefault(name, f'<path id="{name}" d="M0 0{path}"/>')
        uses = (f'<use href="#{name}" x="{_n(x)}" y="{_n(y)}"/>' for x, y in run.points)
        if run.ref is None:
            return "".join(uses)
        return _titled("g", "", "".join(uses), run.ref)


def _look(shape: Primitive) -> tuple[object, ...]:
    match shape:
        case Text(role, _, _, _, size, anchor, bold):
            return role, size, anchor, bold
        case Glyphs(role, symbol):
            return role, DRAWINGS[symbol].fill
        case _:
            return (shape.role,)


def _glyph_paint(look: Paint, symbol: Symbol) -> Paint:
    fill = {Fill.NONE: "none", Fill.SOLID: look.stroke, Fill.HOLLOW: PAPER_COLOUR}[symbol.fill]
    return Paint(look.stroke, look.width, fill, look.dash)


def _straight(x1: float, y1: float, x2: float, y2: float) -> str:
    if y1 == y2:
        return f"H{_n(x2)}"
    if x1 == x2:
        return f"V{_n(y2)}"
    return f"L{_n(x2)} {_n(y2)}"


def symbol_path(symbol: Symbol, size: float) -> str:
    """Relative path commands of a symbol from its anchor; begins with ``m``."""
    parts: list[str] = []
    at_x = at_y = 0.0
    for circle in symbol.circles:
        r = circle.r * size
        x, y = circle.cx * size - r, circle.cy * size
        parts.append(f"m{_n2(x - at_x)} {_n2(y - at_y)}a{_n2(r)} {_n2(r)} 0 1 0 {_n2(2 * r)} 0")
        parts.append(f"a{_n2(r)} {_n2(r)} 0 1 0 {_n2(-2 * r)} 0")
        at_x, at_y = x, y
    for stroke in symbol.strokes:
        first_x, first_y = stroke.points[0][0] * size, stroke.points[0][1] * size
        moves = [f"m{_n2(first_x - at_x)} {_n2(first_y - at_y)}"]
        at_x, at_y = first_x, first_y
        for px, py in stroke.points[1:]:
            moves.append(f"l{_n2(px * size - at_x)} {_n2(py * size - at_y)}")
            at_x, at_y = px * size, py * size
        if stroke.closed:
            moves.append("z")
            at_x, at_y = first_x, first_y
        parts += moves
    return "".join(parts)


def _n2(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".").replace("-0.", "-.") or "0"


def _hit(lane: LaneBox, chart: Chart) -> str:
    return (
        f'<rect class="c-lane" data-lane="{escape(lane.id)}" data-kind="{lane.kind}" '
        f'x="{_n(chart.plot_left)}" y="{_n(lane.y)}" width="{_n(chart.plot_right - chart.plot_left)}" '
        f'height="{_n(lane.height)}" fill="none" pointer-events="all"/>'
    )


def _trace(trace: SeriesTrace) -> str:
    minutes = " ".join(f"{minute:g}" for minute in trace.minutes)
    parts = [
        f'<g data-series="{escape(trace.code)}" data-label="{escape(trace.label)}" '
        f'data-unit="{escape(trace.unit)}" data-min="{minutes}" data-values="{" ".join(trace.values)}"'
    ]
    if any(trace.ids):
        parts.append(f' data-ids="{escape(",".join(trace.ids))}"')
    if trace.edited:
        parts.append(f' data-edited="{" ".join(map(str, trace.edited))}"')
    return "".join(parts) + "/>"
