"""Pure decisions of the anesthesia record: limits, the grid of slots, what is unfinished."""

from app.anesthesia.rules.completeness import Finding, RecordFacts, unfinished
from app.anesthesia.rules.grid import (
    NOT_CHARTABLE,
    Choice,
    Slot,
    nearest_valid,
    rescue_spans_ms,
    slot_for,
    slots_between,
)
from app.anesthesia.rules.limits import CHARTED, Parameter, Verdict, judge, parameter
from app.anesthesia.rules.totals import InfusionFacts, infusion_segments, infusion_total

__all__ = [
    "CHARTED",
    "NOT_CHARTABLE",
    "Choice",
    "Finding",
    "InfusionFacts",
    "Parameter",
    "RecordFacts",
    "Slot",
    "Verdict",
    "infusion_segments",
    "infusion_total",
    "judge",
    "nearest_valid",
    "parameter",
    "rescue_spans_ms",
    "slot_for",
    "slots_between",
    "unfinished",
]
