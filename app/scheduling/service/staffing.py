"""Commands on the team of a case."""

from app.accounts.models import StaffMember
from app.core import audit, clock
from app.core.audit import Actor
from app.core.db import db
from app.core.errors import InvalidInput, NotFound
from app.scheduling.models import StaffAssignment, SurgicalCase
from app.scheduling.rules import Role
from app.scheduling.service.common import (
    check_version,
    conflicts_of,
    require_open,
    slot_of,
    subject,
    team_of,
    tell_board,
    tell_case,
    touch,
)
from app.scheduling.service.placing import accept_conflicts

# Roles that several people may have at a time; in the others a new person takes the place of the old one.
SHARED_ROLES = frozenset(
    {Role.ASSISTANT_ANESTHESIOLOGIST, Role.ANESTHESIA_NURSE, Role.SCRUB_NURSE, Role.CIRCULATING_NURSE}
)


def assign_staff(
    actor: Actor,
    case: SurgicalCase,
    role: Role | str,
    staff_id: int | None = None,
    *,
    name: str = "",
    version: int | None = None,
    accept_conflicts_reason: str = "",
) -> StaffAssignment:
    """Give somebody a role in the case, by staff id or (for a guest) by name.

    Raises `ScheduleConflict` when the person is elsewhere at that time and no reason is given.
    """
    require_open(case)
    check_version(case, version)
    role = _role(role)
    staff = _staff(staff_id)
    person = staff.name if staff else name.strip()
    if not person:
        raise InvalidInput(fields={"name": "请选择人员"})
    before = team_of(case.assignments)
    assignment = seat(case, role, staff, person)
    _check_conflicts(actor, case, accept_conflicts_reason)
    _told(actor, case, "scheduling.assign_staff", before, accept_conflicts_reason)
    return assignment


def seat(case: SurgicalCase, role: Role, staff: StaffMember | None, name: str) -> StaffAssignment:
    """Put the person into the role without checks; the same person twice is one row. Flushes."""
    same_role = [item for item in case.assignments if item.role == role]
    for item in same_role:
        if (staff is not None and item.staff_id == staff.id) or (staff is None and item.name == name):
            return item
    if role not in SHARED_ROLES:
        for item in same_role:
            case.assignments.remove(item)
        db.session.flush()
    ordinal = max((item.ordinal for item in case.assignments if item.role == role), default=-1) + 1
    assignment = StaffAssignment(role=role.value, staff=staff, staff_id=staff.id if staff else None, name=name)
    assignment.ordinal = ordinal
    case.assignments.append(assignment)
    db.session.flush()
    return assignment


def remove_staff(actor: Actor, assignment: StaffAssignment, version: int | None = None) -> None:
    """Take a person out of the team."""
    case = assignment.case
    require_open(case)
    check_version(case, version)
    before = team_of(case.assignments)
    case.assignments.remove(assignment)
    _told(actor, case, "scheduling.remove_staff", before, "")


def _role(role: Role | str) -> Role:
    try:
        return Role(role)
    except ValueError:
        raise InvalidInput(fields={"role": "没有这个角色"}) from None


def _staff(staff_id: int | None) -> StaffMember | None:
    if staff_id is None:
        return None
    staff = db.session.get(StaffMember, staff_id)
    if staff is None or not staff.is_active:
        raise NotFound("没有这位工作人员，或已停用。")
    return staff


def _check_conflicts(actor: Actor, case: SurgicalCase, reason: str) -> None:
    slot = slot_of(case, clock.now())
    if slot is not None and not case.state.is_over:
        accept_conflicts(actor, case, conflicts_of(slot), reason)


def _told(actor: Actor, case: SurgicalCase, action: str, before: list[dict[str, str]], reason: str) -> None:
    touch(case)
    db.session.flush()
    audit.record(
        actor,
        action,
        subject(case),
        patient_id=case.patient_id,
        before={"team": before},
        after={"team": team_of(case.assignments)},
        reason=reason.strip(),
    )
    tell_board(case.day, everywhere=case.day is None)
    tell_case(case, "team")
