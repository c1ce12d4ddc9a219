"""Routes of archiving, new versions, requests to reopen, sealing."""

from collections.abc import Sequence
from datetime import date, timedelta

from flask import request, url_for
from flask.typing import ResponseReturnValue

from app.core import clock, unit_of_work
from app.core.db import db
from app.core.errors import NotFound
from app.core.permissions import Permission
from app.documents import service
from app.documents.models import Document, ReopenRequest
from app.documents.queries.archive import MAX_ROWS, reopen_requests, to_archive
from app.documents.queries.sets import documents_by_id
from app.documents.service.common import Incomplete
from blueprints.common.access import actor, needs
from blueprints.common.fragments import go
from blueprints.common.fragments import page as render
from blueprints.documents.forms import anchor
from blueprints.documents.guards import load_document
from blueprints.documents.routes import blueprint, form_context

P = Permission
_LAST_DAYS = timedelta(days=7)


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
    """Tell that writing is done; what is still missing is on the list of the form."""
    document = load_document(document_id)
    try:
        service.submit_document(actor(), document)
    except Incomplete as error:
        unit_of_work.rollback()
        return render("documents/form.html", **form_context(load_document(document_id)), message=error.message), 422
    return _form(document_id)


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


@blueprint.get("/documents/archive")
@needs(P.ARCHIVE_DOCUMENTS)
def archive_page() -> ResponseReturnValue:
    """Requests to reopen, and what is signed and waits to be archived."""
    return _archive()


def _archive(done: int = 0, refused: Sequence[tuple[Document, str]] = ()) -> str:
    since, until, error = _days()
    return render("documents/archive.html", rows=to_archive(since, until), since=since, until=until, error=error,
                  requests=reopen_requests(is_open=True), decided=reopen_requests(is_open=False), done=done,
                  refused=refused, anchor=anchor, most=MAX_ROWS)  # fmt: skip


def _days() -> tuple[date, date, str]:
    """The days asked for, by default the last week; a sentence when they make no sense."""
    today = clock.today()
    try:
        until = date.fromisoformat(request.args.get("until") or today.isoformat())
        since = date.fromisoformat(request.args.get("since") or (until - _LAST_DAYS).isoformat())
    except ValueError:
        return today - _LAST_DAYS, today, "日期应为 年-月-日，例如 2026-11-22。"
    return since, until, "" if since <= until else "开始日期不能晚于结束日期。"


@blueprint.post("/documents/archive")
@needs(P.ARCHIVE_DOCUMENTS)
def archive_many() -> ResponseReturnValue:
    """Lock the ticked documents; one that lacks something stays, with what it lacks."""
    wanted = {int(text) for text in request.form.getlist("document") if text.isdigit()}
    done, refused = service.archive_documents(actor(), documents_by_id(wanted))
    return _archive(len(done), refused)


@blueprint.post("/documents/requests/<int:request_id>")
@needs(P.ARCHIVE_DOCUMENTS)
def decide(request_id: int) -> ResponseReturnValue:
    """Approve or refuse a request."""
    row = db.session.get(ReopenRequest, request_id)
    if row is None:
        raise NotFound("没有这份申请。")
    service.decide_reopen(actor(), row, request.form.get("decision") == "approve", request.form.get("note", ""))
    return go(url_for("documents.archive_page"))
