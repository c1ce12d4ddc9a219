"""Commands on the record itself: open, technique, rescue mode, finish, lock, reopen."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select

from app.anesthesia.models import AnesthesiaRecord
from app.anesthesia.queries.open_points import case_times, open_points
from app.anesthesia.rules import Finding
from app.anesthesia.service.gate import Gate, check_time, need_reason, pass_gate, tell
from app.core import clock
from app.core.audit import Actor
from app.core.db import db
from app.core.errors import Conflict, InvalidInput, NotFound
from app.scheduling.models import SurgicalCase
from app.scheduling.rules import EventKind

INTERVALS = (1, 2, 3, 5, 10, 15)
TECHNIQUE_FIELDS = frozenset(
    {
        "induction", "airway", "ventilation", "maintenance", "neuraxial", "block", "position", "premedication",
        "fasting", "special_conditions", "pca", "anesthesia_effect", "muscle_power", "reflexes", "orientation",
        "consciousness", "block_level", "leaves_intubated", "disposition", "summary", "method", "method_code",
        "weight_note", "monitoring",
    }
)  # fmt: skip


def open_record(
    actor: Actor, case_id: int, *, interval_minutes: int = 5, at: datetime | None = None
) -> AnesthesiaRecord:
    """The record of a case; made when there is none. One case has one record, however often this is called."""
    of_case = select(AnesthesiaRecord).where(AnesthesiaRecord.case_id == case_id)
    found = db.session.scalar(of_case)
    if found is not None:
        return found
    # Two who open at once wait for each other at the case; the second then finds the record of the first.
    db.session.execute(select(SurgicalCase.id).where(SurgicalCase.id == case_id).with_for_update())
    found = db.session.scalar(of_case)
    if found is not None:
        return found
    case = db.session.get(SurgicalCase, case_id)
    if case is None:
        raise NotFound("没有找到这台手术。")
    if case.cancelled_at is not None:
        raise Conflict("手术已取消，不能建立麻醉记录。")
    if interval_minutes not in INTERVALS:
        raise InvalidInput(fields={"interval_minutes": "记录间隔只能是 1、2、3、5、10 或 15 分钟"})
    record = AnesthesiaRecord(
        case_id=case_id, opened_at=at or clock.now(), opened_by=actor.actor_id, interval_minutes=interval_minutes
    )
    db.session.add(record)
    db.session.flush()
    tell(_gate_of(record, case), actor, "open_record", after={"record": record.id, "interval": interval_minutes})
    return record


def set_technique(
    actor: Actor, record_id: int, changes: Mapping[str, object], *, version: int | None = None
) -> AnesthesiaRecord:
    """Set fields of the technique and leaving blocks. `version`: as the form was drawn. Raises `Conflict`."""
    gate = pass_gate(record_id)
    unknown = set(changes) - TECHNIQUE_FIELDS
    if unknown:
        raise InvalidInput(f"不认识的字段：{'、'.join(sorted(unknown))}")
    record = db.session.get_one(AnesthesiaRecord, record_id)
    if version is not None and record.version != version:
        raise Conflict()
    before = {name: record.technique.get(name) for name in changes if record.technique.get(name) != changes[name]}
    if not before:
        return record
    after = {name: changes[name] for name in before}
    record.technique = {**record.technique, **after}
    db.session.flush()
    tell(gate, actor, "set_technique", what=("technique",), before=before, after=after)
    return record


def enter_rescue_mode(actor: Actor, record_id: int, at: datetime | None = None) -> AnesthesiaRecord:
    """From `at` the record is charted every minute. Calling it again changes nothing."""
    gate = pass_gate(record_id)
    moment = check_time(gate, at)
    record = db.session.get_one(AnesthesiaRecord, record_id)
    if is_in_rescue(record):
        return record
    span = {"start": moment.isoformat(), "end": None, "by": actor.actor_id, "by_name": actor.actor_name}
    record.rescue_spans = [*record.rescue_spans, span]
    db.session.flush()
    tell(gate, actor, "enter_rescue_mode", what=("chart", "rescue"), after={"start": moment})
    return record


def leave_rescue_mode(actor: Actor, record_id: int, at: datetime | None = None) -> AnesthesiaRecord:
    """Back to the routine interval from `at` on. Calling it again changes nothing."""
    gate = pass_gate(record_id)
    moment = check_time(gate, at)
    record = db.session.get_one(AnesthesiaRecord, record_id)
    if not is_in_rescue(record):
        return record
    *earlier, last = record.rescue_spans
    if moment < datetime.fromisoformat(last["start"]):
        raise InvalidInput(fields={"at": "结束时间早于抢救开始时间"})
    record.rescue_spans = [*earlier, {**last, "end": moment.isoformat()}]
    db.session.flush()
    tell(gate, actor, "leave_rescue_mode", what=("chart", "rescue"), after={"end": moment})
    return record


def is_in_rescue(record: AnesthesiaRecord) -> bool:
    """Whether the last rescue span has no end."""
    return rescue_since(record) is not None


def rescue_since(record: AnesthesiaRecord) -> datetime | None:
    """When the rescue that still goes on began, or None."""
    last = record.rescue_spans[-1] if record.rescue_spans else None
    return datetime.fromisoformat(last["start"]) if last and not last["end"] else None


def finish_record(actor: Actor, record_id: int) -> tuple[Finding, ...]:
    """Close the record for writing. Gives what is worth a look; raises `Conflict` (code `unfinished`,
    `details["findings"]`) while something is open that would make a total wrong."""
    gate = pass_gate(record_id)
    findings = open_points(record_id)
    blocking = [finding for finding in findings if finding.blocks]
    if blocking:
        words = "；".join(finding.message for finding in blocking)
        raise Conflict(f"麻醉记录还不能完成：{words}。", code="unfinished", details={"findings": findings})
    record = _hold(record_id)
    record.state, record.finished_at = "finished", clock.now()
    db.session.flush()
    tell(gate, actor, "finish_record", what=("chart", "state"), after={"state": "finished"})
    return findings


def lock_record(actor: Actor, record_id: int) -> AnesthesiaRecord:
    """Lock a finished record. Raises `Conflict` when it is still open, or while the patient is in the room."""
    record = _hold(record_id)
    if record.state == "locked":
        return record
    if record.state != "finished":
        raise Conflict("请先完成麻醉记录，再锁定。", code="not_finished")
    times = case_times(record.case_id)
    if EventKind.IN_ROOM in times and EventKind.OUT_OF_ROOM not in times:
        raise Conflict("患者还没有出手术间，请先记录出手术间时间，再锁定。", code="still_in_room")
    record.state, record.locked_at = "locked", clock.now()
    db.session.flush()
    tell(_gate_of(record), actor, "lock_record", what=("chart", "state"), after={"state": "locked"})
    return record


def reopen_record(actor: Actor, record_id: int, reason: str) -> AnesthesiaRecord:
    """Open a finished or locked record again; the reason is kept and counts as an amendment."""
    text = need_reason(reason)
    record = _hold(record_id)
    if record.state == "open":
        return record
    before = record.state
    record.reopenings = [
        *record.reopenings,
        {
            "at": clock.now().isoformat(),
            "by": actor.actor_id,
            "by_name": actor.actor_name,
            "reason": text,
            "state": before,
        },
    ]
    record.state, record.finished_at, record.locked_at = "open", None, None
    record.amendments += 1
    db.session.flush()
    tell(
        _gate_of(record),
        actor,
        "reopen_record",
        what=("chart", "state"),
        before={"state": before},
        after={"state": "open"},
        reason=text,
    )
    return record


def _hold(record_id: int) -> AnesthesiaRecord:
    statement = select(AnesthesiaRecord).where(AnesthesiaRecord.id == record_id)
    record = db.session.scalar(statement.with_for_update().execution_options(populate_existing=True))
    if record is None:
        raise NotFound("没有找到麻醉记录。")
    return record


def _gate_of(record: AnesthesiaRecord, case: SurgicalCase | None = None) -> Gate:
    case = case or db.session.get_one(SurgicalCase, record.case_id)
    return Gate(
        record.id, case.id, case.patient_id, record.state, record.opened_at, record.interval_minutes, (), case.weight_kg
    )
