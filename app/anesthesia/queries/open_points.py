"""What is still open on a record, for the leaving check and for finishing."""

from collections import defaultdict
from datetime import datetime

from sqlalchemy import ColumnElement, Select, select

from app.anesthesia.models import (
    Administration,
    AirwayProcedure,
    AnesthesiaRecord,
    ChartReading,
    Intake,
    Output,
)
from app.anesthesia.rules import Finding, InfusionFacts, RecordFacts, infusion_total, unfinished
from app.clinical.dosing import UnitError
from app.core import clock
from app.core.db import db
from app.core.errors import NotFound
from app.scheduling.models import CaseEvent
from app.scheduling.rules import EventKind


def open_points(record_id: int) -> tuple[Finding, ...]:
    """Everything open, what blocks first. Raises `NotFound`."""
    record = db.session.get(AnesthesiaRecord, record_id)
    if record is None:
        raise NotFound("没有找到麻醉记录。")
    now = clock.now()
    return unfinished(_facts(record, now))


def case_times(case_id: int) -> dict[EventKind, datetime]:
    """The earliest valid time of each kind of event of a case."""
    rows = db.session.execute(
        select(CaseEvent.kind, CaseEvent.at)
        .where(CaseEvent.case_id == case_id, CaseEvent.voided_at.is_(None))
        .order_by(CaseEvent.at.desc(), CaseEvent.id.desc())
    )
    known = {kind.value for kind in EventKind}
    return {EventKind(kind): at for kind, at in rows if kind in known}


def _facts(record: AnesthesiaRecord, now: datetime) -> RecordFacts:
    infusions = _infusions(record.id)
    bags = db.session.execute(
        select(Intake.id, Intake.name, Intake.end_at).where(Intake.record_id == record.id, Intake.voided_at.is_(None))
    ).all()
    return RecordFacts(
        times=case_times(record.case_id),
        now=now,
        running=[(row.id, row.name) for row in infusions if row.end_at is None],
        without_total=[(row.id, row.name) for row in infusions if not _has_known_total(row, now)],
        running_bags=[(number, name) for number, name, end in bags if end is None],
        measured=_measured(record.id),
        is_in_rescue=bool(record.rescue_spans) and not record.rescue_spans[-1]["end"],
        has_intake=bool(bags),
        has_blood_loss=_exists(select(Output.id).where(*_valid(Output, record.id), Output.kind == "blood_loss")),
        has_airway=_exists(select(AirwayProcedure.id).where(*_valid(AirwayProcedure, record.id))),
        leaves_intubated=bool(record.technique.get("leaves_intubated")),
    )


def _valid(model: type[Output] | type[AirwayProcedure], record_id: int) -> tuple[ColumnElement[bool], ...]:
    return model.record_id == record_id, model.voided_at.is_(None)


def _exists(statement: Select[int]) -> bool:
    return db.session.scalar(statement.limit(1)) is not None


def _infusions(record_id: int) -> list[Administration]:
    return list(
        db.session.scalars(
            select(Administration)
            .where(
                Administration.record_id == record_id,
                Administration.mode != "bolus",
                Administration.voided_at.is_(None),
            )
            .order_by(Administration.start_at)
        )
    )


def infusion_facts(row: Administration) -> InfusionFacts:
    """An infusion as the rules take it; withdrawn rates are left out."""
    rates = tuple((change.at, change.rate, change.unit) for change in row.rates if change.voided_at is None)
    return InfusionFacts(row.start_at, row.end_at, rates, row.unit, row.concentration, row.weight_kg)


def _has_known_total(row: Administration, now: datetime) -> bool:
    try:
        infusion_total(infusion_facts(row), now)
    except UnitError:
        return False
    return True


def _measured(record_id: int) -> dict[str, list[datetime]]:
    found: defaultdict[str, list[datetime]] = defaultdict(list)
    rows = db.session.execute(
        select(ChartReading.code, ChartReading.at)
        .where(ChartReading.record_id == record_id, ChartReading.value.is_not(None))
        .order_by(ChartReading.at)
    )
    for code, at in rows:
        found[code].append(at)
    return found
