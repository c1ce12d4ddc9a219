"""The stage of the benchmarks: a real installation in a temporary folder, filled through the services, on the loopback.

Every figure is measured beside a baseline in the same run, because numbers of two machines cannot be compared.
"""

import math
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from flask import Flask

from app.accounts.models import User
from app.accounts.queries import user_by_name
from app.anesthesia import service as anesthesia
from app.core import clock, unit_of_work
from app.core.db import db
from app.core.settings import load_settings
from app.demo import history, hospital
from app.demo.script import COURSE, Moment
from app.devices import service as devices
from app.devices.models import Device
from app.factory import create_app
from app.patients.facts import PatientFacts
from app.scheduling import service as scheduling
from app.scheduling.facts import ProcedureFacts, RequestFacts
from app.scheduling.models import OperatingRoom, SurgicalCase
from app.scheduling.rules import EventKind
from app.vitals import queries as vitals
from tests.processes import Installation

DOCTOR = "lim"
PASSWORD = hospital.PASSWORD
# Steps of the demonstration's course up to here; after it the surgery ends.
_OPERATING_UNTIL = 125


@dataclass(frozen=True, slots=True)
class Seeded:
    """A case with a filled record."""

    case_id: int
    record_id: int
    device_id: int
    start: datetime


class Stage:
    """An installation with the demonstration's people, and this process as a second application on its database."""

    def __init__(self, folder: Path) -> None:
        self.installation = Installation(folder / "instance", demo="true", log_level="WARNING")
        self.installation.prepare()
        os.environ.update({k: v for k, v in self.installation.environment.items() if k.startswith("MAFEI_")})
        self.app: Flask = create_app(load_settings())
        self._number = 0

    @property
    def fonts(self) -> Path:
        """Directory of the print fonts."""
        return self.installation.folder / "fonts"

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.installation.folder / "mafei.db"

    def open_case(self, hours: float, device_key: str = "") -> Seeded:
        """A case that has been in the room for `hours` and still is, with monitor data, drugs, fluids and events.

        `device_key`: a registered device, which is bound; without it one is made that no bridge reads.
        """
        self._number += 1
        end = clock.now()
        start = (end - timedelta(hours=hours)).replace(second=0, microsecond=0)
        with self.app.app_context(), unit_of_work.writing():
            return self._write_case(start, end, hours, device_key)

    def _write_case(self, start: datetime, end: datetime, hours: float, device_key: str) -> Seeded:
        doctor = doctor_of()
        case = self._case(doctor, start, math.ceil(hours * 60), f"B{self._number:03d}")
        scheduling.mark_event(doctor, case, EventKind.IN_ROOM, start)
        device = self._device(doctor, case, device_key)
        devices.bind_device(doctor, device, case, since=start)
        record = anesthesia.open_record(doctor, case.id, at=start)
        history.write(device.id, f"bench-{self._number}", start, end)
        stretch = hours * 60 / (_OPERATING_UNTIL + 5)
        for number, step in enumerate(step for step in COURSE if step.minute <= _OPERATING_UNTIL):
            at = start + timedelta(minutes=step.minute * stretch)
            step.write(Moment(doctor, case, record.id, at, f"bench:{case.id}:{number}"))
        now_ms = clock.now_ms()
        anesthesia.fill_chart(doctor, [device.id], clock.to_ms(start), clock.to_ms(end), now_ms=now_ms)
        return Seeded(case.id, record.id, device.id, start)

    def _device(self, doctor: User, case: SurgicalCase, key: str) -> Device:
        if key:
            return db.session.query(Device).filter_by(key=key).one()
        return devices.register_device(
            doctor,
            f"BENCH-{self._number}",
            kind="monitor",
            brand="GE",
            model="B650",
            driver="ge_dri",
            transport={"kind": "tcp_client", "host": "127.0.0.1", "port": 9},
            room_id=case.room_id,
            enabled=False,
        )

    def has_live_values(self, key: str) -> bool:
        """Whether values of the last seconds of a device are stored."""
        with self.app.app_context():
            device = db.session.query(Device).filter_by(key=key).one()
            return bool(vitals.latest(device.id, clock.now_ms() - 10_000))

    def _case(self, doctor: User, start: datetime, minutes: int, room_code: str) -> SurgicalCase:
        facts = RequestFacts(
            source="manual",
            request_no=f"BENCH-{self._number}",
            patient=PatientFacts(f"PB{self._number:05d}", name="覃小芳", sex="female"),
            kind="elective",
            procedures=(ProcedureFacts("腹腔镜胆囊切除术", "51.2300", "3"),),
            planned_at=start,
            planned_minutes=minutes,
            asa="2",
        )
        case = scheduling.register_request(doctor, facts)
        case.weight_kg = hospital_weight()
        room = db.session.query(OperatingRoom).filter_by(code=room_code).one_or_none()
        if room is None:
            room = OperatingRoom(code=room_code, name=f"{room_code} 室", sort=900)
            db.session.add(room)
            db.session.flush()
        case.room_id, case.day, case.planned_start = room.id, clock.to_hospital(start).date(), start
        case.planned_minutes = minutes
        db.session.flush()
        return case


def hospital_weight() -> Decimal:
    """Weight of every patient of a benchmark, for rates per kilogram."""
    return Decimal(60)


def doctor_of() -> User:
    """The anesthesiologist of the demonstration."""
    user = user_by_name(DOCTOR)
    if user is None:
        raise LookupError("the demonstration hospital is not loaded")
    return user


@contextmanager
def stage() -> Iterator[Stage]:
    """A stage in a temporary folder; its processes end and its files go with it."""
    with tempfile.TemporaryDirectory(prefix="mafei-bench-") as folder:
        made = Stage(Path(folder))
        try:
            yield made
        finally:
            made.installation.stop_all()
