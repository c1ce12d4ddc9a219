"""Medical documents on paper: what the composition root plugs into the documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from pypdf import PdfReader, PdfWriter

from app.charting.record import PrintStamp, RecordSheet
from app.documents.printset import BoundSet, SetCover, SetPart
from app.documents.sheet import Sheet
from printing.anesthesia_record import render_record_pdf
from printing.binding import bound, marked
from printing.font_files import fonts_ready
from printing.form_press import render_form


@dataclass(frozen=True, slots=True)
class DocumentPrinter:
    """Draws sheets and binds sets; `fonts` is the folder of paper fonts."""

    fonts: Path

    def is_ready(self) -> bool:
        """Whether the fonts were made."""
        return fonts_ready(self.fonts)

    def __call__(
        self,
        sheet: Sheet,
        *,
        watermark: str = "",
        mark: str = "",
        chart: tuple[RecordSheet, PrintStamp] | None = None,
    ) -> bytes:
        """PDF of a sheet on A4, with the chart pages of the anesthesia record behind it where there are some."""
        form = render_form(sheet, self.fonts, watermark=watermark, marks=marks_of(sheet, mark))
        if chart is None:
            return form
        record, stamp = chart
        return joined([form, render_record_pdf(record.view, record.header, record.appendix, stamp, self.fonts)])

    def mark(self, pdf: bytes, *, mark: str = "", watermark: str = "") -> bytes:
        """The same pages with a red mark at the head and a watermark under the text."""
        return marked(pdf, self.fonts, mark=mark, watermark=watermark)

    def bind(self, cover: SetCover, parts: Sequence[SetPart]) -> BoundSet:
        """A set with its list in front and page numbers across it."""
        return bound(cover, parts, self.fonts)

    def pages(self, pdf: bytes) -> int:
        """Number of pages."""
        return page_count(pdf)


def marks_of(sheet: Sheet, mark: str = "") -> list[str]:
    """The red words under the title."""
    marks = [mark] if mark else []
    if sheet.struck:
        marks.append("本版已被新版本取代")
    elif sheet.state in ("draft", "submitted") and not mark:
        marks.append("草稿　未签名")
    return marks


def joined(pdfs: Sequence[bytes]) -> bytes:
    """Several PDFs one after the other."""
    writer = PdfWriter()
    for pdf in pdfs:
        writer.append(PdfReader(BytesIO(pdf)))
    buffer = BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def page_count(pdf: bytes) -> int:
    """Number of pages."""
    return len(PdfReader(BytesIO(pdf)).pages)
