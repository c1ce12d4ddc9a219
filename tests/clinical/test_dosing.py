"""Units, rates and totals: every row calculated by hand, and the total does not depend on how time is cut."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.clinical.dosing import (
    Concentration,
    RateUnit,
    Segment,
    UnitError,
    as_decimal,
    convert,
    convert_rate,
    infused,
    plain,
    rate_unit_name,
    trimmed,
    unit_name,
    unit_text,
)

HOUR = 3_600_000
MINUTE = 60_000


@pytest.mark.parametrize(
    ("value", "source", "target", "result"),
    [
        ("1", "mg", "ug", "1000"), ("1", "g", "mg", "1000"), ("250", "ug", "mg", "0.25"), ("1", "ug", "ng", "1000"),
        ("0.5", "L", "ml", "500"), ("1500", "mU", "U", "1.5"), ("1", "万U", "U", "10000"), ("40", "umol", "mmol", "0.04"),
        ("100", "μg", "mg", "0.1"), ("100", "µg", "mg", "0.1"), ("100", "mcg", "mg", "0.1"), ("2", "支", "支", "2"),
    ],
)  # fmt: skip
def test_amounts(value: str, source: str, target: str, result: str) -> None:
    assert convert(Decimal(value), source, target) == Decimal(result)


@pytest.mark.parametrize(("source", "target"), [("mg", "U"), ("mg", "ml"), ("支", "片"), ("mmol", "mg"), ("mg", "斤")])
def test_what_does_not_fit_is_refused(source: str, target: str) -> None:
    with pytest.raises(UnitError):
        convert(Decimal(1), source, target)


@pytest.mark.parametrize(
    ("text", "per_ml"),
    [
        ("10 mg/ml", "10"), ("1%", "10"), ("0.75 %", "7.5"), ("50 ug/ml", "0.05"), ("50 μg/ml", "0.05"),
        ("400 mg/40 ml", "10"), ("2mg/50ml", "0.04"), ("1 g/100ml", "10"), ("20 U/ml", "20"), ("1 mg/1 L", "0.001"),
    ],
)  # fmt: skip
def test_concentrations(text: str, per_ml: str) -> None:
    assert Concentration.parse(text).per_ml == Fraction(per_ml)


@pytest.mark.parametrize("text", ["10", "mg", "10 mg/kg", "10 mg/0 ml", "abc/ml", "%", "10 mg/ml/h"])
def test_a_concentration_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UnitError):
        Concentration.parse(text)


# rate, unit, minutes, weight, concentration, into, total
HAND = [
    ("4", "mg/kg/h", 60, "60", "", "mg", "240"),
    ("6", "mg/kg/h", 30, "60", "10 mg/ml", "ml", "18"),  # 36 ml/h for half an hour (facts 2g.8)
    ("36", "ml/h", 30, None, "10 mg/ml", "mg", "180"),
    ("36", "ml/h", 30, None, "1%", "mg", "180"),
    ("0.1", "ug/kg/min", 90, "60", "", "ug", "540"),
    ("0.1", "ug/kg/min", 90, "60", "", "mg", "0.54"),
    ("0.15", "ug/kg/min", 60, "60", "50 ug/ml", "ml", "10.8"),  # facts 2g.8
    ("0.1", "ug/kg/min", 60, "70", "80 ug/ml", "ml", "5.25"),  # facts 2g.8
    ("5.25", "ml/h", 60, None, "80 ug/ml", "ug", "420"),
    ("0.4", "ug/kg/h", 150, "50", "", "ug", "50"),
    ("120", "ug/h", 45, None, "", "ug", "90"),
    ("8", "ug/min", 25, None, "", "mg", "0.2"),
    ("1", "mg/min", 20, None, "", "mg", "20"),
    ("2", "U/h", 90, None, "", "U", "3"),
    ("0.02", "U/min", 60, None, "", "U", "1.2"),
    ("5", "ml/h", 240, None, "", "ml", "20"),
    ("5", "ml/h", 240, None, "0.2%", "mg", "40"),
    ("2", "L/min", 60, None, "", "L", "120"),
    ("1", "g/h", 15, None, "100 mg/ml", "ml", "2.5"),
    ("0", "mg/h", 60, None, "", "mg", "0"),
]


@pytest.mark.parametrize(("rate", "unit", "minutes", "weight", "concentration", "into", "total"), HAND)
def test_totals_by_hand(
    rate: str, unit: str, minutes: int, weight: str | None, concentration: str, into: str, total: str
) -> None:
    amount = infused(
        [Segment(Decimal(rate), unit, minutes * MINUTE)],
        into,
        weight_kg=Decimal(weight) if weight else None,
        concentration=Concentration.parse(concentration) if concentration else None,
    )
    assert amount == Fraction(total)


def test_a_total_that_needs_weight_or_concentration_is_refused_not_guessed() -> None:
    with pytest.raises(UnitError, match="体重"):
        infused([Segment(Decimal(1), "mg/kg/h", HOUR)], "mg")
    with pytest.raises(UnitError, match="浓度"):
        infused([Segment(Decimal(1), "ml/h", HOUR)], "mg")


rates = st.decimals(min_value=0, max_value=1000, places=3)
units = st.sampled_from(["ml/h", "mg/h", "ug/kg/min", "mg/kg/h", "ug/min", "ng/kg/min", "g/d"])


@given(rate=rates, unit=units, cuts=st.lists(st.integers(0, 10 * HOUR), min_size=1, max_size=8))
def test_cutting_the_time_does_not_change_the_total(rate: Decimal, unit: str, cuts: list[int]) -> None:
    facts = {"weight_kg": Decimal("61.3"), "concentration": Concentration.parse("0.7 mg/ml")}
    whole = infused([Segment(rate, unit, sum(cuts))], "mg", **facts)  # type: ignore[arg-type]
    parts = infused([Segment(rate, unit, cut) for cut in cuts], "mg", **facts)  # type: ignore[arg-type]
    assert whole == parts


@given(rate=rates, source=units, target=units)
def test_a_converted_rate_gives_the_same_total(rate: Decimal, source: str, target: str) -> None:
    facts = {"weight_kg": Decimal(60), "concentration": Concentration.parse("2 mg/ml")}
    there = convert_rate(rate, source, target, **facts)  # type: ignore[arg-type]
    first = infused([Segment(rate, source, HOUR)], "ug", **facts)  # type: ignore[arg-type]
    second = infused([Segment(there, target, HOUR)], "ug", **facts)  # type: ignore[arg-type]
    step = infused([Segment(Decimal("0.0001"), target, HOUR)], "ug", **facts)  # type: ignore[arg-type]
    assert abs(first - second) <= step


@pytest.mark.parametrize(
    ("rate", "source", "target", "result"),
    [("0.1", "ug/kg/min", "ml/h", "5.25"), ("5.25", "ml/h", "ug/kg/min", "0.1"), ("7", "ug/min", "mg/h", "0.42")],
)
def test_rates(rate: str, source: str, target: str, result: str) -> None:
    facts = {"weight_kg": Decimal(70), "concentration": Concentration.parse("80 ug/ml")}
    assert convert_rate(Decimal(rate), source, target, **facts) == Decimal(result)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "name"),
    [("µg/kg/min", "ug/kg/min"), ("mcg/kg/min", "ug/kg/min"), ("ML/H", "ml/h"), ("mg/kg/hr", "mg/kg/h"), ("%", "%")],
)
def test_spellings_of_rates(text: str, name: str) -> None:
    assert rate_unit_name(text) == name


@pytest.mark.parametrize("text", ["mg", "mg/kg", "mg/m2/h", "kg/h", "/h", "mg/kg/kg/h", "滴/分"])
def test_a_rate_unit_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UnitError):
        RateUnit.parse(text)


@pytest.mark.parametrize(
    ("unit", "text"),
    [
        ("ug", "μg"),
        ("ug/kg/min", "μg/kg/min"),
        ("mg/h", "mg/h"),
        ("ul", "μl"),
        ("umol", "μmol"),
        ("U", "U"),
        ("µg", "μg"),
    ],
)
def test_micro_is_the_letter_that_chinese_fonts_have(unit: str, text: str) -> None:
    shown = unit_text(unit)
    assert shown == text
    assert "\u00b5" not in shown  # MICRO SIGN: read as ¼ or a box by a code page or font of the printer
    assert shown.encode("gb2312")


def test_units_are_stored_without_a_letter_that_a_code_page_can_change() -> None:
    assert [unit_name(text) for text in ("μg", "µg", "微克", "mL", "l", "IU")] == ["ug", "ug", "ug", "ml", "L", "U"]


@pytest.mark.parametrize(
    ("value", "text"), [("100.00000", "100"), ("0.50", "0.5"), ("1E+2", "100"), ("0.00001", "0.00001"), ("-0.0", "0")]
)
def test_numbers_are_written_without_zeros_and_exponents(value: str, text: str) -> None:
    assert plain(Decimal(value)) == text
    assert str(trimmed(Decimal(value))) == text or text == "0.00001"


@given(st.fractions(min_value=-1000, max_value=1000))
def test_rounding_is_half_up_to_the_nearest(value: Fraction) -> None:
    assert abs(Fraction(as_decimal(value, 3)) - value) <= Fraction(1, 2000)


def test_half_goes_up() -> None:
    assert as_decimal(Fraction("0.0005"), 3) == Decimal("0.001")
    assert as_decimal(Fraction("-0.0005"), 3) == Decimal("-0.001")
