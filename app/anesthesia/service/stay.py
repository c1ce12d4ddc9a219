"""The chart follows a corrected stay in the room: automatic values outside it go, the span that was won is filled."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, or_, select

from app.anesthesia.models import AnesthesiaRecord, ChartReading
from app.anesthesia.service.filling import fill_chart, stay_of
from app.anesthesia.service.gate import pass_gate, plain_json, tell
from app.clinical.dosing import plain
from app.core import clock
from app.core.audit import Actor
from app.core.db import db
from app.devices.models import Binding


def follow_stay(actor: Actor, case_id: int, old: datetime, new: datetime, reason: str) -> int:
    """After a time of entering or leaving moved from `old` to `new`: chart what now belongs to the case and take off
    what does not. Only values that the device set by itself go, each with its value in the audit; they come back
    from the raw data when the time is moved back. Gives how many places changed. Raises `Locked`.
    """
    record = db.session.scalar(select(AnesthesiaRecord.id).where(AnesthesiaRecord.case_id == case_id))
    if record is None or old == new:
        return 0
    gate = pass_gate(record)
    around = timedelta(minutes=gate.interval_minutes)
    outside = _outside(record, case_id, (old - around, old + around))
    before = [
        [plain_json(row.slot_at), row.code, plain(row.value) if row.value is not None else None] for row in outside
    ]
    for row in outside:
        db.session.delete(row)
    db.session.flush()
    start, end = min(old, new) - around, min(max(old, new) + around, clock.now())
    devices = db.session.scalars(select(Binding.device_id).where(Binding.case_id == case_id).distinct()).all()
    filled = fill_chart(actor, devices, clock.to_ms(start), clock.to_ms(end), now_ms=clock.now_ms())
    if outside or filled:
        after = {"removed": len(outside), "filled": filled}
        tell(gate, actor, "follow_stay", before={"readings": before}, after=after, reason=reason.strip())
    return len(outside) + filled


def _outside(record_id: int, case_id: int, edge: tuple[datetime, datetime]) -> list[ChartReading]:
    """Automatic values whose place or moment lies before entering or after leaving; and those at the edge that the
    stay had, because what is nearest to their line is chosen anew when the edge is gone.
    """
    start, end = stay_of(case_id)
    limits: list[ColumnElement[bool]] = [ChartReading.slot_at.between(*edge)]
    limits += [column < start for column in (ChartReading.slot_at, ChartReading.at) if start is not None]
    limits += [column > end for column in (ChartReading.slot_at, ChartReading.at) if end is not None]
    return list(
        db.session.scalars(
            select(ChartReading)
            .where(ChartReading.record_id == record_id, ChartReading.state == "auto", or_(*limits))
            .order_by(ChartReading.slot_at, ChartReading.code)
        )
    )
