"""Commands on charted values: type one in, correct one. Neither loads the rest of the record."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from sqlalchemy import bindparam, select

from app.anesthesia.models import ChartReading, ReadingCorrection
from app.anesthesia.rules import Parameter, Verdict, judge, parameter, slot_for
from app.anesthesia.service.gate import Gate, add, already, ask, check_time, need_reason, pass_gate, tell
from app.clinical.dosing import plain
from app.core import clock
from app.core.audit import Actor
from app.core.db import db
from app.core.errors import Conflict, InvalidInput, NotFound


def record_reading(
    actor: Actor,
    record_id: int,
    code: str,
    slot_at: datetime,
    value: Decimal,
    *,
    confirm: bool = False,
    idempotency_key: str = "",
) -> ChartReading:
    """Chart a typed value at a moment; it stands on the grid line of that moment's cell.

    Raises `InvalidInput` (code `needs_confirmation` beyond the soft limits unless `confirm`), `Conflict` (code
    `slot_taken`) when another value stands there, which is then corrected with a reason, and `Locked`.
    """
    earlier = already(ChartReading, idempotency_key, record_id)
    if earlier is not None:
        return earlier
    gate = pass_gate(record_id)
    item = _parameter(code)
    _check_value(item, value, confirm)
    at = check_time(gate, slot_at, "slot_at")
    slot = clock.from_ms(slot_for(clock.to_ms(at), gate.interval_minutes, gate.rescue).at_ms)
    taken = _reading_at(record_id, code, slot)
    if taken is not None:
        return _same_or_conflict(taken, value, item)
    reading = ChartReading(
        record_id=record_id,
        code=code,
        slot_at=slot,
        at=at,
        value=value,
        unit=item.unit,
        source="manual",
        state="manual",
        by_name=actor.actor_name,
        idempotency_key=idempotency_key or None,
    )
    add(reading)
    tell(gate, actor, "record_reading", after={"code": code, "at": at, "value": value})
    return reading


def record_readings(
    actor: Actor,
    record_id: int,
    slot_at: datetime,
    values: Mapping[str, Decimal],
    *,
    confirm: bool = False,
    idempotency_key: str = "",
) -> list[ChartReading]:
    """Chart several typed values of one moment, all or none. Pressures must be systolic > diastolic."""
    for high, low in (("NIBP_S", "NIBP_D"), ("ART_S", "ART_D")):
        if high in values and low in values and values[high] < values[low]:
            raise InvalidInput(fields={low: "舒张压高于收缩压，请检查是否填反"})
    return [
        record_reading(
            actor,
            record_id,
            code,
            slot_at,
            value,
            confirm=confirm,
            idempotency_key=f"{idempotency_key}:{code}" if idempotency_key else "",
        )
        for code, value in values.items()
    ]


def _parameter(code: str) -> Parameter:
    item = parameter(code)
    if item is None:
        raise InvalidInput(fields={"code": f"麻醉记录中没有「{code}」这一项"})
    return item


def _check_value(item: Parameter, value: Decimal, confirm: bool) -> None:
    judgement = judge(item, value)
    if judgement.verdict is Verdict.REFUSE:
        raise InvalidInput(fields={"value": judgement.message}, code="out_of_limits")
    if judgement.verdict is Verdict.ASK and not confirm:
        raise ask(judgement.message, "value")


# Built once: building a statement costs more than running it.
_PLACE = select(ChartReading).where(
    ChartReading.record_id == bindparam("record"),
    ChartReading.code == bindparam("row"),
    ChartReading.slot_at == bindparam("slot"),
)


def _reading_at(record_id: int, code: str, slot: datetime) -> ChartReading | None:
    return db.session.scalar(_PLACE, {"record": record_id, "row": code, "slot": slot})


def _same_or_conflict(taken: ChartReading, value: Decimal, item: Parameter) -> ChartReading:
    if taken.value == value:
        return taken
    held = "伪差" if taken.value is None else f"{plain(taken.value)} {item.unit}".rstrip()
    when = clock.to_hospital(taken.slot_at)
    raise Conflict(
        f"{when:%H:%M} 已有{item.label} {held}，如需修改请用更正并说明理由。",
        code="slot_taken",
        details={"reading_id": taken.id, "value": taken.value},
    )


def correct_reading(
    actor: Actor,
    reading_id: int,
    value: Decimal | None,
    reason: str,
    *,
    confirm: bool = False,
    idempotency_key: str = "",
    seen: Decimal | None = None,
) -> ChartReading:
    """Change a charted value with a reason; `value` None strikes it out as artefact. The first value and every
    step stay readable. `seen`: the value the person saw; when it has changed meanwhile, `Conflict`.
    """
    reading = db.session.get(ChartReading, reading_id)
    if reading is None:
        raise NotFound("没有找到这个数值。")
    if already(ReadingCorrection, idempotency_key, reading.record_id) is not None:
        return reading
    gate = pass_gate(reading.record_id)
    text = need_reason(reason)
    if seen is not None and reading.value != seen:
        raise Conflict()
    if value is not None:
        _check_value(_parameter(reading.code), value, confirm)
    if value == reading.value:
        return reading
    _correct(actor, gate, reading, value, text, idempotency_key)
    return reading


def _correct(
    actor: Actor, gate: Gate, reading: ChartReading, value: Decimal | None, reason: str, idempotency_key: str
) -> None:
    before = reading.value
    first = db.session.scalar(select(ReadingCorrection.id).where(ReadingCorrection.reading_id == reading.id).limit(1))
    if first is None:
        reading.original = before
    reading.value, reading.state = value, "manual"
    add(
        ReadingCorrection(
            record_id=reading.record_id,
            reading_id=reading.id,
            old=before,
            new=value,
            reason=reason,
            by=actor.actor_id,
            by_name=actor.actor_name,
            at=clock.now(),
            idempotency_key=idempotency_key or None,
        )
    )
    tell(
        gate,
        actor,
        "correct_reading",
        before={"reading": reading.id, "code": reading.code, "value": before},
        after={"value": value},
        reason=reason,
    )
