"""Loading a document is the permission check; an archived one of others asks for a reason first."""

from flask import session

from app.core import audit
from app.core.db import db
from app.core.errors import InvalidInput, NotAllowed, NotFound
from app.core.permissions import Permission
from app.documents.models import Document
from blueprints.common.access import actor, may

_OPENED = "documents_opened"


class ReasonNeeded(NotAllowed):
    """An archived record of others: a reason has to be given first."""

    code = "reason_needed"

    def __init__(self, document: Document) -> None:
        self.document = document
        super().__init__("这份病历已归档且不是您的病例，查看前请填写理由。")


def load_document(document_id: int) -> Document:
    """The document. Raises `NotFound`, `ReasonNeeded`, or `NotAllowed` without the right to break the glass."""
    document = db.session.get(Document, document_id)
    if document is None:
        raise NotFound("没有这份文书。可能已被作废，请从病例的文书列表打开。")
    if document.state == "archived" and not is_own(document) and document.id not in session.get(_OPENED, []):
        if not may(Permission.BREAK_GLASS):
            raise NotAllowed("这份病历已归档且不是您的病例，您没有查看的权限。")
        raise ReasonNeeded(document)
    return document


def is_own(document: Document) -> bool:
    """Whether the user took part in the case, wrote or signed the document, or keeps the archive."""
    user = actor()
    if may(Permission.ARCHIVE_DOCUMENTS) or document.created_by == user.actor_id:
        return True
    if any(row.user_id == user.id for row in document.signatures):
        return True
    return any(a.staff_id is not None and a.staff_id == user.staff_id for a in document.case.assignments)


def break_glass(document_id: int, reason: str) -> Document:
    """Note the reason in the audit and open the record for the rest of this session."""
    document = db.session.get(Document, document_id)
    if document is None:
        raise NotFound("没有这份文书。")
    text = reason.strip()
    if len(text) < 4 or len(text) > 255:
        raise InvalidInput(fields={"reason": "请写明查看理由（4–255 字）"})
    audit.record(actor(), "documents.break_glass", f"document:{document.id}",
                 patient_id=document.case.patient_id, reason=text)  # fmt: skip
    session[_OPENED] = [*session.get(_OPENED, []), document.id][-200:]
    return document
