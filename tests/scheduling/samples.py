"""Requests of named patients, as the HIS would send them."""

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select

from app.core import clock
from app.core.audit import SystemActor
from app.core.db import db
from app.patients.facts import AllergyFacts, EncounterFacts, PatientFacts
from app.scheduling.facts import DiagnosisFacts, PersonFacts, ProcedureFacts, RequestAction, RequestFacts
from app.scheduling.models import OperatingRoom, SurgicalCase
from app.scheduling.service import receive_request

HIS = SystemActor("his", "HIS")
DAY = date(2026, 11, 23)
SURGEON = PersonFacts("1007", "周杰")  # the code of the cast


def at(hour: int, minute: int = 0) -> datetime:
    """A time of the day under test."""
    return clock.at(DAY, hour, minute)


def patient(number: int = 1) -> PatientFacts:
    """A patient by number."""
    names = ("覃小芳", "黄大山", "韦金莲", "陆一鸣")
    return PatientFacts(
        f"P{number:03d}",
        name=names[(number - 1) % 4],
        sex="female" if number % 2 else "male",
        birth_date=date(1984, 2, 29),
        allergies=(AllergyFacts("青霉素"),) if number == 1 else None,
    )


def request(number: int = 1, **more: Any) -> RequestFacts:
    """A request by number; anything may be told differently."""
    facts: dict[str, Any] = {
        "source": "his",
        "request_no": f"R{number:03d}",
        "patient": patient(number),
        "encounter": EncounterFacts(
            f"V{number:03d}", "inpatient", f"Z{number:04d}", "", "WK1", "外一科", "外一病区", "12"
        ),
        "kind": "elective",
        "procedures": (ProcedureFacts("腹股沟疝修补术", "53.0000", "2", "腹股沟", "left"),),
        "diagnoses": (DiagnosisFacts("腹股沟疝", "K40.900"),),
        "surgeon": SURGEON,
        "planned_at": at(9),
        "planned_minutes": 60,
        "asa": "2",
    }
    return RequestFacts(**facts | more)


def cancellation(number: int = 1, reason: str = "患者发热") -> RequestFacts:
    """The HIS takes a request back."""
    return request(number, action=RequestAction.CANCEL, reason=reason)


def received(number: int = 1, **more: Any) -> SurgicalCase:
    """A case of a received request."""
    return receive_request(HIS, request(number, **more)).case


def room(number: int = 1) -> OperatingRoom:
    """An operating room by number."""
    return db.session.scalars(select(OperatingRoom).where(OperatingRoom.code == f"OR{number}")).one()


def later(minutes: int) -> timedelta:
    """A length."""
    return timedelta(minutes=minutes)
