"""One case in full, for the inspector and for pages of a case."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.core import clock
from app.scheduling.models import CaseEvent, SurgicalCase
from app.scheduling.queries.cards import Card, accepted_conflicts, card_of
from app.scheduling.rules import EventKind, OrderWarning, Role, find_conflicts, next_kinds, order_warnings
from app.scheduling.service.common import placed_between, slot_of
from app.scheduling.service.staffing import SHARED_ROLES


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody in a role."""

    assignment_id: int
    name: str
    title: str


@dataclass(frozen=True, slots=True)
class TeamRole:
    """A role and the people in it."""

    role: Role
    members: tuple[Member, ...]

    @property
    def takes_more(self) -> bool:
        """Several people may share it."""
        return self.role in SHARED_ROLES


@dataclass(frozen=True, slots=True)
class Change:
    """One difference that a later message of the HIS brought."""

    index: int
    label: str
    old: str
    new: str
    at: datetime
    is_seen: bool
    is_applied: bool
    is_adoptable: bool


@dataclass(frozen=True, slots=True)
class Event:
    """A time of the case in words."""

    event_id: int
    kind: str
    label: str
    at: datetime
    remark: str
    by: str
    is_void: bool
    is_corrected: bool


@dataclass(frozen=True, slots=True)
class CaseDetail:
    """A case with team, differences, times and what is likely next."""

    card: Card
    team: tuple[TeamRole, ...]
    changes: tuple[Change, ...]
    events: tuple[Event, ...]
    warnings: tuple[OrderWarning, ...]
    next_kinds: tuple[EventKind, ...]
    diagnosis: str
    wound_class: str
    position: str
    special_equipment: str
    source: str
    request_no: str
    applicant: str
    cancel_reason: str


def case_detail(case: SurgicalCase) -> CaseDetail:
    """Everything about one case at this moment."""
    moment, request = clock.now(), case.request
    slot = slot_of(case, moment) if case.cancelled_at is None and not case.state.is_over else None
    near = placed_between(slot.start, slot.end) if slot else []
    others = [item for item in (slot_of(other, moment) for other in near) if item is not None]
    conflicts = find_conflicts(slot, others) if slot else []
    return CaseDetail(
        card=card_of(case, moment, conflicts, accepted_conflicts([case, *near])),
        team=_team(case),
        changes=tuple(_change(index, row) for index, row in enumerate(request.changes)) if request else (),
        events=tuple(_event(item) for item in case.events),
        warnings=tuple(order_warnings(case.times)),
        next_kinds=next_kinds(case.times) if case.cancelled_at is None else (),
        diagnosis="；".join(str(item.get("name") or item.get("code")) for item in case.diagnoses),
        wound_class={"0": "0类", "1": "Ⅰ类", "2": "Ⅱ类", "3": "Ⅲ类"}.get(case.wound_class, case.wound_class),
        position=case.position,
        special_equipment=case.special_equipment,
        source={"his": "HIS", "manual": "手工登记"}.get(request.source, request.source) if request else "",
        request_no=request.request_no if request else "",
        applicant=request.applicant if request else "",
        cancel_reason=case.cancel_reason,
    )


def _team(case: SurgicalCase) -> tuple[TeamRole, ...]:
    rows = []
    for role in Role:
        members = [
            Member(item.id, item.name, item.staff.title if item.staff else "")
            for item in case.assignments
            if item.role == role
        ]
        if members or role not in (Role.ASSISTANT_3, Role.ASSISTANT_4):
            rows.append(TeamRole(role, tuple(members)))
    return tuple(rows)


def _change(index: int, row: dict[str, Any]) -> Change:
    return Change(
        index=index,
        label=row["label"],
        old=row["old"],
        new=row["new"],
        at=datetime.fromisoformat(row["at"]),
        is_seen=row["seen"],
        is_applied=row["applied"],
        is_adoptable=not row["applied"] and row["field"] not in _NOT_ADOPTABLE,
    )


_NOT_ADOPTABLE = frozenset({"planned_at", "planned_minutes", "patient", "cancel", "hold"})


def _event(item: CaseEvent) -> Event:
    return Event(
        event_id=item.id,
        kind=item.kind,
        label=item.label or EventKind(item.kind).label,
        at=item.at,
        remark=item.remark,
        by=item.by_name,
        is_void=item.voided_at is not None,
        is_corrected=any(row["new"] for row in item.history),
    )
