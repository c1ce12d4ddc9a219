"""The grid of the chart and which raw value stands on a grid line.

Source: facts 2h.3 rule 1: a slot takes the valid value nearest to its grid line within its cell, nothing is
interpolated, a cell without a value stays empty; 2h.1: a line every 5 minutes, every minute in rescue mode. A cell
reaches half way to the lines before and after. All times are milliseconds since 1970 UTC.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

MINUTE_MS = 60_000
# Bits that the bridge sets: demo 2, out of range 4, unit suspect 8, invalid 256, calibration 512.
NOT_CHARTABLE = 2 | 4 | 8 | 256 | 512

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Slot:
    """A grid line and its cell: `opens_ms` < time <= `closes_ms`."""

    at_ms: int
    opens_ms: int
    closes_ms: int


def rescue_spans_ms(spans: Iterable[dict[str, Any]]) -> tuple[Span, ...]:
    """Stored rescue spans as milliseconds; one that has not ended is open to the future."""
    return tuple((_ms(span["start"]), _ms(span["end"]) if span.get("end") else 2**53) for span in spans)


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def slots_between(start_ms: int, end_ms: int, interval_minutes: int, rescue: Sequence[Span] = ()) -> list[Slot]:
    """Slots whose line lies in start <= line <= end."""
    step = interval_minutes * MINUTE_MS
    first = start_ms // step * step - step
    last = end_ms // step * step + 2 * step
    lines = set(range(first, last + 1, step))
    for begin, stop in rescue:
        low, high = max(begin, first), min(stop, last)
        if low <= high:
            lines.update(range(-(-low // MINUTE_MS) * MINUTE_MS, high + 1, MINUTE_MS))
    ordered = sorted(lines)
    return [
        Slot(line, (before + line) // 2, (line + after) // 2)
        for before, line, after in zip(ordered, ordered[1:], ordered[2:], strict=False)
        if start_ms <= line <= end_ms
    ]


def slot_for(at_ms: int, interval_minutes: int, rescue: Sequence[Span] = ()) -> Slot:
    """The slot in whose cell a moment lies."""
    reach = interval_minutes * MINUTE_MS
    around = slots_between(at_ms - reach, at_ms + reach, interval_minutes, rescue)
    return next(slot for slot in around if slot.opens_ms < at_ms <= slot.closes_ms)


@dataclass(frozen=True, slots=True)
class Choice:
    """A raw value that was chosen."""

    time_ms: int
    value: float
    quality: int

    def distance(self, line_ms: int) -> int:
        """Milliseconds to a grid line."""
        return abs(self.time_ms - line_ms)


def nearest_valid(
    times_ms: Sequence[int],
    values: Sequence[float],
    qualities: Sequence[int],
    slot: Slot,
    low: float,
    high: float,
) -> Choice | None:
    """The valid value nearest to the line within the cell; of two equally near the earlier one.

    Valid: none of the `NOT_CHARTABLE` bits and low <= value <= high (not a number is neither).
    """
    right = bisect_left(times_ms, slot.at_ms)
    left = right - 1
    while True:
        before = slot.at_ms - times_ms[left] if left >= 0 and times_ms[left] > slot.opens_ms else None
        after = times_ms[right] - slot.at_ms if right < len(times_ms) and times_ms[right] <= slot.closes_ms else None
        if before is None and after is None:
            return None
        if after is None or (before is not None and before <= after):
            index, left = left, left - 1
        else:
            index, right = right, right + 1
        value = float(values[index])
        if not int(qualities[index]) & NOT_CHARTABLE and low <= value <= high:
            return Choice(int(times_ms[index]), value, int(qualities[index]))
