"""Paper in millimetres and one type scale: boxes of labelled values, titled sections, pieces that flow over pages.

Everything is measured with the embedded fonts before it is drawn, so a long value makes its box grow instead of
being cut.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from reportlab.lib.colors import HexColor
from reportlab.pdfgen.canvas import Canvas

from app.charting.packing import wrap
from app.charting.palette import GREY, INK
from app.charting.record import HeaderField
from app.charting.reportlab_backend import set_text, set_width
from printing.fonts import FACES

MM = 72 / 25.4
PAGE_WIDTH, PAGE_HEIGHT = 210 * MM, 297 * MM
MARGIN_X, MARGIN_TOP, MARGIN_BOTTOM = 10 * MM, 9 * MM, 8 * MM
WIDTH = PAGE_WIDTH - 2 * MARGIN_X

# One type scale, in points.
TITLE, SUBTITLE, BODY, LABEL, FINE = 15.0, 10.5, 7.5, 6.5, 6.0
LINE = 9.2  # line height of body text
PAD = 2.2  # air inside a box
HAIR, RULE = 0.25, 0.5
COLUMNS = 24
TITLE_COLUMN = 13 * MM

Draw = Callable[[Canvas, float, float], None]


@dataclass(frozen=True, slots=True)
class Piece:
    """Something that is drawn whole, with its upper left corner at (x, top)."""

    height: float
    draw: Draw


@dataclass(frozen=True, slots=True)
class Section:
    """A boxed section: a title column on the left, pieces on the right; it may break between pieces."""

    title: str
    pieces: tuple[Piece, ...] = field(default=())

    @property
    def height(self) -> float:
        """Height when it stands whole on one page."""
        return max(sum(piece.height for piece in self.pieces), _title_height(self.title))


def measure(text: str, size: float) -> float:
    """Width of regular text on paper."""
    return set_width(text, FACES.regular, size)


def measure_bold(text: str, size: float) -> float:
    """Width of bold text on paper."""
    return set_width(text, FACES.bold, size)


def ink(canvas: Canvas, colour: str = INK) -> None:
    """Set the colour of text."""
    canvas.setFillColor(HexColor(colour))


def rule(canvas: Canvas, x1: float, y1: float, x2: float, y2: float, width: float = HAIR) -> None:
    """Draw a straight rule."""
    canvas.setStrokeColor(HexColor(INK if width >= RULE else "#8a9096"))
    canvas.setLineWidth(width)
    canvas.line(x1, y1, x2, y2)


def box(canvas: Canvas, x: float, top: float, width: float, height: float) -> None:
    """Draw the 0.5 pt frame of a section."""
    canvas.setStrokeColor(HexColor(INK))
    canvas.setLineWidth(RULE)
    canvas.rect(x, top - height, width, height, stroke=1, fill=0)


def field_rows(fields: Sequence[HeaderField], width: float) -> tuple[Piece, ...]:
    """Labelled values packed into lines of 24 columns; each line is as high as its longest value and its last box
    takes the rest of the width."""
    lines: list[list[HeaderField]] = [[]]
    used = 0
    for item in fields:
        span = min(max(item.span, 1), COLUMNS)
        if used + span > COLUMNS:
            lines.append([])
            used = 0
        lines[-1].append(item)
        used += span
    return tuple(_field_line(line, width) for line in lines if line)


def _field_line(line: Sequence[HeaderField], width: float) -> Piece:
    widths = [min(item.span, COLUMNS) * width / COLUMNS for item in line]
    widths[-1] += width - sum(widths)
    cells = [_cell_lines(item, cell) for item, cell in zip(line, widths, strict=True)]
    count = max(len(words) for words in cells)
    height = count * LINE + PAD * 1.2

    def draw(canvas: Canvas, x: float, top: float) -> None:
        at = x
        for item, cell, words in zip(line, widths, cells, strict=True):
            if at > x:
                rule(canvas, at, top, at, top - height)
            _draw_cell(canvas, at, top, item, words)
            at += cell

    return Piece(height, draw)


def _indent(item: HeaderField) -> float:
    """Where the value begins: after its label, on the same line."""
    return PAD + measure(item.label, LABEL) + (PAD if item.label else 0)


def _cell_lines(item: HeaderField, width: float) -> tuple[str, ...]:
    return wrap(item.value, max(width - _indent(item) - PAD - BODY / 2, BODY * 2), BODY, measure)


def _draw_cell(canvas: Canvas, x: float, top: float, item: HeaderField, words: Sequence[str]) -> None:
    baseline = top - PAD * 0.6 - LINE * 0.76
    ink(canvas, GREY)
    set_text(canvas, x + PAD, baseline, item.label, FACES.regular, LABEL)
    ink(canvas)
    for index, line in enumerate(words):
        set_text(canvas, x + _indent(item), baseline - index * LINE, line, FACES.regular, BODY)


def text_piece(head: str, text: str, width: float) -> Piece:
    """A paragraph with a bold head, e.g. 「① 08:22 丙泊酚追加」 and its remark; the remark hangs under the text."""
    hang = measure_bold(head, BODY) + (PAD * 1.5 if head and text else 0)
    if hang > width / 2:  # a long head keeps a line of its own
        heads = wrap(head, width - 2 * PAD, BODY, measure_bold)
        lines, hang, first = wrap(text, width - 2 * PAD, BODY, measure) if text else (), 0.0, len(heads)
    else:
        heads, first = (head,), 0
        lines = wrap(text, width - hang - 2 * PAD - BODY / 2, BODY, measure) if text else ()
    height = max(len(heads), first + len(lines)) * LINE + PAD * 0.8

    def draw(canvas: Canvas, x: float, top: float) -> None:
        ink(canvas)
        baseline = top - PAD * 0.4 - LINE * 0.76
        for index, line in enumerate(heads):
            set_text(canvas, x + PAD, baseline - index * LINE, line, FACES.bold, BODY)
        for index, line in enumerate(lines):
            y = baseline - (first + index) * LINE
            set_text(canvas, x + PAD + hang, y, line, FACES.regular, BODY)

    return Piece(height, draw)


def side_by_side(cells: Sequence[Callable[[float], Piece]], columns: int, width: float) -> tuple[Piece, ...]:
    """Cells in ``columns`` equal columns, read from left to right; a line is as high as its highest cell."""
    own = width / columns
    pieces = [make(own) for make in cells]
    return tuple(_together(pieces[start : start + columns], own) for start in range(0, len(pieces), columns))


def _together(pieces: Sequence[Piece], width: float) -> Piece:
    height = max(piece.height for piece in pieces)

    def draw(canvas: Canvas, x: float, top: float) -> None:
        for index, piece in enumerate(pieces):
            piece.draw(canvas, x + index * width, top)

    return Piece(height, draw)


def _title_lines(title: str) -> tuple[str, ...]:
    return wrap(title, TITLE_COLUMN - 2 * PAD, BODY, measure_bold)


def _title_height(title: str) -> float:
    return len(_title_lines(title)) * LINE + PAD * 1.2


def draw_section(
    canvas: Canvas, x: float, top: float, title: str, pieces: Sequence[Piece], *, ruled: bool = False
) -> float:
    """Draw a box with its title column; return its height. ``ruled`` puts hair lines between the pieces."""
    height = max(sum(piece.height for piece in pieces), _title_height(title))
    box(canvas, x, top, WIDTH, height)
    rule(canvas, x + TITLE_COLUMN, top, x + TITLE_COLUMN, top - height, RULE)
    ink(canvas)
    words = _title_lines(title)
    first = top - (height - len(words) * LINE) / 2 - LINE * 0.76
    for index, line in enumerate(words):
        middle = x + TITLE_COLUMN / 2
        set_text(canvas, middle, first - index * LINE, line, FACES.bold, BODY, "middle")
    y = top
    for index, piece in enumerate(pieces):
        if ruled and index:
            rule(canvas, x + TITLE_COLUMN, y, x + WIDTH, y)
        piece.draw(canvas, x + TITLE_COLUMN, y)
        y -= piece.height
    return height
