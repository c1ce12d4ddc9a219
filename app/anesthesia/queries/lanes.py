"""Lanes of the record: drugs, gases, fluids, losses. Every entry that was not withdrawn stands in one of them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import accumulate

from sqlalchemy import select

from app.anesthesia.models import Administration, Intake, Output
from app.anesthesia.queries.totals import amount_of, drug_key, told_places, totals_of
from app.charting.record import (
    Bolus,
    DrugLane,
    FluidBag,
    FluidCategory,
    FluidLane,
    GasLane,
    Infusion,
    OutputEntry,
    OutputLane,
    RateChange,
)
from app.clinical.dosing import UnitError, as_decimal, plain, trimmed, unit_text
from app.core.db import db

GROUPS = {
    "premedication": "术前用药", "induction": "诱导与镇静", "opioid": "阿片类", "analgesic": "镇痛", "relaxant": "肌松",
    "gas": "吸入", "vasoactive": "血管活性", "local": "局麻药", "reversal": "拮抗", "antiemetic": "止吐", "steroid": "激素",
    "antibiotic": "抗生素", "emergency": "抢救与内环境", "hemostatic": "止血与抗凝", "obstetric": "产科", "": "其他",
}  # fmt: skip
_CATEGORIES = {
    "crystalloid": FluidCategory.CRYSTALLOID,
    "colloid": FluidCategory.COLLOID,
    "blood_product": FluidCategory.BLOOD,
    "autologous": FluidCategory.BLOOD,
}


def drug_lanes(rows: Sequence[Administration], now: datetime) -> tuple[DrugLane, ...]:
    """A lane a drug, grouped as on the paper, in the order of the first dose within a group."""
    totals = {total.key: total.amount_text for total in totals_of(rows, now)}  # the lane itself says 未停
    lanes = []
    for key, members in _by_drug(row for row in rows if row.mode != "gas").items():
        first = members[0]
        group = next((row.group for row in members if row.group), "")
        lanes.append(
            DrugLane(
                id=f"drug-{key}",
                name=first.name,
                unit=_lane_unit(members),
                boluses=tuple(_bolus(row) for row in members if row.mode == "bolus"),
                infusions=tuple(_infusion(row, now) for row in members if row.mode != "bolus"),
                total=totals.get(key, ""),
                group=GROUPS.get(group, group),
                controlled=any(row.drug_class for row in members),
            )
        )
    order = list(GROUPS.values())
    return tuple(sorted(lanes, key=lambda lane: order.index(lane.group) if lane.group in order else len(order)))


def gas_lanes(rows: Sequence[Administration], now: datetime) -> tuple[GasLane, ...]:
    """A lane a gas and unit: flow and concentration of one gas are two lanes."""
    found: defaultdict[tuple[str, str], list[Administration]] = defaultdict(list)
    for row in rows:
        if row.mode == "gas":
            found[drug_key(row), _rate_unit(row)].append(row)
    return tuple(
        GasLane(
            id=f"gas-{key}-{unit.replace('/', '')}",
            name=members[0].name,
            unit=unit,
            infusions=tuple(_infusion(row, now) for row in members),
        )
        for (key, unit), members in found.items()
    )


def _by_drug(rows: Iterable[Administration]) -> dict[str, list[Administration]]:
    found: defaultdict[str, list[Administration]] = defaultdict(list)
    for row in rows:
        found[drug_key(row)].append(row)
    return found


def _lane_unit(rows: Sequence[Administration]) -> str:
    for row in rows:
        if row.mode == "bolus":
            return unit_text(row.unit)
    return _rate_unit(rows[0])


def _rate_unit(row: Administration) -> str:
    held = [change for change in row.rates if change.voided_at is None]
    return unit_text(held[0].unit) if held else unit_text(row.unit)


def _bolus(row: Administration) -> Bolus:
    return Bolus(
        at=row.start_at,
        amount=trimmed(row.dose or Decimal(0)),
        unit=unit_text(row.unit),
        route=row.route,
        id=f"administration-{row.id}",
    )


def _infusion(row: Administration, now: datetime) -> Infusion:
    held = [change for change in row.rates if change.voided_at is None]
    return Infusion(
        start=row.start_at,
        end=row.end_at,
        rates=tuple(RateChange(change.at, trimmed(change.rate), unit_text(change.unit)) for change in held),
        total=_total(row, now),
        id=f"administration-{row.id}",
    )


def _total(row: Administration, now: datetime) -> str:
    try:
        amount = amount_of(row, now)
    except UnitError:
        return "总量不明"
    if amount is None:
        return ""
    return f"{plain(as_decimal(amount, told_places(amount, row.unit)))} {unit_text(row.unit)}"


def fluid_lanes(record_id: int) -> tuple[FluidLane, ...]:
    """A lane a fluid; the running total is all intake up to and with the bag."""
    rows = list(
        db.session.scalars(
            select(Intake)
            .where(Intake.record_id == record_id, Intake.voided_at.is_(None))
            .order_by(Intake.start_at, Intake.id)
        )
    )
    sums = dict(zip((row.id for row in rows), accumulate(row.volume_ml for row in rows), strict=True))
    found: defaultdict[tuple[str, str], list[Intake]] = defaultdict(list)
    for row in rows:
        found[row.category, row.name].append(row)
    order = list(FluidCategory)
    lanes = (_fluid_lane(category, name, bags, sums) for (category, name), bags in found.items())
    return tuple(sorted(lanes, key=lambda lane: order.index(lane.category)))


def _fluid_lane(category: str, name: str, bags: Sequence[Intake], sums: dict[int, Decimal]) -> FluidLane:
    return FluidLane(
        id=f"fluid-{bags[0].term_code or name}",
        name=name,
        category=_CATEGORIES.get(category, FluidCategory.OTHER),
        bags=tuple(
            FluidBag(
                row.start_at, row.end_at, trimmed(row.volume_ml), row.bag_no, trimmed(sums[row.id]), f"intake-{row.id}"
            )
            for row in bags
        ),
        total_ml=trimmed(sum((row.volume_ml for row in bags), Decimal())),
    )


def output_lanes(record_id: int) -> tuple[OutputLane, ...]:
    """A lane a loss with its own running sum."""
    rows = db.session.scalars(
        select(Output).where(Output.record_id == record_id, Output.voided_at.is_(None)).order_by(Output.at, Output.id)
    )
    found: defaultdict[tuple[str, str], list[Output]] = defaultdict(list)
    for row in rows:
        found[row.kind, row.name].append(row)
    lanes = []
    for (kind, name), entries in found.items():
        sums = list(accumulate(row.volume_ml for row in entries))
        lanes.append(
            OutputLane(
                id=f"output-{kind}-{name}",
                name=name,
                entries=tuple(
                    OutputEntry(row.at, trimmed(row.volume_ml), trimmed(total), f"output-{row.id}")
                    for row, total in zip(entries, sums, strict=True)
                ),
                total_ml=trimmed(sums[-1]),
            )
        )
    return tuple(lanes)
