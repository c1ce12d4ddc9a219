"""Lines of text on paper: bold and regular, raised and lowered figures, check boxes drawn as boxes.

Common Chinese fonts lack superscript figures and check boxes, so those are drawn instead of printed as a blank.
"""

from __future__ import annotations

import re
from functools import lru_cache

from reportlab.lib.colors import HexColor
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfgen.canvas import Canvas

from app.charting.packing import wrap
from app.charting.palette import GREY, INK
from printing.fonts import FACES

BOXES = "☐☑"
_RAISED = {ord(mark): str(digit) for digit, mark in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")}
_LOWERED = {0x2080 + digit: str(digit) for digit in range(10)}
_RUNS = re.compile(f"[{BOXES}]|[{''.join(map(chr, _RAISED))}]+|[{''.join(map(chr, _LOWERED))}]+|"
                   f"[^{BOXES}{''.join(map(chr, _RAISED))}{''.join(map(chr, _LOWERED))}]+")  # fmt: skip
_SMALL = 0.65  # size of a raised or lowered figure
_LIFT, _DROP = 0.34, 0.14
_BOX = 0.82  # side of a check box, in em


@lru_cache(maxsize=32768)
def _advance(character: str, bold: bool) -> float:
    """Width of one character at size 1."""
    if character in BOXES:
        return 1.0
    code = ord(character)
    if code in _RAISED or code in _LOWERED:
        return _SMALL * _advance((_RAISED | _LOWERED)[code], bold)
    return float(pdfmetrics.stringWidth(character, FACES.of(bold), 1))


def width_of(text: str, size: float, bold: bool = False) -> float:
    """Width of the text as ``draw_text`` sets it, in points."""
    return sum(_advance(character, bold) for character in text) * size


def regular_width(text: str, size: float) -> float:
    """Width of regular text, as ``wrap`` wants its measure."""
    return width_of(text, size)


def bold_width(text: str, size: float) -> float:
    """Width of bold text."""
    return width_of(text, size, True)


def lines_of(text: str, width: float, size: float, bold: bool = False) -> list[str]:
    """The text as lines of at most ``width`` points; its own line breaks are kept."""
    lines: list[str] = []
    for paragraph in text.splitlines():
        lines += wrap(paragraph, width, size, bold_width if bold else regular_width) if paragraph.strip() else [""]
    return lines


def draw_text(
    canvas: Canvas, x: float, y: float, text: str, size: float, *, bold: bool = False, colour: str = INK
) -> float:
    """Draw a line with its base line at ``y``; returns where it ends."""
    face = FACES.of(bold)
    canvas.setFillColor(HexColor(colour))
    for run in _RUNS.findall(text):
        code = ord(run[0])
        if run in BOXES:
            _check_box(canvas, x + size * 0.06, y - size * 0.08, size * _BOX, run == "☑")
            canvas.setFillColor(HexColor(colour))
        elif code in _RAISED or code in _LOWERED:
            lift = _LIFT if code in _RAISED else -_DROP
            canvas.setFont(face, size * _SMALL)
            canvas.drawString(x, y + size * lift, run.translate(_RAISED | _LOWERED))
        else:
            canvas.setFont(face, size)
            canvas.drawString(x, y, run)
        x += width_of(run, size, bold)
    return x


def draw_centred(canvas: Canvas, middle: float, y: float, text: str, size: float, *, bold: bool = False,
                 colour: str = INK) -> None:  # fmt: skip
    """Draw a line centred on ``middle``."""
    draw_text(canvas, middle - width_of(text, size, bold) / 2, y, text, size, bold=bold, colour=colour)


def _check_box(canvas: Canvas, x: float, y: float, side: float, ticked: bool) -> None:
    canvas.setStrokeColor(HexColor(INK if ticked else GREY))
    canvas.setLineWidth(0.6)
    canvas.rect(x, y, side, side, stroke=1, fill=0)
    if ticked:
        canvas.setLineWidth(1.1)
        path = canvas.beginPath()
        path.moveTo(x + side * 0.2, y + side * 0.52)
        path.lineTo(x + side * 0.42, y + side * 0.24)
        path.lineTo(x + side * 0.82, y + side * 0.8)
        canvas.drawPath(path, stroke=1, fill=0)
