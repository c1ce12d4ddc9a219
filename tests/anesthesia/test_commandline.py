"""What the command line understands, what it offers twice, what it refuses."""

from decimal import Decimal

import pytest

from app.anesthesia.commandline import Action, understand
from app.core.pinyin import full, initials
from app.terminology.queries import TermRow
from app.terminology.service import default_terms

TERMS = [
    TermRow(n, row["kind"], row["code"], row["name"], initials(row["name"]), full(row["name"]),
            tuple(row["aliases"].split()), row["attributes"])
    for n, row in enumerate(default_terms()) if row["kind"] in ("drug", "fluid", "output", "event")
]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("bbf 100", "丙泊酚 100 mg iv"),
        ("bbf 4 mg/kg/h", "丙泊酚 4 mg/kg/h iv泵注"),
        ("bbf 4", "丙泊酚 4 mg/kg/h iv泵注"),
        ("bbf 36ml/h", "丙泊酚 36 ml/h iv泵注"),
        ("rft 0.1", "瑞芬太尼 0.1 μg/kg/min iv泵注"),
        ("rft 50", "瑞芬太尼 50 μg iv"),
        ("sftn 20", "舒芬太尼 20 μg iv"),
        ("去甲 0.05", "去甲肾上腺素 0.05 μg/kg/min iv泵注"),
        ("qjssxs 0.05 ug/kg/min", "去甲肾上腺素 0.05 μg/kg/min iv泵注"),
        ("qfw 2%", "七氟烷 2 % 吸入"),
        ("罗库溴铵 50mg", "罗库溴铵 50 mg iv"),
        ("propofol 100", "丙泊酚 100 mg iv"),
        ("ldky 40 mg 硬膜外", "利多卡因 40 mg 硬膜外"),
        ("ldky 5 ml 硬膜外", "利多卡因 5 ml 硬膜外"),
        ("bbf", "丙泊酚 100 mg iv"),
        ("ns 250", "输注：0.9%氯化钠注射液 250 ml"),
        ("尿 200", "出量：尿量 200 ml"),
        ("切皮", "事件：切皮"),
    ],
)
def test_one_understanding(line: str, text: str) -> None:
    found = understand(line, TERMS)
    assert found.ready is not None, found
    assert found.ready.text == text


def test_a_number_that_may_be_dose_or_rate_is_offered_twice_and_not_written() -> None:
    found = understand("bbf 10", TERMS)
    assert [one.text for one in found.candidates] == ["丙泊酚 10 mg iv", "丙泊酚 10 mg/kg/h iv泵注"]
    assert found.ready is None


def test_initials_of_several_drugs_are_offered_and_not_written() -> None:
    found = understand("jss 5", TERMS)
    assert found.ready is None
    names = {one.name for one in understand("ft 20", TERMS).candidates}
    assert "芬太尼" in names


def test_a_dose_over_the_usual_maximum_is_marked() -> None:
    ready = understand("bbf 1000 mg", TERMS).ready
    assert ready is not None
    assert ready.warning == "超过常用单次上限 300 mg"
    ready = understand("rft 5 ug/kg/min", TERMS).ready
    assert ready is not None
    assert "上限 1 μg/kg/min" in ready.warning


def test_a_time_is_understood() -> None:
    ready = understand("bbf 100 @14:05", TERMS).ready
    assert ready is not None
    assert (ready.action, ready.amount, ready.unit, ready.hour_minute) == (Action.BOLUS, Decimal(100), "mg", (14, 5))


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("", "请输入"), ("xqzw 5", "没有找到"), ("bbf 100 U", "单位应为 mg"), ("bbf 100 mg 静推", "看不懂「静推」"),
        ("bbf 4 mg/斤/h", "不认识的速率单位"), ("bbf 0", "大于 0"), ("尿 2 mg", "单位应为 ml"), ("bbf 100 mg iv abc", "abc"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_said(line: str, problem: str) -> None:
    found = understand(line, TERMS)
    assert not found.candidates
    assert problem in found.problem
