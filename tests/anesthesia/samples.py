"""A case with an open record, written directly, and raw data of a monitor."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from app.accounts.models import User
from app.anesthesia import service
from app.anesthesia.models import AnesthesiaRecord
from app.core import clock
from app.core.db import db
from app.devices.models import Binding, Device
from app.patients.models import Patient
from app.scheduling.models import CaseEvent, SurgicalCase
from app.vitals.columns import SeriesColumns
from app.vitals.service import DeviceData, ingest

DAY = date(2026, 11, 22)


def at(hour: int, minute: int = 0, second: int = 0) -> datetime:
    """A time of the day under test."""
    return clock.at(DAY, hour, minute) + timedelta(seconds=second)


def make_case(number: int = 1, weight_kg: str | None = "60") -> SurgicalCase:
    """A case of a named patient."""
    patient = Patient(patient_no=f"P{number:05d}", name="覃小芳", sex="female", birth_date=date(1984, 2, 29))
    patient.index_name()
    case = SurgicalCase(
        case_no=f"SCH-{number}",
        patient=patient,
        kind="elective",
        day=DAY,
        planned_start=at(9),
        weight_kg=Decimal(weight_kg) if weight_kg else None,
        height_cm=Decimal(160),
        procedures=[{"code": "51.2300", "name": "腹腔镜胆囊切除术"}],
        diagnoses=[{"code": "K80.100", "name": "胆囊结石伴慢性胆囊炎", "kind": "preoperative"}],
        asa="2",
    )
    db.session.add(case)
    db.session.flush()
    return case


def mark(case: SurgicalCase, kind: str, moment: datetime) -> CaseEvent:
    """A time of the case."""
    event = CaseEvent(case_id=case.id, kind=kind, at=moment, by="user:1", by_name="李明")
    db.session.add(event)
    db.session.flush()
    return event


@dataclass(frozen=True, slots=True)
class Theatre:
    """An open record in a room with a bound monitor; the patient came in at 9:00."""

    actor: User
    case: SurgicalCase
    record: AnesthesiaRecord
    monitor: Device

    def feed(
        self,
        code: str,
        points: Sequence[tuple[datetime, float]] | Sequence[tuple[datetime, float, int]],
        unit: str = "/min",
        device: Device | None = None,
    ) -> None:
        """Store raw values (time, value, quality bits) without charting them."""
        rows = [(clock.to_ms(point[0]), point[1], point[2] if len(point) > 2 else 0) for point in points]
        series = SeriesColumns(code, unit, [r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows])
        global _sequence
        _sequence += 1
        assert ingest("b", "s", _sequence, 0, [DeviceData((device or self.monitor).id, (series,))])

    def fill(self, start: datetime, end: datetime, now: datetime | None = None) -> int:
        """Chart what arrived from `start` to `end`."""
        return service.fill_chart(
            self.actor,
            [self.monitor.id],
            clock.to_ms(start),
            clock.to_ms(end),
            now_ms=clock.to_ms(now or end),
        )


_sequence = 0


def make_theatre(actor: User, number: int = 1, weight_kg: str | None = "60") -> Theatre:
    """A case in the room since 9:00, its record open, its monitor bound."""
    case = make_case(number, weight_kg)
    mark(case, "in_room", at(9))
    record = service.open_record(actor, case.id, at=at(9))
    monitor = Device(key=f"OR{number}-MON", kind="monitor", driver="mindray_pds", transport={"kind": "tcp_client"})
    db.session.add(monitor)
    db.session.flush()
    db.session.add(Binding(device_id=monitor.id, case_id=case.id, bound_at=at(9), bound_by=actor.actor_id))
    db.session.flush()
    return Theatre(actor, case, record, monitor)
