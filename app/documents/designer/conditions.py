"""Conditions as rows of field, comparison and value, joined by all or any; what is more is a formula in words."""

import ast
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from app.documents.designer.words import to_expression, to_words
from app.documents.expressions import ExpressionError

OPERATORS: Mapping[str, str] = {
    "eq": "等于", "ne": "不等于", "gt": "大于", "ge": "不小于", "lt": "小于", "le": "不大于", "has": "包含",
    "filled": "已填写", "empty": "未填写",
}  # fmt: skip
ALONE = ("filled", "empty")  # comparisons without a value
_SIGNS = {"eq": "==", "ne": "!=", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}
_NODES: Mapping[type[ast.cmpop], str] = {
    ast.Eq: "eq", ast.NotEq: "ne", ast.Gt: "gt", ast.GtE: "ge", ast.Lt: "lt", ast.LtE: "le",
}  # fmt: skip
_NUMERIC = frozenset({"number", "score", "computed"})
_FITTING: Mapping[str, tuple[str, ...]] = {
    "number": ("eq", "ne", "gt", "ge", "lt", "le", *ALONE), "score": ("eq", "ne", "gt", "ge", "lt", "le", *ALONE),
    "computed": ("eq", "ne", "gt", "ge", "lt", "le", *ALONE), "choice": ("eq", "ne", *ALONE),
    "yes_no_unknown": ("eq", "ne", *ALONE), "multi_choice": ("has", *ALONE), "text": ("eq", "ne", "has", *ALONE),
    "long_text": ("has", *ALONE), "diagnosis": ("has", *ALONE), "procedure": ("has", *ALONE),
}  # fmt: skip
Condition = dict[str, Any]


def operators_for(type_name: str) -> list[tuple[str, str]]:
    """Comparisons that make sense for a type of field."""
    return [(name, OPERATORS[name]) for name in _FITTING.get(type_name, ALONE)]


def is_set(condition: Condition | None) -> bool:
    """Whether the condition says anything."""
    return bool(condition and (condition.get("raw") or any(row.get("field") for row in condition.get("rows", []))))


def expression_of(condition: Condition, types: Mapping[str, str], keys: Mapping[str, str]) -> str:
    """Text of the expression. `types` maps a key to its type, `keys` a label to its key. Raises `ExpressionError`."""
    if condition.get("raw"):
        return to_expression(condition["raw"], keys).text
    parts = [_row(row, types) for row in condition.get("rows", []) if row.get("field")]
    return (" or " if condition.get("join") == "or" else " and ").join(parts)


def _row(row: Mapping[str, str], types: Mapping[str, str]) -> str:
    key, operator, value = row["field"], row.get("op") or "eq", (row.get("value") or "").strip()
    if key not in types:
        raise ExpressionError("条件中的字段已不存在，请重新选择")
    if operator in ALONE:
        return f"{operator}({key})"
    if operator not in _FITTING.get(types[key], ALONE):
        raise ExpressionError("请重新选择条件的比较方式")
    if not value:
        raise ExpressionError("条件还没有填内容")
    if types[key] in _NUMERIC:
        return f"{key} {_SIGNS[operator]} {_number(value)}"
    quoted = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"has({key}, {quoted})" if operator == "has" else f"{key} {_SIGNS[operator]} {quoted}"


def _number(value: str) -> str:
    try:
        number = Decimal(value)
    except ArithmeticError:
        number = Decimal("NaN")
    if not number.is_finite():
        raise ExpressionError(f"条件中的「{value}」应为数值")
    return format(number, "f")


def condition_of(expression: str, keys: Mapping[str, str]) -> Condition:
    """Rows for an expression that is simple enough, else the formula in words."""
    tree = ast.parse(expression, mode="eval").body
    parts = tree.values if isinstance(tree, ast.BoolOp) else [tree]
    rows = [_read(part) for part in parts]
    if all(row is not None and row["field"] in set(keys.values()) for row in rows):
        join = "or" if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.Or) else "and"
        return {"join": join, "rows": rows, "raw": ""}
    return {"join": "and", "rows": [], "raw": to_words(expression, keys)}


def _read(node: ast.expr) -> dict[str, str] | None:
    match node:
        case ast.Call(func=ast.Name(id="filled" | "empty" as name), args=[ast.Name(id=key)]):
            return {"field": key, "op": name, "value": ""}
        case ast.Call(func=ast.Name(id="has"), args=[ast.Name(id=key), ast.Constant(value=str(value))]):
            return {"field": key, "op": "has", "value": value}
        case ast.Compare(left=ast.Name(id=key), ops=[op], comparators=[constant]):
            words = _constant(constant)
            if type(op) in _NODES and words is not None:
                return {"field": key, "op": _NODES[type(op)], "value": words}
    return None


def _constant(node: ast.expr) -> str | None:
    match node:
        case ast.Constant(value=str() | int() | float() as value) if not isinstance(value, bool):
            return str(value)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return str(-number)
    return None
