"""Commands on intake and output: bags, blood, losses."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from app.anesthesia.models import Intake, Output
from app.anesthesia.service.gate import Gate, add, already, amend, check_time, need_reason, pass_gate, tell
from app.clinical.dosing import plain
from app.core import clock
from app.core.audit import Actor
from app.core.db import db
from app.core.errors import Conflict, InvalidInput, NotFound
from app.terminology import queries as terminology

WHAT = ("fluids", "chart", "totals")
CATEGORIES = {
    "crystalloid": "晶体", "colloid": "胶体", "blood_product": "血制品", "autologous": "自体血", "other": "其他",
}  # fmt: skip
OUTPUT_KINDS = {"urine": "尿量", "blood_loss": "出血量", "other": "其他"}
_INTAKE_FIELDS = frozenset({"volume_ml", "quantity", "bag_no", "start_at", "end_at", "checked_by", "note", "category"})
_OUTPUT_FIELDS = frozenset({"volume_ml", "at", "note", "kind", "name"})
_MOST_ML = Decimal(20_000)


def add_intake(
    actor: Actor,
    record_id: int,
    *,
    volume_ml: Decimal,
    term_code: str = "",
    name: str = "",
    category: str = "",
    quantity: str = "",
    bag_no: str = "",
    start_at: datetime | None = None,
    end_at: datetime | None = None,
    checked_by: str = "",
    note: str = "",
    idempotency_key: str = "",
) -> Intake:
    """Write a bag of fluid or blood; a bag of donor blood needs its number and the second person who checked it."""
    earlier = already(Intake, idempotency_key, record_id)
    if earlier is not None:
        return earlier
    gate = pass_gate(record_id)
    start = check_time(gate, start_at, "start_at")
    text, kind = _fluid(term_code, name, category)
    _check_volume(volume_ml)
    _check_end(gate, start, end_at)
    _check_blood(kind, bag_no, checked_by, actor)
    _check_bag_is_new(kind, text, bag_no)
    row = Intake(
        record_id=record_id,
        term_code=term_code,
        name=text,
        category=kind,
        volume_ml=volume_ml,
        quantity=quantity,
        bag_no=bag_no.strip(),
        start_at=start,
        end_at=end_at,
        checked_by=checked_by.strip(),
        note=note,
        by=actor.actor_id,
        by_name=actor.actor_name,
        idempotency_key=idempotency_key or None,
    )
    add(row)
    after = {"id": row.id, "fluid": text, "ml": plain(volume_ml), "bag_no": row.bag_no, "checked_by": row.checked_by}
    tell(gate, actor, "add_intake", what=WHAT, after=after)
    return row


def end_intake(actor: Actor, intake_id: int, *, at: datetime | None = None, volume_ml: Decimal | None = None) -> Intake:
    """A bag has run in; `volume_ml` when less (or more) was given than hung. A second call changes nothing."""
    row = _intake(intake_id)
    gate = pass_gate(row.record_id)
    if row.end_at is not None:
        return row
    moment = check_time(gate, at, "end_at")
    _check_end(gate, row.start_at, moment)
    before, after = {"id": row.id, "ml": plain(row.volume_ml)}, {"end_at": moment}
    if volume_ml is not None and volume_ml != row.volume_ml:
        _check_volume(volume_ml)
        amend(row, actor, {"volume_ml": volume_ml}, "输注结束时的实际用量")
    row.end_at = moment
    db.session.flush()
    tell(gate, actor, "end_intake", what=WHAT, before=before, after={**after, "ml": plain(row.volume_ml)})
    return row


def add_output(
    actor: Actor,
    record_id: int,
    *,
    kind: str,
    volume_ml: Decimal,
    name: str = "",
    at: datetime | None = None,
    note: str = "",
    idempotency_key: str = "",
) -> Output:
    """Write a loss: what came since the last entry, not the running sum. 0 ml is a finding and is kept."""
    earlier = already(Output, idempotency_key, record_id)
    if earlier is not None:
        return earlier
    gate = pass_gate(record_id)
    if kind not in OUTPUT_KINDS:
        raise InvalidInput(fields={"kind": "请选择尿量、出血量或其他"})
    _check_volume(volume_ml)
    row = Output(
        record_id=record_id,
        kind=kind,
        name=name.strip() or OUTPUT_KINDS[kind],
        volume_ml=volume_ml,
        at=check_time(gate, at),
        note=note,
        by=actor.actor_id,
        by_name=actor.actor_name,
        idempotency_key=idempotency_key or None,
    )
    add(row)
    tell(gate, actor, "add_output", what=WHAT, after={"id": row.id, "name": row.name, "ml": plain(volume_ml)})
    return row


def correct_intake(actor: Actor, intake_id: int, changes: Mapping[str, Any], reason: str) -> Intake:
    """Correct a bag with a reason; what it was is kept."""
    row = _intake(intake_id)
    gate = _check_change(row, changes, _INTAKE_FIELDS)
    if "category" in changes and changes["category"] not in CATEGORIES:
        raise InvalidInput(fields={"category": "请选择液体类别"})
    wanted = {name: changes.get(name, getattr(row, name)) for name in ("start_at", "end_at", "category", "bag_no")}
    _check_end(gate, check_time(gate, wanted["start_at"], "start_at"), wanted["end_at"])
    _check_blood(wanted["category"], wanted["bag_no"], changes.get("checked_by", row.checked_by), actor)
    _amend(actor, gate, row, changes, reason, "correct_intake")
    return row


def correct_output(actor: Actor, output_id: int, changes: Mapping[str, Any], reason: str) -> Output:
    """Correct a loss with a reason; what it was is kept."""
    row = _output(output_id)
    gate = _check_change(row, changes, _OUTPUT_FIELDS)
    if "kind" in changes and changes["kind"] not in OUTPUT_KINDS:
        raise InvalidInput(fields={"kind": "请选择尿量、出血量或其他"})
    if "at" in changes:
        check_time(gate, changes["at"])
    _amend(actor, gate, row, changes, reason, "correct_output")
    return row


def void_intake(actor: Actor, intake_id: int, reason: str) -> Intake:
    """Withdraw a bag; it stays readable."""
    row = _intake(intake_id)
    _void(actor, row, reason, "void_intake")
    return row


def void_output(actor: Actor, output_id: int, reason: str) -> Output:
    """Withdraw a loss; it stays readable."""
    row = _output(output_id)
    _void(actor, row, reason, "void_output")
    return row


def _intake(intake_id: int) -> Intake:
    row = db.session.get(Intake, intake_id)
    if row is None:
        raise NotFound("没有找到这条入量记录。")
    return row


def _output(output_id: int) -> Output:
    row = db.session.get(Output, output_id)
    if row is None:
        raise NotFound("没有找到这条出量记录。")
    return row


def _check_change(row: Intake | Output, changes: Mapping[str, Any], allowed: frozenset[str]) -> Gate:
    gate = pass_gate(row.record_id)
    if row.voided_at is not None:
        raise Conflict("这条记录已作废。", code="voided")
    unknown = set(changes) - allowed
    if unknown:
        raise InvalidInput(f"不能更正的内容：{'、'.join(sorted(unknown))}")
    if "volume_ml" in changes:
        _check_volume(changes["volume_ml"])
    return gate


def _amend(actor: Actor, gate: Gate, row: Intake | Output, changes: Mapping[str, Any], reason: str, verb: str) -> None:
    text = need_reason(reason)
    before, after = amend(row, actor, changes, text)
    if before:
        tell(gate, actor, verb, what=WHAT, before={"id": row.id, "name": row.name, **before}, after=after, reason=text)


def _void(actor: Actor, row: Intake | Output, reason: str, verb: str) -> None:
    gate = pass_gate(row.record_id)
    if row.voided_at is not None:
        return
    text = need_reason(reason)
    row.voided_at, row.void_reason = clock.now(), text
    db.session.flush()
    tell(gate, actor, verb, what=WHAT, before={"id": row.id, "name": row.name, "ml": row.volume_ml}, reason=text)


def _fluid(term_code: str, name: str, category: str) -> tuple[str, str]:
    term = terminology.find("fluid", term_code) if term_code else None
    if term_code and term is None:
        raise InvalidInput(fields={"term_code": "液体字典中没有这一项，请重新选择"})
    text = name.strip() or (term.name if term else "")
    kind = category or (term.text("category") if term else "")
    if not text:
        raise InvalidInput(fields={"name": "请选择液体，或填写名称"})
    if kind not in CATEGORIES:
        raise InvalidInput(fields={"category": "请选择液体类别"})
    return text, kind


def _check_volume(volume_ml: Any) -> None:
    if not isinstance(volume_ml, Decimal) or not volume_ml.is_finite():
        raise InvalidInput(fields={"volume_ml": "请填写毫升数"})
    if not 0 <= volume_ml <= _MOST_ML or volume_ml != volume_ml.quantize(Decimal("0.1")):
        raise InvalidInput(fields={"volume_ml": "毫升数应在 0–20000 之间，最多 1 位小数"})


def _check_end(gate: Gate, start: datetime, end: datetime | None) -> None:
    if end is not None and check_time(gate, end, "end_at") < start:
        raise InvalidInput(fields={"end_at": "结束时间早于开始时间"})


def _check_blood(category: str, bag_no: str, checked_by: str, actor: Actor) -> None:
    if category != "blood_product":
        return
    fields = {}
    if not bag_no.strip():
        fields["bag_no"] = "请扫描或填写血袋号"
    if not checked_by.strip():
        fields["checked_by"] = "输血须双人核对，请填写核对人"
    elif checked_by.strip() == actor.actor_name:
        fields["checked_by"] = "核对人不能是本人"
    if fields:
        raise InvalidInput(fields=fields)


def _check_bag_is_new(category: str, name: str, bag_no: str) -> None:
    """One donation gives several components under one number, so the name counts as well."""
    if category != "blood_product":
        return
    twin = db.session.scalar(
        select(Intake.record_id).where(
            Intake.bag_no == bag_no.strip(),
            Intake.category == category,
            Intake.name == name,
            Intake.voided_at.is_(None),
        )
    )
    if twin is not None:
        raise Conflict("这个血袋号已记录过，请核对。", code="bag_used", details={"record_id": twin})
