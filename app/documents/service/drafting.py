"""Begin and write: autosave by field; two editors see both values, nobody overwrites unseen."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from app.core import audit, clock
from app.core.audit import Actor
from app.core.db import db
from app.core.errors import Conflict, Locked, NotFound
from app.documents.definition import Field, Stage
from app.documents.gather import gather
from app.documents.kinds import current_kind, kind_of, packages_for, stored_definition
from app.documents.models import Document, DocumentContent
from app.documents.rules.completeness import blocking, default_values, fill, gaps
from app.documents.rules.signing import frozen_sections
from app.documents.rules.values import canonical_value, from_fact, shown, warning
from app.documents.service.common import (
    Incomplete,
    content_for_update,
    filled_of,
    require_current,
    require_reason,
    signed_of,
    subject,
    tell,
)
from app.documents.sheet import plain_text
from app.scheduling.models import SurgicalCase


class FieldConflict(Conflict):
    """Somebody else changed the same field; both values are told so that the person can choose."""

    code = "field_conflict"

    def __init__(self, field: Field, theirs: str, mine: str, meta: Mapping[str, Any]) -> None:
        self.field, self.theirs, self.mine, self.version = field, theirs, mine, int(meta.get("v", 0))
        self.by_name, self.at = str(meta.get("name", "")), str(meta.get("at", ""))
        super().__init__(
            f"「{field.label}」已被{self.by_name or '他人'}改为「{theirs or '空'}」，您的是「{mine or '空'}」。"
        )


@dataclass(frozen=True, slots=True)
class SavedField:
    """A field after saving."""

    field: Field
    value: Any
    version: int
    warning: str


def begin_document(actor: Actor, case: SurgicalCase, key: str, packages: Sequence[str] | None = None) -> Document:
    """Begin a document, filled with what the case tells. One document of a kind unless it is repeatable."""
    facts = gather(case)
    chosen = list(packages) if packages is not None else packages_for(key, facts)
    kind = current_kind(key, chosen)
    count = db.session.scalar(
        select(func.count()).where(Document.case_id == case.id, Document.kind == key, Document.version_no == 1)
    )
    if count and not kind.repeatable:
        raise Conflict(f"这台手术已有《{kind.title}》，请打开已有的一份。")
    document = Document(
        uid=str(uuid.uuid4()),
        case=case,
        kind=key,
        title=kind.title,
        definition=stored_definition(kind),
        packages=chosen,
        number=(count or 0) + 1,
        created_by=actor.actor_id,
        created_by_name=actor.actor_name,
        patient_name=case.patient.name,
        content=DocumentContent(values={}, meta={}),
    )
    db.session.add(document)
    db.session.flush()
    _fill_empty(actor, document)
    audit.record(
        actor,
        "documents.begin",
        subject(document),
        patient_id=case.patient_id,
        after={"kind": key, "packages": chosen, "filled": sorted(document.content.values)},
    )
    tell(document)
    return document


def refill(actor: Actor, document: Document) -> list[str]:
    """Fill the fields that are still empty from the case; gives the labels of what was filled."""
    _require_writable(document)
    content_for_update(document)
    filled = _fill_empty(actor, document)
    if filled:
        audit.record(actor, "documents.refill", subject(document), patient_id=document.case.patient_id,
                     after={"fields": filled})  # fmt: skip
        tell(document)
    kind = kind_of(document)
    return [item.label for key in filled if (item := kind.find(key))]


def _fill_empty(actor: Actor, document: Document) -> list[str]:
    facts = gather(document.case)
    kind = kind_of(document)
    content = document.content
    values, meta = dict(content.values), dict(content.meta)
    frozen = frozen_sections(fill(kind, values, facts), signed_of(document))
    homes = {item.key: section.key for section, item in kind.fields()}
    filled = []
    for key, default in default_values(kind, facts).items():
        item = kind.find(key)
        if item is None or values.get(key) is not None or homes[key] in frozen:
            continue
        if (canonical := from_fact(item, default.value)) is not None:
            values[key] = canonical
            meta[key] = _meta(actor, meta.get(key), default.origin, default.since)
            filled.append(key)
    content.values, content.meta = values, meta
    content.text = plain_text(fill(kind, values, facts))
    db.session.flush()
    return filled


def _meta(
    actor: Actor, before: Mapping[str, Any] | None, origin: str = "", since: datetime | None = None
) -> dict[str, Any]:
    version = int((before or {}).get("v", 0)) + 1
    made = {"v": version, "by": actor.actor_id, "name": actor.actor_name, "at": clock.now().isoformat()}
    if origin:
        made["origin"] = origin
    if since is not None:
        made["since"] = since.isoformat()
    return made


def save_field(actor: Actor, document: Document, key: str, raw: Any, version: int | None) -> SavedField:
    """Save one field. `version` is the one that was shown; another one raises `FieldConflict`, which tells the
    version to answer with when the person has compared the two and wants his own value.

    Raises `InvalidInput` keyed by the field, `Locked` when the field is signed, `NotFound` for an unknown field.
    """
    kind = kind_of(document)
    item = kind.find(key)
    if item is None or not item.stored:
        raise NotFound("文书中没有这个字段，请刷新页面。")
    value = canonical_value(item, raw)
    content = content_for_update(document)
    _require_field_writable(document, item)
    meta: Mapping[str, Any] = content.meta.get(key) or {}
    current = content.values.get(key)
    if current == value:
        return SavedField(item, value, int(meta.get("v", 0)), warning(item, value))
    if int(meta.get("v", 0)) != (version or 0):
        raise FieldConflict(item, shown(item, current), shown(item, value), meta)
    values, metas = dict(content.values), dict(content.meta)
    if value is None:
        values.pop(key, None)
    else:
        values[key] = value
    metas[key] = _meta(actor, meta)
    content.values, content.meta = values, metas
    content.text = plain_text(fill(kind, values, gather(document.case)))
    audit.record(
        actor,
        "documents.save_field",
        subject(document),
        patient_id=document.case.patient_id,
        before={key: current} if current is not None else None,
        after={key: value},
    )
    tell(document)
    return SavedField(item, value, int(metas[key]["v"]), warning(item, value))


def _require_writable(document: Document) -> None:
    require_current(document)
    if document.state not in ("draft", "submitted"):
        raise Locked("文书已签名，不能修改。如需更正，请建立新版本并说明理由。")


def _require_field_writable(document: Document, item: Field) -> None:
    require_current(document)
    late = any(requirement.stage is Stage.ARCHIVE for requirement in item.required)
    if document.state == "archived" or (document.state == "signed" and not late):
        raise Locked("文书已签名，不能修改。如需更正，请建立新版本并说明理由。")
    filled = filled_of(document)
    home = next(section.key for section, other in filled.kind.fields() if other.key == item.key)
    if home in frozen_sections(filled, signed_of(document)) and not late:
        raise Locked("这一部分已签名，不能修改。如需更正，请先撤回签名。")


def copy_from_last(actor: Actor, document: Document, keys: Sequence[str]) -> list[str]:
    """Take the chosen fields over from the last signed document of the same kind of this patient."""
    _require_writable(document)
    source = last_of_patient(document)
    if source is None:
        raise NotFound("该患者没有可以引用的同类文书。")
    content = content_for_update(document)
    kind = kind_of(document)
    values, meta = dict(content.values), dict(content.meta)
    facts = gather(document.case)
    frozen = frozen_sections(fill(kind, values, facts), signed_of(document))
    homes = {item.key: section.key for section, item in kind.fields()}
    copied = []
    for key in keys:
        item = kind.find(key) if homes.get(key) not in frozen else None
        value = from_fact(item, source.content.values.get(key)) if item and item.stored else None
        if value is not None and value != values.get(key):
            values[key] = value
            meta[key] = _meta(actor, meta.get(key), f"引自 {source.title}", source.created_at)
            copied.append(key)
    content.values, content.meta = values, meta
    content.text = plain_text(fill(kind, values, facts))
    if copied:
        audit.record(actor, "documents.copy", subject(document), patient_id=document.case.patient_id,
                     after={"from": source.id, "fields": copied})  # fmt: skip
        tell(document)
    return copied


def last_of_patient(document: Document) -> Document | None:
    """The newest other document of this kind of the patient."""
    return db.session.scalar(
        select(Document)
        .join(SurgicalCase, Document.case_id == SurgicalCase.id)
        .where(
            SurgicalCase.patient_id == document.case.patient_id,
            Document.kind == document.kind,
            Document.id != document.id,
            Document.struck_at.is_(None),
        )
        .order_by(Document.created_at.desc(), Document.id.desc())
        .limit(1)
    )


def submit_document(actor: Actor, document: Document) -> Document:
    """Tell that writing is done and only signatures are missing. Raises `Incomplete`."""
    _require_writable(document)
    if missing := blocking(gaps(filled_of(document), Stage.SIGN)):
        raise Incomplete(document.title, missing)
    if document.state == "draft":
        document.state, document.submitted_at = "submitted", clock.now()
        audit.record(actor, "documents.submit", subject(document), patient_id=document.case.patient_id)
        tell(document)
    return document


def discard_draft(actor: Actor, document: Document, reason: str) -> None:
    """Strike a draft that was begun by mistake; it stays readable."""
    require_current(document)
    if document.state not in ("draft", "submitted") or signed_of(document):
        raise Locked("已有签名的文书不能作废，请建立新版本。")
    text = require_reason(reason)
    document.struck_at, document.amend_reason = clock.now(), f"作废：{text[:250]}"
    document.version_no = 0  # frees the place of the kind in the case
    audit.record(actor, "documents.discard", subject(document), patient_id=document.case.patient_id, reason=text)
    tell(document)
