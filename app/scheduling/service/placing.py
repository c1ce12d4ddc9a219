"""Commands that put a case into a room at a time, change its length and take it back."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from app.core import audit, clock
from app.core.audit import Actor
from app.core.db import db
from app.core.errors import InvalidInput
from app.scheduling.models import OperatingRoom, SurgicalCase
from app.scheduling.rules import PlanConflict, snap
from app.scheduling.rules.conflicts import MAX_MINUTES, MIN_MINUTES
from app.scheduling.service.common import (
    ScheduleConflict,
    check_version,
    conflicts_of,
    make_slot,
    refuse_started,
    renumber,
    require_open,
    subject,
    tell_board,
    tell_case,
)


def place_case(
    actor: Actor,
    case: SurgicalCase,
    room: OperatingRoom,
    start: datetime,
    minutes: int | None = None,
    version: int | None = None,
    accept_conflicts_reason: str = "",
) -> SurgicalCase:
    """Plan the case in a room from `start` (aware, snapped to 5 min) for `minutes` (default: as planned so far).

    Raises `ScheduleConflict` when it collides and no reason is given, `Conflict` when it was changed meanwhile,
    is cancelled or has begun, `InvalidInput` for a room out of use or an impossible length.
    """
    require_open(case)
    refuse_started(case.state, "改期或换间")
    if not room.is_active:
        raise InvalidInput(fields={"room": f"{room.name}已停用"})
    return _plan(actor, case, room, snap(start), minutes or case.planned_minutes, version, accept_conflicts_reason)


def resize_case(
    actor: Actor,
    case: SurgicalCase,
    minutes: int,
    version: int | None = None,
    accept_conflicts_reason: str = "",
) -> SurgicalCase:
    """Change the planned length; also of a case under way. Raises as `place_case`."""
    require_open(case)
    if case.room is None or case.planned_start is None:
        raise InvalidInput("请先安排手术间和时间。")
    return _plan(actor, case, case.room, case.planned_start, minutes, version, accept_conflicts_reason)


def _plan(
    actor: Actor,
    case: SurgicalCase,
    room: OperatingRoom,
    start: datetime,
    minutes: int,
    version: int | None,
    reason: str,
) -> SurgicalCase:
    # Two planners of one room wait for each other (a no-op on SQLite, where there is one writer).
    db.session.get_one(OperatingRoom, room.id, with_for_update=True, populate_existing=True)
    check_version(case, version)
    if not MIN_MINUTES <= minutes <= MAX_MINUTES:
        raise InvalidInput(fields={"minutes": f"预计时长应在 {MIN_MINUTES}–{MAX_MINUTES} 分钟之间"})
    conflicts = conflicts_of(make_slot(case, room, start, start + timedelta(minutes=minutes)))
    before, old_place = _placement(case), (case.room_id, case.day)
    accept_conflicts(actor, case, conflicts, reason)
    day = clock.to_hospital(start).date()
    case.room, case.planned_start, case.planned_minutes, case.day = room, start, minutes, day
    renumber(old_place, (room.id, day))
    audit.record(
        actor,
        "scheduling.place_case",
        subject(case),
        patient_id=case.patient_id,
        before=before,
        after=_placement(case),
        reason=reason.strip(),
    )
    tell_board(old_place[1], day, everywhere=old_place != (room.id, day))
    tell_case(case, "plan")
    return case


def accept_conflicts(actor: Actor, case: SurgicalCase, conflicts: list[PlanConflict], reason: str) -> None:
    """Keep on the case which conflicts were accepted and why; drop those that no longer exist.

    Raises `ScheduleConflict` when there are new ones and the reason is blank.
    """
    keys = {item.key for item in conflicts}
    kept = [row for row in case.conflicts_accepted if accepted_key(row) in keys]
    known = {accepted_key(row) for row in kept} | _accepted_by_others(case, {item.with_case_id for item in conflicts})
    new = [item for item in conflicts if item.key not in known]
    if new and not reason.strip():
        raise ScheduleConflict(new)
    case.conflicts_accepted = kept + [
        {
            "kind": item.kind.value,
            "with_case_id": item.with_case_id,
            "person": item.person,
            "message": item.message,
            "reason": reason.strip(),
            "by": actor.actor_name,
            "at": clock.now().isoformat(),
        }
        for item in new
    ]


def _accepted_by_others(case: SurgicalCase, others: set[int]) -> set[tuple[str, int, str]]:
    """Conflicts with this case that were accepted from the other side."""
    found = set()
    for other in db.session.scalars(select(SurgicalCase).where(SurgicalCase.id.in_(others))):
        for row in other.conflicts_accepted:
            if row["with_case_id"] == case.id:
                found.add((str(row["kind"]), other.id, str(row.get("person", ""))))
    return found


def accepted_key(row: dict[str, Any]) -> tuple[str, int, str]:
    """The key of an accepted conflict, comparable with `PlanConflict.key`."""
    return row["kind"], row["with_case_id"], row.get("person", "")


def unplace_case(actor: Actor, case: SurgicalCase, version: int | None = None) -> SurgicalCase:
    """Put the case back among the pending ones; what was published is withdrawn with the next publication."""
    require_open(case)
    refuse_started(case.state, "撤回待排")
    check_version(case, version)
    before, old_place = _placement(case), (case.room_id, case.day)
    case.room, case.planned_start, case.day, case.sequence = None, None, None, None
    case.conflicts_accepted = []
    renumber(old_place)
    audit.record(
        actor, "scheduling.unplace_case", subject(case), patient_id=case.patient_id, before=before, after={"room": None}
    )
    tell_board(old_place[1], everywhere=True)
    tell_case(case, "plan")
    return case


def _placement(case: SurgicalCase) -> dict[str, Any]:
    return {
        "room": case.room.code if case.room else None,
        "start": case.planned_start.isoformat() if case.planned_start else None,
        "minutes": case.planned_minutes,
        "sequence": case.sequence,
    }
