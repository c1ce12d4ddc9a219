"""Cells of a printed form: a labelled value, its choices, a picture, the cells of a table. All are lines of runs, so
that a long one goes on over the next page line by line and nothing is cut."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO

from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from app.charting.palette import GREY, INK
from app.documents.sheet import Box
from printing.body_figure import draw_body
from printing.lettering import draw_text, lines_of, width_of
from printing.paper import MM

VALUE, SMALL = 9.0, 8.0
PAD = 3.2
PICTURE = 12 * MM
_WORDS = re.compile(r"[\x21-\x7e]{1,16}|.")
Drawing = Callable[[Canvas, float, float], None]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a cell: its height and how it is drawn with its upper left corner at (x, top)."""

    height: float
    draw: Drawing


@dataclass(frozen=True, slots=True)
class Cell:
    """Lines with their place in the row, in points from its left edge."""

    left: float
    width: float
    lines: tuple[Line, ...]
    shade: str = ""


def text_line(runs: Sequence[tuple[str, str]], size: float, *, bold: bool = False) -> Line:
    """A line of runs of (text, colour)."""
    height = size * 1.38

    def draw(canvas: Canvas, x: float, top: float) -> None:
        for words, colour in runs:
            x = draw_text(canvas, x, top - size * 1.06, words, size, bold=bold, colour=colour)

    return Line(height, draw)


def plain_lines(text: str, width: float, size: float, *, bold: bool = False, colour: str = INK) -> tuple[Line, ...]:
    """Wrapped text in one colour; an empty text is one empty line."""
    return tuple(text_line([(line, colour)], size, bold=bold) for line in lines_of(text, width, size, bold) or [""])


def box_lines(box: Box, width: float) -> tuple[Line, ...]:
    """The lines of a labelled value in a cell of this inner width."""
    if box.kind == "choices":
        return _choices(box, width)
    if box.kind == "image":
        return (*_labelled(box.label, "", width), *picture_lines(box.value, width)) if box.value else _labelled(
            box.label, "", width)  # fmt: skip
    if box.kind == "mark":
        words = "；".join(f"{number} {note or '标注'}" for number, (_, _, note) in enumerate(box.rows, start=1))
        return (*_labelled(box.label, words, width), *body_lines(box.rows, width)) if box.rows else _labelled(
            box.label, "", width)  # fmt: skip
    return _labelled(box.label, box.value, width)


def _labelled(label: str, value: str, width: float) -> tuple[Line, ...]:
    """Label in grey and value in ink, flowing as one text."""
    first, *others = value.splitlines() or [""]
    left, made = label, []
    for line in lines_of(f"{label}　{first}", width, VALUE):
        if not left:
            made.append(text_line([(line, INK)], VALUE))
        elif left.startswith(line):
            made.append(text_line([(line, GREY)], VALUE))
            left = left[len(line) :].lstrip()
        else:
            made.append(text_line([(left, GREY), (line[len(left) :], INK)], VALUE))
            left = ""
    for paragraph in others:
        made += plain_lines(paragraph, width, VALUE)
    return tuple(made)


def _choices(box: Box, width: float) -> tuple[Line, ...]:
    """Boxes to tick; a box and its words stay on one line as long as they fit."""
    units = [f"{'☑' if chosen else '☐'} {words}" for words, chosen in box.choices]
    heads = lines_of(box.label, width, VALUE)
    made: list[list[tuple[str, str]]] = [*([(line, GREY)] for line in heads[:-1]), [(f"{heads[-1]}　", GREY)]]
    used = width_of(f"{heads[-1]}　", VALUE)
    for unit in units:
        room = width_of(f"{unit}　", VALUE)
        if used + room - VALUE > width and used > 0:
            made.append([])
            used = 0
        if room - VALUE > width:
            pieces = lines_of(unit, width, VALUE)
            made[-1:] = [*(made[-1:] if made[-1] else []), *([(piece, INK)] for piece in pieces)]
            used = width
            continue
        made[-1].append((f"{unit}　", INK))
        used += room
    return tuple(text_line(runs, VALUE) for runs in made)


FIGURE = 46 * MM


def body_lines(marks: Sequence[Sequence[str]], width: float) -> tuple[Line, ...]:
    """The body from the front and from behind with its numbered marks."""
    side = min(FIGURE, width)

    def draw(canvas: Canvas, x: float, top: float) -> None:
        draw_body(canvas, x, top, side, [(float(mark[0]), float(mark[1])) for mark in marks])

    return (Line(side + 2, draw),)


def picture_lines(source: str, width: float, height: float = PICTURE) -> tuple[Line, ...]:
    """A PNG or JPEG given as data URI, as high as asked and never wider than the cell."""
    picture = picture_of(source)
    if picture is None:
        return (text_line([("（图像无法读取）", GREY)], SMALL),)
    across, down = picture.getSize()
    wide = min(width, height * across / max(down, 1))
    high = wide * down / max(across, 1)

    def draw(canvas: Canvas, x: float, top: float) -> None:
        canvas.drawImage(picture, x, top - high, wide, high, mask="auto")

    return (Line(high, draw),)


def picture_of(source: str) -> ImageReader | None:
    """The picture of a data URI; None when it cannot be read."""
    try:
        picture = ImageReader(BytesIO(base64.b64decode(source.partition(",")[2], validate=True)))
        picture.getRGBData()  # type: ignore[no-untyped-call]  # decodes now, so that a broken one is told
    except (OSError, ValueError, binascii.Error):
        return None
    return picture


def column_widths(head: Sequence[str], rows: Sequence[Sequence[str]], width: float) -> list[float]:
    """Widths by content: no column takes more than half of the room, none less than four figures."""
    natural = []
    for index in range(len(head)):
        texts = [row[index] for row in rows if index < len(row)]
        widest = max((width_of(part, SMALL) for text in texts for part in text.splitlines()), default=0)
        widest = max(widest, width_of(head[index], SMALL, bold=True))
        natural.append(min(max(widest, 2.5 * SMALL), width / 2) + 2 * PAD)
    least = [_unbreakable(index, head, rows) + 2 * PAD + 0.5 for index in range(len(head))]
    spare = width - sum(least)
    if spare <= 0 or sum(natural) <= width:
        scale = width / sum(natural) if natural else 1
        return [own * scale for own in natural]
    wanted = [max(own - low, 0.0) for own, low in zip(natural, least, strict=True)]
    share = spare / (sum(wanted) or 1)
    return [low + more * share for low, more in zip(least, wanted, strict=True)]


def _unbreakable(index: int, head: Sequence[str], rows: Sequence[Sequence[str]]) -> float:
    """The widest word of a column: figures and Latin letters stay together, Chinese may break anywhere."""
    words = [head[index], *(row[index] for row in rows[:40] if index < len(row))]
    return max((width_of(word, SMALL) for text in words for word in _WORDS.findall(text)[:20]), default=SMALL)
