"""What is still open when the patient leaves or the record is finished.

Sources: facts 2h.3 rules 4 and 7 (running drugs are settled at leaving; order of times), WS 329 as told in facts
2d.2 (blood pressure and pulse every 5 min, oxygenation every 15 min, EtCO₂ every 30 min under ventilation) and the
common 120 min for temperature. Only what makes a total wrong blocks; everything else is told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from app.scheduling.rules import EventKind, order_warnings

K = EventKind
_LONGEST_GAP = (
    (("NIBP_S", "ART_S"), "血压", timedelta(minutes=10)),
    (("HR",), "脉搏", timedelta(minutes=10)),
    (("SpO2",), "SpO₂", timedelta(minutes=15)),
)
_CO2_GAP = timedelta(minutes=30)
_TEMPERATURE_GAP = timedelta(minutes=120)
_NEEDED = (K.IN_ROOM, K.ANESTHESIA_START, K.SURGERY_START, K.SURGERY_END, K.ANESTHESIA_END, K.OUT_OF_ROOM)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is open. `anchor` names where it is settled; `blocks` keeps the record from being finished."""

    code: str
    message: str
    blocks: bool = False
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class RecordFacts:
    """What the rules need to know of a record."""

    times: Mapping[EventKind, datetime]
    now: datetime
    running: Sequence[tuple[int, str]] = ()  # administration id and name of infusions without an end
    without_total: Sequence[tuple[int, str]] = ()  # infusions whose total cannot be calculated
    running_bags: Sequence[tuple[int, str]] = ()
    measured: Mapping[str, Sequence[datetime]] = field(default_factory=dict)  # chart code → times, ascending
    is_in_rescue: bool = False
    has_intake: bool = False
    has_blood_loss: bool = False
    has_airway: bool = False
    leaves_intubated: bool = False


def unfinished(facts: RecordFacts) -> tuple[Finding, ...]:
    """Everything open, what blocks first."""
    found = [
        *(
            Finding("infusion_running", f"{name} 未停止，请记录停止时间", True, f"administration-{number}")
            for number, name in facts.running
        ),
        *(
            Finding("total_unknown", f"{name} 缺少浓度或体重，无法计算总量", True, f"administration-{number}")
            for number, name in facts.without_total
        ),
    ]
    if facts.is_in_rescue:
        found.append(Finding("rescue_running", "抢救模式未结束", True, "rescue"))
    found += [Finding("bag_running", f"{name} 未记录结束时间", anchor=f"intake-{n}") for n, name in facts.running_bags]
    found += _times(facts)
    found += _gaps(facts)
    if not facts.has_intake:
        found.append(Finding("no_intake", "未记录输液量", anchor="intake"))
    if not facts.has_blood_loss and K.SURGERY_END in facts.times:
        found.append(Finding("no_blood_loss", "未记录出血量（没有出血请记 0）", anchor="output"))
    return tuple(sorted(found, key=lambda finding: not finding.blocks))


def _times(facts: RecordFacts) -> list[Finding]:
    found = [
        Finding(f"missing_{kind.value}", f"未记录{kind.label}时间", anchor="times")
        for kind in _NEEDED
        if kind not in facts.times
    ]
    if K.INTUBATION in facts.times and K.EXTUBATION not in facts.times and not facts.leaves_intubated:
        found.append(
            Finding("missing_extubation", "有气管插管，未记录拔管（带管出室请在离室情况中注明）", anchor="times")
        )
    if K.INTUBATION in facts.times and not facts.has_airway:
        found.append(Finding("missing_airway", "有气管插管，未记录导管型号与深度", anchor="airway"))
    found += [Finding("time_order", warning.message, anchor="times") for warning in order_warnings(facts.times)]
    return found


def _gaps(facts: RecordFacts) -> list[Finding]:
    start = facts.times.get(K.ANESTHESIA_START)
    if start is None:
        return []
    end = facts.times.get(K.ANESTHESIA_END) or facts.times.get(K.OUT_OF_ROOM) or facts.now
    found = []
    for codes, label, limit in _LONGEST_GAP:
        longest = _longest_gap(facts.measured, codes, start, end)
        if longest > limit:
            minutes = int(longest.total_seconds() // 60)
            found.append(Finding("gap", f"{label}有 {minutes} 分钟没有记录", anchor="chart"))
    tube = facts.times.get(K.INTUBATION)
    if tube is not None:
        until = facts.times.get(K.EXTUBATION) or end
        if _longest_gap(facts.measured, ("EtCO2",), tube, until) > _CO2_GAP:
            found.append(Finding("gap_co2", "气管插管期间 EtCO₂ 超过 30 分钟没有记录", anchor="chart"))
    if _longest_gap(facts.measured, ("TEMP",), start, end) > _TEMPERATURE_GAP:
        found.append(Finding("gap_temperature", "超过 120 分钟没有体温记录", anchor="chart"))
    return found


def _longest_gap(
    measured: Mapping[str, Sequence[datetime]], codes: Sequence[str], start: datetime, end: datetime
) -> timedelta:
    times = sorted(at for code in codes for at in measured.get(code, ()) if start <= at <= end)
    marks = [start, *times, end]
    return max((after - before for before, after in pairwise(marks)), default=timedelta())
