"""Every shipped kind loads, is clean, and a wrong definition is told by file, section and field."""

from typing import Any

import pytest

from app.documents.definition import Kind
from app.documents.lint import lint, lint_kind
from app.documents.loader import load_kind
from app.documents.overlays import merged
from app.documents.reader import DefinitionError, Library
from app.documents.registry import catalogue, compose
from app.documents.yaml_reader import parse_yaml

SHIPPED = {
    "surgery_notice", "transfer_slip", "preop_visit", "anesthesia_consent", "surgery_consent", "proxy_authorization",
    "anesthesia_plan", "safety_check", "surgical_risk", "instrument_count", "nursing_record", "anesthesia_record",
    "rescue_record", "transfusion_record", "transfusion_consent", "invasive_procedure", "pacu_record", "postop_visit",
    "analgesia_record", "implant_record", "consultation", "anesthesia_summary",
}  # fmt: skip
PACKAGES = {"intervention", "surgery", "obstetrics", "gynecology", "breast", "ophthalmology", "emergency",
            "endoscopy", "day_surgery", "chinese_medicine"}  # fmt: skip


def a_kind(**changes: Any) -> dict[str, Any]:
    raw: dict[str, Any] = {
        "kind": "probe",
        "title": "试验单",
        "sections": [{"key": "one", "title": "第一节", "fields": [{"key": "a", "label": "甲", "type": "number"}]}],
        "signatories": [{"slot": "doctor", "label": "医师", "roles": ["anesthesiologist"]}],
    }
    return {**raw, **changes}


def test_all_kinds_and_packages_are_shipped() -> None:
    assert set(catalogue().kinds) >= SHIPPED
    assert set(catalogue().packages) == PACKAGES


def test_nothing_shipped_is_wrong() -> None:
    assert lint() == []


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_every_package_composes_with_its_kinds(package: str) -> None:
    adds = catalogue().packages[package].adds
    for kind in adds:
        made = compose(kind, [package])
        assert len(list(made.fields())) > len(list(catalogue().kinds[kind].fields()))
        assert lint_kind(made) == []


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ({"key": "a", "label": "甲", "kind": "number"}, "不认识的键 'kind'"),
        ({"key": "a", "label": "甲", "type": "numbre"}, "type 不认识 'numbre'"),
        ({"key": "A", "label": "甲"}, "应以小写字母开头"),
        ({"key": "a"}, "缺少 label"),
        ({"key": "a", "label": "甲", "type": "choice"}, "缺少 options"),
        ({"key": "a", "label": "甲", "type": "choice", "value_set": "nothing"}, "value_set 不认识"),
        ({"key": "a", "label": "甲", "type": "number", "low": 5, "high": 1}, "low 大于 high"),
        ({"key": "a", "label": "甲", "type": "table"}, "表格缺少 columns"),
        ({"key": "a", "label": "甲", "type": "score", "scale": "nothing"}, "scale 不认识"),
        ({"key": "a", "label": "甲", "required": {"print": True}}, "required 不认识 'print'"),
        ({"key": "a", "label": "甲", "visible": "b == 1"}, "没有字段 b"),
        ({"key": "a", "label": "甲", "visible": "__import__('os')"}, "没有这个函数"),
        ({"key": "a", "label": "甲", "explain": {"no": "b"}}, "说明字段 b 不存在"),
    ],
)
def test_a_wrong_field_is_told_with_its_place(field: dict[str, Any], told: str) -> None:
    raw = a_kind(sections=[{"key": "one", "title": "第一节", "fields": [field]}])
    with pytest.raises(DefinitionError) as refused:
        load_kind(raw, Library(), "probe.yaml")
    assert told in str(refused.value)
    assert "probe.yaml" in str(refused.value)
    assert "第一节" in str(refused.value) or "没有字段" in told


def test_all_faults_are_told_at_once() -> None:
    fields = [{"key": "a"}, {"key": "b", "label": "乙", "type": "choice"}]
    with pytest.raises(DefinitionError) as refused:
        load_kind(a_kind(sections=[{"key": "one", "title": "一", "fields": fields}]), Library())
    assert len(refused.value.faults) == 2


def test_lint_finds_facts_that_nobody_knows() -> None:
    field = {"key": "a", "label": "甲", "source": "patient.shoe_size"}
    kind = load_kind(a_kind(sections=[{"key": "one", "title": "一", "fields": [field]}]), Library())
    assert [fault.message for fault in lint_kind(kind)] == ["没有事实 patient.shoe_size"]


def test_lint_finds_exchange_entries_that_point_nowhere() -> None:
    cda = {"sections": [{"code": "1", "name": "x", "entries": [{"observation": "DE", "name": "y", "from": "b"}]}]}
    kind = load_kind(a_kind(cda=cda), Library())
    assert [fault.message for fault in lint_kind(kind)] == ["from 里没有字段 b"]


def test_yaml_reads_yes_as_a_word_and_refuses_doubled_keys() -> None:
    assert parse_yaml("a: yes\nb: true\nc: 2026-01-01", "x") == {"a": "yes", "b": True, "c": "2026-01-01"}
    with pytest.raises(DefinitionError, match="重复"):
        parse_yaml("a: 1\na: 2", "x")


def base() -> dict[str, Any]:
    raw = a_kind()
    raw["sections"][0]["fields"].append({"key": "z", "label": "末"})
    return raw


def keys(kind: Kind) -> list[str]:
    return [item.key for _, item in kind.fields()]


def test_overlay_adds_changes_and_hides_without_touching_the_base() -> None:
    raw = base()
    overlay = {
        "fields": [{"section": "one", "after": "a", "key": "h_x", "label": "本院项", "required": "sign"}],
        "changes": [{"field": "z", "hidden": True}, {"field": "a", "label": "改名"}],
    }
    made = load_kind(merged(raw, overlay, "本院"), Library())
    assert keys(made) == ["a", "h_x"]
    assert made.find("a").label == "改名"  # type: ignore[union-attr]
    assert keys(load_kind(raw, Library())) == ["a", "z"]


@pytest.mark.parametrize(
    "overlay",
    [
        {"fields": [{"section": "none", "key": "x", "label": "y"}]},
        {"changes": [{"field": "none", "label": "y"}]},
        {"surprise": []},
        {"fields": "no list"},
    ],
)
def test_overlay_that_fits_nowhere_is_refused(overlay: dict[str, Any]) -> None:
    with pytest.raises(DefinitionError):
        merged(base(), overlay, "本院")
