"""Values: any input is either canonical, empty, or refused in Chinese; nothing else ever happens."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.audit import canonical
from app.core.errors import InvalidInput
from app.documents.definition import Field, FieldType
from app.documents.facts import CaseFacts
from app.documents.registry import catalogue
from app.documents.rules.completeness import Stage, fill, gaps
from app.documents.rules.values import canonical_value, natives, shown, warning
from tests.documents.conftest import PIXEL, fill_all

FIELDS = [item for kind in catalogue().kinds.values() for _, item in kind.fields() if item.stored]
BY_TYPE = {item.type: item for item in FIELDS}


def field(kind: str, key: str) -> Field:
    found = catalogue().kinds[kind].find(key)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("key", "raw", "expected"),
    [
        ("weight", "58.50", "58.5"),
        ("weight", "５８．５ kg", "58.5"),
        ("weight", "", None),
        ("visited_at", "2026-11-20 08:30", "2026-11-20T00:30:00+00:00"),
        ("visited_at", "2026-11-20T00:30:00+00:00", "2026-11-20T00:30:00+00:00"),
        ("mental_normal", True, "yes"),
        ("preop_diagnosis", "胆囊结石", [{"code": "", "name": "胆囊结石"}]),
        ("rcri", {"items": {"surgery": "1"}}, {"items": {"surgery": 1}, "total": None}),
    ],
)
def test_canonical_forms(key: str, raw: Any, expected: Any) -> None:
    assert canonical_value(field("preop_visit", key), raw) == expected


@pytest.mark.parametrize(
    ("kind", "key", "raw", "told"),
    [
        ("preop_visit", "weight", "重", "应为数值"),
        ("preop_visit", "weight", "0", "不能小于"),
        ("preop_visit", "weight", "9999", "不能大于"),
        ("preop_visit", "sbp", "120.5", "应为整数"),
        ("preop_visit", "visited_at", "昨天", "日期时间不正确"),
        ("preop_visit", "visited_at", "0001-01-01T00:00:00+14:00", "超出范围"),
        ("preop_visit", "asa", "7", "请从选项中选择"),
        ("preop_visit", "emergency", "unknown", "请选择是、否"),
        ("preop_visit", "indication", "长" * 101, "最多 100 字"),
        ("preop_visit", "rcri", {"items": {"surgery": 2}}, "请从选项中选择"),
        ("instrument_count", "counts", [{"before": "1"}], "第 1 行未填名称"),
        ("instrument_count", "counts", [{"name": "纱布", "before": "-1"}], "第 1 行术前清点不能小于"),
        ("invasive_procedure", "site_mark", [{"x": "101", "y": "0"}], "位置不对"),
    ],
)
def test_refusals_are_sentences_at_the_field(kind: str, key: str, raw: Any, told: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        canonical_value(field(kind, key), raw)
    assert told in refused.value.fields[key]


def test_unusual_values_are_kept_and_told() -> None:
    item = field("pacu_record", "first_temperature")
    assert warning(item, canonical_value(item, "35.8")) == "首次体温 35.8℃ 偏低（<36），请核对"
    assert warning(item, "36.5") == ""


def test_a_picture_must_be_a_picture() -> None:
    item = Field(key="s", label="签名", type=FieldType.SIGNATURE)
    assert canonical_value(item, {"image": PIXEL}) == {"image": PIXEL}
    for image in ("", "data:image/svg+xml;base64,AAAA", "data:image/png;base64,AAAA", "data:image/png;base64,$$"):
        with pytest.raises(InvalidInput):
            canonical_value(item, {"image": image or "x"})


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20),
              st.sampled_from(["yes", "no", "2026-11-20 08:30", "1", "12.5", "NaN", "1e999", "\ud800", "\x00"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.text(max_size=6), st.sampled_from(["name", "code", "items", "x", "y", "image",
                                                                        "at"])), inner, max_size=4),
    ),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(raw=JSON, item=st.sampled_from(list(BY_TYPE.values())))
def test_any_json_is_canonical_or_refused(raw: Any, item: Field) -> None:
    try:
        value = canonical_value(item, raw)
    except InvalidInput as refused:
        told = set(refused.fields)
        value = None
    else:
        told = {item.key}
    assert told == {item.key}
    assert canonical_value(item, value) == value, "canonical values stay as they are"
    canonical({"v": value}).encode("utf-8")
    shown(item, value)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_mixture_of_values_can_be_judged(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(catalogue().kinds)))
    made = catalogue().kinds[kind]
    values: dict[str, Any] = {}
    for key, legal in fill_all(made).items():
        item = made.find(key)
        assert item is not None
        raw = data.draw(st.one_of(st.just(legal), st.just(legal), st.none(), JSON), label=key)
        try:
            value = canonical_value(item, raw)
        except InvalidInput:
            continue
        if value is not None:
            values[key] = value
    filled = fill(made, values, CaseFacts(1))
    for gap in gaps(filled, Stage.ARCHIVE):
        assert gap.message
        assert not gap.path or made.find(gap.path) is not None
    assert set(natives(made, values)) >= set(values), "no field is lost"


@pytest.mark.parametrize("kind", sorted(catalogue().kinds))
def test_every_field_of_every_kind_takes_a_legal_value(kind: str) -> None:
    made = catalogue().kinds[kind]
    for key, raw in fill_all(made).items():
        item = made.find(key)
        assert item is not None
        value = canonical_value(item, raw)
        assert value is not None
        assert shown(item, value)
