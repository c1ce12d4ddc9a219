"""The course of a demonstration case: what is written at which minute after the patient came into the room."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select

from app.accounts.models import User
from app.anesthesia import service as anesthesia
from app.anesthesia.models import Administration
from app.core.db import db
from app.scheduling import service as scheduling
from app.scheduling.models import SurgicalCase
from app.scheduling.rules import EventKind


@dataclass(frozen=True, slots=True)
class Moment:
    """Where a step is written: the case, its record, who writes, when, and a key that makes it once only."""

    actor: User
    case: SurgicalCase
    record_id: int
    at: datetime
    key: str


Write = Callable[[Moment], object]


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happens `minute` minutes after the patient came in."""

    minute: float
    write: Write


def _bolus(code: str, dose: str, unit: str, route: str = "iv") -> Write:
    return lambda m: anesthesia.give_bolus(
        m.actor, m.record_id, dose=Decimal(dose), unit=unit, term_code=code, route=route, at=m.at, confirm=True,
        idempotency_key=m.key,
    )  # fmt: skip


def _start(code: str, rate: str, unit: str) -> Write:
    return lambda m: anesthesia.start_infusion(
        m.actor, m.record_id, rate=Decimal(rate), rate_unit=unit, term_code=code, at=m.at, confirm=True,
        idempotency_key=m.key,
    )  # fmt: skip


def _running(record_id: int, code: str) -> Administration | None:
    return db.session.scalar(
        select(Administration).where(
            Administration.record_id == record_id,
            Administration.term_code == code,
            Administration.mode != "bolus",
            Administration.end_at.is_(None),
            Administration.voided_at.is_(None),
        )
    )


def _rate(code: str, rate: str, unit: str) -> Write:
    def write(m: Moment) -> object:
        running = _running(m.record_id, code)
        return running and anesthesia.change_rate(
            m.actor, running.id, rate=Decimal(rate), unit=unit, at=m.at, confirm=True, idempotency_key=m.key
        )

    return write


def _mark(kind: EventKind) -> Write:
    return lambda m: scheduling.mark_event(m.actor, m.case, kind, m.at, idempotency_key=m.key)


def _note(label: str, remark: str = "") -> Write:
    return lambda m: anesthesia.note_event(
        m.actor, m.record_id, label=label, remark=remark, at=m.at, idempotency_key=m.key
    )


def _fluid(code: str, volume: str) -> Write:
    return lambda m: anesthesia.add_intake(
        m.actor, m.record_id, volume_ml=Decimal(volume), term_code=code, start_at=m.at, idempotency_key=m.key
    )


def _output(kind: str, name: str, volume: str) -> Write:
    return lambda m: anesthesia.add_output(
        m.actor, m.record_id, kind=kind, name=name, volume_ml=Decimal(volume), at=m.at, idempotency_key=m.key
    )


def _stop_all(m: Moment) -> object:
    return anesthesia.stop_all_infusions(m.actor, m.record_id, at=m.at)


E = EventKind
COURSE: tuple[Step, ...] = (
    Step(2, _fluid("F001", "500")),
    Step(5, _mark(E.ANESTHESIA_START)),
    Step(5, _start("D053", "4", "L/min")),
    Step(6, _bolus("D004", "2", "mg")),
    Step(6.5, _bolus("D020", "25", "ug")),
    Step(7, _bolus("D001", "110", "mg")),
    Step(8, _bolus("D040", "50", "mg")),
    Step(10, _mark(E.INTUBATION)),
    Step(10.5, _start("D001", "4", "mg/kg/h")),
    Step(11, _start("D021", "0.1", "ug/kg/min")),
    Step(12, _rate("D053", "2", "L/min")),
    Step(14, _note("体位摆放", "仰卧位，受压部位已垫软枕")),
    Step(22, _bolus("D060", "6", "mg")),
    Step(30, _mark(E.SURGERY_START)),
    Step(31, _rate("D021", "0.15", "ug/kg/min")),
    Step(50, _bolus("D040", "15", "mg")),
    Step(55, _fluid("F020", "500")),
    Step(60, _output("urine", "尿量", "150")),
    Step(62, _rate("D001", "3.5", "mg/kg/h")),
    Step(75, _note("血气分析", "pH 7.41，PaCO₂ 38 mmHg，Hb 112 g/L，Lac 0.9 mmol/L")),
    Step(80, _output("blood_loss", "出血量", "100")),
    Step(95, _bolus("D020", "5", "ug")),
    Step(110, _bolus("D033", "50", "mg")),
    Step(125, _output("urine", "尿量", "200")),
    Step(130, _mark(E.SURGERY_END)),
    Step(131, _stop_all),
    Step(140, _mark(E.EXTUBATION)),
    Step(145, _mark(E.ANESTHESIA_END)),
    Step(150, _mark(E.OUT_OF_ROOM)),
)
