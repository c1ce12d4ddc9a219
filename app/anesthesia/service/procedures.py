"""Commands on procedures of the anesthesiologist: airway, vascular access, blocks."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from app.anesthesia.models import AirwayProcedure, BlockProcedure, LineProcedure
from app.anesthesia.rules.procedures import AIRWAY_DEVICES, AIRWAY_PATHS, BLOCK_KINDS, CORMACK, LINE_KINDS
from app.anesthesia.service.gate import add, already, amend, check_time, need_reason, pass_gate, tell
from app.core import clock
from app.core.audit import Actor
from app.core.db import db
from app.core.errors import Conflict, InvalidInput, NotFound

WHAT = ("procedures",)
_CHOICES: dict[type, dict[str, Any]] = {
    AirwayProcedure: {"device": AIRWAY_DEVICES, "path": AIRWAY_PATHS, "cormack": CORMACK},
    LineProcedure: {"kind": LINE_KINDS},
    BlockProcedure: {"kind": BLOCK_KINDS},
}
_FIELDS: dict[type, frozenset[str]] = {
    AirwayProcedure: frozenset(
        {"device", "path", "size", "depth_cm", "is_cuffed", "technique", "cormack", "attempts", "is_difficult", "note",
         "at", "removed_at"}
    ),
    LineProcedure: frozenset(
        {"kind", "site", "gauge", "depth_cm", "attempts", "with_ultrasound", "complication", "note", "at"}
    ),
    BlockProcedure: frozenset(
        {"kind", "site", "needle", "catheter_cm", "guidance", "drug", "level", "attempts", "effect", "complication",
         "note", "at"}
    ),
}  # fmt: skip

P = TypeVar("P", bound=AirwayProcedure | LineProcedure | BlockProcedure)


def add_airway(
    actor: Actor, record_id: int, *, device: str, at: datetime | None = None, idempotency_key: str = "", **facts: Any
) -> AirwayProcedure:
    """Write an airway: path, size, depth_cm, is_cuffed, technique, cormack, attempts, is_difficult, note."""
    return _add(AirwayProcedure, actor, record_id, {"device": device, **facts}, at, idempotency_key)


def add_line(
    actor: Actor, record_id: int, *, kind: str, at: datetime | None = None, idempotency_key: str = "", **facts: Any
) -> LineProcedure:
    """Write a vascular access: site, gauge, depth_cm, attempts, with_ultrasound, complication, note."""
    return _add(LineProcedure, actor, record_id, {"kind": kind, **facts}, at, idempotency_key)


def add_block(
    actor: Actor, record_id: int, *, kind: str, at: datetime | None = None, idempotency_key: str = "", **facts: Any
) -> BlockProcedure:
    """Write a block: site, needle, catheter_cm, guidance, drug, level, attempts, effect, complication, note."""
    return _add(BlockProcedure, actor, record_id, {"kind": kind, **facts}, at, idempotency_key)


def correct_procedure(actor: Actor, model: type[P], procedure_id: int, changes: Mapping[str, Any], reason: str) -> P:
    """Correct a procedure with a reason; what it was is kept."""
    row = _load(model, procedure_id)
    gate = pass_gate(row.record_id)
    text = need_reason(reason)
    if row.voided_at is not None:
        raise Conflict("这条操作记录已作废。", code="voided")
    _check(model, changes)
    for field in ("at", "removed_at"):
        if changes.get(field) is not None:
            check_time(gate, changes[field], field)
    at, removed_at = (changes.get(field, getattr(row, field, None)) for field in ("at", "removed_at"))
    if at and removed_at and removed_at < at:
        raise InvalidInput(fields={"removed_at": "拔除时间早于置入时间，请核对"})
    before, after = amend(row, actor, changes, text)
    if before:
        tell(
            gate,
            actor,
            "correct_procedure",
            what=WHAT,
            before={"table": model.__tablename__, "id": row.id, **before},
            after=after,
            reason=text,
        )
    return row


def void_procedure(actor: Actor, model: type[P], procedure_id: int, reason: str) -> P:
    """Withdraw a procedure; it stays readable."""
    row = _load(model, procedure_id)
    gate = pass_gate(row.record_id)
    text = need_reason(reason)
    if row.voided_at is None:
        row.voided_at, row.void_reason = clock.now(), text
        db.session.flush()
        before = {"table": model.__tablename__, "id": row.id}
        tell(gate, actor, "void_procedure", what=WHAT, before=before, reason=text)
    return row


def _load(model: type[P], procedure_id: int) -> P:
    row = db.session.get(model, procedure_id)
    if row is None:
        raise NotFound("没有找到这条操作记录。")
    return row


def _add(model: type[P], actor: Actor, record_id: int, facts: Mapping[str, Any], at: datetime | None, key: str) -> P:
    earlier = already(model, key, record_id)
    if earlier is not None:
        return earlier
    gate = pass_gate(record_id)
    _check(model, facts)
    row = model(
        record_id=record_id,
        at=check_time(gate, at),
        by=actor.actor_id,
        by_name=actor.actor_name,
        idempotency_key=key or None,
        **facts,
    )
    add(row)
    tell(gate, actor, f"add_{model.__tablename__}", what=WHAT, after={"id": row.id, "at": row.at, **facts})
    return row


def _check(model: type, facts: Mapping[str, Any]) -> None:
    unknown = set(facts) - _FIELDS[model]
    if unknown:
        raise InvalidInput(f"不认识的字段：{'、'.join(sorted(unknown))}")
    fields = {
        field: "请从列表中选择"
        for field, choices in _CHOICES[model].items()
        if field in facts and facts[field] not in choices
    }
    attempts = facts.get("attempts", 1)
    if not isinstance(attempts, int) or not 1 <= attempts <= 20:
        fields["attempts"] = "操作次数应在 1–20 之间"
    for field in ("depth_cm", "catheter_cm"):
        depth = facts.get(field)
        if depth is not None and not (isinstance(depth, Decimal) and 0 < depth <= 100):
            fields[field] = "深度应在 0–100 cm 之间"
    if fields:
        raise InvalidInput(fields=fields)
