"""Routes of sealing: seal copies before both parties, the list to be signed, unsealing, the copies after it."""

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from app.core import unit_of_work
from app.core.db import db
from app.core.errors import InvalidInput, NotFound
from app.core.permissions import Permission
from app.documents import service
from app.documents.models import Document, Seal, SealedCopy
from app.documents.queries.sets import in_order
from app.documents.service.common import STATE_LABELS
from app.documents.service.seal_paper import seal_list
from app.documents.service.sealing import FINISHED, SIDES, Party, seal_faults
from app.scheduling.models import SurgicalCase
from blueprints.common.access import actor, needs
from blueprints.common.fragments import go
from blueprints.common.fragments import page as render
from blueprints.common.guards import load_case
from blueprints.documents.routes import blueprint

P = Permission


@blueprint.get("/documents/case/<int:case_id>/seals")
@needs(P.SEAL_DOCUMENTS)
def seals_page(case_id: int) -> ResponseReturnValue:
    """The seals of a case, and the form of a new one."""
    return _seals(load_case(case_id))


def _seals(case: SurgicalCase, message: str = "") -> str:
    seals = list(db.session.scalars(select(Seal).where(Seal.case_id == case.id).order_by(Seal.id)))
    faults = {seal.id: seal_faults(seal) for seal in seals}
    sealed = {copy.document_id for seal in seals for copy in seal.items if copy.state in FINISHED}
    return render("documents/seals.html", case=case, seals=seals, documents=_documents(case), faults=faults,
                  sealed=sealed, finished=FINISHED, sides=SIDES, states=STATE_LABELS, message=message,
                  given=request.form)  # fmt: skip


def _documents(case: SurgicalCase) -> list[Document]:
    return in_order(
        db.session.scalars(select(Document).where(Document.case_id == case.id, Document.struck_at.is_(None)))
    )


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
            [document for document in _documents(case) if document.id in wanted],
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
        Party(side, _given(f"party_{side}"), _given(f"note_{side}"), _given(f"image_{side}"))
        for side in SIDES
        if _given(f"party_{side}")
    ]


def _given(name: str) -> str:
    return request.form.get(name, "").strip()


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


@blueprint.get("/documents/seals/<int:seal_id>/list.pdf")
@needs(P.SEAL_DOCUMENTS)
def sealed_list(seal_id: int) -> ResponseReturnValue:
    """The list of a seal for the signatures of the parties."""
    row = db.session.get(Seal, seal_id)
    if row is None:
        raise NotFound("没有这份封存件。")
    name = f"seal-{row.number}.pdf"
    return Response(seal_list(row), mimetype="application/pdf",
                    headers={"Content-Disposition": f'inline; filename="{name}"'})  # fmt: skip
