"""Archive, ask to reopen, amend by a new version. What was archived is never changed."""

import uuid
from collections.abc import Sequence

from sqlalchemy import select

from app.core import audit, clock
from app.core.audit import Actor
from app.core.db import db
from app.core.errors import Conflict, DomainError, Locked, NotAllowed
from app.documents.definition import Stage
from app.documents.models import Document, DocumentContent, ReopenRequest
from app.documents.rules.completeness import blocking, gaps, signature_gaps
from app.documents.service.common import (
    Incomplete,
    filled_of,
    require_current,
    require_reason,
    signed_of,
    subject,
    tell,
)
from app.documents.service.freezing import freeze


def archive_document(actor: Actor, document: Document) -> Document:
    """Lock a signed and complete document. Raises `Incomplete`."""
    require_current(document)
    if document.state == "archived":
        return document
    filled = filled_of(document)
    missing = blocking(gaps(filled, Stage.ARCHIVE))
    missing += signature_gaps(filled, {signature.slot for signature in signed_of(document)})
    if missing:
        raise Incomplete(document.title, missing)
    if document.state != "signed":
        raise Conflict("文书还没有签名，不能归档。")
    document.state, document.archived_at = "archived", clock.now()
    copy = freeze(actor, document, "archived")
    audit.record(actor, "documents.archive", subject(document), patient_id=document.case.patient_id,
                 after={"sha256": copy.sha256})  # fmt: skip
    tell(document)
    return document


def archive_documents(actor: Actor, documents: Sequence[Document]) -> tuple[list[Document], list[tuple[Document, str]]]:
    """Lock those of the documents that are complete; the others come back with the sentence why not."""
    done, refused = [], []
    for document in documents:
        try:
            done.append(archive_document(actor, document))
        except DomainError as error:
            refused.append((document, error.message))
    return done, refused


def request_reopen(actor: Actor, document: Document, reason: str) -> ReopenRequest:
    """Ask to write again on an archived document."""
    require_current(document)
    text = require_reason(reason)
    if document.state != "archived":
        raise Conflict("文书没有归档，不需要申请。")
    if db.session.scalar(
        select(ReopenRequest.id).where(ReopenRequest.document_id == document.id, ReopenRequest.state == "open")
    ):
        raise Conflict("已有一份待审批的申请。")
    row = ReopenRequest(document_id=document.id, reason=text, by=actor.actor_id, by_name=actor.actor_name)
    db.session.add(row)
    db.session.flush()
    audit.record(actor, "documents.request_reopen", subject(document), patient_id=document.case.patient_id, reason=text)
    tell(document)
    return row


def decide_reopen(actor: Actor, request: ReopenRequest, approve: bool, note: str = "") -> Document | None:
    """Approve (which begins a new version) or refuse a request. Nobody decides on his own request."""
    document = db.session.get_one(Document, request.document_id)
    if request.state != "open":
        raise Conflict("这份申请已经处理。")
    if request.by == actor.actor_id:
        raise NotAllowed("不能审批自己的申请。")
    request.state = "approved" if approve else "refused"
    request.decided_at, request.decided_by, request.decided_by_name = clock.now(), actor.actor_id, actor.actor_name
    request.note = note.strip()[:255]
    audit.record(actor, "documents.decide_reopen", subject(document), patient_id=document.case.patient_id,
                 after={"approved": approve}, reason=request.note or request.reason)  # fmt: skip
    tell(document)
    return _next_version(actor, document, request.reason) if approve else None


def amend_document(actor: Actor, document: Document, reason: str) -> Document:
    """Begin a new version of a signed document; the old one stays valid until the new one is signed."""
    require_current(document)
    text = require_reason(reason)
    if document.state == "archived":
        raise Locked("文书已归档，请先申请重新打开。")
    if document.state != "signed":
        raise Conflict("文书还没有签名，可以直接修改。")
    return _next_version(actor, document, text)


def _next_version(actor: Actor, document: Document, reason: str) -> Document:
    if db.session.scalar(select(Document.id).where(Document.previous_id == document.id, Document.struck_at.is_(None))):
        raise Conflict("已有正在修改的新版本，请打开它。")
    made = Document(
        uid=str(uuid.uuid4()),
        case=document.case,
        kind=document.kind,
        title=document.title,
        definition=document.definition,
        packages=list(document.packages),
        number=document.number,
        version_no=document.version_no + 1,
        previous_id=document.id,
        amend_reason=reason,
        created_by=actor.actor_id,
        created_by_name=actor.actor_name,
        patient_name=document.patient_name,
        content=DocumentContent(
            values=dict(document.content.values), meta=dict(document.content.meta), text=document.content.text
        ),
    )
    db.session.add(made)
    db.session.flush()
    audit.record(actor, "documents.amend", subject(made), patient_id=made.case.patient_id,
                 before={"document": document.id, "version": document.version_no},
                 after={"version": made.version_no}, reason=reason)  # fmt: skip
    tell(made)
    return made
