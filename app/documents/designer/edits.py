"""What one does to a plan: add, move, copy, delete fields and sections, paste a list. Each gives what is chosen then."""

import copy
from collections.abc import Mapping
from typing import Any

from app.core.errors import InvalidInput
from app.documents.designer.fields import TYPES, field_item, new_item
from app.documents.designer.keys import new_key
from app.documents.designer.plan import Item, Plan, fields_of
from app.documents.outline import read_outline

MAX_FIELDS = 300


def place_of(plan: Plan, selected: str) -> tuple[Item | None, int]:
    """The section of what is chosen, and the index of the field in it (-1: the section itself or nothing)."""
    head, _, key = selected.partition(":")
    for section in plan["sections"]:
        if head == "s" and section["key"] == key:
            return section, -1
        for index, item in enumerate(section["fields"]):
            if head == "f" and item["key"] == key:
                return section, index
    return None, -1


def add_field(plan: Plan, selected: str, type_name: str) -> str:
    """A new field behind the chosen one, or at the end of the chosen or last section."""
    if type_name not in TYPES:
        raise InvalidInput("请选择字段类型。")
    if sum(1 for _ in fields_of(plan)) >= MAX_FIELDS:
        raise InvalidInput(f"一份文书最多 {MAX_FIELDS} 个字段。")
    section, index = place_of(plan, selected)
    section = section or plan["sections"][-1]
    item = new_item(type_name, f"新{TYPES[type_name].replace('／', '')}", _taken(plan))
    section["fields"].insert(index + 1 if index >= 0 else len(section["fields"]), item)
    return f"f:{item['key']}"


def _taken(plan: Plan) -> list[str]:
    return [item["key"] for _, item in fields_of(plan)] + [section["key"] for section in plan["sections"]]


def add_section(plan: Plan, selected: str) -> str:
    """A new section behind the chosen one."""
    section, _ = place_of(plan, selected)
    key = new_key("新章节", _taken(plan))
    made = {"key": key, "title": "新章节", "columns": 3, "note": "", "fields": [], "rest": {}}
    index = plan["sections"].index(section) + 1 if section in plan["sections"] else len(plan["sections"])
    plan["sections"].insert(len(plan["sections"]) if plan["shipped"] else index, made)
    return f"s:{key}"


def move(plan: Plan, selected: str, step: int) -> str:
    """The chosen field or section one place up (-1) or down (1); an own field goes on into the neighbouring section."""
    section, index = place_of(plan, selected)
    if section is None:
        return selected
    sections = plan["sections"]
    here = sections.index(section)
    if index < 0:
        there = here + step
        if not section.get("shipped") and 0 <= there < len(sections) and not sections[there].get("shipped"):
            sections[here], sections[there] = sections[there], sections[here]
        return selected
    fields = section["fields"]
    if 0 <= index + step < len(fields):
        fields[index], fields[index + step] = fields[index + step], fields[index]
    elif fields[index].get("shipped"):
        return selected  # signatures cover whole sections: a shipped field stays in its own
    elif 0 <= here + step < len(sections):
        other = sections[here + step]["fields"]
        other.insert(len(other) if step < 0 else min(1 if sections[here + step].get("shipped") else 0, len(other)),
                     fields.pop(index))  # fmt: skip
    return selected


def duplicate(plan: Plan, selected: str) -> str:
    """A copy of the chosen field behind it."""
    section, index = place_of(plan, selected)
    if section is None or index < 0 or section["fields"][index].get("shipped"):
        return selected
    item = copy.deepcopy(section["fields"][index])
    item["label"] = f"{item['label']}（副本）"[:60]
    item["key"] = new_key(item["label"], _taken(plan))
    section["fields"].insert(index + 1, item)
    return f"f:{item['key']}"


def delete(plan: Plan, selected: str) -> str:
    """Without the chosen field or section; gives the neighbour."""
    section, index = place_of(plan, selected)
    if section is None or (section.get("shipped") and index < 0):
        return selected
    if index < 0:
        if len(plan["sections"]) == 1:
            raise InvalidInput("至少要有一个章节。")
        plan["sections"].remove(section)
        return "kind"
    if section["fields"][index].get("shipped"):
        return selected
    del section["fields"][index]
    rest = section["fields"]
    return f"f:{rest[min(index, len(rest) - 1)]['key']}" if rest else f"s:{section['key']}"


def paste(plan: Plan, text: str) -> str:
    """Sections and fields from lines (`# 章节`, `名称 | 类型 | 单位或选项 | 必填`) at the end. Raises `DefinitionError`."""
    chosen = "kind"
    for section in read_outline(text):
        taken = _taken(plan)
        key = new_key(section["title"], taken)
        made: dict[str, Any] = {
            "key": key,
            "title": section["title"],
            "columns": 3,
            "note": "",
            "fields": [],
            "rest": {},
        }
        plan["sections"].append(made)
        for field in section["fields"]:
            item = field_item({**field, "key": new_key(field["label"], _taken(plan))}, {})
            made["fields"].append(item)
        chosen = f"s:{key}"
    empty = [section for section in plan["sections"] if not section["fields"] and not section.get("shipped")]
    for section in empty:
        if len(plan["sections"]) > 1 and not section.get("note"):
            plan["sections"].remove(section)
    return chosen


def write_field(item: Item, entries: Mapping[str, Any]) -> None:
    """Take the entries of the inspector over into a field; those that the type does not show stay."""
    item.update({name: value for name, value in entries.items() if name in item and name not in ("key", "rest")})
