"""What the values of one field say over many documents: numbers in quartiles and bars, choices in shares, times by month.

A document counts once. Several choices, diagnoses and table rows count each, so that their shares may add up to more
than the whole. Quartiles are interpolated linearly between neighbours (method 7 of Hyndman and Fan, as in spreadsheets).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import Any

from app.core import clock
from app.documents.definition import Field, FieldType
from app.documents.rules.values import shown

MAX_BARS = 12
_NOTHING = Decimal("0.0")
_NICE = (Decimal(1), Decimal(2), Decimal(5), Decimal(10))
_ROWS = (FieldType.TABLE, FieldType.DRUG_ROWS)


class Measure(StrEnum):
    """How the values of a field are summed up."""

    NUMBER = "number"
    CATEGORY = "category"
    MONTH = "month"


class Presence(StrEnum):
    """Whether a document says anything: a field that did not apply is not missing."""

    FILLED = "filled"
    MISSING = "missing"
    NOT_APPLICABLE = "not_applicable"
    NO_FIELD = "no_field"  # begun with a version that does not have the field

    @property
    def label(self) -> str:
        """Chinese word on the page."""
        return {"filled": "已填", "missing": "未填", "not_applicable": "不适用", "no_field": "旧版无此字段"}[self.value]


@dataclass(frozen=True, slots=True)
class Observation:
    """What one document says about the field."""

    document_id: int
    group: str
    presence: Presence
    readings: tuple[Decimal | str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bar:
    """One class of values; `key` finds its documents again."""

    key: str
    label: str
    count: int
    share: Decimal  # percent of the documents with a value; of the numbers for a histogram


@dataclass(frozen=True, slots=True)
class Figures:
    """Order statistics of the numbers."""

    count: int
    low: Decimal
    quartile_1: Decimal
    median: Decimal
    quartile_3: Decimal
    high: Decimal
    mean: Decimal


@dataclass(frozen=True, slots=True)
class Summary:
    """One line of the statistics: all documents, or those of a room, a department, an anesthesiologist."""

    group: str
    total: int
    filled: int
    missing: int
    not_applicable: int
    no_field: int
    figures: Figures | None
    bars: tuple[Bar, ...]

    @property
    def missing_share(self) -> Decimal | None:
        """Percent of the documents in which the field applied; None when it never did."""
        return percent(self.missing, self.filled + self.missing)


def percent(part: int, whole: int) -> Decimal | None:
    """Share in percent with one decimal; None of nothing."""
    return round(Decimal(100 * part) / whole, 1) if whole else None


def measure_of(field: Field) -> Measure:
    """How a field is summed up; a table without a chosen column is counted by its rows."""
    if field.type in (FieldType.NUMBER, FieldType.SCORE, *_ROWS):
        return Measure.NUMBER
    return Measure.MONTH if field.type is FieldType.DATETIME else Measure.CATEGORY


def readings_of(field: Field, column: Field | None, value: Any) -> tuple[Decimal | str, ...]:
    """The values a document contributes: numbers, words or months (`2026-11`)."""
    if value is None:
        return ()
    if column is not None:
        cells = (row.get(column.key) for row in value)
        return tuple(reading for cell in cells for reading in readings_of(column, None, cell))
    match field.type:
        case FieldType.NUMBER:
            return (Decimal(value),)
        case FieldType.SCORE:
            return () if value.get("total") is None else (Decimal(value["total"]),)
        case FieldType.TABLE | FieldType.DRUG_ROWS:
            return (Decimal(len(value)),)
        case FieldType.DATETIME:
            return (f"{clock.to_hospital(datetime.fromisoformat(value)):%Y-%m}",)
        case FieldType.MULTI_CHOICE:
            return tuple(shown(field, [code]) for code in value)
        case FieldType.DIAGNOSIS | FieldType.PROCEDURE:
            return tuple(item["name"] for item in value)
        case FieldType.SIGNATURE | FieldType.MARK:
            return ("已填",)
        case FieldType.COMPUTED:
            return (value,) if isinstance(value, Decimal) else (str(value),)
    return (shown(field, value),)


def summaries(observations: Sequence[Observation], measure: Measure) -> list[Summary]:
    """All documents first, then each group by name when there is more than the one nameless group."""
    edges = bar_edges([number for one in observations for number in _numbers(one)])
    made = [_summary("", observations, measure, edges)]
    for group in sorted({one.group for one in observations if one.group}):
        made.append(_summary(group, [one for one in observations if one.group == group], measure, edges))
    return made


def _numbers(one: Observation) -> Iterable[Decimal]:
    return (reading for reading in one.readings if isinstance(reading, Decimal))


def _summary(group: str, rows: Sequence[Observation], measure: Measure, edges: Sequence[Decimal]) -> Summary:
    counted = Counter(one.presence for one in rows)
    numbers = sorted(number for one in rows for number in _numbers(one))
    filled = counted[Presence.FILLED]
    bars = _histogram(numbers, edges) if measure is Measure.NUMBER else _shares(rows, filled, measure)
    return Summary(
        group, len(rows), filled, counted[Presence.MISSING], counted[Presence.NOT_APPLICABLE],
        counted[Presence.NO_FIELD], figures_of(numbers), bars,
    )  # fmt: skip


def figures_of(numbers: Sequence[Decimal]) -> Figures | None:
    """Order statistics of sorted numbers; None when there are none."""
    if not numbers:
        return None
    mean = _tidy(sum(numbers, Decimal(0)) / len(numbers))
    first, median, third = (quantile(numbers, Decimal(part) / 4) for part in (1, 2, 3))
    return Figures(len(numbers), numbers[0], first, median, third, numbers[-1], mean)


def quantile(numbers: Sequence[Decimal], part: Decimal) -> Decimal:
    """The value below which `part` of the sorted numbers lies, interpolated linearly, to two decimals."""
    place = (len(numbers) - 1) * part
    below = int(place)
    above = min(below + 1, len(numbers) - 1)
    return _tidy(numbers[below] + (numbers[above] - numbers[below]) * (place - below))


def _tidy(number: Decimal) -> Decimal:
    """Rounded to two decimals, without zeros at the end."""
    return Decimal(_plain(round(number, 2)))


def bar_edges(numbers: Sequence[Decimal]) -> list[Decimal]:
    """Round edges of at most `MAX_BARS` classes that hold all numbers; the same for every group, so that they compare."""
    if not numbers:
        return []
    low, high = min(numbers), max(numbers)
    step = _nice_step((high - low) / MAX_BARS)
    if all(number == number.to_integral_value() for number in numbers):
        step = max(step, Decimal(1))
    first = (low / step).to_integral_value("ROUND_FLOOR") * step
    edges = [first]
    while edges[-1] <= high:
        edges.append(edges[-1] + step)
    return edges


def _nice_step(raw: Decimal) -> Decimal:
    if raw <= 0:
        return Decimal(1)
    scale = Decimal(10) ** raw.adjusted()
    return next(scale * nice for nice in _NICE if scale * nice >= raw)


def _histogram(numbers: Sequence[Decimal], edges: Sequence[Decimal]) -> tuple[Bar, ...]:
    bars = []
    for low, high in pairwise(edges):
        count = sum(low <= number < high for number in numbers)
        share = percent(count, len(numbers)) or _NOTHING
        bars.append(Bar(f"r:{_plain(low)}:{_plain(high)}", f"{_plain(low)} ～ <{_plain(high)}", count, share))
    return tuple(bars)


def _shares(rows: Sequence[Observation], filled: int, measure: Measure) -> tuple[Bar, ...]:
    counted: Counter[str] = Counter()
    for one in rows:
        counted.update({str(reading) for reading in one.readings})
    pairs = sorted(counted.items()) if measure is Measure.MONTH else counted.most_common()
    return tuple(Bar(f"v:{words}", words, count, percent(count, filled) or _NOTHING) for words, count in pairs)


def _plain(number: Decimal) -> str:
    return format(number.normalize(), "f") if number else "0"


def chosen(observations: Iterable[Observation], group: str, key: str) -> list[Observation]:
    """The documents behind a total: `key` is that of a bar, a presence, or empty for all; `group` empty for any."""
    return [one for one in observations if group in ("", one.group) and _within(one, key)]


def _within(one: Observation, key: str) -> bool:
    head, _, rest = key.partition(":")
    if head == "v":
        return rest in {str(reading) for reading in one.readings}
    if head == "r":
        low, _, high = rest.partition(":")
        try:
            bounds = Decimal(low), Decimal(high)
        except ArithmeticError:
            return False
        return any(bounds[0] <= number < bounds[1] for number in _numbers(one))
    return key in ("", one.presence.value)
