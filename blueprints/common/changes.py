"""What an audit entry changed, as names with the old and the new value."""

import json
from typing import Any

from app.core.audit import AuditEntry

Change = tuple[str, str | None, str | None]


def changes(entry: AuditEntry) -> list[Change]:
    """(name, old, new) of every fact the entry tells; None where the entry is silent."""
    before, after = _facts(entry.before), _facts(entry.after)
    names = list(dict.fromkeys([*before, *after]))
    return [
        (name, _text(before[name]) if name in before else None, _text(after[name]) if name in after else None)
        for name in names
    ]


def _facts(text: str) -> dict[str, Any]:
    facts = json.loads(text) if text else {}
    return facts if isinstance(facts, dict) else {"": facts}


def _text(value: Any) -> str:
    if value is None or value == "":
        return "空"
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, dict):
        return "，".join(f"{name}={_text(part)}" for name, part in value.items()) or "空"
    if isinstance(value, list):
        return "、".join(_text(part) for part in value) or "空"
    return str(value)
