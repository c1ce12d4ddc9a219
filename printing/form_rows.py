"""Rows of a printed form: section titles, notes, lines of boxes, tables with their head, signatures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reportlab.lib.colors import HexColor
from reportlab.pdfgen.canvas import Canvas

from app.charting.palette import GREY, INK
from app.documents.sheet import Box, Part, SignatureLine
from printing.form_cells import (
    PAD,
    SMALL,
    VALUE,
    Cell,
    Line,
    box_lines,
    column_widths,
    picture_lines,
    plain_lines,
    text_line,
)
from printing.lettering import width_of
from printing.paper import MM

COLUMNS = 24
TITLE_SHADE, HEAD_SHADE = "#e9ecef", "#f5f6f7"
_LONGEST = 24  # lines of a row that stand together; a longer one goes on as a row of its own
_AIR = 2.0  # above and below the text of a row
_SIGNATURES = 3  # on a line


@dataclass(frozen=True, slots=True)
class Row:
    """Cells side by side. ``opens``: a rule above; ``keeps``: stays with the next row; ``repeat``: rows to draw again
    when this one begins a page; ``framed``: has borders."""

    cells: tuple[Cell, ...]
    opens: bool = True
    keeps: bool = False
    repeat: tuple[Row, ...] = ()
    framed: bool = True

    @property
    def height(self) -> float:
        """Height in points."""
        return max(sum(line.height for line in cell.lines) for cell in self.cells) + 2 * _AIR

    def draw(self, canvas: Canvas, x: float, top: float) -> None:
        """Draw shades, rules between the cells and the text."""
        height = self.height
        for index, cell in enumerate(self.cells):
            if cell.shade:
                canvas.setFillColor(HexColor(cell.shade))
                canvas.rect(x + cell.left, top - height, cell.width, height, stroke=0, fill=1)
            if self.framed:
                _upright(canvas, x + cell.left, top, height, 0.35 if index else 0.6)
        if self.framed:
            last = self.cells[-1]
            _upright(canvas, x + last.left + last.width, top, height, 0.6)
        for cell in self.cells:
            y = top - _AIR
            for line in cell.lines:
                line.draw(canvas, x + cell.left + PAD, y)
                y -= line.height


def _upright(canvas: Canvas, x: float, top: float, height: float, width: float) -> None:
    canvas.setStrokeColor(HexColor(INK))
    canvas.setLineWidth(width)
    canvas.line(x, top, x, top - height)


def rows_of_part(part: Part, width: float) -> list[Row]:
    """The rows of a section."""
    rows = [Row((Cell(0, width, plain_lines(part.title, width - 2 * PAD, 9.5, bold=True), TITLE_SHADE),), keeps=True)]
    if part.note:
        rows += _cut(Row((Cell(0, width, plain_lines(part.note, width - 2 * PAD, SMALL)),)))
    for line in _packed(part.boxes):
        if line[0].kind == "table":
            rows += _table(line[0], width)
        else:
            rows += _cut(_box_row(line, width))
    return rows


def _packed(boxes: Sequence[Box]) -> Iterator[list[Box]]:
    """Boxes in lines of 24 columns; a table has the line for itself."""
    line: list[Box] = []
    used = 0
    for box in boxes:
        if line and (box.kind == "table" or used + box.span > COLUMNS):
            yield line
            line, used = [], 0
        if box.kind == "table":
            yield [box]
        else:
            line.append(box)
            used += box.span
    if line:
        yield line


def _box_row(line: Sequence[Box], width: float) -> Row:
    """A line of boxes; the last one takes the rest of the width, so that the frame closes."""
    widths = [box.span * width / COLUMNS for box in line]
    widths[-1] += width - sum(widths)
    cells, left = [], 0.0
    for box, own in zip(line, widths, strict=True):
        cells.append(Cell(left, own, box_lines(box, own - 2 * PAD)))
        left += own
    return Row(tuple(cells))


def _table(box: Box, width: float) -> list[Row]:
    caption = Row((Cell(0, width, plain_lines(box.label, width - 2 * PAD, SMALL, colour=GREY), HEAD_SHADE),),
                  keeps=True)  # fmt: skip
    if not box.rows or not box.head:
        return [caption, Row((Cell(0, width, plain_lines("无", width - 2 * PAD, SMALL)),))]
    widths = column_widths(box.head, box.rows, width)
    head = _table_row(box.head, widths, bold=True)
    body = [part for row in box.rows for part in _cut(_table_row(row, widths, repeat=(head,)))]
    return [caption, head, *body]


def _table_row(texts: Sequence[str], widths: Sequence[float], *, bold: bool = False,
               repeat: tuple[Row, ...] = ()) -> Row:  # fmt: skip
    cells, left = [], 0.0
    for index, own in enumerate(widths):
        text = texts[index] if index < len(texts) else ""
        cells.append(Cell(left, own, plain_lines(text, own - 2 * PAD, SMALL, bold=bold), HEAD_SHADE if bold else ""))
        left += own
    return Row(tuple(cells), keeps=bold, repeat=repeat)


def _cut(row: Row) -> list[Row]:
    """A row of too many lines as several, so that it can go on over a page."""
    most = max(len(cell.lines) for cell in row.cells)
    if most <= _LONGEST:
        return [row]
    made = []
    for start in range(0, most, _LONGEST):
        cells = tuple(Cell(cell.left, cell.width, cell.lines[start : start + _LONGEST] or (Line(0, _nothing),))
                      for cell in row.cells)  # fmt: skip
        made.append(Row(cells, opens=row.opens and not start, repeat=row.repeat))
    return made


def _nothing(_canvas: Canvas, _x: float, _top: float) -> None:
    """The line of a cell that ended above."""


def signature_rows(lines: Sequence[SignatureLine], width: float) -> list[Row]:
    """The places to sign, three on a line; an empty one has a line for the hand."""
    across = min(_SIGNATURES, len(lines)) or 1
    own = width / across
    rows = []
    for start in range(0, len(lines), across):
        chunk = lines[start : start + across]
        cells = tuple(Cell(index * own, own, _signature(line, own - 2 * PAD)) for index, line in enumerate(chunk))
        rows.append(Row(cells, opens=False, framed=False, keeps=start + across < len(lines)))
    return rows


def _signature(line: SignatureLine, width: float) -> tuple[Line, ...]:
    blank = "＿" * max(3, min(8, int((width - width_of(f"{line.label}：", VALUE)) / VALUE) - 1))
    name = f"{line.name}{'（' + line.note + '）' if line.note and line.image else ''}"
    words = plain_lines(f"{line.label}：{name or blank}", width, VALUE)
    when = text_line([(line.at or "　　　年　　月　　日　　时　　分", GREY)], SMALL)
    air = Line(3.0, _nothing)
    return (air, *words, *(picture_lines(line.image, width, 10 * MM) if line.image else ()), when)
