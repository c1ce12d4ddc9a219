"""Units are converted only where that is known to be right; a number in another unit is never taken silently."""

from decimal import Decimal

import pytest

from app.labs.items import shipped_items
from app.labs.rules import arrow, canonical_unit, convert, parse_number, told_value

ITEMS = shipped_items()


@pytest.mark.parametrize(
    ("spelling", "unit"),
    [("×10^9/L", "10⁹/L"), ("*10^9/L", "10⁹/L"), ("10*9/L", "10⁹/L"), ("giga.l-1", "10⁹/L"), ("10^3/uL", "10⁹/L"),
     ("G/L", "g/L"), ("UMOL/L", "µmol/L"), ("μmol/L", "µmol/L"), ("u/L", "U/L"), ("IU/L", "U/L"), ("/uL", "/µL"),
     ("mm[Hg]", "mmHg"), ("秒", "s"), ("g/l-1", "g/l-1"), ("", "")],
)  # fmt: skip
def test_spellings_of_units(spelling: str, unit: str) -> None:
    assert canonical_unit(spelling) == unit


# Factors: hemoglobin monomer 16.114 g/mmol·10, glucose 180.16, creatinine 113.12, bilirubin 584.66 g/mol; 1 kPa is
# 7.50062 mmHg.
@pytest.mark.parametrize(
    ("code", "value", "unit", "wanted"),
    [("Hb", "11.2", "g/dL", "112.0"), ("Hb", "6.9", "mmol/L", "111.2"), ("Hb", "112", "g/L", "112"),
     ("GLU", "99", "mg/dL", "5.495"), ("Cr", "1.1", "mg/dL", "97.26"), ("TBIL", "1.0", "mg/dL", "17.10"),
     ("pO2", "11.5", "kPa", "86.26"), ("K", "4.1", "mEq/L", "4.1"), ("PLT", "231000", "/uL", "231.0"),
     ("Hct", "0.41", "L/L", "41.00"), ("INR", "1.02", "", "1.02"),
     ("Hb", "112", "", None), ("PLT", "220", "G/L", None), ("K", "4.1", "mg/dL", None), ("BUN", "14", "mg/dL", None),
     ("DD", "0.4", "mg/L", None), ("INR", "1.02", "s", None)],
)  # fmt: skip
def test_conversions(code: str, value: str, unit: str, wanted: str | None) -> None:
    made = convert(ITEMS.by_code[code], Decimal(value), unit)
    assert made == (None if wanted is None else Decimal(wanted))


def test_what_is_no_number_stays_text() -> None:
    assert parse_number(" <0.01") == ("<", Decimal("0.01"))
    assert parse_number("≥1000") == (">=", Decimal(1000))
    assert [parse_number(text)[1] for text in ("阴性(-)", "1:80", "3-5", "", "+", "1e9999")] == [None] * 6
    assert told_value("<0.01", "ng/mL", ITEMS.by_code["cTnI"]).value is None


def test_flags_are_words_and_arrows() -> None:
    assert [arrow(flag) for flag in ("H", "HH", "L", "LL", "A", "", "N")] == ["↑", "↑↑", "↓", "↓↓", "（异常）", "", ""]


@pytest.mark.parametrize(
    ("told", "about", "code"),
    [(("HGB",), "全血 血常规", "Hb"), (("X1", "血小板计数"), "", "PLT"), (("718-7",), "", "Hb"),
     (("WBC",), "尿液 尿常规", None), (("葡萄糖",), "脑脊液", None), (("葡萄糖",), "血清 生化", "GLU"),
     (("PRO",), "血清", None), (("PRO",), "尿液", "UPRO"), (("尿蛋白",), "", "UPRO"), (("UREA",), "血清 尿素", "BUN"),
     (("WBC",), "胸水", None), (("ECG",), "", "ECG"), (("unknown",), "", None)],
)  # fmt: skip
def test_an_item_is_known_by_code_name_and_specimen(told: tuple[str, ...], about: str, code: str | None) -> None:
    item = ITEMS.find(*told, about=about)
    assert (item.code if item else None) == code


def test_every_item_takes_its_own_unit_and_those_it_lists() -> None:
    for item in ITEMS.by_code.values():
        assert convert(item, Decimal(5), item.unit) == 5
        assert all(convert(item, Decimal(5), unit) is not None for unit in item.also), item.code
