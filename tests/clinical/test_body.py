"""Age words of WS 329 and the body formulas with the worked examples of the facts (170 cm, 70 kg)."""

from datetime import date
from decimal import Decimal

import pytest

from app.clinical import body

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("birth", "words"),
    [
        (date(2026, 11, 22), "0天"),
        (date(2026, 11, 21), "1天"),
        (date(2026, 10, 25), "28天"),
        (date(2026, 10, 23), "30天"),  # past the newborn span, but not yet a month
        (date(2026, 10, 22), "1月"),
        (date(2025, 11, 23), "11月"),
        (date(2025, 11, 22), "1岁"),
        (date(2023, 9, 20), "3岁2月"),
        (date(2019, 11, 23), "6岁11月"),
        (date(2019, 11, 22), "7岁"),
        (date(1972, 2, 29), "54岁"),
        (date(2026, 11, 23), "年龄不详"),
    ],
)
def test_age_words(birth: date, words: str) -> None:
    assert body.age_words(birth, TODAY) == words


def test_a_birthday_on_the_29th_of_february_counts_from_the_first_of_march() -> None:
    assert body.age_years(date(2000, 2, 29), date(2021, 2, 28)) == 20
    assert body.age_years(date(2000, 2, 29), date(2021, 3, 1)) == 21


def test_worked_examples_of_the_facts() -> None:
    assert body.bmi(Decimal(170), Decimal(70)) == Decimal("24.22")
    assert body.bsa_du_bois(Decimal(170), Decimal(70)) == Decimal("1.810")
    assert body.bsa_mosteller(Decimal(170), Decimal(70)) == Decimal("1.818")
    assert body.bsa_xu(Decimal(170), Decimal(70)) == Decimal("1.780")
    assert body.ideal_weight(Decimal(170), male=True) == Decimal("66.0")
    assert body.ideal_weight(Decimal(160), male=False) == Decimal("52.4")
    assert body.adjusted_weight(Decimal(170), Decimal(100), male=True) == Decimal("79.6")
    assert body.lean_mass_james(Decimal(170), Decimal(70), male=True) == Decimal("55.3")
    assert body.lean_mass_janmahasatian(Decimal(170), Decimal(70), male=True) == Decimal("54.5")
    assert body.lean_mass_janmahasatian(Decimal(160), Decimal(60), male=False) == Decimal("38.4")


def test_impossible_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="身高"):
        body.bmi(Decimal(0), Decimal(70))
    with pytest.raises(ValueError, match="体重"):
        body.bsa_mosteller(Decimal(170), Decimal(-1))
