"""Every kind on paper: its text is there, no complaint of the renderer, every glyph present, long tables flow."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from app.accounts.models import User
from app.core.db import db
from app.core.errors import Conflict
from app.documents import ports, service
from app.documents.gather import gather
from app.documents.models import FrozenCopy
from app.documents.queries.sheets import sheet_of
from app.documents.registry import catalogue
from app.documents.sheet import Sheet
from app.scheduling.models import SurgicalCase
from printing.documents import DocumentPrinter, body_html, joined, page_count
from printing.fonts import ensure_fonts, missing_glyphs
from tests.documents.helpers import signed, write_all

FONTS = Path(__file__).parents[2] / "instance" / "fonts"
Case = Callable[..., SurgicalCase]


@pytest.fixture(scope="module")
def printer() -> DocumentPrinter:
    return DocumentPrinter(ensure_fonts(FONTS).directory, strict=True)


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
    plain = "".join(c for c in body_html(sheet) if c not in "☐☑")
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


def test_reprints_and_struck_versions_say_so(make_case: Case, users: dict[str, User]) -> None:
    sheet = a_sheet(users["anesthesiologist"], make_case(), "preop_visit")
    assert "重打 第 2 份" in body_html(sheet, copy_no=2)
    assert "预览" in body_html(sheet, watermark="预览")


def test_several_documents_become_one_file(make_case: Case, users: dict[str, User], printer: DocumentPrinter) -> None:
    pdf = printer(a_sheet(users["anesthesiologist"], make_case(), "consultation"))
    assert page_count(joined([pdf, pdf])) == 2 * page_count(pdf)


@pytest.fixture
def plugged(app: Any, printer: DocumentPrinter) -> Iterator[None]:
    ports.plug(printer)
    yield
    ports.plug(None)


def test_a_signature_freezes_the_paper(plugged: None, make_case: Case, users: dict[str, User]) -> None:
    document = signed(users, make_case(), "anesthesia_consent")
    copy = db.session.query(FrozenCopy).filter_by(document_id=document.id).one()
    assert copy.pdf_sha256 == ports.sha256(copy.pdf)
    text = text_of(copy.pdf)
    assert "李明" in text
    assert copy.sha256[:8] in text


def test_without_fonts_printing_says_why(make_case: Case, users: dict[str, User]) -> None:
    ports.plug(None)
    with pytest.raises(Conflict, match="打印字体"):
        ports.render(a_sheet(users["anesthesiologist"], make_case(), "consultation"))
