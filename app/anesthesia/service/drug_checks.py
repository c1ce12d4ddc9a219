"""What a drug entry must satisfy: known drug and units, doses and rates within the drug's usual span."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from app.anesthesia.models import Administration
from app.anesthesia.service.gate import Gate, ask
from app.clinical.dosing import (
    LEVEL_UNITS,
    Concentration,
    RateUnit,
    UnitError,
    convert,
    convert_rate,
    dimension,
    plain,
    rate_unit_name,
    unit_name,
    unit_text,
)
from app.core import clock
from app.core.errors import InvalidInput
from app.terminology import queries as terminology
from app.terminology.queries import TermRow


@dataclass(frozen=True, slots=True)
class Drug:
    """A drug as it is written into the record: from the dictionary, or free text."""

    code: str
    name: str
    specification: str
    drug_class: str
    group: str
    term: TermRow | None


def drug_of(term_code: str, name: str, at: datetime) -> Drug:
    if not term_code:
        text = name.strip()
        if not text or len(text) > 128:
            raise InvalidInput(fields={"name": "请选择药品，或填写药品名称"})
        return Drug("", text, "", "", "", None)
    term = terminology.find("drug", term_code)
    if term is None:
        raise InvalidInput(fields={"term_code": "药品字典中没有这种药，请重新选择"})
    day = clock.to_hospital(at).date()
    return Drug(
        term.code, name or term.name, term.text("specification"), drug_class(term, day), term.text("group"), term
    )


def drug_class(term: TermRow, day: date) -> str:
    """narcotic, psychotropic_1, psychotropic_2 or blank, as valid on a day (a class may have changed on a date)."""
    held = term.text("class")
    since = term.text("class_from")
    return term.text("class_before") if since and day < date.fromisoformat(since) else held


def held_unit(unit: str) -> str:
    try:
        return unit_name(unit)
    except UnitError as error:
        raise InvalidInput(fields={"unit": str(error)}) from None


def held_rate_unit(unit: str) -> str:
    try:
        return rate_unit_name(unit)
    except UnitError as error:
        raise InvalidInput(fields={"rate_unit": str(error)}) from None


def check_concentration(concentration: str) -> None:
    if concentration:
        try:
            Concentration.parse(concentration)
        except UnitError as error:
            raise InvalidInput(fields={"concentration": str(error)}) from None


def positive(value: Any, field: str) -> Decimal:
    number = _number(value, field)
    if number <= 0:
        raise InvalidInput(fields={field: "剂量应大于 0"})
    return number


def not_negative(value: Any, field: str) -> Decimal:
    number = _number(value, field)
    if number < 0:
        raise InvalidInput(fields={field: "速率不能为负数"})
    return number


def _number(value: Any, field: str) -> Decimal:
    try:
        number = Decimal(value)
    except (InvalidOperation, TypeError, ValueError):
        raise InvalidInput(fields={field: "请填写数字"}) from None
    if not number.is_finite() or number >= 10**7 or number != number.quantize(Decimal("0.00001")):
        raise InvalidInput(fields={field: "数字过大，或小数超过 5 位"})
    return number


def check_dose(drug: Drug, dose: Decimal, unit: str, concentration: str, gate: Gate, confirm: bool) -> None:
    check_concentration(concentration)
    if drug.term is None:
        return
    usual = drug.term.text("unit")
    allowed = {dimension(usual), "volume"} if usual else set()
    if allowed and dimension(unit) not in allowed and not dimension(unit).startswith("count"):
        raise InvalidInput(fields={"unit": f"{drug.name}的剂量单位应为 {unit_text(usual)} 或 ml"})
    maximum = drug.term.text("max_single")
    if confirm or not maximum or dimension(unit) != dimension(usual):
        return
    if convert(dose, unit, usual) > Decimal(maximum):
        raise ask(
            f"{drug.name} {plain(dose)} {unit_text(unit)} 超过常用单次上限 {maximum} {unit_text(usual)}，请确认", "dose"
        )
    per_kg = drug.term.text("max_per_kg")
    if per_kg and gate.weight_kg and convert(dose, unit, usual) > Decimal(per_kg) * gate.weight_kg:
        raise ask(f"{drug.name}超过 {per_kg} {unit_text(usual)}/kg（体重 {plain(gate.weight_kg)} kg），请确认", "dose")


def check_rate(drug: Drug, rate: Decimal, unit: str, concentration: str, gate: Gate, confirm: bool) -> None:
    if drug.term is None or confirm:
        return
    maximum, usual = drug.term.text("max_rate"), drug.term.text("rate_unit")
    if not maximum or not usual:
        return
    if unit == usual:
        compared = rate
    elif unit in LEVEL_UNITS or usual in LEVEL_UNITS:
        return
    else:
        held = Concentration.parse(concentration) if concentration else None
        try:
            compared = convert_rate(rate, unit, usual, weight_kg=gate.weight_kg, concentration=held)
        except UnitError:
            return  # without weight or concentration the two cannot be compared
    if compared > Decimal(maximum):
        raise ask(
            f"{drug.name} {plain(rate)} {unit_text(unit)} 超过常用上限 {maximum} {unit_text(usual)}，请确认", "rate"
        )


def check_weight(gate: Gate, unit: str) -> None:
    if unit not in LEVEL_UNITS and RateUnit.parse(unit).per_kg and not gate.weight_kg:
        raise InvalidInput(fields={"rate_unit": "按体重计的速率需要先填写体重"})


def check_same_family(row: Administration, unit: str) -> None:
    if (unit in LEVEL_UNITS) != (row.rates[0].unit in LEVEL_UNITS):
        raise InvalidInput(fields={"rate_unit": "浓度与速率不能混用，请停止后重新开始"})
    if unit in LEVEL_UNITS:
        return
    amount = RateUnit.parse(unit).amount
    if dimension(amount) != dimension(row.unit) and not row.concentration:
        raise InvalidInput(fields={"rate_unit": f"改用 {unit_text(unit)} 需要先填写药液浓度"})


def total_unit_of(drug: Drug, unit: str, concentration: str) -> str:
    """In which unit the total is told: the drug's own when the rate can be converted, else that of the rate."""
    if unit in LEVEL_UNITS:
        return "ml"
    amount = RateUnit.parse(unit).amount
    usual = drug.term.text("unit") if drug.term else ""
    if usual and dimension(usual) == dimension(amount):
        return unit_name(usual)
    if (
        usual
        and concentration
        and {dimension(usual), Concentration.parse(concentration).dimension} == {dimension(usual)}
    ):
        return unit_name(usual)
    return amount
