"""Working out an expression: a walk over the checked nodes, never evaluated by Python itself."""

import ast
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Protocol

from app.documents.expressions.functions import FUNCTIONS, to_number
from app.documents.expressions.names import chart_of, dotted, lab_of


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


COMPARE: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: lambda a, b: a == b,
    ast.NotEq: lambda a, b: a != b,
    ast.Lt: lambda a, b: a < b,
    ast.LtE: lambda a, b: a <= b,
    ast.Gt: lambda a, b: a > b,
    ast.GtE: lambda a, b: a >= b,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
}
ARITHMETIC: Mapping[type[ast.operator], Callable[[Decimal, Decimal], Decimal]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
}


def evaluate(node: ast.expr, env: Environment) -> Any:
    """The value of a checked node; None where something it needs is missing."""
    match node:
        case ast.Constant(value=value):
            return Decimal(str(value)) if isinstance(value, int | float) and not isinstance(value, bool) else value
        case ast.Name(id=name):
            return env.field(name)
        case ast.Attribute():
            return _path(dotted(node), env)
        case ast.BoolOp(op=op, values=values):
            results = (evaluate(value, env) for value in values)
            return all(results) if isinstance(op, ast.And) else any(results)
        case ast.Tuple(elts=elts) | ast.List(elts=elts):
            return [evaluate(value, env) for value in elts]
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not evaluate(operand, env)
        case ast.UnaryOp(operand=operand):
            amount = to_number(evaluate(operand, env))
            return None if amount is None else -amount
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            return _compare(left, ops, comparators, env)
        case ast.BinOp(left=left, op=ast.MatMult(), right=right):
            return env.chart_at(*chart_of(left, right))
        case ast.BinOp(left=left, op=op, right=right):
            a, b = to_number(evaluate(left, env)), to_number(evaluate(right, env))
            return None if a is None or b is None else ARITHMETIC[type(op)](a, b)
        case ast.Call(func=ast.Attribute()):
            return env.lab(lab_of(node))
        case ast.Call(func=ast.Name(id=name), args=args):
            return FUNCTIONS[name](*[evaluate(argument, env) for argument in args])
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
    current = evaluate(left, env)
    for op, comparator in zip(ops, comparators, strict=True):
        following = evaluate(comparator, env)
        if not isinstance(op, ast.Eq | ast.NotEq) and (current is None or following is None):
            return False
        if not COMPARE[type(op)](*_alike(current, following)):
            return False
        current = following
    return True


def _alike(a: Any, b: Any) -> tuple[Any, Any]:
    """Let a choice code such as "3" be compared with the number 3."""
    if isinstance(a, str) and isinstance(b, Decimal):
        return (to_number(a) if to_number(a) is not None else a), b
    if isinstance(a, Decimal) and isinstance(b, str):
        return a, (to_number(b) if to_number(b) is not None else b)
    return a, b
