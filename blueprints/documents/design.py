"""Routes of the hospital's own fields and forms: kinds, drafts, versions, withdrawal."""

from flask import request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from app.core import clock
from app.core.db import db
from app.core.errors import NotFound
from app.core.permissions import Permission
from app.documents.kinds import active_overlays, all_kinds
from app.documents.models import DocumentDraft, DocumentOverlay
from app.documents.service.design import withdraw_overlay
from blueprints.common.access import actor, needs
from blueprints.common.fragments import go
from blueprints.common.fragments import page as render
from blueprints.documents.routes import blueprint

P = Permission


@blueprint.get("/documents/design")
@needs(P.DESIGN_DOCUMENTS)
def design_page() -> ResponseReturnValue:
    """The kinds with what the hospital has changed, open drafts, versions."""
    versions = list(db.session.scalars(select(DocumentOverlay).order_by(DocumentOverlay.id.desc()).limit(200)))
    drafts = list(db.session.scalars(select(DocumentDraft).order_by(DocumentDraft.changed_at.desc())))
    return render("documents/design.html", kinds=all_kinds(), versions=versions, active=active_overlays(),
                  drafts=drafts, today=clock.today())  # fmt: skip


@blueprint.post("/documents/design/versions/<int:overlay_id>/withdraw")
@needs(P.DESIGN_DOCUMENTS)
def withdraw_version(overlay_id: int) -> ResponseReturnValue:
    """Take a version out of force."""
    row = db.session.get(DocumentOverlay, overlay_id)
    if row is None:
        raise NotFound("没有这一版。")
    withdraw_overlay(actor(), row, request.form.get("reason", ""))
    return go(url_for("documents.design_page"))
