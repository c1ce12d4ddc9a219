"""A theatre for web and browser tests: OR1 with a patient in the room, OR2 with one who waits, OR3 with another's."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from bs4 import BeautifulSoup
from flask import Flask
from sqlalchemy import func, select

from app.accounts.models import User
from app.accounts.queries import user_by_name
from app.anesthesia import service as anesthesia
from app.anesthesia.models import AnesthesiaRecord
from app.core import clock, unit_of_work
from app.core.db import db
from app.devices import service as devices
from app.devices.models import Device
from app.patients.models import Allergy, Encounter, Patient
from app.scheduling import service as scheduling
from app.scheduling.models import OperatingRoom, SurgicalCase
from app.scheduling.rules import EventKind
from tests.cast import LI_MING

BOLUS = {"code": "D001", "dose": "110", "unit": "mg", "route": "iv"}


@dataclass(frozen=True, slots=True)
class Stage:
    """Numbers of what is on the stage; `start` is when the running case came into the room."""

    running: int
    record: int
    waiting: int
    elsewhere: int
    monitor: int
    idle_monitor: int
    start: datetime


def set_stage(app: Flask, minutes: int = 45) -> Stage:
    """Put the three patients on stage; the running case began `minutes` ago."""
    with app.app_context():
        with unit_of_work.writing():
            stage = _set(user(), minutes)
        db.session.remove()
    return stage


def user() -> User:
    """The account of 李明."""
    found = user_by_name(LI_MING.username)
    assert found is not None
    return found


def _set(doctor: User, minutes: int) -> Stage:
    start = clock.now() - timedelta(minutes=minutes)
    running = _case(1, "覃小芳", "OR1", start)
    db.session.add(Allergy(patient_id=running.patient_id, substance="青霉素"))
    waiting = _case(2, "农志明", "OR2", clock.now() + timedelta(minutes=10))
    elsewhere = _case(3, "陆小梅", "OR3", clock.now() + timedelta(minutes=10))
    monitor, idle_monitor = _monitor("OR1"), _monitor("OR2")
    scheduling.mark_event(doctor, running, EventKind.IN_ROOM, start)
    record = anesthesia.open_record(doctor, running.id, at=start)
    devices.bind_device(doctor, monitor, running, since=start)
    return Stage(running.id, record.id, waiting.id, elsewhere.id, monitor.id, idle_monitor.id, start)


def _room(code: str) -> OperatingRoom:
    return db.session.scalars(select(OperatingRoom).where(OperatingRoom.code == code)).one()


def _monitor(room: str) -> Device:
    device = Device(
        key=f"{room}-MON", kind="monitor", brand="迈瑞", model="T8", driver="mindray_pds", room_id=_room(room).id,
        transport={"kind": "tcp_client"},
    )  # fmt: skip
    db.session.add(device)
    db.session.flush()
    return device


def _case(number: int, name: str, room: str, start: datetime) -> SurgicalCase:
    patient = Patient(patient_no=f"P{number:05d}", name=name, sex="female", birth_date=date(1984, 2, 28))
    patient.index_name()
    encounter = Encounter(patient=patient, kind="inpatient", visit_no=f"V{number}", inpatient_no=f"ZY{number:06d}")
    case = SurgicalCase(
        case_no=f"SCH-{number}", patient=patient, encounter=encounter, kind="elective", asa="2", room=_room(room),
        day=clock.today(), planned_start=start, published_at=start, weight_kg=Decimal(62), sequence=number,
        procedures=[{"code": "51.2300", "name": "腹腔镜下胆囊切除术"}], diagnoses=[],
    )  # fmt: skip
    db.session.add(case)
    db.session.flush()
    return case


def rows(app: Flask, *models: type) -> dict[str, int]:
    """How many rows these tables hold."""
    with app.app_context():
        return {model.__name__: db.session.scalar(select(func.count()).select_from(model)) or 0 for model in models}


def set_state(app: Flask, record_id: int, state: str) -> None:
    """Close or open the record behind the page's back."""
    with app.app_context(), unit_of_work.writing():
        db.session.get_one(AnesthesiaRecord, record_id).state = state


def soup(answer: str) -> BeautifulSoup:
    """A fragment to look into."""
    return BeautifulSoup(answer, "html.parser")
