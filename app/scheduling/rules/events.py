"""Times of a case and the state that follows from them.

Order of times: facts of the record sheet, rule 7 (入室 ≤ 全部; 麻醉开始 ≤ 手术开始 ≤ 手术结束 ≤ 麻醉结束 ≤ 出室;
插管 ≤ 拔管). A violation asks for a reason and never blocks: what happened, happened. Stages of a cancellation:
indicator 5 of the 2015 list and indicators 5 and 6 of the 2022 list; the stage is told by the times, not chosen by a
person.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from app.core.labelled import Labelled


class EventKind(Labelled):
    """Kinds of `CaseEvent`."""

    IN_TRANSIT = "in_transit", "接患者"
    IN_ROOM = "in_room", "入手术间"
    ANESTHESIA_START = "anesthesia_start", "麻醉开始"
    INTUBATION = "intubation", "气管插管"
    SURGERY_START = "surgery_start", "手术开始"
    SURGERY_END = "surgery_end", "手术结束"
    EXTUBATION = "extubation", "拔管"
    ANESTHESIA_END = "anesthesia_end", "麻醉结束"
    OUT_OF_ROOM = "out_of_room", "出手术间"
    PACU_IN = "pacu_in", "入恢复室"
    PACU_OUT = "pacu_out", "出恢复室"
    TO_WARD = "to_ward", "回病房"
    TO_ICU = "to_icu", "转监护室"
    TO_ER = "to_er", "转急诊"
    TO_HOME = "to_home", "离院"
    DEAD = "dead", "死亡"
    TOURNIQUET_UP = "tourniquet_up", "止血带充气"
    TOURNIQUET_DOWN = "tourniquet_down", "止血带放气"
    NOTED = "noted", "事件"


K = EventKind
DISPOSITIONS: tuple[EventKind, ...] = (K.TO_WARD, K.TO_ICU, K.TO_ER, K.TO_HOME, K.DEAD)
# Times that happen once and that the HIS is told about.
MILESTONES: tuple[EventKind, ...] = (
    K.IN_TRANSIT, K.IN_ROOM, K.ANESTHESIA_START, K.SURGERY_START, K.SURGERY_END, K.ANESTHESIA_END, K.OUT_OF_ROOM,
    K.PACU_IN, K.PACU_OUT, *DISPOSITIONS,
)  # fmt: skip
REPEATABLE: frozenset[EventKind] = frozenset(set(EventKind) - set(MILESTONES))


class CaseState(Labelled):
    """Where a case stands. Never stored: derived from placement, publication and times."""

    APPLIED = "applied", "待排"
    SCHEDULED = "scheduled", "已排"
    PUBLISHED = "published", "已发布"
    IN_TRANSIT = "in_transit", "接送中"
    IN_ROOM = "in_room", "已入室"
    ANESTHESIA_STARTED = "anesthesia_started", "麻醉中"
    SURGERY_STARTED = "surgery_started", "手术中"
    SURGERY_ENDED = "surgery_ended", "手术结束"
    ANESTHESIA_ENDED = "anesthesia_ended", "麻醉结束"
    OUT_OF_ROOM = "out_of_room", "已出室"
    PACU_IN = "pacu_in", "恢复室"
    PACU_OUT = "pacu_out", "已出恢复室"
    WARD = "ward", "回病房"
    ICU = "icu", "监护室"
    ER = "er", "急诊"
    HOME = "home", "离院"
    DEAD = "dead", "死亡"
    CANCELLED = "cancelled", "已取消"

    @property
    def has_started(self) -> bool:
        """The patient has been in the room."""
        return self in _STARTED

    @property
    def is_under_way(self) -> bool:
        """The case occupies its room now."""
        return self in _IN_THE_ROOM

    @property
    def is_over(self) -> bool:
        """The room is free of this case again, or never was taken."""
        return self is CaseState.CANCELLED or (self in _STARTED and self not in _IN_THE_ROOM)


S = CaseState
# Later in this list wins, whatever the clock says: a corrected time never throws a case back.
_STATE_BY_EVENT: tuple[tuple[EventKind, CaseState], ...] = (
    (K.IN_TRANSIT, S.IN_TRANSIT),
    (K.IN_ROOM, S.IN_ROOM),
    (K.ANESTHESIA_START, S.ANESTHESIA_STARTED),
    (K.SURGERY_START, S.SURGERY_STARTED),
    (K.SURGERY_END, S.SURGERY_ENDED),
    (K.ANESTHESIA_END, S.ANESTHESIA_ENDED),
    (K.OUT_OF_ROOM, S.OUT_OF_ROOM),
    (K.PACU_IN, S.PACU_IN),
    (K.PACU_OUT, S.PACU_OUT),
    (K.TO_HOME, S.HOME),
    (K.TO_WARD, S.WARD),
    (K.TO_ER, S.ER),
    (K.TO_ICU, S.ICU),
    (K.DEAD, S.DEAD),
)
_IN_THE_ROOM = frozenset({S.IN_ROOM, S.ANESTHESIA_STARTED, S.SURGERY_STARTED, S.SURGERY_ENDED, S.ANESTHESIA_ENDED})
_STARTED = frozenset(state for _, state in _STATE_BY_EVENT[1:])


def derive_state(
    times: Mapping[EventKind, datetime],
    *,
    is_placed: bool = False,
    is_published: bool = False,
    is_cancelled: bool = False,
) -> CaseState:
    """State of a case from its valid times (earliest of each kind), its place and its publication."""
    if is_cancelled:
        return CaseState.CANCELLED
    for kind, state in reversed(_STATE_BY_EVENT):
        if kind in times:
            return state
    if is_placed:
        return CaseState.PUBLISHED if is_published else CaseState.SCHEDULED
    return CaseState.APPLIED


class CancelStage(Labelled):
    """How far a case had come when it was cancelled."""

    BEFORE_ROOM = "before_room", "入室前"
    BEFORE_ANESTHESIA = "before_anesthesia", "入室后麻醉前"
    BEFORE_SURGERY = "before_surgery", "麻醉后手术前"
    AFTER_SURGERY_START = "after_surgery_start", "手术开始后"

    @property
    def is_after_anesthesia(self) -> bool:
        """Counts in the rate of cancellations after the start of anesthesia."""
        return self in (CancelStage.BEFORE_SURGERY, CancelStage.AFTER_SURGERY_START)


def cancel_stage(times: Mapping[EventKind, datetime], cancelled_at: datetime) -> CancelStage:
    """Stage of a cancellation from the times that lie before it; a time entered late counts as well."""
    reached = {kind for kind, at in times.items() if at <= cancelled_at}
    if K.SURGERY_START in reached:
        return CancelStage.AFTER_SURGERY_START
    if K.ANESTHESIA_START in reached:
        return CancelStage.BEFORE_SURGERY
    if K.IN_ROOM in reached:
        return CancelStage.BEFORE_ANESTHESIA
    return CancelStage.BEFORE_ROOM


@dataclass(frozen=True, slots=True)
class OrderWarning:
    """Two times in an impossible order."""

    earlier: EventKind
    later: EventKind
    message: str


# Each pair: the first must not be after the second. Chains are closed so that a skipped step hides nothing.
_CHAINS: tuple[tuple[EventKind, ...], ...] = (
    (K.IN_TRANSIT, K.IN_ROOM, K.ANESTHESIA_START, K.SURGERY_START, K.SURGERY_END, K.ANESTHESIA_END, K.OUT_OF_ROOM),
    (K.OUT_OF_ROOM, K.PACU_IN, K.PACU_OUT),
    (K.IN_ROOM, K.INTUBATION, K.EXTUBATION),
    *((K.OUT_OF_ROOM, kind) for kind in DISPOSITIONS if kind is not K.DEAD),
    *((K.PACU_OUT, kind) for kind in DISPOSITIONS if kind is not K.DEAD),
    (K.IN_ROOM, K.PACU_IN),
    (K.IN_ROOM, K.TOURNIQUET_UP, K.TOURNIQUET_DOWN),
)


def order_warnings(times: Mapping[EventKind, datetime]) -> list[OrderWarning]:
    """Every pair of times that stands in an impossible order, each pair once."""
    found: dict[tuple[EventKind, EventKind], OrderWarning] = {}
    for chain in _CHAINS:
        present = [kind for kind in chain if kind in times]
        for index, earlier in enumerate(present):
            for later in present[index + 1 :]:
                if times[earlier] > times[later]:
                    message = f"{later.label}早于{earlier.label}，请核对时间"
                    found.setdefault((earlier, later), OrderWarning(earlier, later, message))
    return list(found.values())


def next_kinds(kinds: Iterable[EventKind]) -> tuple[EventKind, ...]:
    """What is likely marked next, the likeliest first."""
    reached = set(kinds)
    if reached & set(DISPOSITIONS):
        return ()
    if K.PACU_OUT in reached:
        return DISPOSITIONS
    if K.PACU_IN in reached:
        return (K.PACU_OUT,)
    if K.OUT_OF_ROOM in reached:
        return (K.PACU_IN, *DISPOSITIONS)
    steps = MILESTONES[: MILESTONES.index(K.OUT_OF_ROOM) + 1]
    last = max((steps.index(kind) for kind in reached if kind in steps), default=-1)
    if last < 0:  # fetching the patient is often not marked
        return (K.IN_TRANSIT, K.IN_ROOM)
    return (steps[last + 1],)
