"""The paper of a document: its frozen copy once it is signed, else drawn now and marked as what it is."""

import json
from dataclasses import dataclass
from enum import StrEnum

from app.anesthesia.queries import record_of_case, record_sheet
from app.charting.record import PrintStamp
from app.core import clock
from app.documents import ports
from app.documents.definition import Stage
from app.documents.facts import CaseFacts
from app.documents.gather import gather
from app.documents.models import Document
from app.documents.ports import ChartPages
from app.documents.queries.sheets import hospital_name, sheet_of
from app.documents.rules.completeness import Gap, blocking, gaps, signature_gaps
from app.documents.service.common import filled_of, valid_signatures
from app.documents.service.freezing import chart_pages, frozen_copy
from app.documents.sheet import sheet_from_json

DRAFT = "草稿"
FOR_SIGNATURE = "供签名用　尚未签名"


class Readiness(StrEnum):
    """What a document may print as: the signed paper, a form to be signed by hand, or a draft."""

    FINAL = "final"
    FOR_SIGNATURE = "for_signature"
    DRAFT = "draft"


READINESS_LABELS = {
    Readiness.FINAL: "正式",
    Readiness.FOR_SIGNATURE: "内容完整，待签名",
    Readiness.DRAFT: "未完成，只能打印草稿",
}


@dataclass(frozen=True, slots=True)
class Check:
    """The verdict before a print with everything that is missing."""

    readiness: Readiness
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True)
class Paper:
    """A printed document before it is counted."""

    pdf: bytes
    readiness: Readiness


def check_of(document: Document, facts: CaseFacts | None = None) -> Check:
    """Completeness before a print. A signed document is what was signed; nothing live is asked of it."""
    if document.state in ("signed", "archived"):
        return Check(Readiness.FINAL)
    filled = filled_of(document, facts)
    missing = blocking(gaps(filled, Stage.SIGN))
    unsigned = signature_gaps(filled, {row.slot for row in valid_signatures(document)})
    readiness = Readiness.DRAFT if missing else Readiness.FOR_SIGNATURE
    return Check(readiness, (*missing, *blocking(unsigned)))


def paper_of(
    document: Document,
    facts: CaseFacts | None = None,
    *,
    mark: str = "",
    watermark: str = "",
    check: Check | None = None,
) -> Paper:
    """The paper with a mark at the head and a watermark of the caller. Raises `Conflict` without fonts.

    Signed: the frozen pages themselves. Otherwise drawn from the case as it is, marked 草稿 or 供签名用.
    """
    copy = frozen_copy(document)
    if copy is not None:
        struck = "本版已被新版本取代" if document.struck_at is not None else ""
        over = "　".join(filter(None, (struck, mark)))
        return Paper(ports.renderer().mark(copy.pdf or _redrawn(copy.canonical), mark=over, watermark=watermark),
                     Readiness.FINAL)  # fmt: skip
    facts = facts or gather(document.case)
    verdict = check or check_of(document, facts)
    words = f"{DRAFT}　未签名" if verdict.readiness is Readiness.DRAFT else FOR_SIGNATURE
    watermark = watermark or (DRAFT if verdict.readiness is Readiness.DRAFT else "")
    sheet = sheet_of(document, facts)
    chart = _live_chart(document, watermark) if sheet.chart_case_id is not None else None
    pdf = ports.renderer()(sheet, mark="　".join(filter(None, (mark, words))), watermark=watermark, chart=chart)
    return Paper(pdf, verdict.readiness)


def _redrawn(canonical: str) -> bytes:
    """Paper of the frozen words, for a copy that was kept without pages."""
    content = json.loads(canonical)
    return ports.renderer()(sheet_from_json(content["sheet"]), chart=chart_pages(content.get("chart")))


def _live_chart(document: Document, watermark: str) -> ChartPages | None:
    record = record_of_case(document.case_id)
    if record is None:
        return None
    finished = record.finished_at if record.state != "open" else None
    stamp = PrintStamp(printed_at=clock.now(), snapshot_no=0, amendments=record.amendments, watermark=watermark)
    return record_sheet(document.case_id, hospital_name(), finished), stamp
