"""The hospital's own fields and forms: versioned overlays that take effect on a day; old documents keep theirs."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import func, select

from app.core import audit, clock
from app.core.audit import Actor
from app.core.db import db
from app.core.errors import Conflict, InvalidInput
from app.documents.definition import Kind
from app.documents.kinds import active_overlays
from app.documents.lint import lint_changes, lint_kind
from app.documents.loader import load_kind
from app.documents.models import DocumentOverlay
from app.documents.reader import DefinitionError
from app.documents.registry import catalogue, compose

HOSPITAL_PREFIX = "h_"


def preview_overlay(kind: str, content: Mapping[str, Any], is_new_kind: bool = False) -> Kind:
    """The kind as it would be. Raises `DefinitionError` with every fault."""
    if is_new_kind:
        if kind in catalogue().raw or content.get("kind") != kind:
            raise InvalidInput(fields={"kind": "新文书的标识不能与已有文书相同，并须与定义中的 kind 一致"})
        made = load_kind(content, catalogue().library, kind)
    else:
        if faults := lint_changes(kind, content):
            raise DefinitionError(faults)
        made = compose(kind, (), [content])
        for package in catalogue().packages.values():
            if kind in package.adds:
                compose(kind, [package.key], [content])
    if faults := lint_kind(made):
        raise DefinitionError(faults)
    return made


def publish_overlay(
    actor: Actor,
    kind: str,
    content: Mapping[str, Any],
    effective_on: date,
    *,
    note: str = "",
    is_new_kind: bool = False,
) -> DocumentOverlay:
    """Make a new version of the hospital's changes to a kind. It replaces the earlier one from that day on."""
    if effective_on < clock.today():
        raise InvalidInput(fields={"effective_on": "生效日期不能早于今天"})
    preview_overlay(kind, content, is_new_kind)
    version = (
        db.session.scalar(select(func.max(DocumentOverlay.version)).where(DocumentOverlay.kind == kind)) or 0
    ) + 1
    row = DocumentOverlay(
        kind=kind,
        version=version,
        is_new_kind=is_new_kind,
        content=dict(content),
        effective_on=effective_on,
        note=note.strip()[:255],
        by=actor.actor_id,
        by_name=actor.actor_name,
    )
    db.session.add(row)
    db.session.flush()
    audit.record(actor, "documents.publish_overlay", f"overlay:{row.id}",
                 after={"kind": kind, "version": version, "effective_on": effective_on.isoformat()}, reason=row.note)  # fmt: skip
    return row


def add_hospital_field(
    actor: Actor, kind: str, section: str, field: Mapping[str, Any], effective_on: date, note: str = ""
) -> DocumentOverlay:
    """Add one field to a kind, on top of what the hospital has added before. Its key begins with `h_`."""
    key = str(field.get("key", ""))
    if not key.startswith(HOSPITAL_PREFIX):
        raise InvalidInput(fields={"key": f"本院字段的标识须以 {HOSPITAL_PREFIX} 开头，例如 h_escort"})
    before = active_overlays(effective_on).get(kind)
    if before is not None and before.is_new_kind:
        raise Conflict("这是本院自建的文书，请直接修改其定义。")
    content = dict(before.content) if before else {}
    content["fields"] = [*content.get("fields", []), {**field, "section": section, "hospital": True}]
    return publish_overlay(actor, kind, content, effective_on, note=note)


def withdraw_overlay(actor: Actor, row: DocumentOverlay, reason: str) -> None:
    """Take a version out of force; the one before it applies again. Documents begun with it keep it."""
    if not reason.strip():
        raise InvalidInput(fields={"reason": "请填写理由"})
    if row.withdrawn_at is not None:
        raise Conflict("这一版已经撤销。")
    row.withdrawn_at = clock.now()
    audit.record(
        actor, "documents.withdraw_overlay", f"overlay:{row.id}", before={"version": row.version}, reason=reason
    )
