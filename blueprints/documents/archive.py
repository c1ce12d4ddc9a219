"""Routes of archiving, new versions, requests to reopen, sealing."""

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from app.core import unit_of_work
from app.core.db import db
from app.core.errors import InvalidInput, NotFound
from app.core.permissions import Permission
from app.documents import service
from app.documents.models import Document, ReopenRequest, Seal, SealedCopy
from app.documents.service.sealing import SIDES, Party, seal_faults
from app.scheduling.models import SurgicalCase
from blueprints.common.access import actor, needs
from blueprints.common.fragments import go
from blueprints.common.fragments import page as render
from blueprints.common.guards import load_case
from blueprints.documents.guards import load_document
from blueprints.documents.routes import blueprint

P = Permission


def _form(document_id: int) -> ResponseReturnValue:
    return go(url_for("documents.form_page", document_id=document_id))


@blueprint.post("/documents/<int:document_id>/archive")
@needs(P.ARCHIVE_DOCUMENTS)
def archive(document_id: int) -> ResponseReturnValue:
    """Lock a signed document."""
    return _form(service.archive_document(actor(), load_document(document_id)).id)


@blueprint.post("/documents/<int:document_id>/submit")
@needs(P.WRITE_DOCUMENTS)
def submit(document_id: int) -> ResponseReturnValue:
    """Tell that writing is done."""
    return _form(service.submit_document(actor(), load_document(document_id)).id)


@blueprint.post("/documents/<int:document_id>/amend")
@needs(P.WRITE_DOCUMENTS)
def amend(document_id: int) -> ResponseReturnValue:
    """Begin a new version with a reason."""
    return _form(service.amend_document(actor(), load_document(document_id), request.form.get("reason", "")).id)


@blueprint.post("/documents/<int:document_id>/discard")
@needs(P.WRITE_DOCUMENTS)
def discard(document_id: int) -> ResponseReturnValue:
    """Strike a draft that was begun by mistake."""
    document = load_document(document_id)
    service.discard_draft(actor(), document, request.form.get("reason", ""))
    return go(url_for("documents.case_page", case_id=document.case_id))


@blueprint.post("/documents/<int:document_id>/reopen")
@needs(P.WRITE_DOCUMENTS)
def ask_reopen(document_id: int) -> ResponseReturnValue:
    """Ask to write again on an archived document."""
    service.request_reopen(actor(), load_document(document_id), request.form.get("reason", ""))
    return _form(document_id)


@blueprint.get("/documents/requests")
@needs(P.ARCHIVE_DOCUMENTS)
def requests_page() -> ResponseReturnValue:
    """Open requests to reopen."""
    statement = (
        select(ReopenRequest, Document)
        .join(Document, Document.id == ReopenRequest.document_id)
        .where(ReopenRequest.state == "open")
        .order_by(ReopenRequest.id)
    )
    return render("documents/requests.html", rows=[tuple(row) for row in db.session.execute(statement)])


@blueprint.post("/documents/requests/<int:request_id>")
@needs(P.ARCHIVE_DOCUMENTS)
def decide(request_id: int) -> ResponseReturnValue:
    """Approve or refuse a request."""
    row = db.session.get(ReopenRequest, request_id)
    if row is None:
        raise NotFound("没有这份申请。")
    service.decide_reopen(actor(), row, request.form.get("decision") == "approve", request.form.get("note", ""))
    return go(url_for("documents.requests_page"))


@blueprint.get("/documents/case/<int:case_id>/seals")
@needs(P.SEAL_DOCUMENTS)
def seals_page(case_id: int) -> ResponseReturnValue:
    """The seals of a case, and the form of a new one."""
    return _seals(load_case(case_id))


def _seals(case: SurgicalCase, message: str = "") -> str:
    seals = list(db.session.scalars(select(Seal).where(Seal.case_id == case.id).order_by(Seal.id)))
    documents = list(
        db.session.scalars(select(Document).where(Document.case_id == case.id, Document.struck_at.is_(None)))
    )
    faults = {seal.id: seal_faults(seal) for seal in seals}
    return render("documents/seals.html", case=case, seals=seals, documents=documents, faults=faults, sides=SIDES,
                  message=message)  # fmt: skip


@blueprint.post("/documents/case/<int:case_id>/seals")
@needs(P.SEAL_DOCUMENTS)
def seal(case_id: int) -> ResponseReturnValue:
    """Seal copies before both parties."""
    case = load_case(case_id)
    wanted = {int(text) for text in request.form.getlist("document") if text.isdigit()}
    continues = request.form.get("continues", "")
    try:
        service.seal_documents(
            actor(),
            case,
            list(db.session.scalars(select(Document).where(Document.id.in_(wanted), Document.case_id == case.id))),
            _parties(),
            request.form.get("reason", ""),
            keeper=request.form.get("keeper", ""),
            continues=db.session.get(Seal, int(continues)) if continues.isdigit() else None,
        )
    except InvalidInput as error:
        unit_of_work.rollback()
        return _seals(load_case(case_id), error.message), 422
    return go(url_for("documents.seals_page", case_id=case.id))


def _parties() -> list[Party]:
    return [
        Party(side, request.form.get(f"party_{side}", "").strip(), request.form.get(f"note_{side}", "").strip())
        for side in SIDES
        if request.form.get(f"party_{side}", "").strip()
    ]


@blueprint.post("/documents/seals/<int:seal_id>/unseal")
@needs(P.SEAL_DOCUMENTS)
def unseal(seal_id: int) -> ResponseReturnValue:
    """Open a seal before every side."""
    row = db.session.get(Seal, seal_id)
    if row is None:
        raise NotFound("没有这份封存件。")
    try:
        service.unseal(actor(), row, _parties(), request.form.get("reason", ""))
    except InvalidInput as error:
        unit_of_work.rollback()
        return _seals(load_case(db.session.get_one(Seal, seal_id).case_id), error.message), 422
    return go(url_for("documents.seals_page", case_id=row.case_id))


@blueprint.get("/documents/seals/copies/<int:copy_id>.pdf")
@needs(P.SEAL_DOCUMENTS)
def sealed_copy(copy_id: int) -> ResponseReturnValue:
    """The PDF of a copy, only after the seal was opened."""
    row = db.session.get(SealedCopy, copy_id)
    if row is None or row.seal.unsealed_at is None or not row.pdf:
        raise NotFound("封存件须在签封各方在场启封后才能查看。")
    return Response(row.pdf, mimetype="application/pdf")
