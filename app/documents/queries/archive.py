"""For those who keep the archive: what waits to be archived, requests to reopen, the versions of a document."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from app.core.db import db
from app.documents.definition import Stage
from app.documents.facts import CaseFacts
from app.documents.gather import gather
from app.documents.models import Document, ReopenRequest
from app.documents.queries.sets import in_order
from app.documents.rules.completeness import Gap, blocking, gaps, signature_gaps
from app.documents.service.common import filled_of, signed_of
from app.scheduling.models import SurgicalCase

MAX_ROWS = 300
_DECIDED = 20


@dataclass(frozen=True, slots=True)
class ArchiveRow:
    """A signed document with what still keeps it from the archive."""

    document: Document
    gaps: tuple[Gap, ...]


def to_archive(since: date, until: date) -> list[ArchiveRow]:
    """Signed documents of the cases of these days, in the order of the record."""
    statement = (
        select(Document)
        .join(SurgicalCase, Document.case_id == SurgicalCase.id)
        .where(Document.state == "signed", Document.struck_at.is_(None), SurgicalCase.day.between(since, until))
        .order_by(SurgicalCase.day, Document.id)
        .limit(MAX_ROWS)
    )
    facts: dict[int, CaseFacts] = {}
    rows = []
    for document in in_order(db.session.scalars(statement)):
        if document.case_id not in facts:
            facts[document.case_id] = gather(document.case)
        rows.append(ArchiveRow(document, tuple(archive_gaps(document, facts[document.case_id]))))
    return rows


def archive_gaps(document: Document, facts: CaseFacts | None = None) -> list[Gap]:
    """What keeps a document from the archive."""
    filled = filled_of(document, facts)
    done = {signature.slot for signature in signed_of(document)}
    return [*blocking(gaps(filled, Stage.ARCHIVE)), *signature_gaps(filled, done)]


def reopen_requests(*, is_open: bool) -> Sequence[tuple[ReopenRequest, Document]]:
    """Requests that wait for a decision, the oldest first; or those decided last."""
    statement = select(ReopenRequest, Document).join(Document, Document.id == ReopenRequest.document_id)
    if is_open:
        statement = statement.where(ReopenRequest.state == "open").order_by(ReopenRequest.id)
    else:
        statement = statement.where(ReopenRequest.state != "open").order_by(ReopenRequest.decided_at.desc())
        statement = statement.limit(_DECIDED)
    return [(row[0], row[1]) for row in db.session.execute(statement)]


def last_request(document: Document) -> ReopenRequest | None:
    """The latest request to reopen a document, so that who asked sees what became of it."""
    statement = select(ReopenRequest).where(ReopenRequest.document_id == document.id)
    return db.session.scalar(statement.order_by(ReopenRequest.id.desc()).limit(1))


def versions_of(document: Document) -> Sequence[Document]:
    """Every version of the document in its order; a discarded draft is none."""
    statement = select(Document).where(
        Document.case_id == document.case_id,
        Document.kind == document.kind,
        Document.number == document.number,
        Document.version_no > 0,
    )
    return list(db.session.scalars(statement.order_by(Document.version_no)))
