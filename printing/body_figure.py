"""The body diagram on paper, with numbered marks."""

from __future__ import annotations

from collections.abc import Sequence

from reportlab.lib.colors import HexColor
from reportlab.pdfgen.canvas import Canvas

from app.charting.palette import GREY, INK
from app.documents import body_figure
from printing.lettering import draw_centred

_MARK = "#a00000"
_RADIUS = 2.4  # of a mark, in percent of the figure


def draw_body(canvas: Canvas, x: float, top: float, side: float, marks: Sequence[tuple[float, float]]) -> None:
    """Draw the figure in a square of ``side`` points with its upper left corner at (x, top)."""
    unit = side / 100
    canvas.saveState()
    canvas.setStrokeColor(HexColor(INK))
    canvas.setLineWidth(0.5)
    canvas.setLineJoin(1)
    for shift, details in zip(body_figure.SHIFTS, (body_figure.FRONT, body_figure.BACK), strict=True):
        middle, height, across, down = body_figure.HEAD
        canvas.ellipse(x + (middle - across + shift) * unit, top - (height + down) * unit,
                       x + (middle + across + shift) * unit, top - (height - down) * unit)  # fmt: skip
        for path in (body_figure.OUTLINE, *details):
            _stroke(canvas, path, x + shift * unit, top, unit)
    left, down, radius = body_figure.NAVEL
    canvas.circle(x + left * unit, top - down * unit, radius * unit)
    canvas.setDash(1, 1)
    _stroke(canvas, body_figure.SPINE, x + body_figure.SHIFTS[1] * unit, top, unit)
    canvas.restoreState()
    for middle, words in body_figure.LABELS:
        draw_centred(canvas, x + middle * unit, top - 99.5 * unit, words, 6, colour=GREY)
    for number, (across, down) in enumerate(marks, start=1):
        canvas.setFillColor(HexColor(_MARK))
        canvas.circle(x + across * unit, top - down * unit, _RADIUS * unit, stroke=0, fill=1)
        size = _RADIUS * unit * 1.5
        draw_centred(canvas, x + across * unit, top - down * unit - size * 0.36, str(number), size, bold=True,
                     colour="#ffffff")  # fmt: skip


def _stroke(canvas: Canvas, path: str, x: float, top: float, unit: float) -> None:
    drawn = canvas.beginPath()
    for command, numbers in body_figure.steps(path):
        points = [x + n * unit if index % 2 == 0 else top - n * unit for index, n in enumerate(numbers)]
        if command == "M":
            drawn.moveTo(*points)
        elif command == "L":
            drawn.lineTo(*points)
        else:
            drawn.curveTo(*points)
    canvas.drawPath(drawn, stroke=1, fill=0)
