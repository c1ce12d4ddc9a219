"""A plan is what the designer edits: the form as people enter it, and its way to a definition with faults in place.

A plan of a kind the hospital made holds every section; a plan over a shipped kind holds the shipped sections and fields
as fixed marks (`shipped`), between which the hospital's own fields stand. What the designer does not edit is kept as it is
(`rest`), so that nothing of an earlier version is lost.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from app.documents.definition import Kind
from app.documents.designer.faults import PlanFault
from app.documents.designer.fields import FieldFault, field_definition, field_item, keys_of
from app.documents.designer.keys import new_key
from app.documents.designer.shipped import changes_of, shipped_item
from app.documents.registry import catalogue

Plan = dict[str, Any]
Item = dict[str, Any]
ROLES: Mapping[str, str] = {
    "anesthesiologist": "麻醉医师", "surgeon": "手术医师", "theatre_nurse": "手术室护士",
    "anesthesia_nurse": "麻醉护士", "patient": "患者或委托人",
}  # fmt: skip
NEEDED: Mapping[str, str] = {
    "": "需要时由人新建", "True": "每台手术都要", "filled(times.in_room)": "患者入手术室后", "case.is_emergency": "急诊手术",
    "case.is_general": "全身麻醉", "filled(times.pacu_in)": "进恢复室的患者", "filled(times.to_icu)": "转 ICU 的患者",
    'case.has_analgesia == "yes"': "有术后镇痛",
}  # fmt: skip
_EDITED = frozenset({"kind", "title", "category", "basis", "repeatable", "retention_years", "due", "when", "sections",
                     "signatories"})  # fmt: skip


def new_plan() -> Plan:
    """An empty form of the hospital's own."""
    section = {"key": "h_yiban", "title": "一般情况", "columns": 3, "note": "", "fields": [], "rest": {}}
    return {"kind": "", "title": "", "shipped": False, "repeatable": False, "retention_years": "30", "when": "",
            "due": {"event": "", "minutes": ""}, "sections": [section], "rest": {},
            "signatories": [{"slot": "anesthesiologist", "label": "麻醉医师", "role": "anesthesiologist",
                             "required": True, "covers": ""}]}  # fmt: skip


def plan_of_own_kind(content: Mapping[str, Any]) -> Plan:
    """The plan of a kind that the hospital made, from its definition."""
    keys = keys_of([item for section in content["sections"] for item in section.get("fields", [])])
    due = content.get("due") or {}
    return {
        "kind": content["kind"], "title": content.get("title", ""), "shipped": False,
        "repeatable": bool(content.get("repeatable")), "retention_years": str(content.get("retention_years", 30)),
        "when": content.get("when", ""),
        "due": {"event": due.get("event", ""), "minutes": str(due.get("minutes", "")) if due else ""},
        "sections": [_section_item(section, keys) for section in content["sections"]],
        "signatories": [_signatory_item(slot) for slot in content.get("signatories", [])],
        "rest": {name: value for name, value in content.items() if name not in _EDITED},
    }  # fmt: skip


def plan_over(kind: Kind, overlay: Mapping[str, Any]) -> Plan:
    """The plan of the hospital's changes to a shipped kind; `kind` has the overlay in it, with nothing hidden."""
    standard = {item.key: item for _, item in catalogue().kinds[kind.key].fields()}
    changes = {change["field"]: change for change in overlay.get("changes", [])}
    own = {item["key"]: item for item in overlay.get("fields", [])}
    sections = {section["key"]: section for section in overlay.get("sections", [])}
    keys = {item.label: item.key for _, item in kind.fields()}
    made = []
    for section in kind.sections:
        if section.key in sections:
            made.append(_section_item(sections[section.key], keys))
            continue
        fields = [
            field_item({name: value for name, value in own[item.key].items() if name not in ("section", "after")}, keys)
            if item.key in own
            else shipped_item(item, changes.get(item.key, {}), standard)
            for item in section.fields
        ]
        made.append({"key": section.key, "title": section.title, "shipped": True, "fields": fields})
    return {
        "kind": kind.key, "title": kind.title, "shipped": True, "sections": made,
        "signatories": [_signatory_item(slot) for slot in overlay.get("signatories", [])],
        "rest": {name: value for name, value in overlay.items() if name not in ("fields", "sections", "signatories", "changes", "order")},
    }  # fmt: skip


def _section_item(section: Mapping[str, Any], keys: Mapping[str, str]) -> Item:
    known = ("key", "title", "columns", "note", "fields")
    return {"key": section["key"], "title": section.get("title", ""), "columns": section.get("columns", 3),
            "note": section.get("note", ""), "fields": [field_item(item, keys) for item in section.get("fields", [])],
            "rest": {name: value for name, value in section.items() if name not in known}}  # fmt: skip


def _signatory_item(slot: Mapping[str, Any]) -> Item:
    known = ("slot", "label", "roles", "order", "required", "covers")
    return {"slot": slot["slot"], "label": slot["label"], "role": next(iter(slot["roles"]), ""),
            "required": slot.get("required", True), "covers": next(iter(slot.get("covers", [])), ""),
            "rest": {name: value for name, value in slot.items() if name not in known}
            | ({"roles": slot["roles"]} if len(slot["roles"]) > 1 else {})}  # fmt: skip


def fields_of(plan: Plan) -> Iterator[tuple[Item, Item]]:
    """Every field with its section, in order."""
    for section in plan["sections"]:
        for item in section["fields"]:
            yield section, item


def find_field(plan: Plan, key: str) -> Item | None:
    """The field with this key."""
    return next((item for _, item in fields_of(plan) if item["key"] == key), None)


def labels_of(plan: Plan) -> dict[str, str]:
    """Label → key of every field and column, as formulas name them."""
    return keys_of([item for _, item in fields_of(plan)])


def types_of(plan: Plan) -> dict[str, str]:
    """Key → type of every field."""
    return {item["key"]: item["type"] for _, item in fields_of(plan)}


def definition_of(plan: Plan) -> tuple[dict[str, Any], list[PlanFault]]:
    """The definition (of an own kind) or the overlay (over a shipped one); a field with faults is left out of it."""
    faults: list[PlanFault] = []
    keys, types = labels_of(plan), types_of(plan)
    sections, additions = [], []
    changes = changes_of(plan, faults) if plan["shipped"] else {}
    for section in plan["sections"]:
        made, previous = [], ""
        for item in section["fields"]:
            if not item.get("shipped"):
                field = _field(item, keys, types, faults)
                if field is not None:
                    made.append(
                        {**field, "section": section["key"], "after": previous} if section.get("shipped") else field
                    )
            previous = item["key"]
        if section.get("shipped"):
            additions += made
        else:
            sections.append(_section(section, made, faults))
    if plan["shipped"]:
        content: dict[str, Any] = {**plan["rest"], "fields": additions, "sections": sections, **changes}
        signatories = _signatories(plan, faults, first_order=50)
        return {name: value for name, value in {**content, "signatories": signatories}.items() if value}, faults
    return {**_head(plan, faults), "sections": sections, "signatories": _signatories(plan, faults)}, faults


def _field(
    item: Item, keys: Mapping[str, str], types: Mapping[str, str], faults: list[PlanFault]
) -> dict[str, Any] | None:
    others = {label: key for label, key in keys.items() if key != item["key"]}
    problems: list[FieldFault] = []
    made = field_definition(item, others, types, problems)
    faults += [PlanFault(f"f:{item['key']}", name, message) for name, message in problems]
    return None if problems else made


def _section(section: Item, fields: list[dict[str, Any]], faults: list[PlanFault]) -> dict[str, Any]:
    path, title = f"s:{section['key']}", section["title"].strip()
    if not title or len(title) > 60:
        faults.append(PlanFault(path, "title", "章节名称应为 1–60 字"))
    if not section["fields"] and not section["note"].strip():
        faults.append(PlanFault(path, "", "这一章节还没有字段"))
    made = {**section.get("rest", {}), "key": section["key"], "title": title or "（未命名）",
            "columns": int(section.get("columns") or 3), "fields": fields}  # fmt: skip
    return {**made, "note": section["note"].strip()} if section["note"].strip() else made


def _head(plan: Plan, faults: list[PlanFault]) -> dict[str, Any]:
    title = plan["title"].strip()
    if not title or len(title) > 60:
        faults.append(PlanFault("kind", "title", "文书名称应为 1–60 字"))
    made = {"category": "hospital", "basis": "本院文书", **plan["rest"], "kind": plan["kind"] or "h_new",
            "title": title or "（未命名）", "repeatable": plan["repeatable"],
            "retention_years": _whole(plan["retention_years"], 1, 100, "retention_years", "保存年限", faults)}  # fmt: skip
    if plan["when"]:
        made["when"] = plan["when"]
    if plan["due"]["event"]:
        minutes = _whole(plan["due"]["minutes"] or "0", -14400, 43200, "due_minutes", "完成时限", faults)
        made["due"] = {"event": plan["due"]["event"], "minutes": minutes}
    return made


def _whole(text: str, low: int, high: int, name: str, label: str, faults: list[PlanFault]) -> int:
    try:
        number = int(text)
    except ValueError:
        number = low - 1
    if not low <= number <= high:
        faults.append(PlanFault("kind", name, f"{label}应为 {low}–{high} 的整数"))
        return max(low, 0)
    return number


def _signatories(plan: Plan, faults: list[PlanFault], first_order: int = 1) -> list[dict[str, Any]]:
    sections = {section["key"] for section in plan["sections"]}
    taken = {item["slot"] for item in plan["signatories"] if item["slot"]}
    made = []
    for number, item in enumerate(plan["signatories"]):
        if not item["slot"]:
            item["slot"] = new_key(item["label"] or item["role"], taken)
            taken.add(item["slot"])
        if item["role"] not in ROLES and "roles" not in item.get("rest", {}):
            faults.append(PlanFault("kind", "signatories", f"第 {number + 1} 个签名位没有选择由谁签"))
            continue
        slot = {"roles": [item["role"]], **item.get("rest", {}), "slot": item["slot"],
                "label": item["label"].strip() or ROLES.get(item["role"], "签名"), "order": first_order + number,
                "required": item["required"]}  # fmt: skip
        if item["covers"] in sections:
            slot["covers"] = [item["covers"]]
        made.append(slot)
    if not made and not plan["shipped"]:
        faults.append(PlanFault("kind", "signatories", "至少要有一个签名位"))
    return made
