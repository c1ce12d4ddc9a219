"""Commands on dictionaries: load the defaults, add, change, retire and restore entries."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import select

from app.core import audit
from app.core.audit import Actor
from app.core.db import db
from app.core.errors import Conflict, InvalidInput, NotFound
from app.terminology.models import Term

DEFAULTS = Path(__file__).with_name("defaults.yaml")
KINDS = {
    "drug": "药品",
    "fluid": "液体与血制品",
    "output": "出量",
    "event": "术中事件",
    "anesthesia_method": "麻醉方法",
    "position": "体位",
    "diagnosis": "诊断",
    "procedure": "手术操作",
    "lab": "检验与检查项目",
}


@cache
def default_terms() -> tuple[Mapping[str, Any], ...]:
    """The department's dictionary as shipped: {kind, code, name, aliases, attributes}, in order."""
    content: dict[str, list[dict[str, Any]]] = yaml.safe_load(DEFAULTS.read_text(encoding="utf-8"))
    return tuple(
        {
            "kind": kind,
            "code": str(row["code"]),
            "name": str(row["name"]),
            "aliases": " ".join(str(word) for word in row.get("aliases", ())),
            "attributes": {key: value for key, value in row.items() if key not in ("code", "name", "aliases")},
            "sort": 10 * position,
        }
        for kind, rows in content.items()
        for position, row in enumerate(rows, 1)
    )


def load_default_terms() -> int:
    """Add the default entries that are missing; what the hospital changed or retired stays. Gives how many came."""
    held = set(db.session.execute(select(Term.kind, Term.code)))
    missing = [row for row in default_terms() if (row["kind"], row["code"]) not in held]
    for row in missing:
        term = Term(**row)
        term.index_name()
        db.session.add(term)
    db.session.flush()
    return len(missing)


def add_term(
    actor: Actor, kind: str, code: str, name: str, *, aliases: str = "", attributes: Mapping[str, Any] | None = None
) -> Term:
    """Add an entry. Raises `InvalidInput`, `Conflict` when the code is taken."""
    code, name = code.strip(), name.strip()
    _check(kind, code, name)
    if db.session.scalar(select(Term.id).where(Term.kind == kind, Term.code == code)) is not None:
        raise Conflict(f"编码 {code} 已存在，请换一个编码或修改原条目。", code="code_taken")
    term = Term(kind=kind, code=code, name=name, aliases=aliases.strip(), attributes=dict(attributes or {}))
    term.index_name()
    db.session.add(term)
    db.session.flush()
    audit.record(actor, "terminology.add_term", f"term:{term.id}", after={"kind": kind, "code": code, "name": name})
    return term


def change_term(
    actor: Actor,
    term_id: int,
    *,
    name: str | None = None,
    aliases: str | None = None,
    attributes: Mapping[str, Any] | None = None,
    sort: int | None = None,
) -> Term:
    """Change an entry. Records written before keep the text of their day."""
    term = _load(term_id)
    wanted: dict[str, Any] = {}
    if name is not None:
        _check(term.kind, term.code, name.strip())
        wanted["name"] = name.strip()
    if aliases is not None:
        wanted["aliases"] = aliases.strip()
    if attributes is not None:
        wanted["attributes"] = {**term.attributes, **attributes}
    if sort is not None:
        wanted["sort"] = sort
    before = {key: getattr(term, key) for key, value in wanted.items() if getattr(term, key) != value}
    if before:
        for key in before:
            setattr(term, key, wanted[key])
        term.index_name()
        db.session.flush()
        after = {key: wanted[key] for key in before}
        audit.record(actor, "terminology.change_term", f"term:{term.id}", before=before, after=after)
    return term


def set_active(actor: Actor, term_id: int, active: bool) -> Term:
    """Retire an entry or bring it back; old records keep showing it."""
    term = _load(term_id)
    if term.is_active != active:
        term.is_active = active
        db.session.flush()
        audit.record(actor, "terminology.set_active", f"term:{term.id}", after={"is_active": active})
    return term


def _load(term_id: int) -> Term:
    term = db.session.get(Term, term_id)
    if term is None:
        raise NotFound("没有找到这个字典条目。")
    return term


def _check(kind: str, code: str, name: str) -> None:
    fields = {}
    if kind not in KINDS:
        fields["kind"] = "请选择字典"
    if not code or len(code) > 32:
        fields["code"] = "请填写 1–32 位编码"
    if not name or len(name) > 128:
        fields["name"] = "请填写 1–128 字名称"
    if fields:
        raise InvalidInput(fields=fields)
