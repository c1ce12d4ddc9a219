"""The board of one day: rooms with their cards, what waits, who works how much, what is not published yet."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from app.core import clock
from app.core.db import db
from app.scheduling.models import SurgicalCase
from app.scheduling.queries.cards import Card, accepted_conflicts, by_room, card_of, cases_statement, rooms
from app.scheduling.queries.lists import pending_cases
from app.scheduling.rules import CaseState, PlanConflict, Role, Slot, find_conflicts
from app.scheduling.service.common import slot_of
from app.scheduling.service.publishing import pending_publications

_LOADED_ROLES = (Role.ANESTHESIOLOGIST, Role.ASSISTANT_ANESTHESIOLOGIST, Role.ANESTHESIA_NURSE,
                 Role.SCRUB_NURSE, Role.CIRCULATING_NURSE)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RoomRow:
    """A room and its cards of the day."""

    room_id: int
    code: str
    name: str
    cards: tuple[Card, ...]

    @property
    def minutes(self) -> int:
        """Planned minutes of all cards."""
        return sum(card.minutes for card in self.cards)

    @property
    def running(self) -> Card | None:
        """The case that is in the room now."""
        return next((card for card in self.cards if card.state.is_under_way), None)


@dataclass(frozen=True, slots=True)
class PersonLoad:
    """What one person has to do on the day."""

    name: str
    role: str
    cases: int
    minutes: int

    @property
    def hours(self) -> str:
        """5.5 h."""
        return f"{self.minutes / 60:.1f} h"


@dataclass(frozen=True, slots=True)
class DayBoard:
    """Everything the scheduling page shows of one day."""

    day: date
    rooms: tuple[RoomRow, ...]
    pending: tuple[Card, ...]
    cancelled: tuple[Card, ...]
    loads: tuple[PersonLoad, ...]
    unpublished: int
    is_today: bool
    read_at: datetime

    @property
    def cards(self) -> tuple[Card, ...]:
        """All placed cards."""
        return tuple(card for row in self.rooms for card in row.cards)

    @property
    def open_conflicts(self) -> int:
        """Cards about which something must be decided."""
        return sum(card.has_open_conflicts for card in self.cards)

    @property
    def unseen_changes(self) -> int:
        """Cards that the HIS has changed and nobody has looked at."""
        return sum(card.unseen_changes > 0 for card in (*self.cards, *self.pending))

    @property
    def finished(self) -> int:
        """Cases whose patient has left the room."""
        return sum(card.state.is_over for card in self.cards)


def day_board(day: date) -> DayBoard:
    """The board of a hospital day."""
    moment = clock.now()
    cases = _cases_near(day)
    conflicts = _conflicts(cases, moment, day)
    accepted = accepted_conflicts(cases)
    of_day = [card_of(case, moment, conflicts[case.id], accepted) for case in cases if case.day == day]
    placed = by_room(card for card in of_day if card.state is not CaseState.CANCELLED)
    return DayBoard(
        day=day,
        rooms=tuple(RoomRow(room.id, room.code, room.name, tuple(placed.get(room.id, ()))) for room in rooms()),
        pending=tuple(pending_cases(moment)),
        cancelled=tuple(card for card in of_day if card.state is CaseState.CANCELLED),
        loads=tuple(_loads(case for case in cases if case.day == day and case.cancelled_at is None)),
        unpublished=len(pending_publications(day)),
        is_today=day == clock.today(),
        read_at=moment,
    )


def _cases_near(day: date) -> list[SurgicalCase]:
    """Cases of the day and of its neighbours, whose people may still be busy."""
    span = (day - timedelta(days=1), day + timedelta(days=1))
    statement = cases_statement().where(SurgicalCase.day.between(*span)).order_by(SurgicalCase.planned_start)
    return list(db.session.scalars(statement).unique())


def _conflicts(cases: Iterable[SurgicalCase], moment: datetime, day: date) -> dict[int, list[PlanConflict]]:
    slots: list[Slot] = []
    concerned: list[Slot] = []
    for case in cases:
        slot = slot_of(case, moment) if case.cancelled_at is None else None
        if slot is not None:
            slots.append(slot)
            if case.day == day and not case.state.is_over:
                concerned.append(slot)
    found: dict[int, list[PlanConflict]] = defaultdict(list)
    for slot in concerned:
        found[slot.case_id] = find_conflicts(slot, slots)
    return found


def _loads(cases: Iterable[SurgicalCase]) -> list[PersonLoad]:
    totals: dict[tuple[str, str], list[int]] = {}
    for case in cases:
        for item in case.assignments:
            if item.role in _LOADED_ROLES:
                totals.setdefault((item.name, Role(item.role).label), []).append(case.planned_minutes)
    order = {role.label: index for index, role in enumerate(_LOADED_ROLES)}
    loads = [PersonLoad(name, role, len(minutes), sum(minutes)) for (name, role), minutes in totals.items()]
    return sorted(loads, key=lambda item: (order[item.role], -item.minutes, item.name))
