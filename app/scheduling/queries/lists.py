"""Lists of cases: what waits, the list of a day, a week, one room, a search."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import or_

from app.core import clock
from app.core.db import db
from app.patients.models import Encounter, Patient
from app.scheduling.models import SurgicalCase
from app.scheduling.queries.cards import Card, card_of, cases_statement
from app.scheduling.rules import RequestKind

_URGENCY = {RequestKind.EMERGENCY.value: 0, RequestKind.URGENT.value: 1}


@dataclass(frozen=True, slots=True)
class AgendaDay:
    """A day of a week with its cards in the order of room and time."""

    day: date
    cards: tuple[Card, ...]


def pending_cases(moment: datetime | None = None) -> list[Card]:
    """Cases that wait for a room: emergencies first, then by wished time, then by age of the request."""
    moment = moment or clock.now()
    cases = _cards(
        db.session.scalars(
            cases_statement().where(SurgicalCase.room_id.is_(None), SurgicalCase.cancelled_at.is_(None))
        ).unique(),
        moment,
    )
    far = moment + timedelta(days=3650)
    return sorted(
        cases,
        key=lambda card: (card.is_held, _URGENCY.get(card.kind, 2), card.wished_at or far, card.applied_at or far),
    )


def theatre_list(day: date, with_cancelled: bool = False) -> list[Card]:
    """The list of a day in the order of rooms and sequence, as it is printed and shown."""
    statement = cases_statement().where(SurgicalCase.day == day, SurgicalCase.room_id.is_not(None))
    if not with_cancelled:
        statement = statement.where(SurgicalCase.cancelled_at.is_(None))
    cases = sorted(db.session.scalars(statement).unique(), key=_place)
    return list(_cards(cases, clock.now()))


def agenda(first: date, days: int = 7) -> list[AgendaDay]:
    """Consecutive days with their cards."""
    last = first + timedelta(days=days - 1)
    statement = cases_statement().where(
        SurgicalCase.day.between(first, last), SurgicalCase.room_id.is_not(None), SurgicalCase.cancelled_at.is_(None)
    )
    cards = list(_cards(sorted(db.session.scalars(statement).unique(), key=_place), clock.now()))
    spread = [first + timedelta(days=number) for number in range(days)]
    return [AgendaDay(day, tuple(card for card in cards if card.day == day)) for day in spread]


def room_queue(room_id: int, day: date) -> list[Card]:
    """The cases of one room on a day in their order: the running one, the next ones, the finished ones."""
    return [card for card in theatre_list(day) if card.room_id == room_id]


def find_cases(text: str, limit: int = 20) -> list[Card]:
    """Cases by name, pinyin, 住院号, 病人ID or schedule number, the latest first; blank finds nothing."""
    text = text.strip().lower()
    if not text:
        return []
    pattern = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    statement = (
        cases_statement()
        .join(Patient, SurgicalCase.patient_id == Patient.id)
        .outerjoin(Encounter, SurgicalCase.encounter_id == Encounter.id)
        .where(
            or_(
                Patient.name.like(f"%{pattern}%", escape="\\"),
                Patient.pinyin.like(f"{pattern}%", escape="\\"),
                Patient.pinyin_full.like(f"{pattern}%", escape="\\"),
                Patient.patient_no.ilike(f"{pattern}%", escape="\\"),
                Encounter.inpatient_no.ilike(f"{pattern}%", escape="\\"),
                SurgicalCase.case_no.ilike(f"{pattern}%", escape="\\"),
            )
        )
        .order_by(SurgicalCase.id.desc())
        .limit(limit)
    )
    return list(_cards(db.session.scalars(statement).unique(), clock.now()))


def _cards(cases: Iterable[SurgicalCase], moment: datetime) -> Iterable[Card]:
    return (card_of(case, moment) for case in cases)


def _place(case: SurgicalCase) -> tuple[int, str, datetime, int]:
    room, start = case.room, case.planned_start
    return (room.sort if room else 0, room.code if room else "", start or clock.now(), case.id)
