"""What the hospital changes of shipped fields: another label, hidden with a reason, another stage, another sequence."""

from collections.abc import Mapping
from typing import Any

from app.documents.definition import Field
from app.documents.designer.faults import PlanFault
from app.documents.protection import change_faults
from app.documents.registry import catalogue

Item = dict[str, Any]
STAGES: Mapping[str, str] = {
    "": "按系统规定",
    "none": "不必填",
    "save": "提交保存前",
    "sign": "签名前",
    "archive": "归档前",
}
_EDITED = frozenset({"field", "label", "hidden", "reason", "required"})


def shipped_item(item: Field, change: Mapping[str, Any], standard: Mapping[str, Field]) -> Item:
    """A shipped field as the designer shows it, with what the hospital has changed."""
    required = change.get("required", "")
    return {
        "key": item.key, "label": str(change.get("label") or item.label), "type": item.type.value, "shipped": True,
        "standard": standard[item.key].label if item.key in standard else item.label,
        "hidden": bool(change.get("hidden")), "reason": str(change.get("reason") or ""),
        "stage": "none" if required is False else required if required in STAGES else "",
        "rest": {name: value for name, value in change.items()
                 if name not in _EDITED or (name == "required" and required is not False and required not in STAGES)},
    }  # fmt: skip


def stage_words(kind: str, key: str) -> str:
    """When the field is required as shipped."""
    item = catalogue().kinds[kind].find(key)
    if item is None or not item.required:
        return "不必填"
    return "；".join(f"{one.stage.label}必填{'（有条件）' if one.when else ''}" for one in item.required)


def changes_of(plan: Mapping[str, Any], faults: list[PlanFault]) -> dict[str, Any]:
    """`changes` and `order` of the overlay."""
    changes, order = [], {}
    for section in plan["sections"]:
        changes += [one for item in section["fields"] if item.get("shipped") and (one := _change(item, faults))]
        if section.get("shipped") and _is_reordered(plan["kind"], section):
            order[section["key"]] = [item["key"] for item in section["fields"]]
    made: dict[str, Any] = {}
    if changes:
        made["changes"] = changes
    if order:
        made["order"] = order
    kind = catalogue().kinds.get(plan["kind"])
    if kind is not None:
        faults += [PlanFault(f"f:{key}", name, words) for key, name, words in change_faults(kind, made)]
    return made


def _change(item: Item, faults: list[PlanFault]) -> dict[str, Any] | None:
    label = item["label"].strip()
    if not label or len(label) > 60:
        faults.append(PlanFault(f"f:{item['key']}", "label", "名称应为 1–60 字"))
    made: dict[str, Any] = dict(item.get("rest", {}))
    if label and label != item["standard"]:
        made["label"] = label
    if item["stage"]:
        made["required"] = False if item["stage"] == "none" else item["stage"]
    if item["hidden"]:
        made |= {"hidden": True, "reason": item["reason"].strip()}
    return {"field": item["key"], **made} if made else None


def _is_reordered(kind: str, section: Item) -> bool:
    """Whether shipped fields stand in another sequence, or an own field before all of them."""
    shipped = catalogue().kinds[kind].section(section["key"])
    usual = [item.key for item in shipped.fields] if shipped else []
    now = [item["key"] for item in section["fields"] if item.get("shipped")]
    first_is_own = bool(section["fields"]) and not section["fields"][0].get("shipped") and bool(now)
    return now != [key for key in usual if key in now] or first_is_own


def nothing_hidden(content: Mapping[str, Any]) -> dict[str, Any]:
    """The overlay with every field shown, for a designer who wants to see what is hidden."""
    changes = [{name: value for name, value in change.items() if name not in ("hidden", "reason")}
               for change in content.get("changes", [])]  # fmt: skip
    return {**content, "changes": [change for change in changes if len(change) > 1]}
