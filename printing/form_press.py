"""One style for all forms: A4 portrait, drawn directly, so that the paper is exact, the same bytes each time, and quick
(some 30 ms a form, where the HTML renderer takes some 250 ms)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from reportlab.lib.colors import HexColor
from reportlab.pdfgen.canvas import Canvas

from app.charting.palette import GREY, INK
from app.documents.sheet import Sheet
from printing.fonts import register_fonts
from printing.form_rows import Row, rows_of_part, signature_rows
from printing.lettering import draw_centred, draw_text, lines_of, width_of
from printing.paper import MM, PAGE_HEIGHT, PAGE_WIDTH

SIDE = 15 * MM
WIDTH = PAGE_WIDTH - 2 * SIDE
TOP, BOTTOM = 11 * MM, 16 * MM
_HOSPITAL, _TITLE, _IDENTITY, _MARK, _FOOT = 11.0, 15.0, 8.5, 10.0, 7.0
_IDENTITY_LINE = _IDENTITY * 1.45
_ALWAYS = ("姓名", "性别", "年龄", "科室", "床号", "住院号")
RED = "#a00000"
_SLACK = 0.01


@dataclass(slots=True)
class _Page:
    """Rows with the distance from the top of the text; a frame closes under the rows of `closes`."""

    rows: list[tuple[float, Row]] = field(default_factory=list)
    closes: list[float] = field(default_factory=list)


def render_form(sheet: Sheet, fonts: Path, *, watermark: str = "", marks: Sequence[str] = ()) -> bytes:
    """PDF of a sheet. ``watermark`` lies large over every page; ``marks`` stand in red under the title."""
    register_fonts(fonts)
    buffer = BytesIO()
    canvas = Canvas(buffer, pagesize=(PAGE_WIDTH, PAGE_HEIGHT), pageCompression=1, invariant=1)
    canvas.setTitle(sheet.title)
    canvas.setCreator("Mafei 麻沸")
    press = _Press(canvas, sheet, watermark, "　".join(marks))
    pages = press.plan()
    for number, page in enumerate(pages, start=1):
        press.draw(page, number, len(pages))
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


class _Press:
    """Plans the pages of a sheet and draws them."""

    def __init__(self, canvas: Canvas, sheet: Sheet, watermark: str, marks: str) -> None:
        self._canvas, self._sheet, self._watermark, self._marks = canvas, sheet, watermark, marks
        self._identity = _identity_lines(sheet)

    def _head_height(self, first: bool) -> float:
        title = _TITLE * 1.5 if first else 0.0
        marks = _MARK * 1.5 if first and self._marks else 0.0
        return _HOSPITAL * 1.5 + title + marks + len(self._identity) * _IDENTITY_LINE + 5

    def plan(self) -> list[_Page]:
        """The rows on pages; a title is never left alone at the foot, the signatures stay together when they can."""
        flow = _Flow([_Page()], self._room(True), self._room(False))
        for part in self._sheet.parts:
            flow.block(rows_of_part(part, WIDTH), gap=0)
        flow.block(signature_rows(self._sheet.signatures, WIDTH) if self._sheet.signatures else [], gap=6)
        return flow.pages

    def _room(self, first: bool) -> float:
        return PAGE_HEIGHT - TOP - BOTTOM - self._head_height(first)

    def draw(self, page: _Page, number: int, count: int) -> None:
        """Draw one page."""
        canvas = self._canvas
        if self._watermark:
            draw_watermark(canvas, self._watermark)
        top = self._head(number == 1)
        for offset, row in page.rows:
            row.draw(canvas, SIDE, top - offset)
            if row.framed and (row.opens or offset == page.rows[0][0]):
                _level(canvas, top - offset)
        for offset in page.closes:
            _level(canvas, top - offset)
        self._foot(number, count)

    def _head(self, first: bool) -> float:
        canvas, sheet = self._canvas, self._sheet
        top, middle = PAGE_HEIGHT - TOP, PAGE_WIDTH / 2
        words = sheet.hospital if first else f"{sheet.hospital}　{sheet.title}（续）"
        draw_centred(canvas, middle, top - _HOSPITAL, words, _HOSPITAL, bold=True)
        top -= _HOSPITAL * 1.5
        if first:
            draw_centred(canvas, middle, top - _TITLE, sheet.title, _TITLE, bold=True)
            top -= _TITLE * 1.5
            if self._marks:
                draw_centred(canvas, middle, top - _MARK, self._marks, _MARK, bold=True, colour=RED)
                top -= _MARK * 1.5
        for line in self._identity:
            draw_text(canvas, SIDE, top - _IDENTITY * 1.1, line, _IDENTITY)
            top -= _IDENTITY_LINE
        return top - 5

    def _foot(self, number: int, count: int) -> None:
        sheet = self._sheet
        words = [sheet.document_no, f"第 {sheet.version_no} 版", f"第 {number} 页　共 {count} 页"]
        if sheet.digest:
            words.append(f"SHA-256 {sheet.digest[:8]}")
        if sheet.sm3:
            words.append(f"SM3 {sheet.sm3[:8]}")
        draw_centred(self._canvas, PAGE_WIDTH / 2, BOTTOM - 5 * MM, "　".join(filter(None, words)), _FOOT, colour=GREY)


class _Flow:
    """Puts blocks of rows onto pages."""

    def __init__(self, pages: list[_Page], first: float, following: float) -> None:
        self.pages, self._room, self._following = pages, first, following
        self._used = 0.0

    def block(self, rows: Sequence[Row], gap: float) -> None:
        """A section: rows that follow each other in one frame."""
        start = 0
        self._used += gap if self.pages[-1].rows and rows else 0
        while start < len(rows):
            end = start + 1
            while rows[end - 1].keeps and end < len(rows):
                end += 1
            self._together(rows[start:end], first=start == 0)
            start = end
        if rows and rows[-1].framed:
            self.pages[-1].closes.append(self._used)

    def _together(self, rows: Sequence[Row], *, first: bool) -> None:
        height = sum(row.height for row in rows)
        if self._used + height > self._room + _SLACK and self.pages[-1].rows:
            self._turn(framed=rows[0].framed and not first)
            for row in rows[0].repeat:
                self._put(row)
        for row in rows:
            if self._used + row.height > self._room + _SLACK and self.pages[-1].rows:
                self._turn(framed=row.framed)
            self._put(row)

    def _turn(self, *, framed: bool) -> None:
        if framed:
            self.pages[-1].closes.append(self._used)
        self.pages.append(_Page())
        self._used, self._room = 0.0, self._following

    def _put(self, row: Row) -> None:
        self.pages[-1].rows.append((self._used, row))
        self._used += row.height


def _level(canvas: Canvas, y: float) -> None:
    canvas.setStrokeColor(HexColor(INK))
    canvas.setLineWidth(0.6)
    canvas.line(SIDE, y, SIDE + WIDTH, y)


def _identity_lines(sheet: Sheet) -> list[str]:
    """The line of who it is, on as many lines as it takes; no pair is torn."""
    lines, used = [""], 0.0
    for label, value in sheet.head:
        if not value and label not in _ALWAYS:
            continue
        pair = f"{label}：{value or '＿＿'}"
        room = width_of(f"　{pair}", _IDENTITY)
        if lines[-1] and used + room > WIDTH:
            lines.append("")
            used = 0.0
        lines[-1] += f"　{pair}" if lines[-1] else pair
        used += room
    return [part for line in lines for part in lines_of(line, WIDTH, _IDENTITY)]


def draw_watermark(canvas: Canvas, words: str) -> None:
    """Large grey words across the page, under the text."""
    canvas.saveState()
    canvas.translate(PAGE_WIDTH / 2, PAGE_HEIGHT / 2)
    canvas.rotate(50)
    size = min(96.0, 480 / max(len(words), 1))
    draw_centred(canvas, 0, -size / 3, words, size, bold=True, colour="#e3e5e8")
    canvas.restoreState()
