"""What a part of an expression names: a fact, a charted value at an event, a laboratory item."""

import ast


class ExpressionError(ValueError):
    """The text is not an expression of this language; the message says why, in Chinese."""


def dotted(node: ast.expr) -> str:
    """`case.asa` of its nodes. Raises `ExpressionError` for anything deeper or private."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or any(part.startswith("_") for part in parts) or len(parts) > 2:
        raise ExpressionError("名称只能是 字段 或 对象.属性")
    return ".".join([node.id, *reversed(parts)])


def chart_of(left: ast.expr, right: ast.expr) -> tuple[str, str]:
    """(parameter, event) of `chart.sbp@in_room`."""
    name = dotted(left)
    if not name.startswith("chart.") or not isinstance(right, ast.Name):
        raise ExpressionError("取体征应写为 chart.参数@事件")
    return name.removeprefix("chart."), right.id


def is_lab(node: ast.Call) -> bool:
    """Whether a call asks for a laboratory result: `labs.latest("Hb")`, `labs.preop("Hb")`."""
    return isinstance(node.func, ast.Attribute) and dotted(node.func) in _LABS


def lab_of(node: ast.Call) -> str:
    """Key of a laboratory item: its code, or `preop:` and its code when only results before the operation count."""
    match node:
        case ast.Call(func=ast.Attribute() as function, args=[ast.Constant(value=str(code))]):
            return _LABS[dotted(function)] + code
    raise ExpressionError('取检验值应写为 labs.latest("项目") 或 labs.preop("项目")')


_LABS = {"labs.latest": "", "labs.preop": "preop:"}
