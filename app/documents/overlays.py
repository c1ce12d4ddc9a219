"""Merging: specialty packages and the hospital's own fields are laid over a shipped kind as data."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from app.documents.expressions import ExpressionError, parse
from app.documents.reader import DefinitionError, Fault

_OVERLAY_KEYS = frozenset({"kind", "sections", "fields", "changes", "signatories", "rules", "title", "note", "order"})


def merged(base: Mapping[str, Any], overlay: Mapping[str, Any], place: str, package: str = "") -> dict[str, Any]:
    """The base with the overlay laid over it, as a new mapping. Raises `DefinitionError`.

    `sections` are appended, `fields` are put into a section (after a named field when `after` is given),
    `changes` alter or hide a field (`{field, hidden: true, reason}` or any other key of a field), `order` tells the
    sequence of the fields of a section. The base is not touched.
    """
    unknown = sorted(set(overlay) - _OVERLAY_KEYS)
    if unknown:
        raise DefinitionError([Fault(place, f"不认识的键 {'、'.join(unknown)}")])
    result: dict[str, Any] = copy.deepcopy(dict(base))
    if overlay.get("title"):
        result["title"] = overlay["title"]
    for section in _rows(overlay, "sections", place):
        made = {**copy.deepcopy(dict(section)), **({"package": package} if package else {})}
        if package:
            made["key"] = str(made.get("key", ""))
        result["sections"].append(made)
    for item in _rows(overlay, "fields", place):
        _add_field(result, item, place)
    for change in _rows(overlay, "changes", place):
        _change_field(result, change, place)
    for section in result["sections"]:
        if keys := (overlay.get("order") or {}).get(section.get("key")):
            section["fields"] = _ordered(section.get("fields", []), keys)
    for name in ("signatories", "rules"):
        if overlay.get(name):
            result[name] = [*result.get(name, []), *copy.deepcopy(_rows(overlay, name, place))]
    return result


def _rows(overlay: Mapping[str, Any], name: str, place: str) -> Sequence[Mapping[str, Any]]:
    rows = overlay.get(name) or []
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise DefinitionError([Fault(place, f"{name} 应为列表")])
    return rows


def _add_field(result: dict[str, Any], item: Mapping[str, Any], place: str) -> None:
    made = copy.deepcopy(dict(item))
    target, after = made.pop("section", ""), made.pop("after", "")
    for section in result["sections"]:
        if section.get("key") != target:
            continue
        fields = section.setdefault("fields", [])
        index = next((i for i, other in enumerate(fields) if other.get("key") == after), len(fields) - 1)
        fields.insert(index + 1, made)
        return
    raise DefinitionError([Fault(place, f"没有章节 {target!r}，字段 {made.get('key')!r} 无处可放")])


def fields_in(text: str) -> set[str]:
    """Names of an expression before their dot: fields of the document among them (`counts.before` is of `counts`)."""
    try:
        expression = parse(text)
    except ExpressionError:
        return set()
    return set(expression.fields) | {path.partition(".")[0] for path in expression.facts}


def is_optional_entry(entry: Mapping[str, Any]) -> bool:
    """Whether an entry of an exchange mapping is one value that may be missing."""
    several = ("each", "rows", "nested", "time_high")
    return bool("observation" in entry and "from" in entry and not entry.get("required")
                and not any(name in entry for name in several))  # fmt: skip


def _without(node: Any, key: str) -> Any:
    """The exchange mapping without the optional entries that tell a hidden field."""
    if isinstance(node, Mapping):
        return {name: _without(value, key) for name, value in node.items()}
    if isinstance(node, list):
        kept = [one for one in node
                if not (isinstance(one, Mapping) and is_optional_entry(one) and key in fields_in(str(one["from"])))]  # fmt: skip
        return [_without(one, key) for one in kept]
    return node


def _ordered(fields: list[dict[str, Any]], keys: Sequence[str]) -> list[dict[str, Any]]:
    """By the given sequence; a field that it does not name (of a specialty package) stays behind the one before it."""
    places = {key: place for place, key in enumerate(keys)}
    ranked, last = [], -1
    for item in fields:
        last = places.get(item.get("key", ""), last)
        ranked.append((last, item))
    return [item for _, item in sorted(ranked, key=lambda pair: pair[0])]


def _change_field(result: dict[str, Any], change: Mapping[str, Any], place: str) -> None:
    values = copy.deepcopy(dict(change))
    key, hidden = values.pop("field", ""), values.pop("hidden", False)
    values.pop("reason", None)
    for section in result["sections"]:
        for index, item in enumerate(section.get("fields", [])):
            if item.get("key") == key:
                if hidden:
                    del section["fields"][index]
                    if result.get("cda"):
                        result["cda"] = _without(result["cda"], key)
                else:
                    section["fields"][index] = {**item, **values}
                return
    raise DefinitionError([Fault(place, f"没有字段 {key!r}，不能更改")])
