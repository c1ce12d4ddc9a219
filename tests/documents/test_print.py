"""Every kind on paper: its text is there, no complaint of the renderer, every glyph present, long tables flow."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from app.accounts.models import User
from app.anesthesia.models import AnesthesiaRecord, RecordSnapshot
from app.core.db import db
from app.core.errors import Conflict
from app.documents import ports, service
from app.documents.gather import gather
from app.documents.models import FrozenCopy
from app.documents.printset import SetCover, SetPart
from app.documents.queries.prints import LogQuery, print_log, prints_of
from app.documents.queries.sheets import sheet_of
from app.documents.registry import catalogue
from app.documents.service import archive_document
from app.documents.service.common import Incomplete
from app.documents.service.freezing import canonical_text, frozen_copy
from app.documents.service.paper import Readiness, check_of, paper_of
from app.documents.service.printing import print_document
from app.documents.sheet import Box, Part, Sheet, SignatureLine, sheet_from_json
from app.scheduling.models import SurgicalCase
from printing.documents import DocumentPrinter, joined, marks_of, page_count
from printing.fonts import missing_glyphs
from printing.lettering import BOXES
from tests.documents.helpers import sign_all, signed, write_all

_SCRIPT_FIGURES = "⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉"  # drawn raised or lowered
Case = Callable[..., SurgicalCase]


@pytest.fixture
def printer(paper_fonts: Path) -> DocumentPrinter:
    return DocumentPrinter(paper_fonts)


def text_of(pdf: bytes) -> str:
    return "".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).replace(" ", "").replace("\n", "")


def a_sheet(user: User, case: SurgicalCase, kind: str, **special: Any) -> Sheet:
    document = service.begin_document(user, case, kind, [])
    write_all(user, document, **special)
    return sheet_of(document, gather(case))


@pytest.mark.parametrize("kind", sorted(catalogue().kinds))
def test_every_kind_prints(kind: str, make_case: Case, users: dict[str, User], printer: DocumentPrinter) -> None:
    sheet = a_sheet(users["anesthesiologist"], make_case(), kind)
    pdf = printer(sheet)
    text = text_of(pdf)
    assert sheet.title in text
    assert "覃䶮㛃" in text
    assert "草稿" in text
    assert f"共{page_count(pdf)}页" in text
    for part in sheet.parts:
        assert part.title.replace(" ", "") in text
    for line in sheet.signatures:
        assert line.label in text
    plain = "".join(c for c in str(sheet) if c not in BOXES + _SCRIPT_FIGURES)
    assert missing_glyphs(plain, printer.fonts) == ""
    assert 1 <= page_count(pdf) <= 6


def test_long_tables_flow_over_pages_with_their_head(
    make_case: Case, users: dict[str, User], printer: DocumentPrinter
) -> None:
    rows = [{"name": f"药品{number}", "amount": number, "unit": "mg"} for number in range(1, 121)]
    pdf = printer(a_sheet(users["anesthesiologist"], make_case(), "anesthesia_record", drugs=rows))
    text = text_of(pdf)
    assert all(f"药品{number}" in text for number in (1, 60, 120))
    assert page_count(pdf) >= 4


def test_markup_in_a_value_stays_text(make_case: Case, users: dict[str, User], printer: DocumentPrinter) -> None:
    sheet = a_sheet(users["anesthesiologist"], make_case(), "preop_visit", heart="<b>律齐</b>&<script>")
    assert "<b>律齐</b>&<script>" in text_of(printer(sheet))


def test_several_documents_become_one_file(make_case: Case, users: dict[str, User], printer: DocumentPrinter) -> None:
    pdf = printer(a_sheet(users["anesthesiologist"], make_case(), "consultation"))
    assert page_count(joined([pdf, pdf])) == 2 * page_count(pdf)


def test_a_long_text_flows_over_pages_and_nothing_is_cut(
    make_case: Case, users: dict[str, User], printer: DocumentPrinter
) -> None:
    words = "，".join(f"第{number}句" for number in range(1, 300))
    sheet = a_sheet(users["anesthesiologist"], make_case(), "consultation")
    box = Box("会诊意见", words, span=24)
    pdf = printer(replace(sheet, parts=(Part("意见", (box, box)), *sheet.parts)))
    assert page_count(pdf) >= 2
    assert text_of(pdf).count("第299句") == 2
    assert "（续）" in text_of(pdf)


def test_the_same_sheet_gives_the_same_bytes(make_case: Case, users: dict[str, User], printer: DocumentPrinter) -> None:
    sheet = a_sheet(users["anesthesiologist"], make_case(), "preop_visit")
    assert printer(sheet) == printer(sheet)


def test_a_broken_picture_is_told_and_does_not_stop_the_paper(
    make_case: Case, users: dict[str, User], printer: DocumentPrinter
) -> None:
    sheet = a_sheet(users["anesthesiologist"], make_case(), "consultation")
    line = SignatureLine("患者", "张三", image="data:image/png;base64,AAAA")
    assert "图像无法读取" in text_of(printer(replace(sheet, signatures=(line,))))


def test_drafts_and_struck_versions_say_so(make_case: Case, users: dict[str, User]) -> None:
    sheet = a_sheet(users["anesthesiologist"], make_case(), "preop_visit")
    assert marks_of(sheet) == ["草稿　未签名"]
    assert marks_of(replace(sheet, state="signed")) == []
    assert marks_of(replace(sheet, state="signed", struck=True)) == ["本版已被新版本取代"]


def test_a_mark_lies_over_every_page_and_leaves_the_text(
    make_case: Case, users: dict[str, User], printer: DocumentPrinter
) -> None:
    pdf = printer(a_sheet(users["anesthesiologist"], make_case(), "preop_visit"))
    over = printer.mark(pdf, mark="重打　第 2 份", watermark="预览")
    assert page_count(over) == page_count(pdf) > 1
    for before, after in zip(PdfReader(io.BytesIO(pdf)).pages, PdfReader(io.BytesIO(over)).pages, strict=True):
        kept = after.extract_text()
        assert all(line in kept for line in before.extract_text().splitlines())
        assert "重打" in kept
        assert "预览" in kept


def test_a_set_is_numbered_across_behind_its_list(
    make_case: Case, users: dict[str, User], printer: DocumentPrinter
) -> None:
    pdf = printer(a_sheet(users["anesthesiologist"], make_case(), "preop_visit"))
    count = page_count(pdf)
    parts = [
        SetPart(pdf, (f"患者{number}", "术前访视"), "重打　第 2 份" if number == 2 else "") for number in range(90)
    ]
    made = printer.bind(SetCover("县医院", "全套", ("手术日期",), ("患者", "文书"), ("患者99：没有签名",)), parts)
    pages = [page.extract_text().replace("\n", "") for page in PdfReader(io.BytesIO(made.pdf)).pages]
    assert made.pages == (count,) * 90
    assert made.cover_pages > 1
    assert len(pages) == made.cover_pages + 90 * count
    for number, text in enumerate(pages, start=1):
        assert f"全套第 {number} 页　共 {len(pages)} 页" in text
    listing = "".join(pages[: made.cover_pages])
    assert all(f"患者{number}" in listing for number in range(90))
    assert "患者99：没有签名" in listing
    first = made.cover_pages + 1
    assert f"{first}–{first + count - 1}" in listing
    assert "重打" in pages[made.cover_pages + 2 * count]
    assert "重打" not in pages[made.cover_pages]


def test_a_signature_freezes_the_paper(make_case: Case, users: dict[str, User]) -> None:
    document = signed(users, make_case(), "anesthesia_consent")
    copy = db.session.query(FrozenCopy).filter_by(document_id=document.id).one()
    assert copy.pdf_sha256 == ports.sha256(copy.pdf)
    text = text_of(copy.pdf)
    assert "李明" in text
    assert copy.sha256[:8] in text


def test_a_signed_document_prints_as_it_was_signed(make_case: Case, users: dict[str, User]) -> None:
    case = make_case()
    document = signed(users, case, "anesthesia_consent")
    copy = frozen_copy(document)
    assert copy is not None
    case.patient.name = "改名之后"
    case.encounter.bed = "99"
    db.session.flush()
    assert paper_of(document).pdf == copy.pdf
    assert "改名之后" not in text_of(print_document(users["anesthesiologist"], document).pdf)
    archived = archive_document(users["anesthesiologist"], document)
    kept = frozen_copy(archived)
    assert kept is not None
    assert (kept.cause, kept.pdf, kept.sha256) == ("archived", copy.pdf, copy.sha256)
    assert "改名之后" not in canonical_text(document)


def test_a_copy_without_pages_is_drawn_from_the_frozen_words(make_case: Case, users: dict[str, User]) -> None:
    case = make_case()
    document = signed(users, case, "preop_visit")
    copy = frozen_copy(document)
    assert copy is not None
    copy.pdf = b""
    case.patient.name = "改名之后"
    db.session.flush()
    text = text_of(paper_of(document).pdf)
    assert "覃䶮㛃" in text
    assert "改名之后" not in text


def test_a_sheet_survives_the_canonical_json(make_case: Case, users: dict[str, User]) -> None:
    for kind in ("safety_check", "anesthesia_record", "anesthesia_consent"):
        sheet = a_sheet(users["anesthesiologist"], make_case(case_no=f"S-{kind}", number=len(kind)), kind)
        assert sheet_from_json(json.loads(json.dumps(sheet.to_json()))) == sheet


def test_reprints_are_counted_marked_and_logged(make_case: Case, users: dict[str, User]) -> None:
    user, document = users["anesthesiologist"], signed(users, make_case(), "anesthesia_consent")
    first, second = print_document(user, document), print_document(user, document)
    assert "重打" not in text_of(first.pdf)
    assert "重打　第2份" in text_of(second.pdf)
    entries = list(prints_of(document.id))
    assert [entry.copy_no for entry in entries] == [2, 1]
    assert entries[0].pages == page_count(second.pdf)
    assert [row[0].copy_no for row in print_log(LogQuery(text="P000001", kind="anesthesia_consent"))] == [2, 1]
    assert print_log(LogQuery(person="不存在")) == []


def test_an_incomplete_document_shows_its_list_and_prints_as_a_draft(make_case: Case, users: dict[str, User]) -> None:
    document = service.begin_document(users["anesthesiologist"], make_case(), "preop_visit", [])
    with pytest.raises(Incomplete) as refused:
        print_document(users["anesthesiologist"], document)
    assert refused.value.gaps
    assert prints_of(document.id) == []
    paper = print_document(users["anesthesiologist"], document, confirmed=True)
    assert paper.readiness is Readiness.DRAFT
    for page in PdfReader(io.BytesIO(paper.pdf)).pages:
        assert "草稿" in page.extract_text()


def test_a_complete_form_prints_for_the_signature_of_the_hand(make_case: Case, users: dict[str, User]) -> None:
    document = service.begin_document(users["anesthesiologist"], make_case(), "anesthesia_consent", [])
    write_all(users["anesthesiologist"], document)
    check = check_of(document)
    assert check.readiness is Readiness.FOR_SIGNATURE
    assert all("未签名" in gap.message for gap in check.gaps)
    text = text_of(print_document(users["anesthesiologist"], document, confirmed=True).pdf)
    assert "供签名用" in text
    assert "草稿" not in text


def test_the_signed_anesthesia_record_carries_its_frozen_chart(make_case: Case, users: dict[str, User]) -> None:
    case = make_case()
    record = AnesthesiaRecord(case_id=case.id, opened_at=case.planned_start, opened_by="test")
    db.session.add(record)
    db.session.flush()
    document = signed(users, case, "anesthesia_record")
    copy = frozen_copy(document)
    assert copy is not None
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(copy.pdf)).pages]
    assert any("麻醉记录单" in page for page in pages)
    snapshot = db.session.query(RecordSnapshot).filter_by(record_id=record.id).one()
    assert json.loads(copy.canonical)["chart"]["digest"] == snapshot.digest
    assert snapshot.copies == 0
    assert paper_of(document).pdf == copy.pdf


def test_without_fonts_nobody_signs(make_case: Case, users: dict[str, User], tmp_path: Path) -> None:
    document = service.begin_document(users["anesthesiologist"], make_case(), "anesthesia_consent", [])
    write_all(users["anesthesiologist"], document)
    ports.plug(DocumentPrinter(tmp_path))
    with pytest.raises(Conflict, match="打印字体尚未安装"):
        sign_all(users, document)
    assert document.state == "draft"
    assert db.session.query(FrozenCopy).count() == 0
    with pytest.raises(Conflict, match="打印字体"):
        paper_of(document)
