"""Routes of the designer: one draft with its outline, the entries of what is chosen, and the sheet beside it."""

from datetime import date
from typing import Any

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue

from app.core import clock, unit_of_work
from app.core.db import db
from app.core.errors import Conflict, DomainError, InvalidInput, NotFound
from app.core.permissions import Permission
from app.documents import ports
from app.documents.designer import edits
from app.documents.designer.plan import Plan
from app.documents.models import DocumentDraft
from app.documents.queries.drafts import blank_sheet
from app.documents.reader import DefinitionError
from app.documents.service.design_drafts import (
    change_draft,
    discard_draft,
    open_draft,
    preview_draft,
    publish_draft,
    undo_draft,
)
from blueprints.common.access import actor, needs
from blueprints.common.fragments import fragment, go, toast
from blueprints.common.fragments import page as render
from blueprints.documents.designer_entries import take_entries
from blueprints.documents.designer_views import designer_view
from blueprints.documents.routes import blueprint

P = Permission


@blueprint.post("/documents/design/drafts")
@needs(P.DESIGN_DOCUMENTS)
def begin_design() -> ResponseReturnValue:
    """Open the designer for a kind, or for a new form."""
    draft = open_draft(actor(), request.form.get("kind", ""))
    return go(url_for("documents.design_draft", draft_id=draft.id))


def _load(draft_id: int) -> DocumentDraft:
    draft = db.session.get(DocumentDraft, draft_id)
    if draft is None:
        raise NotFound("没有这份草稿，可能已经发布或放弃。")
    return draft


@blueprint.get("/documents/design/drafts/<int:draft_id>")
@needs(P.DESIGN_DOCUMENTS)
def design_draft(draft_id: int) -> ResponseReturnValue:
    """The designer."""
    return render("documents/designer.html", **_context(_load(draft_id)))


def _context(draft: DocumentDraft, selected: str = "", message: str = "", focus: str = "") -> dict[str, Any]:
    values = request.values
    view = values.get("view", "screen")
    return {**designer_view(draft, selected or values.get("selected", "kind"), view if view == "paper" else "screen"),
            "message": message, "focus": focus, "effective_on": values.get("effective_on", clock.today().isoformat()),
            "note": values.get("note", ""), "lines": "" if values.get("do") == "paste" and not message
            else values.get("lines", "")}  # fmt: skip


@blueprint.get("/documents/design/drafts/<int:draft_id>/part")
@needs(P.DESIGN_DOCUMENTS)
def design_part(draft_id: int) -> ResponseReturnValue:
    """The designer with something else chosen."""
    return fragment("documents/_designer.html", **_context(_load(draft_id)))


@blueprint.post("/documents/design/drafts/<int:draft_id>")
@needs(P.DESIGN_DOCUMENTS)
def change_design(draft_id: int) -> ResponseReturnValue:
    """Save the entries and do what the pressed key says; gives the designer anew."""
    draft, form = _load(draft_id), request.form
    act, selected = form.get("do", ""), form.get("selected", "kind")
    try:
        if act == "undo":
            undo_draft(actor(), draft, _revision())
            chosen = selected
        else:
            chosen = change_draft(actor(), draft, _revision(), lambda plan: _apply(plan, selected, act))
    except Conflict as error:
        unit_of_work.rollback()
        answer = fragment("documents/_designer.html", **_context(_load(draft_id), message=error.message))
        return toast(answer, error.message, kind="warning")
    except InvalidInput as error:
        unit_of_work.rollback()
        words = "；".join(map(str, error.faults)) if isinstance(error, DefinitionError) else error.message
        return fragment("documents/_designer.html", **_context(_load(draft_id), message=words)), 422
    focus = "label" if act.startswith("add") or act == "copy" else ""
    return fragment("documents/_designer.html", **_context(draft, chosen, focus=focus))


def _revision() -> int:
    text = request.form.get("revision", "")
    return int(text) if text.isdigit() else 0


def _apply(plan: Plan, selected: str, act: str) -> str:
    take_entries(plan, selected, request.form)
    verb, _, rest = act.partition(":")
    match verb:
        case "add":
            return edits.add_field(plan, selected, rest)
        case "section":
            return edits.add_section(plan, selected)
        case "up" | "down":
            return edits.move(plan, selected, -1 if verb == "up" else 1)
        case "copy":
            return edits.duplicate(plan, selected)
        case "delete":
            return edits.delete(plan, selected)
        case "paste":
            return edits.paste(plan, request.form.get("lines", ""))
    return selected


@blueprint.get("/documents/design/drafts/<int:draft_id>/paper.pdf")
@needs(P.DESIGN_DOCUMENTS)
def design_paper(draft_id: int) -> ResponseReturnValue:
    """An empty form of the draft as it will print."""
    kind, _ = preview_draft(_load(draft_id).plan)
    if kind is None:
        raise InvalidInput("还有错误，不能生成纸面。请先改正。")
    return Response(ports.renderer()(blank_sheet(kind), watermark="样张"), mimetype="application/pdf")


@blueprint.post("/documents/design/drafts/<int:draft_id>/publish")
@needs(P.DESIGN_DOCUMENTS)
def publish_design(draft_id: int) -> ResponseReturnValue:
    """Make the draft a version that takes effect on a day."""
    draft, form = _load(draft_id), request.form
    try:
        day = date.fromisoformat(form.get("effective_on", ""))
        publish_draft(actor(), draft, _revision(), day, form.get("note", ""))
    except (DomainError, ValueError) as error:
        unit_of_work.rollback()
        message = error.message if isinstance(error, DomainError) else "生效日期应为 年-月-日。"
        return render("documents/designer.html", **_context(_load(draft_id), message=message)), 422
    return go(url_for("documents.design_page"))


@blueprint.post("/documents/design/drafts/<int:draft_id>/discard")
@needs(P.DESIGN_DOCUMENTS)
def discard_design(draft_id: int) -> ResponseReturnValue:
    """Throw the draft away."""
    discard_draft(actor(), _load(draft_id))
    return go(url_for("documents.design_page"))
