"""What runs now and what was given lately, for the sheets of the theatre page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import func, select

from app.anesthesia.models import Administration
from app.anesthesia.queries.totals import DrugTotal, administrations, drug_key, totals_of
from app.core.db import db


@dataclass(frozen=True, slots=True)
class RunningInfusion:
    """An infusion or gas without an end: its present rate and what it came to."""

    administration_id: int
    term_code: str
    name: str
    drug_class: str
    since: datetime
    rate: Decimal
    rate_unit: str
    concentration: str
    total: str  # of all doses of the drug, ready text; blank when not countable


@dataclass(frozen=True, slots=True)
class RecentDose:
    """A dose that was given in this case."""

    at: datetime
    dose: Decimal
    unit: str
    route: str


def running_infusions(record_id: int, now: datetime) -> tuple[RunningInfusion, ...]:
    """Everything that runs, in the order in which it was started."""
    rows = administrations(record_id)
    totals = {total.key: total for total in totals_of(rows, now)}
    return tuple(_running(row, totals, now) for row in rows if row.mode != "bolus" and row.end_at is None)


def running_infusion(record_id: int, term_code: str, now: datetime) -> RunningInfusion | None:
    """The running infusion of one drug."""
    return next((row for row in running_infusions(record_id, now) if row.term_code == term_code), None)


def _running(row: Administration, totals: dict[str, DrugTotal], now: datetime) -> RunningInfusion:
    current = _rate_now(row, now)
    total = totals.get(drug_key(row))
    return RunningInfusion(
        administration_id=row.id,
        term_code=row.term_code,
        name=row.name,
        drug_class=row.drug_class,
        since=row.start_at,
        rate=current[0],
        rate_unit=current[1],
        concentration=row.concentration,
        total=total.amount_text if total else "",
    )


def _rate_now(row: Administration, now: datetime) -> tuple[Decimal, str]:
    valid = [change for change in row.rates if change.voided_at is None]
    past = [change for change in valid if change.at <= now] or valid[:1]
    return (past[-1].rate, past[-1].unit) if past else (Decimal(0), row.unit)


def recent_doses(record_id: int, term_code: str, limit: int = 4) -> Sequence[RecentDose]:
    """The latest single doses of one drug in this case, the newest first."""
    rows = db.session.scalars(
        select(Administration)
        .where(
            Administration.record_id == record_id,
            Administration.term_code == term_code,
            Administration.mode == "bolus",
            Administration.voided_at.is_(None),
        )
        .order_by(Administration.start_at.desc(), Administration.id.desc())
        .limit(limit)
    )
    return [RecentDose(row.start_at, row.dose, row.unit, row.route) for row in rows if row.dose is not None]


def codes_given_by(actor_id: str, limit: int) -> list[str]:
    """Codes of the drugs that this person gives most, the most frequent first."""
    return list(
        db.session.scalars(
            select(Administration.term_code)
            .where(Administration.by == actor_id, Administration.term_code != "", Administration.voided_at.is_(None))
            .group_by(Administration.term_code)
            .order_by(func.count().desc(), Administration.term_code)
            .limit(limit)
        )
    )
