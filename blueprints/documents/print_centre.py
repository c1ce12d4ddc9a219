"""Routes of the print centre: choose a set, see what it lacks, order it, watch, cancel, fetch, send to a printer."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from app.core import audit, unit_of_work
from app.core.db import db
from app.core.errors import Conflict, InvalidInput, NotFound
from app.core.permissions import Permission
from app.documents.batch_models import PrintBatch
from app.documents.batch_work import run_now
from app.documents.kinds import all_kinds
from app.documents.models import Document
from app.documents.queries.records import RecordQuery
from app.documents.queries.sets import MAX_SET, check_set, day_set, documents_by_id, patient_set, query_set
from app.documents.service.batches import BATCH_STATES, FORMS, batch_subject, begin_batch, cancel_batch
from app.documents.service.common import STATE_LABELS
from app.documents.service.paper import READINESS_LABELS, Readiness
from app.printjobs.service import enqueue_print
from blueprints.common import sockets
from blueprints.common.access import actor, may, needs
from blueprints.common.fragments import fragment, go
from blueprints.common.fragments import page as render
from blueprints.documents.forms import anchor
from blueprints.documents.guards import break_glass, is_open
from blueprints.documents.printing import chosen_queue, copies, queue_options
from blueprints.documents.routes import blueprint

P = Permission
AT_ONCE = 8  # documents that are made while the browser waits; more go to the background
_SHOWN = 20
_QUERY = ("person", "procedure", "diagnosis", "words")
_ASKED = ("patient", "day", "kind", "state", "since", "until", *_QUERY)
sockets.topic("documents", P.VIEW_DOCUMENTS)


@blueprint.get("/documents/print")
@needs(P.PRINT_RECORD)
def print_centre() -> ResponseReturnValue:
    """Choose a set and see what it lacks; the sets ordered before."""
    return _centre()


def _centre(error: str = "") -> str:
    try:
        documents, title = _chosen()
    except ValueError:
        documents, title, error = [], "", "日期应为 年-月-日，例如 2026-11-22。"
    rows = check_set(documents)
    incomplete = [row for row in rows if row.check.readiness is not Readiness.FINAL]
    statement = select(PrintBatch).where(PrintBatch.user_id == actor().id).order_by(PrintBatch.id.desc()).limit(_SHOWN)
    return render("documents/print_centre.html", rows=rows, incomplete=incomplete, title=title, error=error,
                  args=request.values, kinds=all_kinds(), states=STATE_LABELS, labels=READINESS_LABELS,
                  is_open=is_open, closed=[row for row in rows if not is_open(row.document)], batches=list(db.session.scalars(statement)), forms=FORMS,
                  batch_states=BATCH_STATES, anchor=anchor, most=MAX_SET,
                  asked=any(request.values.get(name, "").strip() for name in _ASKED))  # fmt: skip


def _chosen() -> tuple[list[Document], str]:
    """The set that the form asks for and its title, which never holds a patient's name. `ValueError`: no date."""
    words = {name: request.values.get(name, "").strip()[:100] for name in ("patient", "kind", "state", *_QUERY)}
    days = {name: date.fromisoformat(text) if (text := request.values.get(name, "")) else None
            for name in ("day", "since", "until")}  # fmt: skip
    if words["patient"]:
        found, title = patient_set(words["patient"]), f"患者全套 {words['patient']}"
    elif days["day"]:
        found, title = day_set(days["day"]), f"当日全套 {days['day']}"
    else:
        query = RecordQuery(kind=words["kind"], state=words["state"], since=days["since"], until=days["until"],
                            **{name: words[name] for name in _QUERY})  # fmt: skip
        return query_set(query), "按条件打印" + "".join(f" {day}" for day in (days["since"], days["until"]) if day)
    if words["kind"]:
        found = [document for document in found if document.kind == words["kind"]]
    if words["state"]:
        found = [document for document in found if document.state == words["state"]]
    return found, title


@blueprint.post("/documents/print")
@needs(P.PRINT_RECORD)
def order_batch() -> ResponseReturnValue:
    """Order the ticked documents; a small set is made at once, a large one in the background."""
    wanted = {int(text) for text in request.form.getlist("document") if text.isdigit()}
    try:
        _, title = _chosen()
        documents = _allowed(documents_by_id(wanted))
        batch = begin_batch(actor(), request.form.get("form", ""), title, documents,
                            with_drafts=request.form.get("with_drafts") == "1")  # fmt: skip
    except (InvalidInput, ValueError) as error:
        unit_of_work.rollback()
        told = [error.message, *error.fields.values()] if isinstance(error, InvalidInput) else ["日期应为 年-月-日。"]
        return _centre("　".join(dict.fromkeys(told))), 422
    if batch.total <= AT_ONCE:
        run_now(batch)
    return go(url_for("documents.batch_page", batch_id=batch.id))


def _allowed(documents: Sequence[Document]) -> list[Document]:
    """The documents; records of others that are closed are opened with one reason, audited for each."""
    closed = [document for document in documents if not is_open(document)]
    if closed and not may(P.BREAK_GLASS):
        raise InvalidInput("其中有不是您的病例，您没有打印的权限。", fields={"document": "没有权限"})
    for document in closed:
        break_glass(document.id, request.form.get("reason", ""))
    return list(documents)


def _load(batch_id: int) -> PrintBatch:
    """The set; only of the one who ordered it, or for those who keep the archive."""
    batch = db.session.get(PrintBatch, batch_id)
    if batch is None or (batch.user_id != actor().id and not may(P.ARCHIVE_DOCUMENTS)):
        raise NotFound("没有这批打印任务。")
    return batch


def _told(batch: PrintBatch, message: str = "") -> dict[str, Any]:
    return {"batch": batch, "states": BATCH_STATES, "forms": FORMS, "queues": queue_options(), "message": message}


@blueprint.get("/documents/print/batches/<int:batch_id>")
@needs(P.PRINT_RECORD)
def batch_page(batch_id: int) -> ResponseReturnValue:
    """Progress and result of a set."""
    return render("documents/print_batch.html", **_told(_load(batch_id)))


@blueprint.get("/documents/print/batches/<int:batch_id>/progress")
@needs(P.PRINT_RECORD)
def batch_progress(batch_id: int) -> ResponseReturnValue:
    """The part that is fetched again while the set is made."""
    return fragment("documents/_print_batch.html", **_told(_load(batch_id)))


@blueprint.post("/documents/print/batches/<int:batch_id>/cancel")
@needs(P.PRINT_RECORD)
def cancel(batch_id: int) -> ResponseReturnValue:
    """Stop a set."""
    cancel_batch(actor(), _load(batch_id))
    return go(url_for("documents.batch_page", batch_id=batch_id))


@blueprint.post("/documents/print/batches/<int:batch_id>/file")
@needs(P.PRINT_RECORD)
def batch_file(batch_id: int) -> ResponseReturnValue:
    """Fetch the result; audited, therefore a POST."""
    batch = _load(batch_id)
    content = _result(batch)
    is_print = batch.form == "print"
    audit.record(actor(), "documents.fetch_batch", batch_subject(batch), after={"sha256": batch.sha256})
    name = f"documents-{batch.id}.{'pdf' if is_print else 'zip'}"
    return Response(content, mimetype="application/pdf" if is_print else "application/zip",
                    headers={"Content-Disposition": f'{"inline" if is_print else "attachment"}; filename="{name}"'})  # fmt: skip


def _result(batch: PrintBatch) -> bytes:
    if not batch.result:
        raise Conflict("结果尚未生成，或已超过三天被清除，请重新生成。")
    return batch.result


@blueprint.post("/documents/print/batches/<int:batch_id>/send")
@needs(P.PRINT_RECORD)
def send_batch(batch_id: int) -> ResponseReturnValue:
    """Send a finished set to a print queue."""
    batch = _load(batch_id)
    try:
        queue = chosen_queue()
        if queue is None or batch.form != "print":
            raise InvalidInput("请选择打印机。", fields={"queue": "请选择打印机"})
        enqueue_print(actor(), queue, f"{batch.title} 批次 {batch.id}", _result(batch), copies(),
                      document_kind="document-set")  # fmt: skip
    except InvalidInput as error:
        unit_of_work.rollback()
        return render("documents/print_batch.html", **_told(_load(batch_id), error.message)), 422
    return render("documents/print_batch.html", **_told(batch, f"已送到“{queue.name}”。"))
