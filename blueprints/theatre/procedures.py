"""Airways, vascular accesses and blocks: write, look behind one, correct with a reason, withdraw."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from flask import url_for
from flask.typing import ResponseReturnValue

from app.anesthesia import service as anesthesia
from app.anesthesia.queries.procedures import MODELS, Procedure, procedure_rows, procedure_words
from app.anesthesia.rules.procedures import (
    AIRWAY_DEVICES,
    AIRWAY_PATHS,
    BLOCK_KINDS,
    CORMACK,
    FIELD_WORDS,
    LINE_KINDS,
)
from app.core import clock
from app.core.db import db
from app.core.errors import InvalidInput, NotFound
from app.core.permissions import Permission
from blueprints.common.access import actor, needs
from blueprints.common.fragments import fragment
from blueprints.theatre.base import (
    blueprint,
    find_record,
    form_decimal,
    form_text,
    form_time,
    kept_time,
    load_record_id,
    written,
)
from blueprints.theatre.view import can_write

_ADDERS: dict[str, Callable[..., Procedure]] = {
    "airway": anesthesia.add_airway,
    "line": anesthesia.add_line,
    "block": anesthesia.add_block,
}


@dataclass(frozen=True, slots=True)
class _Form:
    """Fields of one kind of procedure: texts with their longest length, centimetres, ticks."""

    texts: dict[str, int]
    depth: str
    ticks: tuple[str, ...] = ()


_FORMS = {
    "airway": _Form(
        {"device": 24, "path": 16, "size": 16, "technique": 64, "cormack": 4, "note": 255}, "depth_cm", ("is_difficult",)
    ),
    "line": _Form(
        {"kind": 24, "site": 64, "gauge": 16, "complication": 255, "note": 255}, "depth_cm", ("with_ultrasound",)
    ),
    "block": _Form(
        {"kind": 24, "site": 64, "needle": 32, "guidance": 32, "drug": 128, "level": 32, "effect": 32,
         "complication": 255, "note": 255},
        "catheter_cm",
    ),
}  # fmt: skip
_CHOICES = {
    "airway_devices": list(AIRWAY_DEVICES.items()),
    "airway_paths": [(value, label) for value, label in AIRWAY_PATHS.items() if value],
    "cormack": [(grade, grade) for grade in CORMACK if grade],
    "line_kinds": list(LINE_KINDS.items()),
    "block_kinds": list(BLOCK_KINDS.items()),
}
_WORDS = {"device": AIRWAY_DEVICES, "path": AIRWAY_PATHS, "kind": LINE_KINDS | BLOCK_KINDS}


@blueprint.get("/cases/<int:case_id>/procedures")
@needs(Permission.VIEW_CASE)
def procedures_panel(case_id: int) -> ResponseReturnValue:
    """What was done so far, and the forms for airway, vascular access and blocks."""
    record = find_record(case_id)
    return fragment(
        "theatre/_procedures.html",
        case_id=case_id,
        rows=procedure_rows(record.id) if record else (),
        writable=can_write(actor(), record),
        **_CHOICES,
    )


@blueprint.post("/cases/<int:case_id>/procedures/<any(airway, line, block):kind>")
@needs(Permission.CHART)
def procedure(case_id: int, kind: str) -> ResponseReturnValue:
    """Write a procedure."""
    row = _ADDERS[kind](
        actor(),
        load_record_id(case_id),
        at=form_time(case_id),
        idempotency_key=form_text("idempotency_key", 64),
        **_typed(kind),
    )
    undo = url_for("theatre.withdraw_procedure", case_id=case_id, kind=kind, row_id=row.id)
    return written(f"{procedure_words(row)} {clock.to_hospital(row.at):%H:%M}", undo)


@blueprint.get("/cases/<int:case_id>/procedures/<any(airway, line, block):kind>/<int:row_id>")
@needs(Permission.VIEW_CASE)
def procedure_panel(case_id: int, kind: str, row_id: int) -> ResponseReturnValue:
    """One procedure with its history, and the form to correct it."""
    row = _load(case_id, kind, row_id)
    return fragment(
        "theatre/_procedure.html",
        case_id=case_id,
        kind=kind,
        row=row,
        text=procedure_words(row),
        history=[_step(step) for step in row.history],
        writable=can_write(actor(), find_record(case_id)),
        **_CHOICES,
    )


@blueprint.post("/cases/<int:case_id>/procedures/<any(airway, line, block):kind>/<int:row_id>")
@needs(Permission.CORRECT_CHART)
def correct_procedure(case_id: int, kind: str, row_id: int) -> ResponseReturnValue:
    """Correct what was written, with a reason; the original stays."""
    row = _load(case_id, kind, row_id)
    changes = _typed(kind) | {"at": kept_time(case_id, "at", row.at) or row.at}
    if kind == "airway":
        changes["removed_at"] = kept_time(case_id, "removed_at", getattr(row, "removed_at", None))
    anesthesia.correct_procedure(actor(), MODELS[kind], row_id, changes, form_text("reason"))
    return written(f"已更正：{procedure_words(row)}")


@blueprint.post("/cases/<int:case_id>/procedures/<any(airway, line, block):kind>/<int:row_id>/withdraw")
@needs(Permission.CHART)
def withdraw_procedure(case_id: int, kind: str, row_id: int) -> ResponseReturnValue:
    """Withdraw a procedure; it stays readable."""
    row = _load(case_id, kind, row_id)
    anesthesia.void_procedure(actor(), MODELS[kind], row_id, form_text("reason") or "撤销误记")
    return written(f"已撤销 {procedure_words(row)}")


def _load(case_id: int, kind: str, row_id: int) -> Procedure:
    row = cast(Procedure | None, db.session.get(MODELS[kind], row_id))
    if row is None or row.record_id != load_record_id(case_id):
        raise NotFound("没有这条操作记录。")
    return row


def _typed(kind: str) -> dict[str, object]:
    """Everything the form of this kind holds; a blank field is a blank fact."""
    form = _FORMS[kind]
    facts: dict[str, object] = {name: form_text(name, limit) for name, limit in form.texts.items()}
    facts[form.depth] = form_decimal(form.depth, FIELD_WORDS[form.depth]) if form_text(form.depth) else None
    facts |= {name: bool(form_text(name)) for name in form.ticks}
    attempts = form_decimal("attempts", "次数") if form_text("attempts") else 1
    if attempts != int(attempts):
        raise InvalidInput(fields={"attempts": "次数应为整数"})
    return facts | {"attempts": int(attempts)}


def _step(step: dict[str, object]) -> dict[str, object]:
    """A correction in words: which field was what and became what."""
    before, after = step.get("before"), step.get("after")
    changes = [
        f"{FIELD_WORDS.get(name, name)}：{_value(name, old)} → {_value(name, after.get(name))}"
        for name, old in (before.items() if isinstance(before, dict) else ())
        if isinstance(after, dict)
    ]
    return {"at": step["at"], "by_name": step["by_name"], "reason": step["reason"], "changes": changes}


def _value(name: str, value: object) -> str:
    if name in ("at", "removed_at") and isinstance(value, str):
        return f"{clock.to_hospital(datetime.fromisoformat(value)):%H:%M}"
    if isinstance(value, bool):
        return "是" if value else "否"
    return _WORDS.get(name, {}).get(str(value)) or str(value or "空")
