"""The single door from HTML to PDF: xhtml2pdf with our fonts, no remote resources, Chinese line breaks, page x of y.

Paper templates are tables in millimetres; what xhtml2pdf cannot do (floats, grids, form controls) is not used. Another
renderer could take its place behind ``render_html_pdf``.
"""

from __future__ import annotations

import base64
import logging
import re
from functools import lru_cache
from io import BytesIO
from pathlib import Path

from xhtml2pdf import pisa
from xhtml2pdf.config.resources import ResourceAccessPolicy

from printing.errors import PrintError
from printing.font_files import FontFiles
from printing.fonts import FAMILY, SVG_FACE, SVG_FACE_BOLD, register_fonts
from printing.sizes import A4, PaperForm

_PLAIN_SUBSCRIPTS = {0x2080 + digit: str(digit) for digit in range(10)}
_SUBSCRIPTS = re.compile("[\u2080-\u2089]+")
_TOOLTIP = re.compile(r"<title[^>]*>.*?</title>", re.DOTALL)

log = logging.getLogger(__name__)

PAGE_X_OF_Y = "第 <pdf:pagenumber/> 页　共 <pdf:pagecount/> 页"

_BASE_CSS = """
body { font-family: %(family)s; font-size: 9pt; line-height: 1.35; word-break: break-all; color: #1a1a1a; }
h1 { font-size: 15pt; text-align: center; margin: 0 0 6pt 0; font-weight: bold; }
h2 { font-size: 10.5pt; margin: 8pt 0 3pt 0; font-weight: bold; }
p { margin: 0 0 3pt 0; }
table.grid { width: 100%%; }
table.grid th, table.grid td { border: 0.5pt solid #333333; padding: 2pt 3pt; vertical-align: middle; }
table.grid th { font-weight: bold; text-align: center; }
.label { color: #5f6368; font-size: 8pt; }
.number { text-align: right; }
.center { text-align: center; }
.fine { font-size: 7pt; color: #5f6368; }
"""


def _font_css(fonts: FontFiles) -> str:
    """Faces of the family; italic falls on regular, for Chinese has none."""
    face = f"@font-face {{ font-family: {FAMILY}; %s src: url('%s'); }}\n"
    styles = (
        ("", fonts.regular),
        ("font-weight: bold;", fonts.bold),
        ("font-style: italic;", fonts.regular),
        ("font-weight: bold; font-style: italic;", fonts.bold),
    )
    return "".join(face % (style, path.resolve().as_posix()) for style, path in styles)


def _page_css(form: PaperForm) -> str:
    inner_height = form.height_mm - form.top_mm - form.bottom_mm
    frames = [
        f"@frame content {{ left: {form.side_mm}mm; top: {form.top_mm}mm; "
        f"width: {form.inner_width_mm}mm; height: {inner_height}mm; }}"
    ]
    if form.head_mm:
        frames.append(
            f"@frame head {{ -pdf-frame-content: page-head; left: {form.side_mm}mm; "
            f"top: {form.top_mm - form.head_mm - 2}mm; width: {form.inner_width_mm}mm; height: {form.head_mm}mm; }}"
        )
    if form.foot_mm:
        frames.append(
            f"@frame foot {{ -pdf-frame-content: page-foot; left: {form.side_mm}mm; "
            f"top: {form.height_mm - form.bottom_mm + 3}mm; "
            f"width: {form.inner_width_mm}mm; height: {form.foot_mm}mm; }}"
        )
    return f"@page {{ size: {form.width_mm}mm {form.height_mm}mm; margin: 0; {' '.join(frames)} }}"


def document(body: str, fonts: FontFiles, form: PaperForm, *, head: str = "", foot: str = "", css: str = "") -> str:
    """The whole HTML of a form: style, running head and foot, body."""
    parts = [f'<html><head><meta charset="utf-8"/><style>{_font_css(fonts)}{_page_css(form)}']
    parts.append(f"{_BASE_CSS % {'family': FAMILY}}{css}</style></head><body>")
    if form.head_mm:
        parts.append(f'<div id="page-head">{head}</div>')
    if form.foot_mm:
        parts.append(f'<div id="page-foot" class="fine center">{foot or PAGE_X_OF_Y}</div>')
    parts.append(f"{body}</body></html>")
    return "".join(parts)


def render_html_pdf(
    body: str,
    fonts: Path,
    form: PaperForm = A4,
    *,
    head: str = "",
    foot: str = "",
    css: str = "",
    strict: bool = False,
) -> bytes:
    """Render the HTML of a form to PDF. ``body``, ``head`` and ``foot`` are trusted markup from our templates with
    escaped values; nothing is fetched from the network and no file outside ``fonts`` is read, so images come as data
    URIs. ``strict`` (tests) turns any complaint of the renderer into ``PrintError``."""
    files = register_fonts(fonts)
    policy = ResourceAccessPolicy.server(base_dir=files.directory.resolve(), allow_remote=False)
    buffer = BytesIO()
    head, body, foot = (paper_text(markup) for markup in (head, body, foot))
    html = document(body, files, form, head=head, foot=foot, css=css)
    try:
        result = pisa.CreatePDF(html, dest=buffer, encoding="utf-8", resource_policy=policy)
    except Exception as error:  # a broken template must reach the user as a sentence, whatever the renderer raised
        log.exception("rendering a form failed")
        raise PrintError from error
    if result.err or (strict and result.warn):
        raise PrintError(details={"complaints": [str(entry[2]) for entry in result.log]})
    if result.warn:
        log.warning("a form was rendered with %d complaints", result.warn)
    return buffer.getvalue()


def paper_text(markup: str) -> str:
    """Markup with what the paper font lacks put in other words: subscript figures as ``<sub>``, check boxes
    (☐ ☑) as small drawings."""
    lowered = _SUBSCRIPTS.sub(lambda found: f"<sub>{found[0].translate(_PLAIN_SUBSCRIPTS)}</sub>", markup)
    return lowered.replace("☐", _check_box(False)).replace("☑", _check_box(True))


@lru_cache(maxsize=2)
def _check_box(ticked: bool) -> str:
    tick = '<path d="M2.2 5.2L4.2 7.4L8 2.6" fill="none" stroke="#1a1a1a" stroke-width="1.2"/>'
    drawing = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10" width="10" height="10">'
        '<rect x="0.5" y="0.5" width="9" height="9" fill="none" stroke="#1a1a1a" stroke-width="0.7"/>'
        f"{tick if ticked else ''}</svg>"
    )
    data = base64.b64encode(drawing.encode()).decode("ascii")
    return f'<img src="data:image/svg+xml;base64,{data}" width="8pt" height="8pt"/>'


def svg_image(svg: str, width_mm: float, height_mm: float) -> str:
    """An ``<img>`` with the SVG as data URI, its text set in faces registered for SVG alone (see ``fonts``).
    svglib looks weights up by itself and prints tooltips as text, so bold is a face and tooltips are left out."""
    faced = svg.replace("<svg ", f'<svg font-family="{SVG_FACE}" ', 1)
    faced = faced.replace('font-weight="700"', f'font-family="{SVG_FACE_BOLD}"')
    faced = _TOOLTIP.sub("", faced).translate(_PLAIN_SUBSCRIPTS)
    data = base64.b64encode(faced.encode()).decode("ascii")
    return f'<img src="data:image/svg+xml;base64,{data}" width="{width_mm}mm" height="{height_mm}mm"/>'
