"""What the designer draws: outline with faults in place, entries of what is chosen, the sheet on screen and paper."""

from functools import lru_cache
from typing import Any

from app.documents.definition import Field, Kind
from app.documents.designer.conditions import ALONE, is_set, operators_for
from app.documents.designer.edits import place_of
from app.documents.designer.faults import PlanFault
from app.documents.designer.fields import COLUMN_TYPES, STAGES, TYPES
from app.documents.designer.plan import NEEDED, ROLES, fields_of, labels_of
from app.documents.designer.shipped import STAGES as SHIPPED_STAGES
from app.documents.designer.shipped import stage_words
from app.documents.designer.sources import source_groups, source_name
from app.documents.designer.words import FUNCTIONS
from app.documents.facts import EVENTS
from app.documents.models import DocumentDraft
from app.documents.protection import protections
from app.documents.queries.drafts import blank_sheet
from app.documents.registry import catalogue, read_value_sets
from app.documents.service.design_drafts import preview_draft

_YES_NO = [("yes", "是"), ("no", "否"), ("unknown", "不详")]


def designer_view(draft: DocumentDraft, selected: str, view: str) -> dict[str, Any]:
    """Everything the designer and its fragment draw."""
    plan = draft.plan
    section, index = place_of(plan, selected)
    item = section["fields"][index] if section is not None and index >= 0 else None
    if section is None:
        selected = "kind"
    kind, faults = preview_draft(plan)
    return {
        "draft": draft, "plan": plan, "selected": selected, "view": view, "section": section, "item": item,
        "kind": kind, "sheet": blank_sheet(kind) if kind and view == "paper" else None, "faults": faults,
        "faulty": {fault.path for fault in faults}, "errors": _errors(faults, selected),
        "labels": _fault_labels(plan), "types": TYPES, "stages": list(STAGES.items()), "roles": list(ROLES.items()),
        "needed": _needed(plan), "events": list(EVENTS.items()), "sources": source_groups(), "source_name": source_name,
        "column_types": [(name, TYPES[name]) for name in COLUMN_TYPES], "functions": list(FUNCTIONS),
        "value_sets": _value_sets(), "scales": _scales(), "elements": known_elements(),
        "others": [(one["key"], one["label"]) for _, one in fields_of(plan) if item is None or one["key"] != item["key"]],
        "formula_names": [label for label, key in labels_of(plan).items() if item is None or key.split(".")[0] != item["key"]],
        "condition_rows": lambda condition: _condition_rows(condition, plan, kind), "alone": ALONE,
        "shipped_stages": list(SHIPPED_STAGES.items()), "guarded": _guarded(plan, item),
        "usual_stage": stage_words(plan["kind"], item["key"]) if item and item.get("shipped") else "",
        "choosable": {one["key"] for _, one in fields_of(plan)},
        "conditional": {one["key"] for _, one in fields_of(plan) if not one.get("shipped") and is_set(one["visible"])},
    }  # fmt: skip


def _guarded(plan: dict[str, Any], item: dict[str, Any] | None) -> list[str]:
    """Why the chosen shipped field cannot be hidden."""
    if item is None or not item.get("shipped"):
        return []
    return protections(catalogue().kinds[plan["kind"]]).get(item["key"], [])


def _errors(faults: list[PlanFault], selected: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for fault in faults:
        if fault.path == selected:
            found.setdefault(fault.name, []).append(fault.message)
    return found


def _fault_labels(plan: dict[str, Any]) -> dict[str, str]:
    names = {f"f:{item['key']}": item["label"] or "（无名称）" for _, item in fields_of(plan)}
    return {"kind": "文书设置", **names, **{f"s:{one['key']}": one["title"] for one in plan["sections"]}}


def _needed(plan: dict[str, Any]) -> list[tuple[str, str]]:
    when = plan.get("when", "")
    return [*NEEDED.items(), *([] if when in NEEDED else [(when, f"其他条件：{when}")])]


def _condition_rows(condition: dict[str, Any], plan: dict[str, Any], kind: Kind | None) -> list[dict[str, Any]]:
    """The rows with their fitting comparisons and values, and an empty one to add."""
    rows = []
    for row in [*(condition or {}).get("rows", []), {"field": "", "op": "eq", "value": ""}]:
        one = next((one for _, one in fields_of(plan) if one["key"] == row["field"]), None)
        type_name = one["type"] if one else "text"
        values = (
            _YES_NO if type_name == "yes_no_unknown" else _choices(kind.find(row["field"]) if kind and one else None)
        )
        rows.append({**row, "operators": operators_for(type_name), "values": values})
    return rows


def _choices(field: Field | None) -> list[tuple[str, str]]:
    return [(option.code, option.label) for option in field.options] if field else []


@lru_cache(maxsize=1)
def _value_sets() -> list[tuple[str, str]]:
    return [(key, str(raw["name"])) for key, raw in read_value_sets().items()]


@lru_cache(maxsize=1)
def _scales() -> list[tuple[str, str]]:
    return [(key, scale.title) for key, scale in catalogue().library.scales.items()]


@lru_cache(maxsize=1)
def known_elements() -> list[tuple[str, str]]:
    """WS/T data elements that shipped kinds use, with a label: what to offer for a new field."""
    found: dict[str, str] = {}
    for kind in catalogue().kinds.values():
        for _, field in kind.fields():
            if field.element:
                found.setdefault(field.element, field.label)
    return sorted(found.items())
