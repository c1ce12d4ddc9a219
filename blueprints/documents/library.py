"""Routes that help writing: phrases, dictionary search, taking over from the last document."""

from flask import request, url_for
from flask.typing import ResponseReturnValue

from app.core.errors import NotFound
from app.core.permissions import Permission
from app.documents import service
from app.documents.definition import Field
from app.documents.kinds import kind_of
from app.documents.models import Document
from app.documents.queries.library import coded_terms, differences, phrases_for
from app.documents.service.drafting import last_of_patient
from app.documents.service.phrases import add_phrase, remove_phrase
from blueprints.common.access import actor, may, needs
from blueprints.common.fragments import fragment, go, toast
from blueprints.documents.conflicts import segments
from blueprints.documents.guards import load_document
from blueprints.documents.routes import blueprint

P = Permission
_TERMS = ("diagnosis", "procedure", "drug")


@blueprint.get("/documents/terms/<what>")
@needs(P.VIEW_DOCUMENTS)
def terms(what: str) -> ResponseReturnValue:
    """Options of a search field: diagnosis, procedure or drug by Chinese, code or pinyin."""
    if what not in _TERMS:
        raise NotFound("没有这个字典。")
    rows = coded_terms(what, request.args.get("q", "")[:60])
    items = [{"value": row.code, "text": row.name, "note": row.note} for row in rows]
    return fragment("documents/_terms.html", items=items)


@blueprint.get("/documents/<int:document_id>/phrases/<key>")
@needs(P.WRITE_DOCUMENTS)
def phrases(document_id: int, key: str) -> ResponseReturnValue:
    """The phrases of a field, in the side panel; `q` narrows them by pinyin or words."""
    document = load_document(document_id)
    return _panel(document, _field(document, key), request.args.get("q", "")[:60])


def _panel(document: Document, field: Field, word: str = "") -> str:
    rows = phrases_for(actor().id, document.kind, field.key, word)
    name = "documents/_phrase_list.html" if request.args.get("part") == "list" else "documents/_phrases.html"
    return fragment(name, document=document, field=field, rows=rows, word=word)


def _field(document: Document, key: str) -> Field:
    field = kind_of(document).find(key)
    if field is None:
        raise NotFound("文书中没有这个字段，请刷新页面。")
    return field


@blueprint.post("/documents/<int:document_id>/phrases/<key>")
@needs(P.WRITE_DOCUMENTS)
def keep_phrase(document_id: int, key: str) -> ResponseReturnValue:
    """Keep a sentence for oneself or for the department."""
    document = load_document(document_id)
    field = _field(document, key)
    department = request.form.get("scope") == "department" and may(P.DESIGN_DOCUMENTS)
    everywhere = request.form.get("everywhere") == "1"
    add_phrase(
        actor(), request.form.get("text", ""), kind="" if everywhere else document.kind,
        field="" if everywhere else field.key, department=department,
    )  # fmt: skip
    return toast(_panel(document, field), "已存为科室常用语" if department else "已存为我的常用语")


@blueprint.post("/documents/<int:document_id>/phrases/<key>/<int:phrase_id>/remove")
@needs(P.WRITE_DOCUMENTS)
def drop_phrase(document_id: int, key: str, phrase_id: int) -> ResponseReturnValue:
    """Delete a phrase."""
    document = load_document(document_id)
    remove_phrase(actor(), phrase_id, may_department=may(P.DESIGN_DOCUMENTS))
    return _panel(document, _field(document, key))


@blueprint.get("/documents/<int:document_id>/copy")
@needs(P.WRITE_DOCUMENTS)
def copy_dialog(document_id: int) -> ResponseReturnValue:
    """The last document of this kind of the patient beside this one: what differs may be taken over."""
    document = load_document(document_id)
    source = last_of_patient(document)
    if source is None:
        raise NotFound("该患者没有可以引用的同类文书。")
    return fragment("documents/_copy.html", document=document, source=source,
                    rows=[(row, *segments(row.mine, row.theirs)) for row in differences(document, source)])  # fmt: skip


@blueprint.post("/documents/<int:document_id>/copy")
@needs(P.WRITE_DOCUMENTS)
def copy(document_id: int) -> ResponseReturnValue:
    """Take the chosen fields over."""
    document = load_document(document_id)
    service.copy_from_last(actor(), document, request.form.getlist("key"))
    return go(url_for("documents.form_page", document_id=document.id))
