"""What the inspector of the designer posted, taken over into the plan."""

from typing import Any

from werkzeug.datastructures import MultiDict

from app.documents.designer.conditions import Condition
from app.documents.designer.edits import place_of
from app.documents.designer.fields import COLUMN_TYPES, TYPES
from app.documents.designer.plan import ROLES, Item, Plan, fields_of
from app.documents.designer.shipped import STAGES

Form = MultiDict[str, str]
_TEXTS = ("label", "hint", "unit", "low", "high", "options", "value_set", "scale", "score_items", "score_bands", "formula",
          "source", "element", "stage")  # fmt: skip
_LONGEST = 4000


def take_entries(plan: Plan, selected: str, form: Form) -> None:
    """Take over what was entered for the chosen thing; `entries` tells that the inspector was posted at all."""
    if form.get("entries") != selected:
        return
    if selected == "kind":
        _kind(plan, form)
        return
    section, index = place_of(plan, selected)
    if section is None:
        return
    if index >= 0:
        item = section["fields"][index]
        if item.get("shipped"):
            _shipped(plan, item, form)
        else:
            _field(item, form)
    elif not section.get("shipped"):
        section |= {"title": _text(form, "title"), "note": _text(form, "section_note")}
        section["columns"] = int(form["columns"]) if form.get("columns") in ("1", "2", "3", "4") else 3


def _text(form: Form, name: str) -> str:
    return form.get(name, "").replace("\r\n", "\n").strip()[:_LONGEST]


def _field(item: Item, form: Form) -> None:
    item.update({name: _text(form, name) for name in _TEXTS if name in form})
    if form.get("type") in TYPES:
        item["type"] = form["type"]
    item["wide"] = form.get("wide") == "1"
    item["visible"], item["needed"] = condition_entries(form, "visible"), condition_entries(form, "needed")
    if "column_label" in form:
        item["columns"] = _columns(item, form)


def _shipped(plan: Plan, item: Item, form: Form) -> None:
    """Label, hidden with its reason, stage; formulas of own fields follow a new label."""
    label = _text(form, "label")[:80]
    if label and label != item["label"]:
        for _, one in fields_of(plan):
            if one.get("formula"):
                one["formula"] = one["formula"].replace(f"[{item['label']}]", f"[{label}]")
    item |= {"label": label, "hidden": form.get("hidden") == "1", "reason": _text(form, "reason")[:200],
             "stage": form.get("stage", "") if form.get("stage") in STAGES else ""}  # fmt: skip


def condition_entries(form: Form, name: str) -> Condition:
    """The rows of a condition; rows without a field are left out."""
    rows = zip(*(form.getlist(f"{name}_{part}") for part in ("field", "op", "value")), strict=False)
    return {"join": "or" if form.get(f"{name}_join") == "or" else "and", "raw": _text(form, f"{name}_raw"),
            "rows": [{"field": field, "op": op, "value": value.strip()[:200]} for field, op, value in rows if field]}  # fmt: skip


def _columns(item: Item, form: Form) -> list[Item]:
    before = {column["key"]: column for column in item["columns"]}
    made: list[Item] = []
    rows = zip(*(form.getlist(f"column_{part}") for part in ("key", "label", "type", "more", "required")), strict=False)
    for key, label, type_name, more, required in rows:
        if label.strip() or more.strip():
            entries: dict[str, Any] = {"key": key if key in before else "", "label": label.strip()[:60],
                                       "type": type_name if type_name in COLUMN_TYPES else "text",
                                       "more": more.strip()[:400], "required": required == "1"}  # fmt: skip
            made.append({**before.get(key, {}), **entries})
    return made


def _kind(plan: Plan, form: Form) -> None:
    if not plan["shipped"]:
        plan |= {"title": _text(form, "title")[:80], "repeatable": form.get("repeatable") == "1",
                 "retention_years": _text(form, "retention_years"), "when": form.get("when", "")[:200]}  # fmt: skip
        minutes = _text(form, "due_minutes")
        plan["due"] = {"event": form.get("due_event", ""), "minutes": minutes}
    before = {item["slot"]: item for item in plan["signatories"]}
    made = []
    rows = zip(
        *(form.getlist(f"sign_{part}") for part in ("slot", "role", "label", "required", "covers")), strict=False
    )
    for slot, role, label, required, covers in rows:
        if role in ROLES:
            entries = {"slot": slot if slot in before else "", "role": role, "label": label.strip()[:40] or ROLES[role],
                       "required": required == "1", "covers": covers}  # fmt: skip
            made.append({**before.get(slot, {}), **entries})
    plan["signatories"] = made
