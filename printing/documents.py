"""Medical documents on paper: one style for all forms, drawn from a `Sheet` of ready words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape as escape_markup
from io import BytesIO
from pathlib import Path

from pypdf import PdfReader, PdfWriter

from app.documents.sheet import Box, Part, Sheet, SignatureLine
from printing.fonts import fonts_ready
from printing.render import A4_WITH_HEAD, PAGE_X_OF_Y, render_html_pdf

COLUMNS = 24
_SUPERSCRIPTS = {ord(mark): str(digit) for digit, mark in enumerate("⁰\u00b9\u00b2\u00b3⁴⁵⁶⁷⁸⁹")}
_RAISED = re.compile("[⁰⁴-⁹]+")
_CSS = """
h1 { font-size: 14pt; margin: 0 0 4pt 0; }
.hospital { font-size: 11pt; text-align: center; font-weight: bold; }
.identity { font-size: 8.5pt; }
table.form { width: 100%; margin-bottom: 0; }
table.form td { border: 0.5pt solid #333333; padding: 2.2pt 4pt 1.6pt 4pt; vertical-align: top; }
table.form td.rule { border: 0; padding: 0; font-size: 1pt; line-height: 1; }
table.form td.title { background-color: #eef0f2; font-weight: bold; font-size: 9.5pt; padding: 2.4pt 4pt; }
table.form td.note { font-size: 8pt; line-height: 1.45; }
.value { font-size: 9pt; }
table.rows { width: 100%; }
table.rows td.caption { background-color: #f5f6f7; color: #5f6368; }
table.rows td, table.rows th { border: 0.35pt solid #666666; padding: 1.6pt 2.5pt; font-size: 8pt; }
table.rows th { background-color: #f5f6f7; font-weight: bold; }
table.signatures { width: 100%; margin-top: 8pt; }
table.signatures td { padding: 4pt 2pt; font-size: 9pt; vertical-align: bottom; }
.struck { color: #a00000; font-weight: bold; font-size: 10pt; text-align: center; }
"""


@dataclass(frozen=True, slots=True)
class DocumentPrinter:
    """The renderer that the composition root plugs into the documents; `fonts` is the folder of paper fonts."""

    fonts: Path
    strict: bool = False

    def is_ready(self) -> bool:
        """Whether the fonts were made."""
        return fonts_ready(self.fonts)

    def __call__(self, sheet: Sheet, *, watermark: str = "", copy_no: int = 1) -> bytes:
        """PDF of a sheet on A4."""
        return render_html_pdf(
            body_html(sheet, watermark, copy_no),
            self.fonts,
            A4_WITH_HEAD,
            head=_running_head(sheet),
            foot=_foot(sheet, watermark, copy_no),
            css=_CSS,
            strict=self.strict,
        )


def escape(text: str) -> str:
    """Markup of plain text; superscript figures that the paper font lacks are raised by markup."""
    return _RAISED.sub(lambda found: f"<sup>{found[0].translate(_SUPERSCRIPTS)}</sup>", escape_markup(text))


def body_html(sheet: Sheet, watermark: str = "", copy_no: int = 1) -> str:
    """Markup of the body; every value is escaped."""
    marks = [watermark] if watermark else []
    if copy_no > 1:
        marks.append(f"重打 第 {copy_no} 份")
    if sheet.struck:
        marks.append("本版已被新版本取代")
    elif sheet.state in ("draft", "submitted") and not watermark:
        marks.append("草稿　未签名")
    parts = [f"<h1>{escape(sheet.title)}</h1>"]
    if marks:
        parts.append(f'<p class="struck">{escape("　".join(marks))}</p>')
    parts += [_part(part) for part in sheet.parts]
    parts.append(_signatures(sheet.signatures))
    return "".join(parts)


def _running_head(sheet: Sheet) -> str:
    words = "　".join(f"{escape(label)}：{escape(value) or '＿＿'}" for label, value in sheet.head if value or label in
                      ("姓名", "性别", "年龄", "科室", "床号", "住院号"))  # fmt: skip
    return f'<div class="hospital">{escape(sheet.hospital)}</div><div class="identity">{words}</div>'


def _foot(sheet: Sheet, watermark: str, copy_no: int) -> str:
    words = [escape(sheet.document_no), f"第 {sheet.version_no} 版", PAGE_X_OF_Y]
    if sheet.digest:
        words.append(f"SHA-256 {escape(sheet.digest[:8])}")
    return "　".join(words)


def _part(part: Part) -> str:
    """A section: frames of boxes, with tables between them on the full width (nested tables are not measured right)."""
    blocks: list[str] = []
    rows = [f'<tr><td class="title" colspan="{COLUMNS}">{escape(part.title)}</td></tr>']
    if part.note:
        rows.append(f'<tr><td class="note" colspan="{COLUMNS}">{_lines(part.note)}</td></tr>')
    line: list[tuple[Box, int]] = []
    used = 0
    for box in part.boxes:
        if box.kind != "table" and used + box.span <= COLUMNS:
            line.append((box, box.span))
            used += box.span
            continue
        rows += _flush(line)
        line, used = [], 0
        if box.kind == "table":
            blocks += [_frame(rows), _table(box)]
            rows = []
        else:
            line, used = [(box, box.span)], box.span
    rows += _flush(line)
    return "".join([*blocks, _frame(rows)])


def _frame(rows: Sequence[str]) -> str:
    if not rows:
        return ""
    grid = f'<td class="rule" width="{100 / COLUMNS:.4f}%"></td>' * COLUMNS
    return f'<table class="form"><tr>{grid}</tr>{"".join(rows)}</table>'


def _flush(line: Sequence[tuple[Box, int]]) -> list[str]:
    """A line of boxes; the last one takes the rest of the width, so that the frame closes."""
    if not line:
        return []
    used = sum(span for _, span in line[:-1])
    cells = [f'<td colspan="{span}">{_box(box)}</td>' for box, span in line[:-1]]
    cells.append(f'<td colspan="{COLUMNS - used}">{_box(line[-1][0])}</td>')
    return [f"<tr>{''.join(cells)}</tr>"]


def _box(box: Box) -> str:
    label = f'<span class="label">{escape(box.label)}</span>　'
    if box.kind == "choices":
        marks = "　".join(f"{'☑' if chosen else '☐'} {escape(words)}" for words, chosen in box.choices)
        return f'{label}<span class="value">{marks}</span>'
    if box.kind == "image":
        return f'{label}<img src="{escape(box.value)}" height="12mm"/>' if box.value else label
    if box.kind == "mark":
        marks = "；".join(f"（{x}，{y}）{escape(note)}" for x, y, note in box.rows)
        return f'{label}<span class="value">{escape(marks)}</span>'
    return f'{label}<span class="value">{_lines(box.value)}</span>'


def _lines(text: str) -> str:
    return "<br/>".join(escape(line) for line in text.splitlines())


def _table(box: Box) -> str:
    count = max(len(box.head), 1)
    width = 100 / count
    label = f'<tr><td colspan="{count}" class="caption">{escape(box.label)}</td></tr>'
    head = "".join(f'<th width="{width:.3f}%">{escape(words)}</th>' for words in box.head)
    rows = "".join(f"<tr>{''.join(f'<td>{_lines(cell)}</td>' for cell in row)}</tr>" for row in box.rows)
    if not box.rows:
        rows = f'<tr><td colspan="{count}">无</td></tr>'
    return f'<table class="rows" repeat="2">{label}<tr>{head}</tr>{rows}</table>'


def _signatures(lines: Sequence[SignatureLine]) -> str:
    if not lines:
        return ""
    cells = [_signature(line) for line in lines]
    rows = []
    for start in range(0, len(cells), 3):
        chunk = cells[start : start + 3]
        chunk += ["<td></td>"] * (3 - len(chunk) if len(cells) > 3 else 0)
        rows.append(f"<tr>{''.join(chunk)}</tr>")
    return f'<table class="signatures">{"".join(rows)}</table>'


def _signature(line: SignatureLine) -> str:
    name = f'<img src="{escape(line.image)}" height="10mm"/> {escape(line.name)}' if line.image else escape(line.name)
    words = f"{escape(line.label)}：{name or '＿＿＿＿＿＿'}"
    return f'<td width="33%">{words}<br/><span class="fine">{escape(line.at) or "　　年　　月　　日　　时　　分"}</span></td>'


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
