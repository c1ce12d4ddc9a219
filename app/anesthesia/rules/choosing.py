"""Which raw value is charted for a parameter: sources by priority, then nearness; the cuff as one measurement.

Source: facts 2h.3 rules 1 and 3 (HR from ECG, then SpO₂ pulse, then the cuff; systolic and diastolic of one cuff
measurement).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from app.anesthesia.rules.grid import Choice, Slot, nearest_valid
from app.anesthesia.rules.limits import CHARTED, CUFF_CODES, Parameter

# A better source wins only while it is fresh: a pulse of this second says more than an ECG of two minutes ago.
FRESH_MS = 30_000


class Columns(Protocol):
    """Raw values of one parameter, ascending in time."""

    @property
    def times_ms(self) -> Any: ...

    @property
    def values(self) -> Any: ...

    @property
    def qualities(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class Candidate:
    """A raw value for the chart and where it came from."""

    choice: Choice
    device_id: int
    raw_code: str


# device id → parameter of the device → values
Raw = Mapping[int, Mapping[str, Columns]]


def choose(item: Parameter, raw: Raw, slot: Slot) -> Candidate | None:
    """The value of one parameter for a slot: the first fresh source, else the nearest value of any source."""
    found = []
    for code in item.sources:
        best = _nearest(item, raw, code, slot)
        if best is not None and best.choice.distance(slot.at_ms) <= FRESH_MS:
            return best
        if best is not None:
            found.append(best)
    return min(found, key=lambda one: one.choice.distance(slot.at_ms), default=None)


def choose_cuff(raw: Raw, slot: Slot) -> dict[str, Candidate]:
    """Systolic, diastolic and, when it was sent, mean of the cuff measurement nearest to the line; else nothing."""
    systolic = _nearest(CHARTED["NIBP_S"], raw, "NIBP_S", slot)
    if systolic is None:
        return {}
    moment = systolic.choice.time_ms
    same = Slot(moment, moment - 1, moment)
    device: Raw = {systolic.device_id: raw[systolic.device_id]}
    found = {"NIBP_S": systolic}
    for code in CUFF_CODES[1:]:
        other = _nearest(CHARTED[code], device, code, same)
        if other is not None:
            found[code] = other
    return found if "NIBP_D" in found else {}


def _nearest(item: Parameter, raw: Raw, code: str, slot: Slot) -> Candidate | None:
    best: Candidate | None = None
    for device_id, series in raw.items():
        columns = series.get(code)
        if columns is None:
            continue
        times: Sequence[int] = columns.times_ms
        choice = nearest_valid(
            times, columns.values, columns.qualities, slot, float(item.hard_low), float(item.hard_high)
        )
        if choice is not None and (best is None or choice.distance(slot.at_ms) < best.choice.distance(slot.at_ms)):
            best = Candidate(choice, device_id, code)
    return best
