"""Routes of writing: one field at a time, with everything on the form that depends on it."""

from typing import Any

from flask import Response, render_template, request
from flask.typing import ResponseReturnValue

from app.core import unit_of_work
from app.core.errors import InvalidInput, Locked, NotFound
from app.core.permissions import Permission
from app.documents import service
from app.documents.definition import Field
from app.documents.kinds import kind_of
from app.documents.models import Document
from app.documents.rules.completeness import Filled
from app.documents.service.common import filled_of
from blueprints.common.access import actor, needs
from blueprints.documents.conflicts import compare
from blueprints.documents.forms import SectionView, depends_on, number, raw_value
from blueprints.documents.guards import load_document
from blueprints.documents.routes import blueprint, form_context

P = Permission


@blueprint.get("/documents/<int:document_id>/fields/<key>")
@needs(P.WRITE_DOCUMENTS)
def show_field(document_id: int, key: str) -> ResponseReturnValue:
    """The field as it is stored now: the person keeps what somebody else wrote."""
    document = load_document(document_id)
    return _field(document, _find(document, key))


@blueprint.post("/documents/<int:document_id>/fields/<key>")
@needs(P.WRITE_DOCUMENTS)
def save_field(document_id: int, key: str) -> ResponseReturnValue:
    """Autosave of one field; a conflict shows both values and keeps what was typed."""
    document = load_document(document_id)
    field = _find(document, key)
    typed = raw_value(field, request.form)
    shown = number(request.form.get("version", "0"))
    accepted = number(request.form.get("accept", ""), shown)  # the version of the other, which he has seen
    before = filled_of(document)
    try:
        service.save_field(actor(), document, key, typed, accepted)
    except (InvalidInput, Locked) as error:
        unit_of_work.rollback()
        return _field(load_document(document_id), field, error=error.message, value=typed), 422
    except service.FieldConflict as conflict:
        unit_of_work.rollback()
        sides = compare(conflict)
        return _field(load_document(document_id), field, conflict=sides, value=typed, version=shown), 422
    answer = Response(_field(document, field, saved=True) + _dependents(document, before, key))
    answer.headers["HX-Trigger"] = "document-saved"
    return answer


def _find(document: Document, key: str) -> Field:
    field = kind_of(document).find(key)
    if field is None or not field.stored:
        raise NotFound("文书中没有这个字段，请刷新页面。")
    return field


def _field(document: Document, field: Field, **extra: Any) -> str:
    context = form_context(document)
    views: list[SectionView] = context["sections"]
    view = next(view for section in views for view in section.every if view.field.key == field.key)
    return render_template("documents/_field.html", **{**context, "v": view.with_changes(hidden=False, **extra)})


def _dependents(document: Document, before: Filled, key: str) -> str:
    """Fragments of the other fields and sections whose visibility, duty or computed value has changed."""
    after, context = filled_of(document), form_context(document)
    parts = []
    for view in context["sections"]:
        if (view.section.key in before.hidden) != view.hidden:
            parts.append(render_template("documents/_section.html", **context, s=view, oob=True))
            continue
        parts += [
            render_template("documents/_field.html", **{**context, "v": item.with_changes(oob=True)})
            for item in view.every
            if item.field.key != key and depends_on(before, item.field) != depends_on(after, item.field)
        ]
    return "".join(parts)
