"""Routes of the documents: folder of a case, form, fields, paper, exchange, records query."""

from dataclasses import fields
from datetime import date
from typing import Any

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue

from app.core import unit_of_work
from app.core.db import db
from app.core.errors import InvalidInput
from app.core.permissions import Permission
from app.documents import body_figure, service
from app.documents.cda.export import export_cda
from app.documents.cda.options import load_options
from app.documents.cda.viewer import read_cda
from app.documents.definition import Stage
from app.documents.kinds import all_kinds, kind_of
from app.documents.models import Document
from app.documents.queries.archive import last_request, versions_of
from app.documents.queries.field_query import OPERATORS, askable
from app.documents.queries.lists import case_folder
from app.documents.queries.records import MAX_RESULTS, STRUCK, RecordQuery, excerpt, search_records
from app.documents.rules.completeness import active_slots, gaps, signature_gaps
from app.documents.rules.signing import frozen_sections
from app.documents.service.common import STATE_LABELS, filled_of, signed_of, valid_signatures
from app.documents.service.drafting import last_of_patient
from app.documents.service.freezing import frozen_copy
from app.documents.service.searches import my_searches
from blueprints.common.access import actor, may, needs, settings
from blueprints.common.fragments import fragment, go, toast
from blueprints.common.fragments import page as render
from blueprints.common.guards import load_case
from blueprints.documents.forms import anchor, mending_url, section_views, time_input
from blueprints.documents.guards import ReasonNeeded, break_glass, is_open, load_document

blueprint = Blueprint("documents", __name__)
P = Permission
_ASKED = frozenset(field.name for field in fields(RecordQuery))


@blueprint.errorhandler(ReasonNeeded)
def ask_reason(error: ReasonNeeded) -> ResponseReturnValue:
    """The page that asks why somebody opens a record that is not his."""
    unit_of_work.rollback()
    return render("documents/reason.html", document=error.document, error=""), 403


@blueprint.post("/documents/<int:document_id>/open")
@needs(P.VIEW_DOCUMENTS)
def open_with_reason(document_id: int) -> ResponseReturnValue:
    """Open a record of others with a reason."""
    try:
        document = break_glass(document_id, request.form.get("reason", ""))
    except InvalidInput as error:
        unit_of_work.rollback()
        document = db.session.get_one(Document, document_id)
        return render("documents/reason.html", document=document, error=error.message), 422
    return go(url_for("documents.form_page", document_id=document.id))


@blueprint.get("/documents")
@needs(P.VIEW_DOCUMENTS)
def page() -> ResponseReturnValue:
    """The records query with the result, its statistics by field, and the saved searches."""
    query, error = record_query()
    found = [] if query.is_blank or error else search_records(query)
    return render("documents/query.html", query=query, found=found, error=error,
                  states=STATE_LABELS | {STRUCK: "已被取代或作废"}, args=request.args, searches=my_searches(actor()),
                  asked=asked_words(), excerpt=_excerpt, most=MAX_RESULTS,
                  **field_choice(request.args.get("kind", "")))  # fmt: skip


def _excerpt(document: Document, words: str) -> str:
    """The words in their place; nothing of a record that asks for a reason first."""
    return excerpt(document, words) if words and is_open(document) else ""


@blueprint.get("/documents/fields")
@needs(P.VIEW_DOCUMENTS)
def field_options() -> ResponseReturnValue:
    """The fields of the chosen kind, for the query."""
    return fragment("documents/_field_choice.html", args=request.args, **field_choice(request.args.get("kind", "")))


def field_choice(chosen: str) -> dict[str, Any]:
    """Kinds, the fields to ask for, and how to compare; without a kind only the hospital's own fields."""
    kinds = all_kinds()
    return {"kinds": kinds, "asked_fields": askable(kinds, chosen), "operators": OPERATORS}


def asked_words() -> dict[str, str]:
    """What the address asks, by the names of a query; anything else in it is left out."""
    return {name: words for name in _ASKED if (words := request.args.get(name, "").strip()[:100])}


def record_query() -> tuple[RecordQuery, str]:
    """What is asked in the address, and a Chinese sentence when it makes no sense."""
    values: dict[str, Any] = {name: request.args.get(name, "").strip()[:100] for name in _ASKED - {"since", "until"}}
    try:
        days: dict[str, Any] = {name: date.fromisoformat(text) if (text := request.args.get(name, "")) else None
                for name in ("since", "until")}  # fmt: skip
    except ValueError:
        return RecordQuery(**values), "日期应为 年-月-日，例如 2026-11-22。"
    return RecordQuery(**values, **days), ""


@blueprint.get("/documents/case/<int:case_id>")
@needs(P.VIEW_DOCUMENTS)
def case_page(case_id: int) -> ResponseReturnValue:
    """The documents of a case and what they still need."""
    return render("documents/case.html", **_folder(case_id))


@blueprint.get("/documents/case/<int:case_id>/list")
@needs(P.VIEW_DOCUMENTS)
def case_list(case_id: int) -> ResponseReturnValue:
    """The list alone, fetched again when something changes."""
    return fragment("documents/_folder.html", **_folder(case_id))


def _folder(case_id: int) -> dict[str, Any]:
    return {"folder": case_folder(load_case(case_id)), "states": STATE_LABELS, "anchor": anchor,
            "mending_url": mending_url}  # fmt: skip


@blueprint.post("/documents/case/<int:case_id>/begin")
@needs(P.WRITE_DOCUMENTS)
def begin(case_id: int) -> ResponseReturnValue:
    """Begin a document of a kind."""
    document = service.begin_document(actor(), load_case(case_id), request.form.get("kind", ""))
    return go(url_for("documents.form_page", document_id=document.id))


@blueprint.get("/documents/<int:document_id>")
@needs(P.VIEW_DOCUMENTS)
def form_page(document_id: int) -> ResponseReturnValue:
    """The form of a document."""
    return render("documents/form.html", **form_context(load_document(document_id)))


def form_context(document: Document) -> dict[str, Any]:
    """Everything the form page and its fragments draw."""
    filled = filled_of(document)
    signatures = signed_of(document)
    writable = document.state in ("draft", "submitted") and document.struck_at is None and may(P.WRITE_DOCUMENTS)
    done = {signature.slot for signature in signatures}
    return {
        "document": document,
        "kind": kind_of(document),
        "case": document.case,
        "facts": filled.environment,
        "sections": section_views(document, filled, frozen_sections(filled, signatures), writable),
        "gaps": [*gaps(filled, Stage.ARCHIVE), *signature_gaps(filled, done)] if document.state != "archived" else [],
        "slots": active_slots(filled),
        "signed": {row.slot: row for row in valid_signatures(document)},
        "writable": writable,
        "last": last_of_patient(document) if writable else None,
        "versions": versions_of(document),
        "stamp_due": _stamp_due(document),
        "reopening": last_request(document) if document.state == "archived" else None,
        "state_label": STATE_LABELS[document.state],
        "anchor": anchor,
        "time_input": time_input,
        "figure": body_figure,
    }


def _stamp_due(document: Document) -> bool:
    """Whether a signed document still waits for its time stamp."""
    copy = frozen_copy(document) if settings().tsa_url else None
    return copy is not None and copy.timestamp_at is None


@blueprint.get("/documents/<int:document_id>/missing")
@needs(P.VIEW_DOCUMENTS)
def missing(document_id: int) -> ResponseReturnValue:
    """The list 还差什么 of a document."""
    return fragment("documents/_missing.html", **form_context(load_document(document_id)))


@blueprint.post("/documents/<int:document_id>/refill")
@needs(P.WRITE_DOCUMENTS)
def refill(document_id: int) -> ResponseReturnValue:
    """Fill empty fields from the case."""
    document = load_document(document_id)
    labels = service.refill(actor(), document)
    answer = go(url_for("documents.form_page", document_id=document.id))
    return toast(answer, f"已带入 {len(labels)} 项" if labels else "没有可带入的内容")


@blueprint.get("/documents/<int:document_id>/cda.xml")
@needs(P.VIEW_DOCUMENTS)
def cda_file(document_id: int) -> ResponseReturnValue:
    """The shared document as a file."""
    document = load_document(document_id)
    name = f"{kind_of(document).code}-{document.uid}.xml"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(_cda(document), mimetype="application/xml", headers=headers)


@blueprint.get("/documents/<int:document_id>/cda")
@needs(P.VIEW_DOCUMENTS)
def cda_page(document_id: int) -> ResponseReturnValue:
    """The shared document as a readable page, or the list of what it lacks."""
    document = load_document(document_id)
    try:
        view, refusal = read_cda(_cda(document)), None
    except InvalidInput as error:
        view, refusal = None, error
    lacking = list(getattr(refusal, "missing", None) or getattr(refusal, "faults", None) or [])
    return render("documents/cda.html", document=document, kind=kind_of(document), view=view, refusal=refusal,
                  lacking=lacking)  # fmt: skip


def _cda(document: Document) -> bytes:
    options = load_options(settings().instance_dir, settings().hospital_name)
    return export_cda(document, options)
