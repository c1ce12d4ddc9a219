"""Functions that an expression may call. Each takes what a half-filled form gives: a missing value is None."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal, DecimalException
from typing import Any


def to_number(value: Any) -> Decimal | None:
    """A value as a finite number, a score as its total; None when it is no number."""
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
        return to_number(value.get("total"))
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
    numbers = [number for value in values for number in map(to_number, _flat(value)) if number is not None]
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
    number = to_number(value)
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
        number = to_number(row.get(column))
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
    "number": to_number,
    "when": _if,
    "join": _join,
    "first": _first,
    "rows": _preset,
    "uneven": _uneven,
    "halves": _halves,
    "alike": _alike_rows,
    "before": _before_rows,
    "bmi": lambda height, weight: _bmi(to_number(height), to_number(weight)),
}
ARITY: Mapping[str, tuple[int, int]] = {
    "filled": (1, 1), "empty": (1, 1), "count": (1, 1), "has": (2, 2), "any_of": (2, 20), "sum": (1, 20),
    "minutes": (2, 2), "days": (2, 2), "round": (1, 2), "number": (1, 1), "when": (2, 3), "join": (1, 20),
    "first": (1, 10), "bmi": (2, 2), "rows": (2, 60), "uneven": (3, 10), "halves": (2, 10), "alike": (3, 3),
    "before": (3, 3),
}  # fmt: skip


def _bmi(height_cm: Decimal | None, weight_kg: Decimal | None) -> Decimal | None:
    if height_cm is None or weight_kg is None or height_cm <= 0:
        return None
    return round(weight_kg / (height_cm / 100) ** 2, 1)
