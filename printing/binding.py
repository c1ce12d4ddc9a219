"""Binding finished PDFs: marks over frozen pages, and sets with a cover list and page numbers across the set.

Frozen pages are never parsed or drawn anew: what is added lies over them as a form of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import cast

from pypdf import PageObject, PdfReader, PdfWriter
from pypdf.generic import (
    ArrayObject,
    DecodedStreamObject,
    DictionaryObject,
    FloatObject,
    NameObject,
    StreamObject,
)
from reportlab.pdfgen.canvas import Canvas

from app.charting.palette import GREY
from app.documents.printset import BoundSet, SetCover, SetPart
from printing.fonts import register_fonts
from printing.form_cells import PAD, SMALL, VALUE, Cell, column_widths, plain_lines
from printing.form_press import RED, SIDE, TOP, WIDTH, draw_watermark
from printing.form_rows import HEAD_SHADE, Row
from printing.lettering import draw_centred, draw_text
from printing.paper import MM, PAGE_HEIGHT, PAGE_WIDTH

_COVER_ROOM = PAGE_HEIGHT - TOP - 20 * MM
_NAME = NameObject("/MafeiOver")


@dataclass(frozen=True, slots=True)
class Over:
    """What lies over one page: a red mark at its head, words at its foot, a watermark."""

    head: str = ""
    foot: str = ""
    watermark: str = ""


def marked(pdf: bytes, fonts: Path, *, mark: str = "", watermark: str = "") -> bytes:
    """The same pages with a mark at the head of each."""
    if not mark and not watermark:
        return pdf
    writer = PdfWriter()
    writer.append(PdfReader(BytesIO(pdf)))
    _lay_over(writer, [Over(mark, "", watermark)] * len(writer.pages), fonts)
    return _written(writer)


def bound(cover: SetCover, parts: Sequence[SetPart], fonts: Path) -> BoundSet:
    """The parts in order behind their list, numbered across the set. Equal parts cost what they cost once."""
    readers = [PdfReader(BytesIO(part.pdf)) for part in parts]
    pages = tuple(len(reader.pages) for reader in readers)
    first = _cover(cover, parts, pages, fonts)
    list_pages = len(PdfReader(BytesIO(first)).pages)
    writer = PdfWriter()
    writer.append(PdfReader(BytesIO(first)))
    total = list_pages + sum(pages)
    overs = [Over("", f"全套第 {number} 页　共 {total} 页") for number in range(1, list_pages + 1)]
    for part, reader, count in zip(parts, readers, pages, strict=True):
        writer.append(reader, import_outline=False)
        for _ in range(count):
            overs.append(Over(part.mark, f"全套第 {len(overs) + 1} 页　共 {total} 页"))
    _lay_over(writer, overs, fonts)
    writer.metadata = {"/Title": cover.title, "/Creator": "Mafei 麻沸"}
    return BoundSet(_written(writer), pages, list_pages)


def _written(writer: PdfWriter) -> bytes:
    buffer = BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def _lay_over(writer: PdfWriter, overs: Sequence[Over], fonts: Path) -> None:
    """Draw all overlays in one run, so that their fonts are embedded once, and hang each on its page."""
    drawn = PdfReader(BytesIO(_drawn(overs, fonts)))
    for page, over in zip(list(writer.pages), drawn.pages, strict=True):
        form = DecodedStreamObject()
        contents = over.get_contents()
        form.set_data(contents.get_data() if contents is not None else b"")
        form.update(
            {
                NameObject("/Type"): NameObject("/XObject"),
                NameObject("/Subtype"): NameObject("/Form"),
                NameObject("/BBox"): ArrayObject(FloatObject(side) for side in over.mediabox),
                NameObject("/Resources"): cast(DictionaryObject, over["/Resources"].get_object()).clone(writer),
            }
        )
        _hang(writer, page, form.flate_encode())


def _hang(writer: PdfWriter, page: PageObject, form: StreamObject) -> None:
    resources = DictionaryObject(cast(DictionaryObject, page["/Resources"].get_object()))
    known = resources.get("/XObject")
    forms = DictionaryObject(cast(DictionaryObject, known.get_object()) if known is not None else {})
    forms[_NAME] = writer._add_object(form)
    resources[NameObject("/XObject")] = forms
    page[NameObject("/Resources")] = resources
    before, after = DecodedStreamObject(), DecodedStreamObject()
    before.set_data(b"q /MafeiOver Do Q q\n")  # under the text: a watermark must not cover it
    after.set_data(b"\nQ\n")
    old = page.raw_get("/Contents")
    inner = old.get_object()
    streams = list(inner) if isinstance(inner, ArrayObject) else [old]
    page[NameObject("/Contents")] = ArrayObject([writer._add_object(before), *streams, writer._add_object(after)])


def _drawn(overs: Sequence[Over], fonts: Path) -> bytes:
    register_fonts(fonts)
    buffer = BytesIO()
    canvas = Canvas(buffer, pagesize=(PAGE_WIDTH, PAGE_HEIGHT), pageCompression=0, invariant=1)
    for over in overs:
        if over.watermark:
            draw_watermark(canvas, over.watermark)
        if over.head:
            draw_centred(canvas, PAGE_WIDTH / 2, PAGE_HEIGHT - 8 * MM, over.head, VALUE, bold=True, colour=RED)
        if over.foot:
            draw_centred(canvas, PAGE_WIDTH / 2, 4.2 * MM, over.foot, 7, colour=GREY)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def _cover(cover: SetCover, parts: Sequence[SetPart], pages: Sequence[int], fonts: Path) -> bytes:
    """The list. Its own length moves the page numbers it tells, so it is laid out until both agree."""
    list_pages = 1
    while True:
        planned = _cover_pages(cover, _with_pages(parts, pages, list_pages))
        if len(planned) <= list_pages:
            break
        list_pages = len(planned)
    register_fonts(fonts)
    buffer = BytesIO()
    canvas = Canvas(buffer, pagesize=(PAGE_WIDTH, PAGE_HEIGHT), pageCompression=1, invariant=1)
    for number, rows in enumerate(planned):
        top = _cover_head(canvas, cover, continued=number > 0)
        for row in rows:
            row.draw(canvas, SIDE, top)
            if row.framed:
                canvas.line(SIDE, top, SIDE + WIDTH, top)
                canvas.line(SIDE, top - row.height, SIDE + WIDTH, top - row.height)
            top -= row.height
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def _with_pages(parts: Sequence[SetPart], pages: Sequence[int], list_pages: int) -> list[tuple[str, ...]]:
    rows, at = [], list_pages + 1
    for number, (part, count) in enumerate(zip(parts, pages, strict=True), start=1):
        told = f"{at}" if count == 1 else f"{at}–{at + count - 1}"
        rows.append((str(number), *part.columns, part.mark, told))
        at += count
    return rows


def _cover_pages(cover: SetCover, rows: Sequence[tuple[str, ...]]) -> list[list[Row]]:
    head = ("序号", *cover.head, "说明", "页")
    widths = column_widths(head, rows, WIDTH)
    title = _list_row(head, widths, bold=True)
    room = _COVER_ROOM - 40 - 14 * len(cover.lines)
    pages: list[list[Row]] = [[title]]
    used = title.height
    last = [_words_row(f"未能打印：{words}") for words in cover.refused]
    for row in [*(_list_row(texts, widths) for texts in rows), *last]:
        if used + row.height > room:
            pages.append([title])
            used = title.height
        pages[-1].append(row)
        used += row.height
    return pages


def _list_row(texts: Sequence[str], widths: Sequence[float], *, bold: bool = False) -> Row:
    cells, left = [], 0.0
    for text, own in zip(texts, widths, strict=True):
        cells.append(Cell(left, own, plain_lines(text, own - 2 * PAD, SMALL, bold=bold), HEAD_SHADE if bold else ""))
        left += own
    return Row(tuple(cells))


def _words_row(words: str) -> Row:
    return Row((Cell(0, WIDTH, plain_lines(words, WIDTH - 2 * PAD, SMALL, colour=RED)),))


def _cover_head(canvas: Canvas, cover: SetCover, *, continued: bool) -> float:
    top, middle = PAGE_HEIGHT - TOP, PAGE_WIDTH / 2
    draw_centred(canvas, middle, top - 11, cover.hospital, 11, bold=True)
    draw_centred(canvas, middle, top - 31, f"{cover.title}{'（续）' if continued else ''}", 15, bold=True)
    top -= 40
    for line in cover.lines:
        draw_text(canvas, SIDE, top - 9, line, 8.5)
        top -= 14
    return top
