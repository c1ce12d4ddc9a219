"""Totals of drugs and the balance of fluids."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from sqlalchemy import select

from app.anesthesia.models import Administration, Intake, Output
from app.anesthesia.queries.open_points import infusion_facts
from app.anesthesia.rules import infusion_total
from app.charting.record import Balance, TotalItem
from app.clinical.balance import FluidItem, fluid_balance
from app.clinical.dosing import Concentration, UnitError, as_decimal, convert_exact, plain, unit_text
from app.core import clock
from app.core.db import db


def told_places(amount: Fraction, unit: str) -> int:
    """Decimals of a told total: a tenth of a percent at worst; nothing is rounded before this. Gas to a decilitre."""
    return 1 if amount >= 100 or unit == "L" else 2 if amount >= 10 else 3


@dataclass(frozen=True, slots=True)
class DrugTotal:
    """What one patient got of one drug: one amount a unit that cannot be converted into another."""

    key: str  # term code, or the name of a free text
    name: str
    amounts: tuple[tuple[Decimal, str], ...]  # amount, stored unit
    is_running: bool
    is_known: bool  # False: an infusion lacks a concentration or weight
    drug_class: str
    specification: str

    @property
    def amount_text(self) -> str:
        """「100 mg」, 「30 mg + 5 ml」."""
        words = " + ".join(f"{plain(amount)} {unit_text(unit)}" for amount, unit in self.amounts)
        return words if self.is_known else f"{words} + 总量不明".removeprefix(" + ")

    @property
    def text(self) -> str:
        """The amount, with 未停 while it runs."""
        words = self.amount_text
        return f"{words}（未停）" if self.is_running and words else words


def administrations(record_id: int) -> list[Administration]:
    """All drugs that were not withdrawn, by time, with their rates."""
    return list(
        db.session.scalars(
            select(Administration)
            .where(Administration.record_id == record_id, Administration.voided_at.is_(None))
            .order_by(Administration.start_at, Administration.id)
        )
    )


def drug_totals(record_id: int, now: datetime | None = None) -> tuple[DrugTotal, ...]:
    """Total of each drug, in the order in which they were first given; gases told in % have none."""
    return totals_of(administrations(record_id), now or clock.now())


def drug_key(row: Administration) -> str:
    """What makes two administrations the same drug."""
    return row.term_code or row.name


def totals_of(rows: Iterable[Administration], now: datetime) -> tuple[DrugTotal, ...]:
    """Totals of loaded administrations."""
    grouped: defaultdict[str, list[Administration]] = defaultdict(list)
    for row in rows:
        grouped[drug_key(row)].append(row)
    found = (_total(key, members, now) for key, members in grouped.items())
    return tuple(total for total in found if total.amounts or not total.is_known)


def _total(key: str, rows: Sequence[Administration], now: datetime) -> DrugTotal:
    sums: dict[str, Fraction] = {}
    known = True
    for row in rows:
        try:
            amount = amount_of(row, now)
        except UnitError:
            known = False
            continue
        if amount is not None:
            _add(sums, amount, row)
    return DrugTotal(
        key=key,
        name=rows[0].name,
        amounts=tuple((as_decimal(amount, told_places(amount, unit)), unit) for unit, amount in sums.items()),
        is_running=any(row.mode != "bolus" and row.end_at is None for row in rows),
        is_known=known,
        drug_class=rows[-1].drug_class,
        specification=rows[-1].specification,
    )


def amount_of(row: Administration, now: datetime) -> Fraction | None:
    """Exact amount of one administration in its unit; None for a concentration. Raises `UnitError`."""
    if row.mode == "bolus":
        return Fraction(row.dose or 0)
    return infusion_total(infusion_facts(row), now)


def _add(sums: dict[str, Fraction], amount: Fraction, row: Administration) -> None:
    """Into the first unit it can be converted to; a volume with a stated concentration counts as its drug."""
    concentration = Concentration.parse(row.concentration) if row.concentration else None
    for unit in sums:
        try:
            sums[unit] += convert_exact(amount, row.unit, unit, concentration)
        except UnitError:
            continue
        return
    sums[row.unit] = amount


def balance(record_id: int) -> Balance:
    """Intake and output in ready text."""
    intakes = db.session.execute(
        select(Intake.category, Intake.name, Intake.volume_ml)
        .where(Intake.record_id == record_id, Intake.voided_at.is_(None))
        .order_by(Intake.start_at, Intake.id)
    )
    outputs = db.session.execute(
        select(Output.kind, Output.name, Output.volume_ml)
        .where(Output.record_id == record_id, Output.voided_at.is_(None))
        .order_by(Output.at, Output.id)
    )
    found = fluid_balance([FluidItem(*row) for row in intakes], [FluidItem(*row) for row in outputs])
    return Balance(
        intake=tuple(TotalItem(one.label, _ml(one.volume_ml)) for one in found.intake),
        output=tuple(TotalItem(one.label, _ml(one.volume_ml)) for one in found.output),
        intake_total=_ml(found.intake_ml),
        output_total=_ml(found.output_ml),
        net=f"{'+' if found.net_ml > 0 else ''}{_ml(found.net_ml)}",
    )


def _ml(volume_ml: Decimal) -> str:
    return f"{plain(volume_ml)} ml"
