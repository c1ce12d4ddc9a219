"""What all commands on cases share: version check, telling other screens, slots, staff, sequence."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm.attributes import flag_modified, set_committed_value
from sqlalchemy.orm.util import identity_key

from app.accounts.models import StaffMember
from app.core import clock, signals, unit_of_work
from app.core.audit import AuditEntry
from app.core.db import db
from app.core.errors import Conflict
from app.scheduling.facts import PersonFacts
from app.scheduling.models import OperatingRoom, StaffAssignment, SurgicalCase
from app.scheduling.rules import (
    CaseState,
    EventKind,
    PlanConflict,
    Role,
    Slot,
    find_conflicts,
    isolation_words,
    overlaps,
    sequence_of,
)

# Boards of any day listen here: the pending list stands on all of them.
ANY_DAY = "schedule:any"
_NEAR = timedelta(days=1)


class ScheduleConflict(Conflict):
    """The plan puts somebody or something in two places. `conflicts` lists them; a reason overrides."""

    code = "schedule_conflict"

    def __init__(self, conflicts: list[PlanConflict]) -> None:
        self.conflicts = conflicts
        super().__init__("安排有冲突：" + "；".join(item.message for item in conflicts))


def subject(case: SurgicalCase) -> str:
    """The case in the audit trail and in topics."""
    return f"case:{case.id}"


def check_version(case: SurgicalCase, version: int | None) -> None:
    """Raise `Conflict`, naming who changed it, when the caller looked at an older version. None skips."""
    if version is None or version == case.version:
        return
    entry = db.session.scalar(
        select(AuditEntry).where(AuditEntry.subject == subject(case)).order_by(AuditEntry.id.desc()).limit(1)
    )
    who = f"{entry.actor_name}于 {clock.to_hospital(entry.at):%H:%M} 修改" if entry else "他人修改"
    raise Conflict(f"这台手术刚刚由{who}，您的改动没有保存。请看过最新内容后再试。", code="stale_case")


def touch(case: SurgicalCase) -> None:
    """Raise the version although only rows around the case changed."""
    flag_modified(case, "notes")


def tell_board(*days: date | None, everywhere: bool = False) -> None:
    """Let boards of these days refetch; `everywhere` also those of other days (the pending list changed)."""
    for day in {item for item in days if item is not None}:
        unit_of_work.after_commit(signals.changed, f"schedule:{day}", what="board")
    if everywhere:
        unit_of_work.after_commit(signals.changed, ANY_DAY, what="pending")


def tell_case(case: SurgicalCase, what: str = "flow") -> None:
    """Let everyone who looks at the case refetch that part."""
    unit_of_work.after_commit(signals.changed, subject(case), what=what)


def require_open(case: SurgicalCase) -> None:
    """Raise `Conflict` for a cancelled case."""
    if case.cancelled_at is not None:
        raise Conflict("这台手术已取消。需要时请先恢复。")


def person_key(assignment: StaffAssignment) -> str:
    """The same person in two cases has the same key."""
    return f"staff:{assignment.staff_id}" if assignment.staff_id else f"name:{assignment.name}"


def occupied_span(case: SurgicalCase, moment: datetime) -> tuple[datetime, datetime] | None:
    """When the case holds its room: real times where known, else the planned length. None when not placed."""
    start, end = case.planned_start, case.planned_end
    if start is None or end is None:
        return None
    times = case.times
    real_start = times.get(EventKind.IN_ROOM)
    if real_start is not None:
        start, end = real_start, real_start + timedelta(minutes=case.planned_minutes)
        if case.state.is_under_way:
            end = max(end, moment)
    real_end = times.get(EventKind.OUT_OF_ROOM)
    if real_end is not None:
        end = max(real_end, start)
    return start, end


def slot_of(case: SurgicalCase, moment: datetime) -> Slot | None:
    """The case as the conflict rules see it."""
    span = occupied_span(case, moment)
    return None if span is None else make_slot(case, case.room, *span)


def make_slot(case: SurgicalCase, room: OperatingRoom | None, start: datetime, end: datetime) -> Slot:
    """The case as it would be in that room at that time."""
    return Slot(
        case_id=case.id,
        start=start,
        end=end,
        room_id=room.id if room else None,
        room=room.name if room else "",
        patient_id=case.patient_id,
        patient=case.patient.name,
        staff={person_key(item): (item.role, item.name) for item in case.assignments},
        isolation=isolation_words(case.isolation),
        turnover_minutes=room.turnover_minutes if room else 0,
    )


def placed_between(start: datetime, end: datetime) -> list[SurgicalCase]:
    """Placed, uncancelled cases that may touch the span; cases longer than a day are unknown here."""
    return list(
        db.session.scalars(
            select(SurgicalCase).where(
                SurgicalCase.cancelled_at.is_(None),
                SurgicalCase.room_id.is_not(None),
                SurgicalCase.planned_start > start - _NEAR,
                SurgicalCase.planned_start < end + _NEAR,
            )
        )
    )


def conflicts_of(slot: Slot) -> list[PlanConflict]:
    """Conflicts of a slot with everything that is placed."""
    moment = clock.now()
    others = (slot_of(case, moment) for case in placed_between(slot.start, slot.end) if case.id != slot.case_id)
    return find_conflicts(slot, [other for other in others if other is not None])


def busy_staff_ids(start: datetime, end: datetime, except_case: int) -> set[int]:
    """Staff that are assigned to another case at that time."""
    moment = clock.now()
    busy: set[int] = set()
    for case in placed_between(start, end):
        slot = slot_of(case, moment)
        if case.id != except_case and slot is not None and overlaps(start, end, slot.start, slot.end):
            busy |= {item.staff_id for item in case.assignments if item.staff_id is not None}
    return busy


def renumber(*places: tuple[int | None, date | None]) -> None:
    """Refresh the 台次 of rooms on days. Versions stay: nobody's edit is stale because a neighbour moved."""
    db.session.flush()
    for room_id, day in set(places):
        if room_id is None or day is None:
            continue
        cases = db.session.execute(
            select(SurgicalCase.id, SurgicalCase.planned_start, SurgicalCase.sequence).where(
                SurgicalCase.room_id == room_id,
                SurgicalCase.day == day,
                SurgicalCase.cancelled_at.is_(None),
                SurgicalCase.planned_start.is_not(None),
            )
        ).all()
        numbers = sequence_of((row.id, row.planned_start) for row in cases)
        for row in cases:
            if row.sequence != numbers[row.id]:
                _set_sequence(row.id, numbers[row.id])


def _set_sequence(case_id: int, number: int) -> None:
    statement = update(SurgicalCase).where(SurgicalCase.id == case_id).values(sequence=number)
    db.session.execute(statement, execution_options={"synchronize_session": False})
    known = db.session.identity_map.get(identity_key(SurgicalCase, case_id))
    if known is not None:
        set_committed_value(known, "sequence", number)


_KIND_BY_ROLE = {
    Role.ANESTHESIOLOGIST: "anesthesiologist",
    Role.ASSISTANT_ANESTHESIOLOGIST: "anesthesiologist",
    Role.ANESTHESIA_NURSE: "anesthesia_nurse",
    Role.SCRUB_NURSE: "theatre_nurse",
    Role.CIRCULATING_NURSE: "theatre_nurse",
}


def kinds_for(role: Role) -> tuple[str, ...]:
    """Kinds of staff that usually take a role."""
    kind = _KIND_BY_ROLE.get(role, "surgeon")
    return (kind, "theatre_nurse") if kind == "anesthesia_nurse" else (kind,)


def ensure_staff(person: PersonFacts, role: Role) -> StaffMember | None:
    """The member of staff with this number or else this exact name; one with an unknown number is made."""
    code, name = person.code.strip()[:32], person.name.strip()[:64]
    kinds = kinds_for(role)
    if not code:
        found = db.session.scalars(
            select(StaffMember).where(StaffMember.name == name, StaffMember.kind.in_(kinds)).limit(2)
        ).all()
        return found[0] if len(found) == 1 else None  # two of one name: do not guess
    staff = db.session.scalar(select(StaffMember).where(StaffMember.code == code))
    if staff is None and name:
        staff = StaffMember(code=code, name=name, kind=kinds[0])
        staff.index_name()
        db.session.add(staff)
        db.session.flush()
    return staff


def team_of(assignments: Iterable[StaffAssignment]) -> list[dict[str, str]]:
    """The team as plain rows in the order of the roles: role, code, name."""
    order = {role.value: index for index, role in enumerate(Role)}
    rows = sorted(assignments, key=lambda item: (order.get(item.role, 99), item.ordinal, item.id or 0))
    return [{"role": item.role, "code": item.staff.code if item.staff else "", "name": item.name} for item in rows]


def refuse_started(state: CaseState, action: str) -> None:
    """Raise `Conflict` when the patient has been in the room."""
    if state.has_started:
        raise Conflict(f"患者{'已出室' if state.is_over else '已入室'}，不能{action}。")
