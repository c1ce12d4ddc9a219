"""Conflicts of a plan: who or what would be in two places at once. Touching back to back is no overlap."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.core import clock
from app.core.labelled import Labelled

STEP = timedelta(minutes=5)
MIN_MINUTES, MAX_MINUTES = 10, 24 * 60


class ConflictKind(Labelled):
    """What is in two places at once."""

    ROOM = "room", "手术间"
    SURGEON = "surgeon", "手术医师"
    ANESTHESIOLOGIST = "anesthesiologist", "麻醉医师"
    STAFF = "staff", "护士"
    PATIENT = "patient", "患者"
    INFECTION_ORDER = "infection_order", "感染手术顺序"


_KIND_BY_ROLE = {
    "anesthesiologist": ConflictKind.ANESTHESIOLOGIST,
    "assistant_anesthesiologist": ConflictKind.ANESTHESIOLOGIST,
    "anesthesia_nurse": ConflictKind.STAFF,
    "scrub_nurse": ConflictKind.STAFF,
    "circulating_nurse": ConflictKind.STAFF,
}


@dataclass(frozen=True, slots=True)
class Slot:
    """One case as the plan sees it: aware times, half-open. `staff` maps a person (`staff:12`, `name:张三`) to
    the role and the name."""

    case_id: int
    start: datetime
    end: datetime
    room_id: int | None = None
    room: str = ""
    patient_id: int | None = None
    patient: str = ""
    staff: dict[str, tuple[str, str]] = field(default_factory=dict)
    isolation: str = ""
    turnover_minutes: int = 0


@dataclass(frozen=True, slots=True)
class PlanConflict:
    """One conflict of a case with another."""

    kind: ConflictKind
    with_case_id: int
    message: str
    person: str = ""

    @property
    def key(self) -> tuple[str, int, str]:
        """What makes it the same conflict after a small move."""
        return self.kind.value, self.with_case_id, self.person


def overlaps(start: datetime, end: datetime, other_start: datetime, other_end: datetime) -> bool:
    """Whether two half-open spans share a moment."""
    return start < other_end and other_start < end


def find_conflicts(slot: Slot, others: Iterable[Slot]) -> list[PlanConflict]:
    """Every conflict of `slot` with the others; itself among them is passed over."""
    found: list[PlanConflict] = []
    for other in sorted(others, key=lambda item: (item.start, item.case_id)):
        if other.case_id != slot.case_id:
            found += _between(slot, other)
    return found


def _between(slot: Slot, other: Slot) -> list[PlanConflict]:
    found: list[PlanConflict] = []
    if slot.room_id is not None and slot.room_id == other.room_id:
        found += _in_one_room(slot, other)
    if not overlaps(slot.start, slot.end, other.start, other.end):
        return found
    if slot.patient_id is not None and slot.patient_id == other.patient_id:
        words = f"患者{slot.patient}同时另有手术（{other.room or '未定手术间'}）"
        found.append(PlanConflict(ConflictKind.PATIENT, other.case_id, words))
    for person, (role, name) in slot.staff.items():
        if person in other.staff:
            kind = _KIND_BY_ROLE.get(role, ConflictKind.SURGEON)
            words = f"{kind.label} {name} 同时在{other.room or '另一台'}（{other.patient}）"
            found.append(PlanConflict(kind, other.case_id, words, person))
    return found


def _in_one_room(slot: Slot, other: Slot) -> list[PlanConflict]:
    pause = timedelta(minutes=max(slot.turnover_minutes, other.turnover_minutes))
    if overlaps(slot.start, slot.end, other.start, other.end):
        return [PlanConflict(ConflictKind.ROOM, other.case_id, f"{slot.room}已有手术（{other.patient}），时间重叠")]
    if overlaps(slot.start, slot.end + pause, other.start, other.end + pause):
        words = f"{slot.room}与{other.patient}之间不足 {pause.seconds // 60} 分钟的清洁准备时间"
        return [PlanConflict(ConflictKind.ROOM, other.case_id, words)]
    first, second = (slot, other) if slot.start < other.start else (other, slot)
    same_day = clock.to_hospital(first.start).date() == clock.to_hospital(second.start).date()
    if same_day and first.isolation and not second.isolation:
        words = f"{first.patient}需隔离（{first.isolation}），应排在{second.patient}之后"
        return [PlanConflict(ConflictKind.INFECTION_ORDER, other.case_id, words)]
    return []


def sequence_of(starts: Iterable[tuple[int, datetime]]) -> dict[int, int]:
    """台次: number of each case in its room on its day, by planned start, then by id."""
    ordered = sorted(starts, key=lambda item: (item[1], item[0]))
    return {case_id: number for number, (case_id, _) in enumerate(ordered, 1)}


def snap(moment: datetime, step: timedelta = STEP) -> datetime:
    """The nearest multiple of `step` since midnight UTC; halves go up."""
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    steps = (moment - midnight + step / 2) // step
    return midnight + steps * step
