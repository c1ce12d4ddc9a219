"""Loading a document is the permission check; one of a case that is over and was not one's own asks for a reason."""

from datetime import timedelta

from flask import session

from app.core import audit, clock
from app.core.db import db
from app.core.errors import InvalidInput, NotAllowed, NotFound
from app.core.permissions import Permission
from app.documents.models import Document
from blueprints.common.access import actor, may

OPENED = "documents_opened"


class ReasonNeeded(NotAllowed):
    """A record of others: a reason has to be given first."""

    code = "reason_needed"

    def __init__(self, document: Document) -> None:
        self.document = document
        super().__init__("这不是您的病例，查看前请填写理由。")


def load_document(document_id: int) -> Document:
    """The document. Raises `NotFound`, `ReasonNeeded`, or `NotAllowed` without the right to break the glass."""
    document = db.session.get(Document, document_id)
    if document is None:
        raise NotFound("没有这份文书。可能已被作废，请从病例的文书列表打开。")
    if not is_open(document):
        _require_right(document)
        raise ReasonNeeded(document)
    return document


def _require_right(document: Document) -> None:
    """An archived record of others needs a right of its own; any other only a reason."""
    if document.state == "archived" and not may(Permission.BREAK_GLASS):
        raise NotAllowed("这份病历已归档且不是您的病例，您没有查看的权限。")


def is_closed(document: Document) -> bool:
    """Whether the record is no longer work in hand: archived, its case is over, or its day is past.

    While a case runs the whole department works on it; a colleague who takes over must not be kept at the door.
    """
    case = document.case
    past = case.day is not None and case.day < clock.today() - timedelta(days=1)
    return document.state == "archived" or case.state.is_over or past


def is_own(document: Document) -> bool:
    """Whether the user took part in the case, wrote or signed the document, or keeps the archive."""
    user = actor()
    if may(Permission.ARCHIVE_DOCUMENTS) or document.created_by == user.actor_id:
        return True
    if any(row.user_id == user.id for row in document.signatures):
        return True
    return any(a.staff_id is not None and a.staff_id == user.staff_id for a in document.case.assignments)


def is_open(document: Document) -> bool:
    """Whether it needs no reason: work in hand, one's own record, or opened with a reason before."""
    return not is_closed(document) or is_own(document) or document.id in session.get(OPENED, [])


def break_glass(document_id: int, reason: str) -> Document:
    """Note the reason in the audit and open the record for the rest of this session."""
    document = db.session.get(Document, document_id)
    if document is None:
        raise NotFound("没有这份文书。")
    _require_right(document)
    text = reason.strip()
    if len(text) < 4 or len(text) > 255:
        raise InvalidInput(fields={"reason": "请写明查看理由（4–255 字）"})
    audit.record(actor(), "documents.break_glass", f"document:{document.id}",
                 patient_id=document.case.patient_id, reason=text)  # fmt: skip
    session[OPENED] = [*session.get(OPENED, []), document.id][-200:]
    return document
