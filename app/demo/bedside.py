"""Tells the simulated devices of a room what its patient was given, so that the patient answers to the chart.

The file and its meaning belong to the bridge (`device_bridge.simulators.charted`); here it is only written.
"""

import json
import os
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from flask import current_app
from sqlalchemy import select

from app.anesthesia.models import Administration, AnesthesiaRecord
from app.clinical.dosing import Concentration, Segment, UnitError, convert_exact, infused
from app.core import clock
from app.core.db import db
from app.core.settings import Settings
from app.scheduling.models import OperatingRoom, SurgicalCase
from app.scheduling.rules import EventKind

ROOMS = ("OR1", "OR2")
# Codes of the drug dictionary that the model of the patient knows.
DRUGS = {
    "D001": "propofol", "D004": "midazolam", "D020": "sufentanil", "D021": "remifentanil", "D040": "rocuronium",
    "D050": "sevoflurane", "D060": "ephedrine", "D061": "phenylephrine", "D077": "atropine", "D090": "neostigmine",
    "D091": "sugammadex",
}  # fmt: skip
_EVENTS = {
    "intubation": EventKind.INTUBATION, "incision": EventKind.SURGERY_START, "surgery_end": EventKind.SURGERY_END,
    "extubation": EventKind.EXTUBATION,
}  # fmt: skip


def tell_simulators() -> None:
    """Write the file of every simulated room anew when its content changed."""
    settings: Settings = current_app.extensions["mafei.settings"]
    for room in ROOMS:
        case = _case_in(room)
        _write(settings.instance_dir / "demo" / f"{room}.json", {} if case is None else chart(case))


def _case_in(room: str) -> SurgicalCase | None:
    cases = db.session.scalars(
        select(SurgicalCase)
        .join(OperatingRoom, OperatingRoom.id == SurgicalCase.room_id)
        .where(OperatingRoom.code == room, SurgicalCase.cancelled_at.is_(None))
    )
    return next((case for case in cases if case.state.is_under_way), None)


def _write(file: Path, content: dict[str, Any]) -> None:
    text = json.dumps(content, sort_keys=True)
    if file.exists() and file.read_text(encoding="utf-8") == text:
        return
    file.parent.mkdir(mode=0o700, exist_ok=True)
    temporary = file.with_suffix(".tmp")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, file)


def chart(case: SurgicalCase) -> dict[str, Any]:
    """What was given in this case, without anything that names the patient."""
    given = db.session.scalars(
        select(Administration)
        .join(AnesthesiaRecord, AnesthesiaRecord.id == Administration.record_id)
        .where(
            AnesthesiaRecord.case_id == case.id,
            Administration.voided_at.is_(None),
            Administration.term_code.in_(DRUGS),
        )
        .order_by(Administration.id)
    )
    found: dict[str, Any] = {
        "case": str(case.id),
        "since_ms": clock.to_ms(case.times[EventKind.IN_ROOM]),
        "events": {name: clock.to_ms(case.times[kind]) for name, kind in _EVENTS.items() if kind in case.times},
        "doses": [],
        "rates": [],
    }
    if case.weight_kg is not None:
        found["weight_kg"] = float(case.weight_kg)
    for one in given:
        drug = DRUGS[one.term_code]
        try:
            if one.mode == "bolus":
                found["doses"].append({"drug": drug, "at_ms": clock.to_ms(one.start_at), "mg": _milligrams(one)})
            else:
                found["rates"] += _rates(drug, one)
        except UnitError:
            continue  # millilitres without a concentration: nobody knows how much that was
    return found


def _concentration(one: Administration) -> Concentration | None:
    return Concentration.parse(one.concentration) if one.concentration else None


def _milligrams(one: Administration) -> float:
    return float(convert_exact(Fraction(one.dose or Decimal(0)), one.unit, "mg", _concentration(one)))


def _rates(drug: str, one: Administration) -> list[dict[str, Any]]:
    steps = [
        {"drug": drug, "at_ms": clock.to_ms(step.at), "mg_per_min": _per_minute(one, step.rate, step.unit)}
        for step in one.rates
        if step.voided_at is None
    ]
    if one.end_at is not None:
        steps.append({"drug": drug, "at_ms": clock.to_ms(one.end_at), "mg_per_min": 0.0})
    return steps


def _per_minute(one: Administration, rate: Decimal, unit: str) -> float:
    """mg a minute; a vaporiser's % as it stands."""
    if unit == "%":
        return float(rate)
    held = Segment(rate, unit, 60_000)
    return float(infused((held,), "mg", weight_kg=one.weight_kg, concentration=_concentration(one)))
