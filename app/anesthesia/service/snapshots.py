"""Freezing the record for print: same content, same number; changed content, the next number."""

import json

from sqlalchemy import select

from app.anesthesia.models import AnesthesiaRecord, RecordSnapshot
from app.anesthesia.queries.header import record_sheet
from app.charting.record import PrintStamp, RecordSheet
from app.charting.snapshot import digest, dump_sheet, load_sheet
from app.core import audit, clock
from app.core.audit import Actor
from app.core.db import db
from app.core.errors import NotFound
from app.scheduling.models import SurgicalCase


def freeze_record(actor: Actor, record_id: int, hospital: str = "", *, counted: bool = True) -> RecordSnapshot:
    """The snapshot to print from. While nothing changed since the last one, that one counts one copy more.

    `counted` is False for a signature, which keeps the record without putting it on paper.
    """
    record = db.session.get(AnesthesiaRecord, record_id)
    if record is None:
        raise NotFound("没有找到麻醉记录。")
    last = db.session.scalar(
        select(RecordSnapshot)
        .where(RecordSnapshot.record_id == record_id)
        .order_by(RecordSnapshot.number.desc())
        .limit(1)
    )
    # The present moment moves the live edge only while the case runs; a finished record freezes to the same digest.
    finished = record.finished_at if record.state != "open" else None
    sheet = record_sheet(record.case_id, hospital, finished)
    held = digest(sheet)
    if last is None or last.digest != held:
        last = RecordSnapshot(
            record_id=record_id,
            number=1 if last is None else last.number + 1,
            digest=held,
            content=json.loads(dump_sheet(sheet)),
            printed_at=clock.now(),
            printed_by=actor.actor_id,
            printed_by_name=actor.actor_name,
            copies=0,
        )
        db.session.add(last)
    last.copies += 1 if counted else 0
    db.session.flush()
    patient_id = db.session.scalar(select(SurgicalCase.patient_id).where(SurgicalCase.id == record.case_id))
    audit.record(
        actor,
        "anesthesia.freeze_record",
        f"case:{record.case_id}",
        patient_id=patient_id,
        after={"number": last.number, "digest": held[:8], "copy": last.copies},
    )
    return last


def sheet_of(snapshot: RecordSnapshot) -> RecordSheet:
    """The frozen sheet, never live data."""
    return load_sheet(json.dumps(snapshot.content))


def stamp_of(snapshot: RecordSnapshot, amendments: int, printed_by: str) -> PrintStamp:
    """The footer of a print made now."""
    return PrintStamp(
        printed_at=clock.now(),
        snapshot_no=snapshot.number,
        amendments=amendments,
        digest=snapshot.digest,
        printed_by=printed_by,
        copy_no=snapshot.copies,
    )
