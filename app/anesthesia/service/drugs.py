"""Commands on drugs: single doses, infusions and gases, their rates, corrections and withdrawals."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from app.anesthesia.models import Administration, RateChange
from app.anesthesia.service.drug_checks import (
    Drug,
    check_concentration,
    check_dose,
    check_rate,
    check_same_family,
    check_weight,
    drug_of,
    held_rate_unit,
    held_unit,
    not_negative,
    positive,
    total_unit_of,
)
from app.anesthesia.service.gate import Gate, add, already, amend, check_time, need_reason, pass_gate, tell
from app.clinical.dosing import LEVEL_UNITS, plain
from app.core import clock
from app.core.audit import Actor
from app.core.db import db
from app.core.errors import Conflict, InvalidInput, NotFound

WHAT = ("drugs", "chart", "totals")
_CORRECTABLE = frozenset({"dose", "unit", "route", "concentration", "start_at", "end_at", "note", "weight_kg"})


def give_bolus(
    actor: Actor,
    record_id: int,
    *,
    dose: Decimal,
    unit: str,
    term_code: str = "",
    name: str = "",
    route: str = "",
    at: datetime | None = None,
    concentration: str = "",
    note: str = "",
    confirm: bool = False,
    idempotency_key: str = "",
) -> Administration:
    """Write a single dose. A dose over the drug's maximum asks once more (`needs_confirmation`).

    Raises `InvalidInput`, `Locked`.
    """
    earlier = already(Administration, idempotency_key, record_id)
    if earlier is not None:
        return earlier
    gate = pass_gate(record_id)
    moment = check_time(gate, at)
    drug = drug_of(term_code, name, moment)
    unit_held = held_unit(unit)
    check_dose(drug, positive(dose, "dose"), unit_held, concentration, gate, confirm)
    row = _new(actor, gate, drug, "bolus", unit_held, moment, route, concentration, note, idempotency_key)
    row.dose, row.end_at = dose, moment
    add(row)
    after = {"id": row.id, "drug": row.name, "dose": plain(dose), "unit": row.unit, "route": row.route, "at": moment}
    tell(gate, actor, "give_bolus", what=WHAT, after=after)
    return row


def start_infusion(
    actor: Actor,
    record_id: int,
    *,
    rate: Decimal,
    rate_unit: str,
    term_code: str = "",
    name: str = "",
    route: str = "",
    at: datetime | None = None,
    concentration: str = "",
    note: str = "",
    confirm: bool = False,
    idempotency_key: str = "",
) -> Administration:
    """Start an infusion or a gas. A rate per kg needs the weight of the case; ml/h of a drug counted in mg needs a
    concentration, else its total is told in ml. Raises `InvalidInput`, `Conflict` when it already runs, `Locked`.
    """
    earlier = already(Administration, idempotency_key, record_id)
    if earlier is not None:
        return earlier
    gate = pass_gate(record_id)
    moment = check_time(gate, at)
    drug = drug_of(term_code, name, moment)
    unit = held_rate_unit(rate_unit)
    _not_running(record_id, drug)
    concentration = concentration.strip() or (drug.term.text("concentration") if drug.term else "")
    check_concentration(concentration)
    total_unit = total_unit_of(drug, unit, concentration)
    check_weight(gate, unit)
    check_rate(drug, not_negative(rate, "rate"), unit, concentration, gate, confirm)
    mode = "gas" if drug.group == "gas" or unit in LEVEL_UNITS else "infusion"
    row = _new(actor, gate, drug, mode, total_unit, moment, route, concentration, note, idempotency_key)
    row.weight_kg = gate.weight_kg
    row.rates = [RateChange(at=moment, rate=rate, unit=unit, by=actor.actor_id, by_name=actor.actor_name)]
    add(row)
    after = {"id": row.id, "drug": row.name, "rate": plain(rate), "unit": unit, "route": row.route, "at": moment}
    tell(gate, actor, "start_infusion", what=WHAT, after=after)
    return row


def change_rate(
    actor: Actor,
    administration_id: int,
    *,
    rate: Decimal,
    unit: str = "",
    at: datetime | None = None,
    confirm: bool = False,
    idempotency_key: str = "",
) -> RateChange:
    """From `at` on the infusion runs at `rate` (0 is a pause); `unit` blank keeps the last one.

    Raises `InvalidInput`, `Conflict` when it has ended, `Locked`.
    """
    earlier = already(RateChange, idempotency_key, administration_id)
    if earlier is not None:
        if earlier.administration_id != administration_id:
            raise Conflict("这张表单已用于另一次泵注，请刷新页面后再试。", code="key_reused")
        return earlier
    row, gate = _load(administration_id)
    moment = check_time(gate, at)
    _is_infusion(row)
    if row.end_at is not None and moment >= row.end_at:
        raise Conflict(f"{row.name}已停止，不能改变速率。请重新开始一次泵注。", code="stopped")
    if moment < row.start_at:
        raise InvalidInput(fields={"at": "时间早于开始时间"})
    held = [change for change in row.rates if change.voided_at is None]
    unit_held = held_rate_unit(unit) if unit else held[-1].unit
    check_same_family(row, unit_held)
    drug = drug_of(row.term_code, row.name, moment)
    check_rate(drug, not_negative(rate, "rate"), unit_held, row.concentration, gate, confirm)
    change = RateChange(
        at=moment,
        rate=rate,
        unit=unit_held,
        by=actor.actor_id,
        by_name=actor.actor_name,
        idempotency_key=idempotency_key or None,
        administration_id=row.id,
    )
    add(change)
    db.session.expire(row, ["rates"])
    before = {"id": row.id, "drug": row.name, "rate": plain(held[-1].rate), "unit": held[-1].unit}
    tell(gate, actor, "change_rate", what=WHAT, before=before, after={"rate": plain(rate), "unit": unit_held})
    return change


def stop_infusion(actor: Actor, administration_id: int, *, at: datetime | None = None) -> Administration:
    """Stop an infusion or gas. Stopping it a second time changes nothing: a wrong stop is corrected with a reason."""
    row, gate = _load(administration_id)
    _is_infusion(row)
    if row.end_at is not None:
        return row
    moment = check_time(gate, at)
    last = max(change.at for change in row.rates)
    if moment < max(last, row.start_at):
        raise InvalidInput(fields={"at": "停止时间早于开始或最后一次调速的时间"})
    row.end_at = moment
    db.session.flush()
    tell(gate, actor, "stop_infusion", what=WHAT, after={"id": row.id, "drug": row.name, "end_at": moment})
    return row


def stop_all_infusions(actor: Actor, record_id: int, *, at: datetime | None = None) -> list[Administration]:
    """Stop everything that runs, when the patient leaves the room."""
    pass_gate(record_id)
    running = select(Administration.id).where(
        Administration.record_id == record_id,
        Administration.mode != "bolus",
        Administration.end_at.is_(None),
        Administration.voided_at.is_(None),
    )
    return [stop_infusion(actor, number, at=at) for number in db.session.scalars(running.order_by(Administration.id))]


def correct_administration(
    actor: Actor, administration_id: int, changes: Mapping[str, Any], reason: str, *, confirm: bool = False
) -> Administration:
    """Correct dose, unit, route, concentration, times, weight or note with a reason; what it was is kept."""
    row, gate = _load(administration_id)
    text = need_reason(reason)
    unknown = set(changes) - _CORRECTABLE
    if unknown:
        raise InvalidInput(f"不能更正的内容：{'、'.join(sorted(unknown))}")
    wanted = {name: getattr(row, name) for name in ("dose", "unit", "concentration", "start_at", "end_at")}
    wanted.update(changes)
    if "unit" in changes:
        wanted["unit"] = held_unit(str(changes["unit"]))
        changes = {**changes, "unit": wanted["unit"]}
    _check_corrected(row, gate, wanted, confirm)
    if row.mode == "bolus" and "start_at" in changes:
        changes = {**changes, "end_at": changes["start_at"]}
    before, after = amend(row, actor, changes, text)
    if before:
        _move_first_rate(actor, row, after, text)
        tell(
            gate,
            actor,
            "correct_administration",
            what=WHAT,
            before={"id": row.id, "drug": row.name, **before},
            after=after,
            reason=text,
        )
    return row


def _check_corrected(row: Administration, gate: Gate, wanted: dict[str, Any], confirm: bool) -> None:
    start, end = check_time(gate, wanted["start_at"], "start_at"), wanted["end_at"]
    if row.mode == "bolus":
        dose = positive(wanted["dose"], "dose")
        drug = drug_of(row.term_code, row.name, start)
        check_dose(drug, dose, wanted["unit"], wanted["concentration"], gate, confirm)
    else:
        check_concentration(wanted["concentration"])
        if end is not None and check_time(gate, end, "end_at") < start:
            raise InvalidInput(fields={"end_at": "停止时间早于开始时间"})
        later = [change.at for change in row.rates[1:] if change.voided_at is None]
        if later and start > min(later):
            raise InvalidInput(fields={"start_at": "开始时间晚于后来的调速，请先更正调速时间"})
        if later and end is not None and end < max(later):
            raise InvalidInput(fields={"end_at": "停止时间早于最后一次调速的时间"})


def _move_first_rate(actor: Actor, row: Administration, after: dict[str, Any], reason: str) -> None:
    """The first rate begins with the infusion: it moves when the start is corrected."""
    if row.mode != "bolus" and "start_at" in after and row.rates:
        amend(row.rates[0], actor, {"at": after["start_at"]}, reason)


def correct_rate(
    actor: Actor,
    rate_change_id: int,
    reason: str,
    *,
    rate: Decimal | None = None,
    at: datetime | None = None,
    confirm: bool = False,
) -> RateChange:
    """Correct the figure or the time of a rate with a reason; what it was is kept."""
    change = db.session.get(RateChange, rate_change_id)
    if change is None:
        raise NotFound("没有找到这次调速。")
    row, gate = _load(change.administration_id)
    text = need_reason(reason)
    changes: dict[str, Any] = {}
    if rate is not None:
        drug = drug_of(row.term_code, row.name, change.at)
        check_rate(drug, not_negative(rate, "rate"), change.unit, row.concentration, gate, confirm)
        changes["rate"] = rate
    if at is not None:
        moment = check_time(gate, at)
        if change.id == row.rates[0].id:
            raise InvalidInput(fields={"at": "起始速率的时间就是开始时间，请更正开始时间"})
        if moment < row.start_at or (row.end_at is not None and moment > row.end_at):
            raise InvalidInput(fields={"at": "时间应在泵注的开始与停止之间"})
        changes["at"] = moment
    before, after = amend(change, actor, changes, text)
    if before:
        db.session.expire(row, ["rates"])
        held = {"id": row.id, "drug": row.name, **before}
        tell(gate, actor, "correct_rate", what=WHAT, before=held, after=after, reason=text)
    return change


def void_administration(actor: Actor, administration_id: int, reason: str) -> Administration:
    """Withdraw a drug that was not given; it stays readable with the reason."""
    row = db.session.get(Administration, administration_id)
    if row is None:
        raise NotFound("没有找到这条用药记录。")
    gate = pass_gate(row.record_id)
    if row.voided_at is not None:
        return row
    text = need_reason(reason)
    row.voided_at, row.void_reason = clock.now(), text
    db.session.flush()
    before = {"id": row.id, "drug": row.name, "dose": row.dose, "unit": row.unit, "start_at": row.start_at}
    tell(gate, actor, "void_administration", what=WHAT, before=before, reason=text)
    return row


def _load(administration_id: int) -> tuple[Administration, Gate]:
    row = db.session.get(Administration, administration_id)
    if row is None:
        raise NotFound("没有找到这条用药记录。")
    gate = pass_gate(row.record_id)
    if row.voided_at is not None:
        raise Conflict("这条用药记录已作废。", code="voided")
    return row, gate


def _new(
    actor: Actor,
    gate: Gate,
    drug: Drug,
    mode: str,
    unit: str,
    at: datetime,
    route: str,
    concentration: str,
    note: str,
    key: str,
) -> Administration:
    return Administration(
        record_id=gate.record_id,
        term_code=drug.code,
        name=drug.name,
        specification=drug.specification,
        drug_class=drug.drug_class,
        group=drug.group,
        mode=mode,
        route=route or (drug.term.text("route") if drug.term else ""),
        concentration=concentration,
        unit=unit,
        start_at=at,
        note=note,
        by=actor.actor_id,
        by_name=actor.actor_name,
        idempotency_key=key or None,
    )


def _not_running(record_id: int, drug: Drug) -> None:
    statement = select(Administration.id).where(
        Administration.record_id == record_id,
        Administration.mode != "bolus",
        Administration.end_at.is_(None),
        Administration.voided_at.is_(None),
        Administration.name == drug.name,
    )
    running = db.session.scalar(statement.limit(1))
    if running is not None:
        raise Conflict(f"{drug.name}正在使用，请改变速率。", code="already_running", details={"id": running})


def _is_infusion(row: Administration) -> None:
    if row.mode == "bolus":
        raise InvalidInput("这是单次给药，没有速率。")
