"""Which kinds the hospital has today: shipped ones with its own fields, and its own kinds."""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy import select

from app.core import audit, clock
from app.core.db import db
from app.core.errors import NotFound
from app.documents.definition import Kind
from app.documents.facts import CaseFacts, FormEnvironment
from app.documents.loader import load_kind
from app.documents.models import Document, DocumentDefinition, DocumentOverlay
from app.documents.ports import sha256
from app.documents.registry import catalogue, compose


def active_overlays(day: date | None = None) -> dict[str, DocumentOverlay]:
    """The newest overlay of each kind that is in force on the hospital day."""
    on = day or clock.today()
    statement = (
        select(DocumentOverlay)
        .where(DocumentOverlay.effective_on <= on, DocumentOverlay.withdrawn_at.is_(None))
        .order_by(DocumentOverlay.version)
    )
    return {overlay.kind: overlay for overlay in db.session.scalars(statement)}


def current_kind(key: str, packages: Sequence[str] = (), day: date | None = None) -> Kind:
    """The kind as new documents use it. Raises `NotFound`."""
    overlay = active_overlays(day).get(key)
    if overlay is not None and overlay.is_new_kind:
        return load_kind(overlay.content, catalogue().library, key)
    if key not in catalogue().raw:
        raise NotFound("没有这种文书。可能已被停用，请刷新后再试。")
    return compose(key, packages, [overlay.content] if overlay else [])


def all_kinds() -> dict[str, Kind]:
    """Every kind in force, the shipped order first, without specialty packages."""
    overlays = active_overlays()
    made = {
        key: compose(key, (), [overlays[key].content]) if key in overlays else kind
        for key, kind in catalogue().kinds.items()
    }
    for key, overlay in overlays.items():
        if overlay.is_new_kind:
            made[key] = load_kind(overlay.content, catalogue().library, key)
    return made


def packages_for(kind: str, facts: CaseFacts) -> list[str]:
    """Specialty packages of a kind whose condition the case meets."""
    environment = FormEnvironment({}, facts)
    return [
        package.key
        for package in catalogue().packages.values()
        if kind in package.adds and package.when is not None and package.when.holds(environment)
    ]


def stored_definition(kind: Kind) -> DocumentDefinition:
    """The row that holds this very definition, made when there is none."""
    digest = sha256(audit.canonical(kind.raw))
    found = db.session.scalar(select(DocumentDefinition).where(DocumentDefinition.digest == digest))
    if found is None:
        found = DocumentDefinition(kind=kind.key, digest=digest, content=kind.raw)
        db.session.add(found)
        db.session.flush()
    return found


def kind_of(document: Document) -> Kind:
    """The definition a document was begun with."""
    return kind_of_definition(document.definition)


_kinds: dict[str, Kind] = {}


def kind_of_definition(definition: DocumentDefinition) -> Kind:
    """A stored definition, ready for use; kept in memory."""
    kind = _kinds.get(definition.digest)
    if kind is None:
        content: dict[str, Any] = definition.content
        kind = _kinds[definition.digest] = load_kind(content, catalogue().library, definition.kind)
        if len(_kinds) > 500:
            _kinds.pop(next(iter(_kinds)))
    return kind


@lru_cache(maxsize=1)
def field_labels() -> dict[str, str]:
    """Label of each shipped field by `kind.key`, for lists and queries."""
    return {f"{kind.key}.{item.key}": item.label for kind in catalogue().kinds.values() for _, item in kind.fields()}
