"""Forms from HTML: Chinese wraps, pages are counted, nothing outside is read."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader

from app.charting.layout import layout
from app.charting.svg import to_svg
from printing.errors import PrintError
from printing.fonts import register_fonts
from printing.render import render_html_pdf, svg_image
from printing.sizes import A4, A4_WITH_HEAD, WRISTBAND
from tests.charting.samples import record
from tests.printing.samples import RARE_NAME
from tests.printing.test_record_pdf import font_files, squeezed


def text_of(pdf: bytes) -> list[str]:
    return [squeezed(page.extract_text()) for page in PdfReader(BytesIO(pdf)).pages]


def rows(count: int) -> str:
    return "".join(
        f"<tr><td width='12%'>{index}</td><td>第{index}号药 {RARE_NAME} 50 µg</td></tr>" for index in range(count)
    )


def test_a_long_form_counts_its_pages_and_repeats_its_head(fonts: Path) -> None:
    table = f"<table class='grid' repeat='1'><tr><th>序</th><th>药品名称</th></tr>{rows(200)}</table>"
    body = f"<h1>用药清单</h1>{table}"
    pages = text_of(render_html_pdf(body, fonts, A4_WITH_HEAD, head="青河县人民医院", strict=True))
    assert len(pages) > 3
    for number, page in enumerate(pages, start=1):
        assert f"第{number}页" in page
        assert f"共{len(pages)}页" in page
        assert "青河县人民医院" in page
        assert "药品名称" in page
    whole = "".join(pages)
    assert all(f"第{index}号药{RARE_NAME}50µg" in whole for index in range(200))


def test_forms_embed_their_fonts(fonts: Path) -> None:
    found = font_files(render_html_pdf(f"<p>{RARE_NAME} <b>粗</b> <i>斜</i></p>", fonts, strict=True))
    assert len(found) >= 2
    assert all(found.values()), found


def test_chinese_does_not_run_off_the_page(fonts: Path) -> None:
    pdf = render_html_pdf(f"<p>{'麻醉前访视与评估记录。' * 30}</p>", fonts, strict=True)
    positions: list[float] = []
    page = PdfReader(BytesIO(pdf)).pages[0]
    page.extract_text(visitor_text=lambda text, cm, tm, *_: positions.append(tm[5]) if text.strip() else None)
    assert len({round(place) for place in positions}) > 4


def test_subscripts_and_check_boxes(fonts: Path) -> None:
    pdf = render_html_pdf("<p>☑ 是 ☐ 否 SpO₂ EtCO₂</p>", fonts, strict=True)
    words = text_of(pdf)[0]
    assert "SpO2" in words
    assert "☑" not in words
    assert "₂" not in words


def test_a_chart_in_a_form_does_not_take_over_the_font(fonts: Path) -> None:
    chart = svg_image(to_svg(layout(record())), 180, 140)
    pdf = render_html_pdf(f"{chart}<p>后文 {RARE_NAME}</p>", fonts, strict=True)
    words = text_of(pdf)[0]
    assert RARE_NAME in words
    assert "瑞芬太尼" in words
    assert not any("DejaVu" in name for name in font_files(pdf))


@pytest.mark.parametrize("source", ["/etc/hostname", "http://127.0.0.1:9/x.png", "file:///etc/hostname"])
def test_resources_outside_are_refused(fonts: Path, source: str) -> None:
    with pytest.raises(PrintError):
        render_html_pdf(f"<p>甲</p><img src='{source}'/>", fonts, strict=True)


def test_a_wristband_has_its_own_size(fonts: Path) -> None:
    pdf = render_html_pdf(f"<p>{RARE_NAME}</p>", fonts, WRISTBAND, strict=True)
    box = PdfReader(BytesIO(pdf)).pages[0].mediabox
    assert float(box.width) == pytest.approx(250 * 72 / 25.4, abs=0.5)
    assert float(box.height) == pytest.approx(25 * 72 / 25.4, abs=0.5)


def test_registering_twice_is_harmless(fonts: Path) -> None:
    assert register_fonts(fonts) == register_fonts(fonts)
    assert len(text_of(render_html_pdf("<p>好</p>", fonts, A4, strict=True))) == 1
