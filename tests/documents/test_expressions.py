"""The language of definitions: what it computes, what it refuses, and that a missing value never raises."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.documents.expressions import ExpressionError, parse
from app.documents.facts import CaseFacts, FormEnvironment


def value(text: str, **values: Any) -> Any:
    facts = CaseFacts(1)
    facts.put("patient.sex", "女")
    return parse(text).value(FormEnvironment(values, facts))


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("a + b", {"a": Decimal(1), "b": Decimal("0.5")}, Decimal("1.5")),
        ("a + b", {"a": Decimal(1)}, None),
        ("a < 3", {}, False),
        ("a < 3", {"a": Decimal(2)}, True),
        ("a == 'no'", {"a": "no"}, True),
        ("'no' in (a, b)", {"a": "yes", "b": "no"}, True),
        ("'no' in (a, b)", {}, False),
        ("a in ('3', '4')", {"a": "4"}, True),
        ("patient.sex == '女'", {}, True),
        ("patient.nothing == '女'", {}, False),
        ("sum(t.x)", {"t": [{"x": Decimal(1)}, {"x": Decimal(2)}, {}]}, Decimal(3)),
        ("sum(t.x)", {}, None),
        ("count(a) > 1", {"a": ["无", "有"]}, True),
        ("has(a, '阳性')", {"a": ["乙肝阳性"]}, True),
        ("when(a > 2, '高', '低')", {"a": Decimal(3)}, "高"),
        ("number(a) < 4", {"a": {"items": {}, "total": 3}}, True),
        ("a / b", {"a": Decimal(1), "b": Decimal(0)}, None),
        ("a > b", {"a": "x", "b": Decimal(1)}, None),
        ("bmi(h, w)", {"h": Decimal(160), "w": Decimal("58.5")}, Decimal("22.9")),
        ("join(t.name)", {"t": [{"name": "丙泊酚"}, {"name": "瑞芬太尼"}]}, "丙泊酚，瑞芬太尼"),
        ("first(a, 'x')", {"a": ""}, "x"),
        ("'a' * 999", {}, None),  # arithmetic takes numbers only
    ],
)
def test_values(text: str, values: dict[str, Any], expected: Any) -> None:
    assert value(text, **values) == expected


@pytest.mark.parametrize(
    "text",
    ["", "a.__class__", "__import__('os')", "(lambda: 1)()", "[x for x in a]", "a ** b", "a if b else c", "f'{a}'",
     "a.b.c.d", "open('x')", "sum()", "labs.latest(a)", "case.asa@in_room", "a[0]", "x := 1", "1 if True else 2",
     "b'x'", "a" * 600],
)  # fmt: skip
def test_what_is_not_of_the_language_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse(text)


@given(st.text(max_size=60))
def test_any_text_is_an_expression_or_refused(text: str) -> None:
    try:
        expression = parse(text)
    except ExpressionError:
        return
    expression.value(FormEnvironment({}, CaseFacts(1)))


_VALUES = st.one_of(
    st.none(), st.text(max_size=5), st.decimals(allow_nan=False, allow_infinity=False), st.booleans(),
    st.lists(st.text(max_size=3), max_size=3), st.lists(st.dictionaries(st.just("x"), st.text(max_size=2)), max_size=2),
)  # fmt: skip


@given(a=_VALUES, b=_VALUES, text=st.sampled_from([
    "a + b", "a < b", "a in b", "sum(a, b)", "minutes(a, b)", "has(a, b)", "when(a, b)", "round(a, 2)", "bmi(a, b)",
    "a == b", "not a", "-a", "join(a, b)", "any_of(a, b)", "count(a)", "a.x", "days(a, b)", "number(a) > number(b)",
]))  # fmt: skip
def test_no_value_makes_an_expression_raise(a: Any, b: Any, text: str) -> None:
    value(text, a=a, b=b)
