"""A chart as ReportLab drawing: the same shapes as on screen, in points."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from reportlab.lib.colors import HexColor
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfgen.canvas import Canvas

from app.charting.palette import PAPER_COLOUR, Paint, paint
from app.charting.primitives import Band, Chart, Glyphs, Line, Polyline, Primitive, Rect, Text
from app.charting.symbols import DRAWINGS, Fill, Symbol

_SUBSCRIPTS = {chr(0x2080 + digit): str(digit) for digit in range(10)}
_SUBSCRIPT_SIZE = 0.65
_SUBSCRIPT_DROP = 0.14


@dataclass(frozen=True, slots=True)
class Faces:
    """Names under which the embedded fonts are registered with ReportLab."""

    regular: str
    bold: str

    def of(self, bold: bool) -> str:
        """The face for a weight."""
        return self.bold if bold else self.regular


def text_runs(text: str) -> list[tuple[str, bool]]:
    """Text cut into plain and subscript runs: common Chinese fonts have no subscript figures, so SpO₂ is set with
    a small lowered 2."""
    return [
        ("".join(_SUBSCRIPTS.get(character, character) for character in run), lowered)
        for lowered, run in groupby(text, key=lambda character: character in _SUBSCRIPTS)
    ]


def set_width(text: str, face: str, size: float) -> float:
    """Width of ``text`` as ``set_text`` draws it."""
    total = 0.0
    for run, lowered in text_runs(text):
        total += pdfmetrics.stringWidth(run, face, size * _SUBSCRIPT_SIZE if lowered else size)
    return total


def set_text(canvas: Canvas, x: float, y: float, text: str, face: str, size: float, anchor: str = "start") -> None:
    """Draw ``text`` with its base line at ``y`` (points, upward)."""
    if anchor != "start":
        width = set_width(text, face, size)
        x -= width if anchor == "end" else width / 2
    for run, lowered in text_runs(text):
        own = size * _SUBSCRIPT_SIZE if lowered else size
        canvas.setFont(face, own)
        canvas.drawString(x, y - (size * _SUBSCRIPT_DROP if lowered else 0), run)
        x += pdfmetrics.stringWidth(run, face, own)


def draw_chart(canvas: Canvas, chart: Chart, x: float, top: float, faces: Faces) -> None:
    """Draw ``chart`` with its upper left corner at (x, top), in the canvas's upward coordinates."""
    canvas.saveState()
    canvas.setLineJoin(1)
    canvas.setLineCap(0)
    pen = _Pen(canvas, x, top, faces)
    for kind, layer in groupby(chart.layered(), key=type):
        by_role: dict[str, list[Primitive]] = {}
        for shape in layer:
            by_role.setdefault(shape.role, []).append(shape)
        for role, members in by_role.items():
            pen.draw(kind, paint(role), members)
    canvas.restoreState()


class _Pen:
    """Draws shapes of one look at a time."""

    def __init__(self, canvas: Canvas, x: float, top: float, faces: Faces) -> None:
        self._canvas = canvas
        self._x = x
        self._top = top
        self._faces = faces

    def draw(self, kind: type[Primitive], look: Paint, members: Iterable[Primitive]) -> None:
        """Set the look once and draw all members."""
        self._set(look)
        if kind in (Line, Polyline):
            self._strokes(members)
        for shape in members:
            match shape:
                case Band(_, x, y, width, height):
                    self._box(look, x, y, width, height, stroke=0)
                case Rect(_, x, y, width, height):
                    self._box(look, x, y, width, height, stroke=1)
                case Glyphs():
                    self._glyphs(look, shape)
                case Text(_, x, y, text, size, anchor, bold):
                    face = self._faces.of(bold)
                    set_text(self._canvas, self._x + x, self._top - y, text, face, size, anchor)

    def _set(self, look: Paint) -> None:
        if look.stroke != "none":
            self._canvas.setStrokeColor(HexColor(look.stroke))
            self._canvas.setLineWidth(look.width)
        self._canvas.setDash(list(look.dash) if look.dash else [])
        if look.fill != "none":
            self._canvas.setFillColor(HexColor(look.fill))

    def _strokes(self, members: Iterable[Primitive]) -> None:
        path = self._canvas.beginPath()
        for shape in members:
            if isinstance(shape, Line):
                path.moveTo(self._x + shape.x1, self._top - shape.y1)
                path.lineTo(self._x + shape.x2, self._top - shape.y2)
            elif isinstance(shape, Polyline):
                for index, (x, y) in enumerate(shape.points):
                    (path.lineTo if index else path.moveTo)(self._x + x, self._top - y)
        self._canvas.drawPath(path, stroke=1, fill=0)

    def _box(self, look: Paint, x: float, y: float, width: float, height: float, stroke: int) -> None:
        filled = int(look.fill != "none")
        self._canvas.rect(self._x + x, self._top - y - height, width, height, stroke=stroke, fill=filled)

    def _glyphs(self, look: Paint, run: Glyphs) -> None:
        symbol = DRAWINGS[run.symbol]
        fill = {Fill.NONE: None, Fill.SOLID: look.stroke, Fill.HOLLOW: PAPER_COLOUR}[symbol.fill]
        if fill is not None:
            self._canvas.setFillColor(HexColor(fill))
        path = self._canvas.beginPath()
        for x, y in run.points:
            self._trace(path, symbol, self._x + x, self._top - y, run.size)
        self._canvas.drawPath(path, stroke=1, fill=int(fill is not None))

    @staticmethod
    def _trace(path: object, symbol: Symbol, x: float, y: float, size: float) -> None:
        for circle in symbol.circles:
            path.circle(x + circle.cx * size, y - circle.cy * size, circle.r * size)  # type: ignore[attr-defined]
        for stroke in symbol.strokes:
            for index, (px, py) in enumerate(stroke.points):
                move = path.lineTo if index else path.moveTo  # type: ignore[attr-defined]
                move(x + px * size, y - py * size)
            if stroke.closed:
                path.close()  # type: ignore[attr-defined]
