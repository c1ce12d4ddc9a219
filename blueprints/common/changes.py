"""What an audit entry changed, as names with the old and the new value."""

import json
from typing import Any

from app.core.audit import AuditEntry
from blueprints.common.fact_words import fact_name, fact_value

Change = tuple[str, str | None, str | None]


def changes(entry: AuditEntry) -> list[Change]:
    """(name, old, new) of every fact the entry tells, in words; None where the entry is silent. Of two lists only
    what went and what came is told.
    """
    before, after = _facts(entry.before), _facts(entry.after)
    names = list(dict.fromkeys([*before, *after]))
    return [_change(name, before, after) for name in names]


def _change(name: str, before: dict[str, Any], after: dict[str, Any]) -> Change:
    old, new = before.get(name), after.get(name)
    if isinstance(old, list) and isinstance(new, list):
        gone, come = [part for part in old if part not in new], [part for part in new if part not in old]
        if gone or come:
            return fact_name(name), _text(gone) if gone else None, _text(come) if come else "空"
    return (
        fact_name(name),
        _text(old) if name in before else None,
        _text(new) if name in after else None,
    )


def _facts(text: str) -> dict[str, Any]:
    facts = json.loads(text) if text else {}
    return facts if isinstance(facts, dict) else {"": facts}


def _text(value: Any) -> str:
    if value is None or value == "":
        return "空"
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, dict):
        if set(value) == {"code", "name", "role"}:  # a person of the team
            return f"{fact_value(str(value['role']))} {value['name']}"
        return "，".join(f"{fact_name(name)} {_text(part)}" for name, part in value.items()) or "空"
    if isinstance(value, list):
        return "、".join(_text(part) for part in value) or "空"
    return fact_value(str(value))
