"""Routes of paper: preview, print of one document (browser or print queue), print log."""

from datetime import date

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue

from app.core import unit_of_work
from app.core.errors import InvalidInput
from app.core.permissions import Permission
from app.documents.kinds import all_kinds
from app.documents.models import Document
from app.documents.queries.prints import MAX_ENTRIES, LogQuery, print_log, prints_of
from app.documents.service.common import STATE_LABELS, Incomplete
from app.documents.service.paper import READINESS_LABELS, Readiness, check_of, paper_of
from app.documents.service.printing import print_document as print_paper
from app.printjobs.models import PrintQueue
from app.printjobs.queries import enabled_queues
from app.printjobs.service import enqueue_print, load_queue
from blueprints.common.access import actor, needs
from blueprints.common.fragments import go
from blueprints.common.fragments import page as render
from blueprints.documents.forms import anchor
from blueprints.documents.guards import load_document
from blueprints.documents.routes import blueprint

P = Permission


@blueprint.get("/documents/<int:document_id>/preview.pdf")
@needs(P.VIEW_DOCUMENTS)
def preview(document_id: int) -> ResponseReturnValue:
    """The document as it would print; marked as a preview and not counted as a print."""
    document = load_document(document_id)
    return pdf_answer(paper_of(document, watermark="预览").pdf, document)


@blueprint.get("/documents/<int:document_id>/print")
@needs(P.PRINT_RECORD, P.SIGN_DOCUMENTS)
def print_page(document_id: int) -> ResponseReturnValue:
    """What is missing, where it shall be printed, and what was printed before."""
    return _print_page(load_document(document_id))


def _print_page(document: Document, message: str = "") -> str:
    check = check_of(document)
    return render("documents/print_document.html", document=document, case=document.case, check=check,
                  is_draft=check.readiness is Readiness.DRAFT, readiness=READINESS_LABELS[check.readiness],
                  queues=queue_options(), prints=prints_of(document.id), labels=READINESS_LABELS, anchor=anchor,
                  message=message)  # fmt: skip


def queue_options() -> list[tuple[int, str]]:
    """Print queues to choose from."""
    return [(queue.id, f"{queue.name}（{queue.place}）" if queue.place else queue.name) for queue in enabled_queues()]


@blueprint.post("/documents/<int:document_id>/print")
@needs(P.PRINT_RECORD, P.SIGN_DOCUMENTS)
def print_document(document_id: int) -> ResponseReturnValue:
    """Print: counted, logged, a reprint is marked; what is missing is shown before a draft is printed."""
    document = load_document(document_id)
    try:
        queue = chosen_queue()
        confirmed = request.form.get("confirmed") == "1"
        paper = print_paper(actor(), document, confirmed=confirmed, target=queue.name if queue else "")
        if queue is None:
            return pdf_answer(paper.pdf, document)
        title = f"{document.title} {document.case.case_no}"
        enqueue_print(actor(), queue, title, paper.pdf, copies(), document.case_id, document_kind=document.kind,
                      is_reprint=len(prints_of(document.id)) > 1)  # fmt: skip
    except Incomplete:
        unit_of_work.rollback()
        return _print_page(load_document(document_id), "请先看看还差什么，再决定是否这样打印。"), 422
    except InvalidInput as error:
        unit_of_work.rollback()
        return _print_page(load_document(document_id), error.message), 422
    return go(url_for("documents.print_page", document_id=document.id))


def chosen_queue() -> PrintQueue | None:
    """The print queue of the form; None for a PDF in the browser."""
    text = request.form.get("queue", "")
    return load_queue(int(text)) if text.isdigit() else None


def copies() -> int:
    """Copies of the form, 1 when nothing was said."""
    text = request.form.get("copies", "1").strip()
    if not text.isdigit() or not int(text):
        raise InvalidInput("份数应为 1 以上的整数。", fields={"copies": "份数应为 1 以上的整数"})
    return int(text)


def pdf_answer(content: bytes, document: Document) -> Response:
    """A PDF that the browser shows."""
    name = f"{document.case.case_no}-{document.kind}-v{document.version_no}.pdf"
    return Response(content, mimetype="application/pdf", headers={"Content-Disposition": f'inline; filename="{name}"'})


@blueprint.get("/documents/print/log")
@needs(P.PRINT_RECORD, P.ARCHIVE_DOCUMENTS)
def print_log_page() -> ResponseReturnValue:
    """Who printed what, when, which copy."""
    error = ""
    try:
        days = [date.fromisoformat(text) if (text := request.args.get(name, "")) else None
                for name in ("since", "until")]  # fmt: skip
    except ValueError:
        days, error = [None, None], "日期应为 年-月-日，例如 2026-11-22。"
    text, person, kind = (request.args.get(name, "").strip()[:100] for name in ("text", "person", "kind"))
    rows = print_log(LogQuery(text, person, kind, days[0], days[1]))
    return render("documents/print_log.html", rows=rows, args=request.args, error=error, kinds=all_kinds(),
                  labels=READINESS_LABELS, states=STATE_LABELS, most=MAX_ENTRIES)  # fmt: skip
