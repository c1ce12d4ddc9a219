"""Drafts of forms: opened from what is in force, saved with every change, undone, published as a version, discarded."""

import copy
from collections.abc import Callable
from datetime import date
from typing import Any

from sqlalchemy import select

from app.core import audit, clock
from app.core.audit import Actor
from app.core.db import db
from app.core.errors import Conflict, InvalidInput, NotFound
from app.documents.definition import Kind
from app.documents.designer.faults import PlanFault
from app.documents.designer.keys import new_key
from app.documents.designer.plan import (
    Plan,
    definition_of,
    new_plan,
    plan_of_own_kind,
    plan_over,
)
from app.documents.designer.shipped import nothing_hidden
from app.documents.kinds import all_kinds
from app.documents.models import DocumentDraft, DocumentOverlay
from app.documents.reader import DefinitionError
from app.documents.registry import catalogue, compose
from app.documents.service.design import preview_overlay, publish_overlay

MAX_UNDO = 20


def open_draft(actor: Actor, kind: str) -> DocumentDraft:
    """The draft of a kind that somebody has begun, or a new one from its newest version; `kind` empty: a new form."""
    found = db.session.scalar(select(DocumentDraft).where(DocumentDraft.kind == kind)) if kind else None
    if found is not None:
        return found
    draft = DocumentDraft(kind=kind, plan=_plan(kind), by=actor.actor_id, by_name=actor.actor_name,
                          changed_at=clock.now())  # fmt: skip
    db.session.add(draft)
    db.session.flush()
    audit.record(actor, "documents.open_design", f"draft:{draft.id}", after={"kind": kind})
    return draft


def _plan(kind: str) -> Plan:
    if not kind:
        return new_plan()
    newest = db.session.scalar(
        select(DocumentOverlay)
        .where(DocumentOverlay.kind == kind, DocumentOverlay.withdrawn_at.is_(None))
        .order_by(DocumentOverlay.version.desc())
        .limit(1)
    )
    if newest is not None and newest.is_new_kind:
        return plan_of_own_kind(newest.content)
    if kind not in catalogue().raw:
        raise NotFound("没有这种文书。")
    content = newest.content if newest else {}
    return plan_over(compose(kind, (), [nothing_hidden(content)] if content else []), content)


def change_draft(actor: Actor, draft: DocumentDraft, revision: int, change: Callable[[Plan], Any]) -> Any:
    """Apply a change to the plan and keep the one before for undo. A draft is nobody's record yet: publishing is
    what the audit tells. Raises `Conflict` when somebody else has changed it since `revision`."""
    _require_revision(draft, revision)
    plan = copy.deepcopy(draft.plan)
    answer = change(plan)
    definition_of(plan)  # gives keys to what is new
    if plan != draft.plan:
        draft.undo = [*draft.undo, draft.plan][-MAX_UNDO:]
        _store(actor, draft, plan)
    return answer


def _require_revision(draft: DocumentDraft, revision: int) -> None:
    if draft.revision != revision:
        raise Conflict(f"{draft.by_name or '他人'}刚刚改过这份草稿，请刷新页面后再改。")


def _store(actor: Actor, draft: DocumentDraft, plan: Plan) -> None:
    draft.plan, draft.revision = plan, draft.revision + 1
    draft.by, draft.by_name, draft.changed_at = actor.actor_id, actor.actor_name, clock.now()
    db.session.flush()


def undo_draft(actor: Actor, draft: DocumentDraft, revision: int) -> None:
    """Back to the plan before the last change."""
    _require_revision(draft, revision)
    if draft.undo:
        before = draft.undo[-1]
        draft.undo = draft.undo[:-1]
        _store(actor, draft, before)


def preview_draft(plan: Plan) -> tuple[Kind | None, list[PlanFault]]:
    """The kind as far as it is right, and everything that is wrong. None when nothing can be shown."""
    content, faults = definition_of(plan)
    made, more = _preview(plan, content)
    if made is None:
        faults = faults or more
        made, _ = _preview(plan, _without_expressions(content))
    if plan["shipped"] and not any(content.get(name) for name in ("fields", "sections", "changes", "order")):
        faults.append(PlanFault("kind", "", "还没有加字段或改动"))
    return made, faults


def _preview(plan: Plan, content: dict[str, Any]) -> tuple[Kind | None, list[PlanFault]]:
    try:
        return preview_overlay(plan["kind"] or "h_new", content, is_new_kind=not plan["shipped"]), []
    except DefinitionError as error:
        return None, [PlanFault("kind", "", str(fault)) for fault in error.faults]
    except InvalidInput as error:
        return None, [PlanFault("kind", "", error.message)]


def _without_expressions(content: dict[str, Any]) -> dict[str, Any]:
    """What can still be shown while a condition names a field that is not right yet, or a field may not be hidden."""
    bare = nothing_hidden(copy.deepcopy(content)) if "changes" in content else copy.deepcopy(content)
    fields = [field for section in bare.get("sections", []) for field in section.get("fields", [])]
    for field in [*fields, *bare.get("fields", [])]:
        field.pop("visible", None)
        field.pop("required", None)
        if field.pop("compute", None):
            field["type"] = "text"
    return bare


def publish_draft(
    actor: Actor, draft: DocumentDraft, revision: int, effective_on: date, note: str = ""
) -> DocumentOverlay:
    """Make the draft the next version of the kind. Raises `InvalidInput` with everything that is wrong."""
    _require_revision(draft, revision)
    plan = copy.deepcopy(draft.plan)
    if not plan["shipped"] and not plan["kind"]:
        known = set(all_kinds()) | set(db.session.scalars(select(DocumentOverlay.kind).distinct()))
        plan["kind"] = new_key(plan["title"], known)
    _, faults = preview_draft(plan)
    if faults:
        raise InvalidInput("还不能发布：" + "；".join(fault.message for fault in faults[:5]))
    content, _ = definition_of(plan)
    row = publish_overlay(actor, plan["kind"], content, effective_on, note=note, is_new_kind=not plan["shipped"])
    db.session.delete(draft)
    db.session.flush()
    return row


def discard_draft(actor: Actor, draft: DocumentDraft) -> None:
    """Throw the draft away; what is in force stays."""
    audit.record(actor, "documents.discard_design", f"draft:{draft.id}",
                 before={"kind": draft.kind, "title": draft.plan.get("title", "")})  # fmt: skip
    db.session.delete(draft)
    db.session.flush()
