"""Routes of signing: the dialog of a place, staff by PIN, patients on the pad or on paper."""

import base64

from flask import request, url_for
from flask.typing import ResponseReturnValue

from app.accounts.service import SignInRefused
from app.core import unit_of_work
from app.core.db import db
from app.core.errors import DomainError, InvalidInput, NotFound
from app.core.permissions import Permission
from app.documents import service
from app.documents.definition import Signatory
from app.documents.kinds import kind_of
from app.documents.models import Document, DocumentSignature
from app.documents.service.common import Incomplete
from blueprints.common.access import actor, needs
from blueprints.common.fragments import fragment, go
from blueprints.documents.forms import anchor
from blueprints.documents.guards import load_document
from blueprints.documents.routes import blueprint

P = Permission
_TYPES = {"image/png": "data:image/png;base64,", "image/jpeg": "data:image/jpeg;base64,"}


@blueprint.get("/documents/<int:document_id>/sign/<slot>")
@needs(P.SIGN_DOCUMENTS)
def sign_dialog(document_id: int, slot: str) -> ResponseReturnValue:
    """The dialog of a place to sign."""
    document = load_document(document_id)
    return _dialog(document, _slot(document, slot))


@blueprint.post("/documents/<int:document_id>/sign/<slot>")
@needs(P.SIGN_DOCUMENTS)
def sign(document_id: int, slot: str) -> ResponseReturnValue:
    """Sign: staff by PIN or password at this moment, the patient by a picture."""
    document = load_document(document_id)
    place = _slot(document, slot)
    try:
        answer = _sign(document, place)
    except DomainError as error:
        unit_of_work.rollback()
        return _dialog(load_document(document_id), place, error), 422
    if isinstance(answer, SignInRefused):
        # The counted failure must be committed: the edge commits below 400, so the dialog comes back with 200.
        return _dialog(document, place, answer)
    return go(url_for("documents.form_page", document_id=document.id))


def _sign(document: Document, place: Signatory) -> DocumentSignature | SignInRefused:
    form = request.form
    if not place.by_patient:
        seconds = form.get("seconds_open", "")
        return service.sign_document(
            actor(),
            document,
            place.slot,
            form.get("secret", ""),
            seconds_open=int(seconds) if seconds.isdigit() else None,
        )
    image, scanned = _image()
    return service.sign_as_patient(
        actor(), document, place.slot, form.get("name", ""), form.get("relation", ""), image, scanned=scanned
    )


def _image() -> tuple[str, bool]:
    upload = request.files.get("scan")
    if upload is None or not upload.filename:
        return request.form.get("image", ""), False
    head = _TYPES.get(upload.mimetype)
    if head is None:
        raise InvalidInput(fields={"image": "扫描件应为 PNG 或 JPEG 图片"})
    return head + base64.b64encode(upload.read()).decode("ascii"), True


def _dialog(document: Document, place: Signatory, error: Exception | None = None) -> str:
    gaps = error.gaps if isinstance(error, Incomplete) else []
    message = getattr(error, "message", "")
    return fragment("documents/_sign.html", document=document, place=place, message=message, gaps=gaps, anchor=anchor)


def _slot(document: Document, slot: str) -> Signatory:
    place = kind_of(document).slot(slot)
    if place is None:
        raise NotFound("文书中没有这个签名位。")
    return place


@blueprint.post("/documents/signatures/<int:signature_id>/withdraw")
@needs(P.SIGN_DOCUMENTS)
def withdraw(signature_id: int) -> ResponseReturnValue:
    """Take one's own signature back."""
    row = db.session.get(DocumentSignature, signature_id)
    if row is None:
        raise NotFound("没有这个签名。")
    load_document(row.document_id)
    service.withdraw_signature(actor(), row, request.form.get("reason", ""))
    return go(url_for("documents.form_page", document_id=row.document_id))
