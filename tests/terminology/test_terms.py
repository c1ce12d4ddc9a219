"""The shipped dictionary is sound, loading it again changes nothing, search finds by initials, alias and words."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from app.accounts.models import User
from app.clinical.dosing import Concentration, convert_rate, dimension, rate_unit_name, unit_name
from app.core.errors import Conflict, InvalidInput
from app.terminology import queries, service
from app.terminology.service import default_terms, load_default_terms
from tests.cast import LI_MING, Person

DRUGS = [row["attributes"] | {"name": row["name"]} for row in default_terms() if row["kind"] == "drug"]
CLASSES = {"", "narcotic", "psychotropic_1", "psychotropic_2"}
WST_METHODS = {
    "11",
    "12",
    "13",
    "2",
    "21",
    "22",
    "31",
    "32",
    "33",
    "34",
    "35",
    "36",
    "4",
    "41",
    "42",
    "43",
    "44",
    "45",
    "9",
}


@pytest.mark.parametrize("drug", DRUGS, ids=lambda drug: drug["name"])
def test_every_drug_has_units_and_spans_that_fit(drug: dict[str, object]) -> None:
    unit = str(drug["unit"])
    assert unit_name(unit) == unit
    assert drug.get("class", "") in CLASSES
    assert drug["route"] in drug["routes"]  # type: ignore[operator]
    if "rate_unit" in drug:
        assert [rate_unit_name(str(one)) for one in drug["rate_units"]] == drug["rate_units"]  # type: ignore[attr-defined]
        assert drug["rate_unit"] in drug["rate_units"]  # type: ignore[operator]
        assert Decimal(str(drug["min_rate"])) < Decimal(str(drug["max_rate"]))
        if "default_rate" in drug:
            assert drug["min_rate"] <= drug["default_rate"] <= drug["max_rate"]  # type: ignore[operator]
    if "default_dose" in drug:
        assert drug["min_single"] <= drug["default_dose"] <= drug["max_single"]  # type: ignore[operator]
    if "concentration" in drug:
        held = Concentration.parse(str(drug["concentration"]))
        assert held.dimension == dimension(unit)
        if "rate_unit" in drug and "default_rate" in drug:
            rate = convert_rate(
                Decimal(str(drug["default_rate"])),
                str(drug["rate_unit"]),
                "ml/h",
                weight_kg=Decimal(60),
                concentration=held,
            )
            assert Decimal("0.1") <= rate <= 300, "the usual rate of the usual syringe is not one a pump is set to"


def test_the_dictionary_has_what_a_department_needs() -> None:
    kinds = [row["kind"] for row in default_terms()]
    assert (kinds.count("drug") >= 70, kinds.count("fluid") >= 25, kinds.count("event") >= 60) == (True, True, True)
    assert kinds.count("anesthesia_method") >= 30
    codes = [(row["kind"], row["code"]) for row in default_terms()]
    assert len(codes) == len(set(codes))
    names = [(row["kind"], row["name"]) for row in default_terms()]
    assert len(names) == len(set(names))


def test_methods_carry_codes_of_the_national_table() -> None:
    for row in default_terms():
        if row["kind"] == "anesthesia_method":
            assert row["attributes"]["wst_code"] in WST_METHODS
            assert row["attributes"]["national_class"] in {
                "neuraxial", "general_intubated", "general_unintubated", "combined", "other",
            }  # fmt: skip


def test_loading_again_adds_nothing_and_keeps_what_the_hospital_changed(as_user: Callable[[Person], User]) -> None:
    term = queries.find("drug", "D001")
    assert term is not None
    service.change_term(as_user(LI_MING), term.id, attributes={"default_dose": 80})
    service.set_active(as_user(LI_MING), term.id, False)
    assert load_default_terms() == 0
    kept = queries.find("drug", "D001")
    assert kept is not None
    assert kept.text("default_dose") == "80"
    assert "D001" not in {row.code for row in queries.terms("drug")}


@pytest.mark.parametrize(
    ("text", "first"),
    [("bbf", "丙泊酚"), ("BBF", "丙泊酚"), ("丙泊", "丙泊酚"), ("propo", "丙泊酚"), ("bingbo", "丙泊酚"), ("D021", "瑞芬太尼"),
     ("力月西", "咪达唑仑"), ("去甲", "去甲肾上腺素"), ("rft", "瑞芬太尼")],
)  # fmt: skip
def test_search(context: None, text: str, first: str) -> None:
    assert queries.search("drug", text)[0].name == first


@pytest.mark.parametrize("text", ["%", "_", "\\", "zzzz"])
def test_signs_of_the_pattern_language_find_only_themselves(context: None, text: str) -> None:
    assert all(text in row.name for row in queries.search("drug", text))


def test_adding_a_term_is_checked(as_user: Callable[[Person], User]) -> None:
    actor = as_user(LI_MING)
    with pytest.raises(Conflict, match="已存在"):
        service.add_term(actor, "drug", "D001", "别的药")
    with pytest.raises(InvalidInput):
        service.add_term(actor, "food", "X", "米饭")
    assert service.add_term(actor, "drug", "Z001", "院内制剂").pinyin == "ynzj"
