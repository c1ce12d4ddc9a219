"""From text to a checked expression: what it may contain, and the names it needs."""

import ast
from dataclasses import dataclass, field
from decimal import DecimalException
from functools import lru_cache
from typing import Any

from app.documents.expressions.evaluate import ARITHMETIC, COMPARE, Environment, evaluate
from app.documents.expressions.functions import ARITY, FUNCTIONS
from app.documents.expressions.names import ExpressionError, chart_of, dotted, is_lab, lab_of

MAX_LENGTH = 500
MAX_NODES = 120


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
            return evaluate(self.tree, environment)
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


def _check(node: ast.expr, names: _Names) -> None:
    match node:
        case ast.Constant(value=value):
            if not (value is None or isinstance(value, str | int | float | bool)):
                raise ExpressionError(f"不支持的常量 {value!r}")
        case ast.Name(id=name):
            names.fields.add(name)
        case ast.Attribute():
            names.facts.add(dotted(node))
        case ast.BoolOp(values=values) | ast.Tuple(elts=values) | ast.List(elts=values):
            for part in values:
                _check(part, names)
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            _check(operand, names)
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            if any(type(op) not in COMPARE for op in ops):
                raise ExpressionError("不支持的比较")
            for part in (left, *comparators):
                _check(part, names)
        case ast.BinOp(left=left, op=ast.MatMult(), right=right):
            names.charts.add(chart_of(left, right))
        case ast.BinOp(left=left, op=op, right=right):
            if type(op) not in ARITHMETIC:
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
    if is_lab(node):
        names.labs.add(lab_of(node))
        return
    if not isinstance(node.func, ast.Name) or node.func.id not in FUNCTIONS:
        raise ExpressionError(f"没有这个函数：{ast.unparse(node.func)}")
    low, high = ARITY[node.func.id]
    if not low <= len(node.args) <= high:
        raise ExpressionError(f"函数 {node.func.id} 的参数个数不对")
    for argument in node.args:
        _check(argument, names)
