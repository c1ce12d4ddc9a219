"""How fast a record is drawn, against the ways it would be drawn without care, in the same run.

Run: python -m benchmarks.chart_render [--instance instance]

* SVG: an 8 h case by merged paths and shared symbols, against one element with its own attributes a point.
* PDF: a 4 h case drawn directly, against the same chart and fields through the HTML renderer.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from html import escape
from pathlib import Path
from statistics import median
from time import perf_counter

from app.charting.layout import layout
from app.charting.palette import paint
from app.charting.primitives import Band, Chart, Glyphs, Line, Polyline, Rect, Text
from app.charting.svg import symbol_path, to_svg
from app.charting.symbols import DRAWINGS
from printing.anesthesia_record import render_record_pdf
from printing.fonts import ensure_fonts
from printing.render import render_html_pdf, svg_image
from tests.charting.samples import record
from tests.printing.samples import appendix, header, stamp


def timed(action: Callable[[], object], rounds: int) -> tuple[float, object]:
    """Median milliseconds over ``rounds`` after one warm-up, and the last result."""
    result = action()
    times = []
    for _ in range(rounds):
        began = perf_counter()
        result = action()
        times.append((perf_counter() - began) * 1000)
    return median(times), result


def naive_svg(chart: Chart) -> str:
    """The same picture with an element and a full set of attributes for every point, line and word."""
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {chart.width} {chart.height}">']
    for shape in chart.layered():
        look = paint(shape.role)
        attributes = f'fill="{look.fill}" stroke="{look.stroke}" stroke-width="{look.width}"'
        match shape:
            case Line(_, x1, y1, x2, y2):
                parts.append(f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" {attributes}/>')
            case Rect(_, x, y, width, height) | Band(_, x, y, width, height):
                parts.append(f'<rect x="{x}" y="{y}" width="{width}" height="{height}" {attributes}/>')
            case Polyline(_, points):
                places = " ".join(f"{x},{y}" for x, y in points)
                parts.append(f'<polyline points="{places}" {attributes}/>')
            case Glyphs(_, symbol, size, points):
                for x, y in points:
                    path = symbol_path(DRAWINGS[symbol], size)
                    parts.append(f'<path d="M{x} {y}{path}" {attributes}/>')
            case Text(_, x, y, text, size, anchor):
                place = f'x="{x}" y="{y}" font-size="{size}" text-anchor="{anchor}"'
                parts.append(f"<text {place} {attributes}>{escape(text)}</text>")
    return "".join(parts) + "</svg>"


def html_record(fonts: Path) -> bytes:
    """The sheet through the HTML renderer: fields as a table, the chart as an image."""
    cells = "".join(f"<tr><td>{escape(f.label)}</td><td>{escape(f.value)}</td></tr>" for f in header().fields)
    chart = svg_image(to_svg(layout(record(225))), 180, 140)
    body = f"<h1>麻醉记录单</h1><table class='grid'>{cells}</table>{chart}"
    return render_html_pdf(body, fonts)


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--instance", type=Path, default=Path("instance"))
    fonts = ensure_fonts(parser.parse_args().instance / "fonts", print).directory
    eight = record(480, live=True)
    chart = layout(eight)
    rows: list[tuple[str, float, object]] = [
        ("8 h 排版 layout", *timed(lambda: layout(eight), 20)),
        ("8 h SVG 合并路径 merged", *timed(lambda: to_svg(chart), 20)),
        ("8 h SVG 逐点元素 naive", *timed(lambda: naive_svg(chart), 20)),
        ("8 h SVG 排版 + 输出 whole", *timed(lambda: to_svg(layout(eight)), 20)),
        (
            "4 h PDF 直接绘制 direct",
            *timed(lambda: render_record_pdf(record(225), header(), appendix(), stamp(), fonts), 5),
        ),
        ("4 h PDF 经 HTML xhtml2pdf", *timed(lambda: html_record(fonts), 3)),
        (
            "24 h PDF 直接绘制 direct",
            *timed(lambda: render_record_pdf(record(1430), header(), appendix(), stamp(), fonts), 3),
        ),
    ]
    print(f"{'':34}{'ms':>9}{'kB':>9}")
    for name, milliseconds, result in rows:
        size = len(result.encode() if isinstance(result, str) else result) if isinstance(result, str | bytes) else 0
        print(f"{name:34}{milliseconds:9.1f}{size / 1000 if size else float('nan'):9.1f}")


if __name__ == "__main__":
    main()
