"""The anesthesia record sheet: A4 portrait, drawn directly so that the paper is exact and quick.

Page by page: head, WS 329 fields, the chart (48 slots a page: 4 h, or 48 min in rescue), then totals, balance,
numbered remarks, corrections, technique, signatures. Sections share the last chart's page when they fit and flow on
when they do not; nothing is cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

from reportlab.lib.colors import HexColor
from reportlab.pdfgen.canvas import Canvas

from app.charting.layout import layout_pages
from app.charting.palette import GREY
from app.charting.primitives import Chart
from app.charting.record import PrintStamp, RecordAppendix, RecordHeader, RecordSheet, RecordView
from app.charting.reportlab_backend import draw_chart, set_text
from app.charting.snapshot import digest
from printing.fonts import FACES, register_fonts
from printing.paper import (
    FINE,
    LABEL,
    LINE,
    MARGIN_BOTTOM,
    MARGIN_TOP,
    MARGIN_X,
    PAGE_HEIGHT,
    PAGE_WIDTH,
    RULE,
    SUBTITLE,
    TITLE,
    WIDTH,
    Piece,
    Section,
    box,
    draw_section,
    field_rows,
    ink,
    rule,
)
from printing.record_sections import sections_of

_HEAD_FIRST = 31.0  # hospital and title
_HEAD_NEXT = 27.0  # title with (续) and the patient's key line
_FOOT = 13.0
_GAP = 4.0
_SLACK = 0.01  # heights are sums of fractions


@dataclass(frozen=True, slots=True)
class _Placed:
    """A part of a section on a page."""

    section: Section
    pieces: tuple[Piece, ...]
    continued: bool

    @property
    def title(self) -> str:
        return f"{self.section.title}（续）" if self.continued else self.section.title

    @property
    def height(self) -> float:
        return Section(self.title, self.pieces).height


@dataclass(slots=True)
class _Page:
    """What stands on one sheet."""

    chart: Chart | None
    parts: list[_Placed]


def render_record_pdf(
    view: RecordView,
    header: RecordHeader,
    appendix: RecordAppendix,
    stamp: PrintStamp,
    fonts: Path,
) -> bytes:
    """The record as PDF. ``fonts`` is the directory made by ``printing.fonts``; only embedded fonts are used. A
    ``stamp`` without digest gets the digest of exactly what is drawn. The same arguments give the same bytes."""
    register_fonts(fonts)
    sheet = RecordSheet(view, header, appendix)
    mark = stamp.digest or digest(sheet)
    buffer = BytesIO()
    canvas = Canvas(buffer, pagesize=(PAGE_WIDTH, PAGE_HEIGHT), pageCompression=1, invariant=1)
    canvas.setTitle(header.title)
    canvas.setSubject(f"快照 {stamp.snapshot_no} · {mark}")
    canvas.setCreator("Mafei 麻沸")
    press = _Press(canvas, sheet, stamp, mark)
    planned = press.plan()
    for number, page in enumerate(planned, start=1):
        press.draw(page, number, len(planned))
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


class _Press:
    """Plans the pages of one sheet and draws them."""

    def __init__(self, canvas: Canvas, sheet: RecordSheet, stamp: PrintStamp, mark: str) -> None:
        self._canvas = canvas
        self._sheet = sheet
        self._stamp = stamp
        self._mark = mark
        self._zone = ZoneInfo(sheet.view.timezone)
        self._fields = field_rows(sheet.header.fields, WIDTH)

    # --- planning ---

    def _room(self, first: bool) -> float:
        """Height between head and foot of a page."""
        room = PAGE_HEIGHT - MARGIN_TOP - MARGIN_BOTTOM - _FOOT
        if first:
            return room - _HEAD_FIRST - sum(piece.height for piece in self._fields) - _GAP
        return room - _HEAD_NEXT

    def plan(self) -> list[_Page]:
        """Charts first, then the sections wherever there is room."""
        sections = sections_of(self._sheet, self._zone)
        below = sum(section.height + _GAP for section in sections)
        first, following = self._room(True), self._room(False)
        charts = layout_pages(self._sheet.view, following, first_height=first)
        last_room = first if len(charts) == 1 else following
        charts = layout_pages(self._sheet.view, following, first_height=first, last_height=last_room - below)
        pages = [_Page(chart, []) for chart in charts]
        left = (first if len(charts) == 1 else following) - charts[-1].height - _GAP
        for section in sections:
            left = self._flow(pages, section, left, following)
        return pages

    def _flow(self, pages: list[_Page], section: Section, left: float, full: float) -> float:
        """Put a section on the last page, or on as many more as it takes; return the room that is left."""
        if section.height <= left + _SLACK:
            pages[-1].parts.append(_Placed(section, section.pieces, False))
            return left - section.height - _GAP
        pending, continued = list(section.pieces), False
        while pending:
            taken: list[Piece] = []
            while pending and _Placed(section, (*taken, pending[0]), continued).height <= left + _SLACK:
                taken.append(pending.pop(0))
            if not taken and left >= full - 1:  # one piece taller than a page: draw it, rather than never end
                taken.append(pending.pop(0))
            if taken:
                part = _Placed(section, tuple(taken), continued)
                pages[-1].parts.append(part)
                left -= part.height + _GAP
                continued = True
            if pending:
                pages.append(_Page(None, []))
                left = full
        return left

    # --- drawing ---

    def draw(self, page: _Page, number: int, count: int) -> None:
        """Draw one page."""
        if self._stamp.watermark:
            self._watermark(self._stamp.watermark)
        top = self._head_first() if number == 1 else self._head_next()
        if page.chart is not None:
            draw_chart(self._canvas, page.chart, MARGIN_X, top, FACES)
            top -= page.chart.height + _GAP
        for part in page.parts:
            top -= draw_section(self._canvas, MARGIN_X, top, part.title, part.pieces, ruled=True) + _GAP
        self._foot(number, count)

    def _head_first(self) -> float:
        canvas, header = self._canvas, self._sheet.header
        top = PAGE_HEIGHT - MARGIN_TOP
        middle = PAGE_WIDTH / 2
        ink(canvas)
        set_text(canvas, middle, top - 9, header.hospital, FACES.regular, SUBTITLE, "middle")
        set_text(canvas, middle, top - 25, header.title, FACES.bold, TITLE, "middle")
        y = top - _HEAD_FIRST
        height = sum(piece.height for piece in self._fields)
        for index, piece in enumerate(self._fields):
            if index:
                rule(canvas, MARGIN_X, y, MARGIN_X + WIDTH, y)
            piece.draw(canvas, MARGIN_X, y)
            y -= piece.height
        if self._fields:
            box(canvas, MARGIN_X, top - _HEAD_FIRST, WIDTH, height)
        return y - _GAP

    def _head_next(self) -> float:
        canvas, header = self._canvas, self._sheet.header
        top = PAGE_HEIGHT - MARGIN_TOP
        ink(canvas)
        words = f"{header.hospital}　{header.title}（续）"
        set_text(canvas, PAGE_WIDTH / 2, top - 9, words, FACES.bold, SUBTITLE, "middle")
        set_text(canvas, PAGE_WIDTH / 2, top - 20.5, header.key_line, FACES.regular, LABEL + 1, "middle")
        return top - _HEAD_NEXT

    def _foot(self, number: int, count: int) -> None:
        canvas, stamp = self._canvas, self._stamp
        y = MARGIN_BOTTOM + _FOOT - 6
        rule(canvas, MARGIN_X, y + 4, MARGIN_X + WIDTH, y + 4, RULE)
        ink(canvas, GREY)
        baseline = y - LINE * 0.5
        left = f"快照 {stamp.snapshot_no}　修改 {stamp.amendments} 次　校验 {self._mark[:8]}"
        set_text(canvas, MARGIN_X, baseline, left, FACES.regular, FINE)
        page = f"第 {number} 页　共 {count} 页"
        set_text(canvas, PAGE_WIDTH / 2, baseline, page, FACES.regular, FINE, "middle")
        printed = stamp.printed_at.astimezone(self._zone).strftime("%Y-%m-%d %H:%M")
        words = [f"打印时间 {printed}", stamp.printed_by]
        if stamp.copy_no > 1:
            words.insert(0, f"重打（第 {stamp.copy_no} 次）")
        right = "　".join(filter(None, words))
        set_text(canvas, MARGIN_X + WIDTH, baseline, right, FACES.regular, FINE, "end")

    def _watermark(self, words: str) -> None:
        canvas = self._canvas
        canvas.saveState()
        canvas.setFillColor(HexColor("#ececec"))
        canvas.translate(PAGE_WIDTH / 2, PAGE_HEIGHT / 2)
        canvas.rotate(52)
        set_text(canvas, 0, -30, words, FACES.bold, 90, "middle")
        canvas.restoreState()
