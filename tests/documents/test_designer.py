"""The designer without a browser: formulas and conditions in words, plans and definitions, drafts and versions."""

from typing import Any

import pytest

from app.accounts.models import User
from app.core import clock
from app.core.errors import Conflict, InvalidInput
from app.documents.definition import Stage
from app.documents.designer import edits
from app.documents.designer.conditions import condition_of, expression_of
from app.documents.designer.plan import Plan, definition_of, find_field, new_plan, plan_of_own_kind, plan_over
from app.documents.designer.sources import source_groups
from app.documents.designer.words import to_expression, to_words
from app.documents.expressions import ExpressionError, parse
from app.documents.facts import CHART_CODES, EVENTS, known
from app.documents.kinds import all_kinds, current_kind, kind_of
from app.documents.registry import catalogue
from app.documents.rules.completeness import gaps
from app.documents.service import begin_document, save_field
from app.documents.service.common import filled_of
from app.documents.service.design_drafts import (
    change_draft,
    discard_draft,
    open_draft,
    preview_draft,
    publish_draft,
    undo_draft,
)

KEYS = {"入量": "intake", "出量": "output", "用药.剂量": "drugs.amount", "去向": "to", "管路": "lines"}
TYPES = {"intake": "number", "output": "number", "to": "choice", "lines": "multi_choice"}


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("[入量] － [出量]", "intake - output"),
        ("合计（[用药.剂量]，[入量]）", "sum(drugs.amount,intake)"),
        ("[入量] ≥ 500 且 非 已填([出量])", "intake >= 500 and not filled(output)"),
        ("如果([去向] = “ICU”, 1, 0)", 'when(to == "ICU", 1, 0)'),
        ("[入量] / patient.age_years", "intake / patient.age_years"),
    ],
)
def test_a_formula_in_words_is_an_expression_and_words_again(words: str, text: str) -> None:
    expression = to_expression(words, KEYS)
    assert expression.text == text
    assert to_expression(to_words(expression.text, KEYS), KEYS).text == text


@pytest.mark.parametrize(
    ("words", "said"),
    [("[尿量] + 1", "没有字段「尿量」"), ("入量 + 1", "请写在方括号里"), ("[入量] +", "写法不对"), ("", "为空"),
     ("__import__('os')", "没有这个函数"), ("xyz + 1", "没有字段「xyz」")],
)  # fmt: skip
def test_a_wrong_formula_is_told_in_words(words: str, said: str) -> None:
    with pytest.raises(ExpressionError, match=said):
        to_expression(words, KEYS)


@pytest.mark.parametrize(
    "text",
    ['to == "ICU"', "intake > 500 and filled(output)", 'has(lines, "动脉") or empty(to)', "intake <= -1.5"],
)
def test_a_simple_condition_becomes_rows_and_back(text: str) -> None:
    condition = condition_of(text, KEYS)
    assert condition["rows"]
    assert parse(expression_of(condition, TYPES, KEYS)).text == text


def test_a_condition_that_is_more_stays_a_formula() -> None:
    condition = condition_of("intake - output > 500", KEYS)
    assert condition == {"join": "and", "rows": [], "raw": "[入量] - [出量] > 500"}
    assert expression_of(condition, TYPES, KEYS) == "intake - output > 500"
    with pytest.raises(ExpressionError, match="应为数值"):
        expression_of({"rows": [{"field": "intake", "op": "gt", "value": "多"}]}, TYPES, KEYS)


def test_every_source_on_offer_is_known() -> None:
    for _, rows in source_groups():
        for text, _ in rows:
            expression = parse(text)
            assert all(known(path) for path in expression.facts)
            assert all(code in CHART_CODES and event in EVENTS for code, event in expression.charts)
    assert {'labs.latest("Hb")', 'labs.preop("CBC")'} <= {text for _, rows in source_groups() for text, _ in rows}


def test_a_shipped_kind_goes_through_the_designer_unchanged() -> None:
    for kind in catalogue().kinds.values():
        content, faults = definition_of(plan_over(kind, {}))
        assert (content, faults) == ({}, [])


def build(plan: Plan) -> Plan:
    """A form with a number, a choice, a conditional table, a score and a computed field."""
    plan["title"] = "转运交接单"
    at = edits.add_field(plan, "kind", "number")
    of(plan, at).update(
        {"label": "体重", "unit": "kg", "low": "1", "high": "300", "source": "case.weight", "stage": "sign"}
    )
    at = edits.add_field(plan, at, "choice")
    of(plan, at).update({"label": "去向", "options": "病房\nICU", "stage": "sign"})
    at = edits.add_field(plan, at, "table")
    to = next(item["key"] for section in plan["sections"] for item in section["fields"] if item["label"] == "去向")
    rows = [{"field": to, "op": "eq", "value": "ICU"}]
    of(plan, at).update({"label": "管路", "stage": "archive", "visible": {"join": "and", "raw": "", "rows": rows}, "columns": [
        {"key": "", "label": "名称", "type": "text", "more": "", "required": True},
        {"key": "", "label": "深度", "type": "number", "more": "cm", "required": False}]})  # fmt: skip
    at = edits.add_field(plan, at, "score")
    of(plan, at).update({"label": "清醒", "score_items": "意识：清醒=2、嗜睡=1、未醒=0\n肢体：自如=2、无力=0",
                         "score_bands": "0 留观\n3 可转运"})  # fmt: skip
    at = edits.add_field(plan, at, "computed")
    of(plan, at).update({"label": "总深度", "unit": "cm", "formula": "合计([管路.深度])"})
    return plan


def of(plan: Plan, selected: str) -> dict[str, Any]:
    item = find_field(plan, selected.removeprefix("f:"))
    assert item is not None
    return item


def test_a_form_of_every_sort_of_field_is_published_used_and_changed(make_case: Any, users: dict[str, User]) -> None:
    user = users["anesthesiologist"]
    draft = open_draft(user, "")
    change_draft(user, draft, draft.revision, build)
    kind, faults = preview_draft(draft.plan)
    assert not faults
    assert kind is not None
    row = publish_draft(user, draft, draft.revision, clock.today(), "第一版")
    assert (row.kind, row.version, row.is_new_kind) == ("h_zyjjd", 1, True)

    document = begin_document(user, make_case(), row.kind)
    made = {item.label: item for _, item in kind_of(document).fields()}
    assert document.content.values[made["体重"].key] == "58.5"  # from the case
    assert [gap.label for gap in gaps(filled_of(document), Stage.ARCHIVE)] == ["去向"]
    save_field(user, document, made["去向"].key, "ICU", None)
    assert [gap.label for gap in gaps(filled_of(document), Stage.ARCHIVE)] == ["管路"]
    columns = made["管路"].columns
    save_field(user, document, made["管路"].key, [{columns[0].key: "深静脉", columns[1].key: "13.5"}], None)
    save_field(user, document, made["清醒"].key, {"items": {"i_1": 2, "i_2": 2}}, None)
    filled = filled_of(document)
    assert not gaps(filled, Stage.ARCHIVE)
    assert (filled.words(made["清醒"]), filled.words(made["总深度"])) == ("4 分：可转运", "13.5 cm")

    again = open_draft(user, row.kind)
    assert definition_of(plan_of_own_kind(row.content))[0] == row.content  # nothing is lost on the way back
    change_draft(user, again, again.revision, lambda plan: edits.delete(plan, f"f:{made['清醒'].key}"))
    assert publish_draft(user, again, again.revision, clock.today()).version == 2
    assert current_kind(row.kind).find(made["清醒"].key) is None
    assert kind_of(document).find(made["清醒"].key) is not None  # the old document keeps its version


def test_changes_are_undone_and_two_designers_do_not_overwrite(users: dict[str, User]) -> None:
    user = users["anesthesiologist"]
    draft = open_draft(user, "preop_visit")
    assert open_draft(users["surgeon"], "preop_visit") is draft
    seen = draft.revision
    key = change_draft(user, draft, seen, lambda plan: edits.add_field(plan, "s:general", "text"))
    with pytest.raises(Conflict, match="刚刚改过"):
        change_draft(users["surgeon"], draft, seen, lambda plan: edits.delete(plan, key))
    undo_draft(user, draft, draft.revision)
    assert find_field(draft.plan, key.removeprefix("f:")) is None
    with pytest.raises(InvalidInput, match="还没有加字段"):
        publish_draft(user, draft, draft.revision, clock.today())
    discard_draft(user, draft)
    assert all_kinds()["preop_visit"].find("h_xwz") is None


def test_a_field_stands_where_it_was_put_in_a_shipped_kind(users: dict[str, User]) -> None:
    user = users["anesthesiologist"]
    draft = open_draft(user, "preop_visit")
    section = next(part for part in draft.plan["sections"] if part["key"] == "general")
    before = [item["key"] for item in section["fields"]]
    key = change_draft(user, draft, draft.revision, lambda plan: edits.add_field(plan, f"f:{before[1]}", "text"))
    change_draft(user, draft, draft.revision, lambda plan: edits.move(plan, key, -1))
    change_draft(user, draft, draft.revision, lambda plan: edits.move(plan, key, -1))  # before all of the section
    change_draft(user, draft, draft.revision, lambda plan: edits.move(plan, key, -1))  # on into the section before
    at, _ = edits.place_of(draft.plan, key)
    assert at is not None
    assert at["key"] != "general"
    change_draft(user, draft, draft.revision, lambda plan: edits.move(plan, key, 1))
    publish_draft(user, draft, draft.revision, clock.today())
    made = current_kind("preop_visit").section("general")
    assert made is not None
    assert [item.key for item in made.fields][:3] == [before[0], key.removeprefix("f:"), before[1]]


@pytest.mark.parametrize(
    ("type_name", "entries", "name"),
    [
        ("text", {"label": ""}, "label"), ("choice", {"options": "一个"}, "options"),
        ("number", {"low": "9", "high": "1"}, "low"), ("number", {"low": "低"}, "low"),
        ("table", {"columns": []}, "columns"), ("score", {"score_items": "意识：清醒"}, "score_items"),
        ("score", {"score_items": "意识：清醒=1、模糊=1"}, "score_items"), ("computed", {"formula": "[没有]"}, "formula"),
        ("text", {"visible": {"rows": [{"field": "h_gone", "op": "eq", "value": "1"}]}}, "visible"),
    ],
)  # fmt: skip
def test_a_fault_stands_where_it_was_made(type_name: str, entries: dict[str, Any], name: str) -> None:
    plan = {**new_plan(), "title": "表"}
    edits.add_field(plan, "kind", "text")
    at = edits.add_field(plan, "kind", type_name)
    of(plan, at).update(entries)
    kind, faults = preview_draft(plan)
    assert [(fault.path, fault.name) for fault in faults] == [(at, name)]
    assert kind is not None  # the rest of the sheet is still shown
