"""The records query by a field of a kind, also one that the hospital made: contains, equals, at least, at most, empty."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.core import clock
from app.documents.definition import Field, FieldType, Kind
from app.documents.kinds import kind_of
from app.documents.models import Document
from app.documents.rules.values import shown

OPERATORS: Mapping[str, str] = {
    "": "包含", "eq": "等于", "ge": "不小于", "le": "不大于", "filled": "已填写", "empty": "未填写",
}  # fmt: skip
_ROWS = (FieldType.TABLE, FieldType.DRUG_ROWS)


def askable(kinds: Mapping[str, Kind], chosen: str) -> list[tuple[str, str]]:
    """Fields for the query as (`kind.key` or `kind.table.column`, label): all of the kind, or the hospital's own."""
    found = []
    for kind in [kinds[chosen]] if chosen in kinds else kinds.values():
        whole = kind.key == chosen
        for _, item in kind.fields():
            if not item.stored or not (whole or item.hospital):
                continue
            label = item.label if whole else f"{kind.title}：{item.label}"
            found.append((f"{kind.key}.{item.key}", label))
            found += [(f"{kind.key}.{item.key}.{c.key}", f"{label} / {c.label}") for c in item.columns]
    return found


def field_fits(document: Document, asked_field: str, operator: str, asked: str) -> bool:
    """Whether the field of the document is as asked; a document whose version has no such field never fits."""
    kind, _, path = asked_field.partition(".")
    key, _, column_key = path.partition(".")
    item = kind_of(document).find(key) if document.kind == kind else None
    if item is None:
        return False
    cells = _cells(item, column_key, document.content.values.get(key))
    if operator in ("filled", "empty"):
        return bool(cells) == (operator == "filled")
    return any(_cell_fits(field, value, operator, asked.strip()) for field, value in cells)


def _cells(item: Field, column_key: str, value: Any) -> list[tuple[Field, Any]]:
    if value is None:
        return []
    if not column_key:
        return [(item, value)]
    column = next((c for c in item.columns if c.key == column_key), None)
    if column is None or item.type not in _ROWS:
        return []
    return [(column, row[column_key]) for row in value if row.get(column_key) is not None]


def _cell_fits(field: Field, value: Any, operator: str, asked: str) -> bool:
    words = shown(field, value)
    if operator == "eq":
        same = _number(asked)
        return asked in (words, str(value)) or (same is not None and same == _number(_comparable(field, value)))
    if operator in ("ge", "le"):
        mine, theirs = _comparable(field, value), asked
        pair = _number(mine), _number(theirs)
        if pair[0] is not None and pair[1] is not None:
            return pair[0] >= pair[1] if operator == "ge" else pair[0] <= pair[1]
        if field.type is FieldType.DATETIME:
            mine = mine[: len(theirs)]
            return mine >= theirs if operator == "ge" else mine <= theirs
        return False
    return asked in words or (isinstance(value, str) and asked in value)


def _comparable(field: Field, value: Any) -> str:
    if field.type is FieldType.SCORE:
        return str(value.get("total") or "") if value.get("total") != 0 else "0"
    if field.type is FieldType.DATETIME:
        return f"{clock.to_hospital(datetime.fromisoformat(value)):%Y-%m-%d %H:%M}"
    return str(value)


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except ArithmeticError:
        return None
    return number if number.is_finite() else None
