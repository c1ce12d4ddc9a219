"""The anesthesia record on paper: complete, embedded, the same again."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader
from pypdf.generic import DictionaryObject

from app.charting.record import (
    Bolus,
    Correction,
    DrugLane,
    HeaderField,
    NumberedEvent,
    RecordAppendix,
    RecordHeader,
    RecordSheet,
    RecordView,
    Signature,
    TotalItem,
)
from app.charting.snapshot import digest, dump_sheet, load_sheet
from printing.anesthesia_record import render_record_pdf
from tests.charting.samples import START, after, record
from tests.printing.samples import RARE_NAME, appendix, header, stamp


def pages_of(pdf: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(BytesIO(pdf)).pages]


def squeezed(text: str) -> str:
    """Text without the spaces and line ends that extraction puts between runs."""
    return re.sub(r"\s+", "", text)


def font_files(pdf: bytes) -> dict[str, bool]:
    """Base font name → whether its program is embedded."""
    found = {}
    for page in PdfReader(BytesIO(pdf)).pages:
        for reference in page["/Resources"]["/Font"].values():  # type: ignore[index]
            font = reference.get_object()
            descriptor = font.get("/FontDescriptor", DictionaryObject()).get_object()
            found[str(font["/BaseFont"])] = "/FontFile2" in descriptor
    return found


def test_a_four_hour_case_is_one_complete_page(fonts: Path) -> None:
    pdf = render_record_pdf(record(), header(), appendix(), stamp(), fonts)
    (page,) = pages_of(pdf)
    words = squeezed(page)
    for item in (
        "青河县人民医院",
        "麻醉记录单",
        "张建国",
        "腹腔镜辅助远端胃癌根治术（D2）",
        "µg/kg/min",
        "未停",
        "入室08:02",
        "用药合计",
        "合计1800mL",
        "①08:22丙泊酚追加",
        "诱导时血压稳定，追加30mg后插管顺利。",
        "60mmHg→96mmHg",
        "理由：袖带受压误测",
        "PCA配方",
        "李慧",
        "第1页共1页",
        "快照3修改1次",
        "打印时间2026-11-2214:03",
    ):
        assert item in words, item
    assert "重打" not in words
    assert len(pdf) < 200_000


def test_only_embedded_fonts(fonts: Path) -> None:
    found = font_files(render_record_pdf(record(), header(RARE_NAME), appendix(), stamp(), fonts))
    assert found
    assert all(found.values()), found
    assert all("NotoSansSC" in name for name in found)


def test_a_rare_name_is_on_every_page(fonts: Path) -> None:
    pages = pages_of(render_record_pdf(record(560), header(RARE_NAME), appendix(), stamp(), fonts))
    assert len(pages) == 3
    assert all(RARE_NAME in squeezed(page) for page in pages)
    for number, page in enumerate(pages, start=1):
        assert f"第{number}页共3页" in squeezed(page)
    assert all("麻醉记录单（续）" in squeezed(page) for page in pages[1:])
    assert "(续)丙泊酚4.5mg/kg/h" in squeezed(pages[1])


def test_long_values_grow_and_are_never_cut(fonts: Path) -> None:
    long = "腹腔镜辅助全胃切除、脾切除、胰体尾切除、空肠造瘘、腹腔热灌注管置入术" * 6
    pdf = render_record_pdf(record(), header(RARE_NAME * 5, long), appendix(), stamp(), fonts)
    words = squeezed("".join(pages_of(pdf)))
    assert RARE_NAME * 5 in words
    # the two columns interleave line by line, so the words are counted instead of matched as one run
    assert words.count("腹腔热灌注管置入术") + words.count("管置入术") >= 12


def test_two_hundred_drugs(fonts: Path) -> None:
    lanes = tuple(
        DrugLane(f"n{index}", f"药物第{index}号", "mg", (Bolus(after(index), Decimal(1), "mg", "iv"),))
        for index in range(200)
    )
    totals = tuple(TotalItem(f"药物第{index}号", "1 mg") for index in range(200))
    paper = replace(appendix(), drug_totals=totals)
    pages = pages_of(render_record_pdf(replace(record(), drugs=lanes), header(), paper, stamp(), fonts))
    words = squeezed("".join(pages))
    for index in range(200):
        assert words.count(f"药物第{index}号") == 2, index
    assert "用药合计（续）" in words


def test_a_day_long_night_case(fonts: Path) -> None:
    start = START.replace(hour=14)
    pages = pages_of(render_record_pdf(record(1430, start=start), header(), appendix(), stamp(), fonts))
    assert len(pages) in (6, 7)
    assert any("11-23 00:00" in page for page in pages)


def test_an_empty_case_is_a_form_to_write_on(fonts: Path) -> None:
    view = RecordView(case_id="c", origin=START, now=START)
    (page,) = pages_of(render_record_pdf(view, RecordHeader("青河县人民医院", ()), RecordAppendix(), stamp(), fonts))
    assert "麻醉记录单" in page
    assert "08:00" in page


def test_many_remarks_corrections_and_signatures_flow_on(fonts: Path) -> None:
    events = tuple(
        NumberedEvent(index, after(index), f"事件{index}号", "处理经过及疗效说明，" * 9) for index in range(1, 61)
    )
    corrections = tuple(
        Correction(index, after(index), "收缩压", "60", "96", f"理由第{index}条", "李慧", after(index))
        for index in range(1, 41)
    )
    signatures = tuple(Signature(f"角色{index}", "李慧", after(index)) for index in range(9))
    paper = RecordAppendix(corrections=corrections, signatures=signatures)
    pdf = render_record_pdf(replace(record(), events=events), header(), paper, stamp(), fonts)
    words = squeezed("".join(pages_of(pdf)))
    assert all(f"事件{index}号" in words for index in range(1, 61))
    assert all(f"理由第{index}条" in words for index in range(1, 41))
    assert all(f"角色{index}" in words for index in range(9))
    assert "附注（续）" in words


def test_one_endless_remark_does_not_hang_the_press(fonts: Path) -> None:
    event = NumberedEvent(1, after(5), "抢救", "胸外按压，肾上腺素 1 mg 静脉注射。" * 400)
    pdf = render_record_pdf(replace(record(), events=(event,)), header(), appendix(), stamp(), fonts)
    words = squeezed("".join(pages_of(pdf)))
    assert words.count("胸外按压") >= 395


def test_a_reprint_is_the_same_record(fonts: Path) -> None:
    sheet = RecordSheet(record(), header(), appendix())
    first = render_record_pdf(sheet.view, sheet.header, sheet.appendix, stamp(), fonts)
    again = render_record_pdf(sheet.view, sheet.header, sheet.appendix, stamp(), fonts)
    assert sha256(first).digest() == sha256(again).digest()
    frozen = load_sheet(dump_sheet(sheet))
    later = stamp(copy_no=2, printed_at=stamp().printed_at + timedelta(days=2))
    reprint = pages_of(render_record_pdf(frozen.view, frozen.header, frozen.appendix, later, fonts))[0]
    assert f"校验{digest(sheet)[:8]}" in squeezed(reprint)
    assert "重打（第2次）" in squeezed(reprint)


def test_prints_at_the_same_time_do_not_mix(fonts: Path) -> None:
    names = ["张建国", RARE_NAME, "欧阳明月", "买买提"]
    alone = [render_record_pdf(record(), header(name), appendix(), stamp(), fonts) for name in names]
    with ThreadPoolExecutor(4) as pool:
        together = list(
            pool.map(lambda name: render_record_pdf(record(), header(name), appendix(), stamp(), fonts), names)
        )
    assert together == alone


def test_a_given_digest_is_printed_as_given(fonts: Path) -> None:
    pdf = render_record_pdf(record(), header(), appendix(), stamp(digest="0badc0de" + "0" * 56), fonts)
    assert "校验0badc0de" in squeezed(pages_of(pdf)[0])


def test_a_draft_says_so(fonts: Path) -> None:
    pdf = render_record_pdf(record(), header(), appendix(), stamp(watermark="草稿"), fonts)
    assert "草稿" in squeezed(pages_of(pdf)[0])


@pytest.mark.parametrize("span", [0, 24, 99])
def test_odd_spans_of_fields_are_tolerated(fonts: Path, span: int) -> None:
    head = RecordHeader("青河县人民医院", (HeaderField("姓名", "张建国", span), HeaderField("性别", "男", 3)))
    (page,) = pages_of(render_record_pdf(record(), head, RecordAppendix(), stamp(), fonts))
    assert "张建国" in squeezed(page)
