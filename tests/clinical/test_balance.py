"""Sums of fluids and the two bedside formulas, with the worked examples of the facts."""

from decimal import Decimal

import pytest

from app.clinical.balance import FluidItem, allowable_loss_ml, fasting_deficit_ml, fluid_balance, maintenance_ml_h


def test_sums_by_category_in_the_order_of_the_record() -> None:
    found = fluid_balance(
        [
            FluidItem("colloid", "万汶", Decimal(500)),
            FluidItem("crystalloid", "乳林", Decimal("500.5")),
            FluidItem("crystalloid", "盐水", Decimal(100)),
        ],
        [FluidItem("blood_loss", "出血量", Decimal(300)), FluidItem("urine", "尿量", Decimal(0))],
    )
    assert [(one.label, one.volume_ml) for one in found.intake] == [("晶体", Decimal("600.5")), ("胶体", Decimal(500))]
    assert [(one.label, one.volume_ml) for one in found.output] == [("尿量", Decimal(0)), ("出血量", Decimal(300))]
    assert (found.intake_ml, found.output_ml, found.net_ml) == (Decimal("1100.5"), Decimal(300), Decimal("800.5"))


@pytest.mark.parametrize(("weight", "rate"), [("8", 32), ("10", 40), ("25", 65), ("70", 110)])
def test_maintenance(weight: str, rate: int) -> None:
    assert maintenance_ml_h(Decimal(weight)) == rate


def test_fasting_deficit() -> None:
    assert fasting_deficit_ml(Decimal(70), Decimal(8)) == 880


@pytest.mark.parametrize(
    ("weight", "per_kg", "start", "least", "loss"),
    [("60", "65", "45", "30", 1300), ("50", "65", "45", "30", 1083), ("80", "75", "50", "40", 1200), ("50", "65", "37", "21", 1405)],
)  # fmt: skip
def test_allowable_loss(weight: str, per_kg: str, start: str, least: str, loss: int) -> None:
    assert allowable_loss_ml(Decimal(weight), Decimal(per_kg), Decimal(start), Decimal(least)) == loss
