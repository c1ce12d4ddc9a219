"""The macros that pages are built from: honest about what is missing, safe with any name, labelled."""

from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from jinja2 import Environment, FileSystemLoader
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, DecimalField, Form, RadioField, SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, NumberRange

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = '"><script>alert(1)</script>'


@pytest.fixture(scope="module")
def environment() -> Environment:
    environment = Environment(loader=FileSystemLoader(ROOT / "templates"), autoescape=True)
    environment.globals["csrf_token"] = lambda: "token"
    return environment


def draw(environment: Environment, file: str, call: str, **names: Any) -> BeautifulSoup:
    macro = call.partition("(")[0]
    source = f'{{% from "components/{file}.html" import {macro} with context %}}{{{{ {call} }}}}'
    return BeautifulSoup(environment.from_string(source).render(**names), "html.parser")


class _Dose(Form):
    dose = DecimalField("剂量", [InputRequired("请填写剂量"), NumberRange(max=300, message="单次上限 300 mg")])
    route = RadioField("途径", choices=[SelectChoice("iv", "静脉"), SelectChoice("im", "肌内")], default="iv")
    drug = SelectField("药品", choices=[SelectChoice("1", "丙泊酚")])
    emergency = BooleanField("抢救用药")


def test_a_wrong_field_names_its_error(environment: Environment) -> None:
    form = _Dose(MultiDict({"dose": "1000", "route": "iv", "drug": "1"}))
    assert not form.validate()
    soup = draw(environment, "form", "field(form.dose, unit='mg')", form=form)
    control = soup.select_one("#dose")
    assert control is not None
    assert control["aria-invalid"] == "true"
    error = soup.find(id=control["aria-describedby"])
    assert error is not None
    assert error.get_text() == "单次上限 300 mg"
    assert soup.select_one(".unit").get_text() == "mg"  # type: ignore[union-attr]
    assert control["value"] == "1000"


@pytest.mark.parametrize("name", ["dose", "drug", "emergency", "route"])
def test_every_kind_of_field_is_labelled(environment: Environment, name: str) -> None:
    soup = draw(environment, "form", f"field(form.{name})", form=_Dose())
    controls = soup.select("input, select")
    assert controls
    for control in controls:
        label = soup.find("label", attrs={"for": control["id"]}) or control.find_parent("label")
        assert label is not None
        assert label.get_text(strip=True)


@pytest.mark.parametrize(
    ("allergies", "words", "kind"),
    [
        (None, "未询问", "allergy-unknown"),
        ([], "无已知过敏", "allergy-none"),
        (["青霉素", "碘造影剂"], "青霉素、碘造影剂", "allergy"),
    ],
)
def test_not_asked_is_not_the_same_as_no_allergy(
    environment: Environment, allergies: list[str] | None, words: str, kind: str
) -> None:
    soup = draw(environment, "patient", "patient_banner(p)", p={"name": "周小满", "allergies": allergies})
    [mark] = soup.select(".allergy")
    assert words in mark.get_text()
    assert mark["class"][-1] == kind


def test_missing_facts_of_a_patient_are_dashes(environment: Environment) -> None:
    soup = draw(environment, "patient", "patient_banner(p)", p={"name": "无名氏", "weight_kg": None, "place": ""})
    facts = {tag.dt.get_text(): tag.dd.get_text() for tag in soup.select(".patient-facts > div")}
    assert facts["体重"] == facts["病区"] == facts["血型"] == "—"


@pytest.mark.parametrize(
    ("file", "call"),
    [
        ("patient", "patient_banner({'name': x, 'procedure': x, 'side': x, 'allergies': [x], 'alerts': [x]})"),
        ("status", "toast(x, detail=x)"),
        ("status", "chip(x, attrs={'title': x})"),
        ("combobox", "options([{'value': x, 'text': x, 'note': x, 'data': {'unit': x}}])"),
        ("combobox", "combobox('drug', x, '/u', value=x, text=x)"),
        ("form", "input('a', x, x, errors=[x])"),
        ("form", "textarea('a', x, x)"),
        ("form", "select('a', x, [(x, x)], x)"),
        ("numeric", "numeric(x, x, x, word=x)"),
        ("kv", "kv([(x, x)])"),
        ("tabs", "tabs([{'label': x, 'url': x}])"),
        ("button", "post_button(x, x, fields={'a': x})"),
    ],
)
def test_no_value_can_become_markup(environment: Environment, file: str, call: str) -> None:
    assert not draw(environment, file, call, x=HOSTILE).select("script")


def test_no_signal_is_not_a_number(environment: Environment) -> None:
    soup = draw(environment, "numeric", "numeric('血氧', none, '%', 'spo2')")
    tile = soup.select_one(".numeric")
    assert tile is not None
    assert tile["data-state"] == "none"
    assert "—" in tile.get_text()
    assert "无信号" in tile.get_text()


def test_zero_is_a_value(environment: Environment) -> None:
    soup = draw(environment, "numeric", "numeric('尿量', 0, 'ml')")
    assert soup.select_one("output").get_text() == "0"  # type: ignore[union-attr]
    pairs = draw(environment, "kv", "kv([('出血量', 0)])")
    assert pairs.select_one("dd").get_text() == "0"  # type: ignore[union-attr]


def test_pages_beyond_the_ends_cannot_be_asked(environment: Environment) -> None:
    first = draw(environment, "table", "pagination(1, 3, 55, '/cases?day=1')")
    assert [tag["href"] for tag in first.select("a")] == ["/cases?day=1&page=2"]
    last = draw(environment, "table", "pagination(3, 3, 55, '/cases')")
    assert [tag["href"] for tag in last.select("a")] == ["/cases?page=2"]
