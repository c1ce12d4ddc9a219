"""Totals of infusions: the sum of rate · time over the segments, exact, in a stated unit.

Source: facts 2g.8 (分段积分；断点、暂停要切段). A rate of 0 is a pause. What still runs counts until `now`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from app.clinical.dosing import Concentration, Segment, has_total, infused

_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class InfusionFacts:
    """An infusion: from when to when, at which rates (moment, rate, unit), in which total unit."""

    start: datetime
    end: datetime | None
    rates: tuple[tuple[datetime, Decimal, str], ...]
    unit: str
    concentration: str = ""
    weight_kg: Decimal | None = None


def infusion_segments(infusion: InfusionFacts, until: datetime) -> list[Segment]:
    """Spans of constant rate from the start to the end, or to `until` while it runs."""
    stop = infusion.end if infusion.end is not None else max(until, infusion.start)
    changes = sorted(infusion.rates, key=lambda change: change[0])
    segments = []
    for index, (moment, rate, unit) in enumerate(changes):
        following = changes[index + 1][0] if index + 1 < len(changes) else stop
        begin, finish = max(moment, infusion.start), min(following, stop)
        if finish > begin:
            segments.append(Segment(rate, unit, (finish - begin) // _MILLISECOND))
    return segments


def infusion_total(infusion: InfusionFacts, until: datetime) -> Fraction | None:
    """Exact amount given until `until` in the infusion's unit; None for a level such as 2 %.

    Raises `UnitError` when a weight or concentration that is needed is missing.
    """
    segments = infusion_segments(infusion, until)
    if any(not has_total(segment.unit) for segment in segments):
        return None
    concentration = Concentration.parse(infusion.concentration) if infusion.concentration else None
    return infused(segments, infusion.unit, weight_kg=infusion.weight_kg, concentration=concentration)
