"""The small language of definitions: conditions, computed values and default sources.

It is a subset of Python expressions, walked over a whitelist of nodes and never evaluated by Python itself.
A name is a field of the same document (`bleeding_ml`), a dotted name is a fact of the case (`patient.sex`,
`case.asa`) or a column of a table (`counts.before`); `chart.sbp@in_room` is the chart value nearest to an
event and `labs.latest("Hb")` the newest result. A missing value is None: comparing with it is False,
calculating with it gives None, so a half-filled form never raises.
"""

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, DecimalException
from functools import lru_cache
from typing import Any, Protocol

MAX_LENGTH = 500
MAX_NODES = 120


class ExpressionError(ValueError):
    """The text is not an expression of this language; the message says why, in Chinese."""


class Environment(Protocol):
    """What an expression can look at."""

    def field(self, key: str) -> Any:
        """Value of a field of this document, None when empty or unknown."""

    def fact(self, path: str) -> Any:
        """Value of a fact of the case, None when unknown."""

    def lab(self, code: str) -> Any:
        """Newest result of a laboratory item, None when there is none."""

    def chart_at(self, code: str, event: str) -> Any:
        """Charted value of a vital sign nearest to an event of the case."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked expression: its text, and the names it needs."""

    text: str
    tree: ast.expr = field(repr=False, compare=False, hash=False)
    fields: frozenset[str]
    facts: frozenset[str]
    charts: frozenset[tuple[str, str]]
    labs: frozenset[str]

    def value(self, environment: Environment) -> Any:
        """The value; None when something needed is missing or of an unfit type."""
        try:
            return _eval(self.tree, environment)
        except (TypeError, ValueError, DecimalException, OverflowError, ZeroDivisionError, AttributeError):
            return None

    def holds(self, environment: Environment) -> bool:
        """Whether the condition is true; a missing value makes it false."""
        return bool(self.value(environment))


@lru_cache(maxsize=4096)
def parse(text: str) -> Expression:
    """Check the text and return the expression. Raises `ExpressionError`."""
    if not isinstance(text, str) or not text.strip():
        raise ExpressionError("表达式为空")
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"表达式超过 {MAX_LENGTH} 个字符")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ExpressionError(f"表达式写法不对：{text}") from None
    if sum(1 for _ in ast.walk(tree)) > MAX_NODES:
        raise ExpressionError("表达式过长")
    names = _Names()
    _check(tree, names)
    return Expression(
        text=text.strip(),
        tree=tree,
        fields=frozenset(names.fields),
        facts=frozenset(names.facts),
        charts=frozenset(names.charts),
        labs=frozenset(names.labs),
    )


@dataclass(slots=True)
class _Names:
    fields: set[str] = field(default_factory=set)
    facts: set[str] = field(default_factory=set)
    charts: set[tuple[str, str]] = field(default_factory=set)
    labs: set[str] = field(default_factory=set)


_COMPARE: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: lambda a, b: a == b,
    ast.NotEq: lambda a, b: a != b,
    ast.Lt: lambda a, b: a < b,
    ast.LtE: lambda a, b: a <= b,
    ast.Gt: lambda a, b: a > b,
    ast.GtE: lambda a, b: a >= b,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
}
_ARITHMETIC: Mapping[type[ast.operator], Callable[[Decimal, Decimal], Decimal]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
}


def _check(node: ast.expr, names: _Names) -> None:
    match node:
        case ast.Constant(value=value):
            if not (value is None or isinstance(value, str | int | float | bool)):
                raise ExpressionError(f"不支持的常量 {value!r}")
        case ast.Name(id=name):
            names.fields.add(name)
        case ast.Attribute():
            names.facts.add(_dotted(node))
        case ast.BoolOp(values=values) | ast.Tuple(elts=values) | ast.List(elts=values):
            for part in values:
                _check(part, names)
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            _check(operand, names)
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            if any(type(op) not in _COMPARE for op in ops):
                raise ExpressionError("不支持的比较")
            for part in (left, *comparators):
                _check(part, names)
        case ast.BinOp(left=left, op=ast.MatMult(), right=right):
            names.charts.add(_chart(left, right))
        case ast.BinOp(left=left, op=op, right=right):
            if type(op) not in _ARITHMETIC:
                raise ExpressionError("只支持加减乘除")
            _check(left, names)
            _check(right, names)
        case ast.Call():
            _check_call(node, names)
        case _:
            raise ExpressionError(f"不支持的写法：{ast.unparse(node)}")


def _check_call(node: ast.Call, names: _Names) -> None:
    if node.keywords:
        raise ExpressionError("函数不接受命名参数")
    if isinstance(node.func, ast.Attribute) and _dotted(node.func) == "labs.latest":
        names.labs.add(_lab_code(node))
        return
    if not isinstance(node.func, ast.Name) or node.func.id not in FUNCTIONS:
        raise ExpressionError(f"没有这个函数：{ast.unparse(node.func)}")
    low, high = _ARITY[node.func.id]
    if not low <= len(node.args) <= high:
        raise ExpressionError(f"函数 {node.func.id} 的参数个数不对")
    for argument in node.args:
        _check(argument, names)


def _dotted(node: ast.expr) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or any(part.startswith("_") for part in parts) or len(parts) > 2:
        raise ExpressionError("名称只能是 字段 或 对象.属性")
    return ".".join([node.id, *reversed(parts)])


def _chart(left: ast.expr, right: ast.expr) -> tuple[str, str]:
    name = _dotted(left)
    if not name.startswith("chart.") or not isinstance(right, ast.Name):
        raise ExpressionError("取体征应写为 chart.参数@事件")
    return name.removeprefix("chart."), right.id


def _lab_code(node: ast.Call) -> str:
    match node.args:
        case [ast.Constant(value=str(code))]:
            return code
    raise ExpressionError('取检验值应写为 labs.latest("项目")')


def _eval(node: ast.expr, env: Environment) -> Any:
    match node:
        case ast.Constant(value=value):
            return Decimal(str(value)) if isinstance(value, int | float) and not isinstance(value, bool) else value
        case ast.Name(id=name):
            return env.field(name)
        case ast.Attribute():
            return _path(_dotted(node), env)
        case ast.BoolOp(op=op, values=values):
            results = (_eval(value, env) for value in values)
            return all(results) if isinstance(op, ast.And) else any(results)
        case ast.Tuple(elts=elts) | ast.List(elts=elts):
            return [_eval(value, env) for value in elts]
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _eval(operand, env)
        case ast.UnaryOp(operand=operand):
            number = _number(_eval(operand, env))
            return None if number is None else -number
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            return _compare(left, ops, comparators, env)
        case ast.BinOp(left=left, op=ast.MatMult(), right=right):
            return env.chart_at(*_chart(left, right))
        case ast.BinOp(left=left, op=op, right=right):
            a, b = _number(_eval(left, env)), _number(_eval(right, env))
            return None if a is None or b is None else _ARITHMETIC[type(op)](a, b)
        case ast.Call(func=ast.Attribute()):
            return env.lab(_lab_code(node))
        case ast.Call(func=ast.Name(id=name), args=args):
            return FUNCTIONS[name](*[_eval(argument, env) for argument in args])
    return None


def _path(path: str, env: Environment) -> Any:
    head, _, column = path.partition(".")
    value = env.field(head)
    if isinstance(value, Mapping):
        return value.get(column)
    if isinstance(value, list):
        return [row.get(column) for row in value if isinstance(row, Mapping)]
    return env.fact(path)


def _compare(left: ast.expr, ops: list[ast.cmpop], comparators: list[ast.expr], env: Environment) -> bool:
    current = _eval(left, env)
    for op, comparator in zip(ops, comparators, strict=True):
        following = _eval(comparator, env)
        if not isinstance(op, ast.Eq | ast.NotEq) and (current is None or following is None):
            return False
        if not _COMPARE[type(op)](*_alike(current, following)):
            return False
        current = following
    return True


def _alike(a: Any, b: Any) -> tuple[Any, Any]:
    """Let a choice code such as "3" be compared with the number 3."""
    if isinstance(a, str) and isinstance(b, Decimal):
        return (_number(a) if _number(a) is not None else a), b
    if isinstance(a, Decimal) and isinstance(b, str):
        return a, (_number(b) if _number(b) is not None else b)
    return a, b


def _number(value: Any) -> Decimal | None:
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, Decimal):
        return value
    if isinstance(value, int | float | str):
        try:
            number = Decimal(str(value).strip())
        except DecimalException:
            return None
        return number if number.is_finite() else None
    if isinstance(value, Mapping):  # a score
        return _number(value.get("total"))
    return None


def is_filled(value: Any) -> bool:
    """Whether a value counts as filled in: not None, not blank, not an empty list."""
    if value is None:
        return False
    if isinstance(value, str):
        return bool(value.strip())
    if isinstance(value, list | dict | tuple):
        return len(value) > 0
    return True


def _has(container: Any, needle: Any) -> bool:
    if isinstance(container, str):
        return str(needle) in container
    if isinstance(container, list):
        return any(needle == item or (isinstance(item, str) and str(needle) in item) for item in _flat(container))
    return False


def _flat(values: Any) -> Iterator[Any]:
    for value in values if isinstance(values, list | tuple) else [values]:
        if isinstance(value, Mapping):
            yield from (value.get("name"), value.get("code"))
        elif isinstance(value, list | tuple):
            yield from _flat(value)
        else:
            yield value


def _sum(*values: Any) -> Decimal | None:
    numbers = [number for value in values for number in map(_number, _flat(value)) if number is not None]
    return sum(numbers, Decimal(0)) if numbers else None


def _minutes(start: Any, end: Any) -> Decimal | None:
    if not isinstance(start, datetime) or not isinstance(end, datetime):
        return None
    return Decimal(round((end - start).total_seconds() / 60))


def _days(start: Any, end: Any) -> Decimal | None:
    a = start.date() if isinstance(start, datetime) else start
    b = end.date() if isinstance(end, datetime) else end
    return Decimal((b - a).days) if isinstance(a, date) and isinstance(b, date) else None


def _round(value: Any, places: Any = Decimal(0)) -> Decimal | None:
    number = _number(value)
    return None if number is None else round(number, max(0, min(int(places or 0), 6)))


def _if(condition: Any, then: Any, otherwise: Any = None) -> Any:
    return then if condition else otherwise


def _join(*values: Any) -> str | None:
    parts = [str(item) for value in values for item in _flat(value) if is_filled(item)]
    return "，".join(parts) or None


def _first(*values: Any) -> Any:
    return next((value for value in values if is_filled(value)), None)


def _preset(column: Any, *values: Any) -> list[dict[str, str]]:
    """Rows of a table that begin with these values in one column."""
    return [{str(column): str(value)} for value in values]


def _named_rows(rows: Any, chosen: Callable[[Mapping[str, Any]], bool]) -> list[str] | None:
    """What the chosen rows of a table are called: their first filled cell."""
    if not isinstance(rows, list):
        return None
    found = [row for row in rows if isinstance(row, Mapping) and chosen(row)]
    return [str(next((cell for cell in row.values() if is_filled(cell)), "")) for row in found] or None


def _uneven(rows: Any, column: Any, *addends: Any) -> list[str] | None:
    """Rows in which the number of a column is not the sum of the others; an empty number is not compared."""

    def differs(row: Mapping[str, Any]) -> bool:
        number = _number(row.get(column))
        return number is not None and number != (_sum(*(row.get(name) for name in addends)) or Decimal(0))

    return _named_rows(rows, differs)


def _halves(rows: Any, *columns: Any) -> list[str] | None:
    """Rows in which some of the columns are filled and others are not."""
    return _named_rows(rows, lambda row: 0 < sum(is_filled(row.get(name)) for name in columns) < len(columns))


def _alike_rows(rows: Any, one: Any, other: Any) -> list[str] | None:
    """Rows with the same value in two columns."""
    return _named_rows(rows, lambda row: is_filled(row.get(one)) and row.get(one) == row.get(other))


def _before_rows(rows: Any, early: Any, late: Any) -> list[str] | None:
    """Rows in which the time of the first column lies before that of the second."""

    def reversed_(row: Mapping[str, Any]) -> bool:
        a, b = row.get(early), row.get(late)
        return isinstance(a, datetime) and isinstance(b, datetime) and a < b

    return _named_rows(rows, reversed_)


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "filled": is_filled,
    "empty": lambda value: not is_filled(value),
    "count": lambda value: Decimal(len(value)) if isinstance(value, list) else Decimal(0),
    "has": _has,
    "any_of": lambda value, *options: any(_has([value] if isinstance(value, str) else value, o) for o in options),
    "sum": _sum,
    "minutes": _minutes,
    "days": _days,
    "round": _round,
    "number": _number,
    "when": _if,
    "join": _join,
    "first": _first,
    "rows": _preset,
    "uneven": _uneven,
    "halves": _halves,
    "alike": _alike_rows,
    "before": _before_rows,
    "bmi": lambda height, weight: _bmi(_number(height), _number(weight)),
}
_ARITY: Mapping[str, tuple[int, int]] = {
    "filled": (1, 1), "empty": (1, 1), "count": (1, 1), "has": (2, 2), "any_of": (2, 20), "sum": (1, 20),
    "minutes": (2, 2), "days": (2, 2), "round": (1, 2), "number": (1, 1), "when": (2, 3), "join": (1, 20),
    "first": (1, 10), "bmi": (2, 2), "rows": (2, 60), "uneven": (3, 10), "halves": (2, 10), "alike": (3, 3),
    "before": (3, 3),
}  # fmt: skip


def _bmi(height_cm: Decimal | None, weight_kg: Decimal | None) -> Decimal | None:
    if height_cm is None or weight_kg is None or height_cm <= 0:
        return None
    return round(weight_kg / (height_cm / 100) ** 2, 1)
