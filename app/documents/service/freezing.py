"""Freezing: what a complete set of signatures stands for, kept as canonical JSON and as paper, never redrawn."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app.anesthesia.models import RecordSnapshot
from app.anesthesia.queries import record_of_case
from app.anesthesia.service.snapshots import freeze_record
from app.anesthesia.service.snapshots import sheet_of as frozen_record
from app.charting.record import PrintStamp
from app.core import audit, clock
from app.core.audit import Actor
from app.core.db import db
from app.documents import ports
from app.documents.gather import gather
from app.documents.models import Document, FrozenCopy
from app.documents.ports import ChartPages
from app.documents.queries.sheets import hospital_name, sheet_of
from app.documents.service.common import valid_signatures
from app.documents.sheet import Sheet, sheet_from_json


def frozen_copy(document: Document) -> FrozenCopy | None:
    """The last frozen copy; None while the document is not signed."""
    return db.session.scalar(
        select(FrozenCopy).where(FrozenCopy.document_id == document.id).order_by(FrozenCopy.id.desc()).limit(1)
    )


def freeze(actor: Actor, document: Document, cause: str) -> FrozenCopy:
    """Keep canonical JSON, digests and PDF of what was signed; the time stamp follows (`stamping`).

    A document that was frozen before keeps its frozen words and chart: only signatures that came later are added,
    live data never is. Raises `Conflict` when no paper can be made.
    """
    db.session.flush()
    last = frozen_copy(document)
    now = sheet_of(document, gather(document.case))
    if last is None:
        sheet, chart = now, _freeze_chart(actor, document, now)
    else:
        kept = json.loads(last.canonical)
        sheet = replace(sheet_from_json(kept["sheet"]), signatures=now.signatures)
        chart = kept.get("chart")
    canonical = _canonical(document, sheet, chart)
    if last is not None and last.canonical == canonical and last.pdf:
        return _keep(document, cause, canonical, last.pdf)
    paper = replace(sheet, digest=ports.sha256(canonical), sm3=ports.sm3(canonical))
    return _keep(document, cause, canonical, ports.renderer()(paper, chart=chart_pages(chart)))


def _keep(document: Document, cause: str, canonical: str, pdf: bytes) -> FrozenCopy:
    digest = ports.sha256(canonical)
    copy = FrozenCopy(
        document_id=document.id,
        cause=cause,
        canonical=canonical,
        sha256=digest,
        sm3=ports.sm3(canonical),
        pdf=pdf,
        pdf_sha256=ports.sha256(pdf),
    )
    db.session.add(copy)
    db.session.flush()
    return copy


def canonical_text(document: Document) -> str:
    """Canonical JSON of everything that the signatures stand for: as frozen, or as it would be frozen now."""
    last = frozen_copy(document)
    if last is not None:
        return last.canonical
    return _canonical(document, sheet_of(document, gather(document.case)), None)


def _canonical(document: Document, sheet: Sheet, chart: dict[str, Any] | None) -> str:
    signatures = [
        {"slot": row.slot, "user": row.user_id, "name": row.name, "method": row.method, "image": row.image,
         "at": row.signed_at.isoformat(), "digest": row.content_digest}
        for row in valid_signatures(document)
    ]  # fmt: skip
    content = {
        "uid": document.uid,
        "kind": document.kind,
        "version": document.version_no,
        "definition": document.definition.digest,
        "values": document.content.values,
        "sheet": sheet.to_json(),
        "signatures": signatures,
    }
    return audit.canonical({**content, "chart": chart} if chart else content)


def _freeze_chart(actor: Actor, document: Document, sheet: Sheet) -> dict[str, Any] | None:
    """Number, digest and stamp of the snapshot of the anesthesia record, for kinds that print its chart."""
    record = record_of_case(document.case_id) if sheet.chart_case_id is not None else None
    if record is None:
        return None
    snapshot = freeze_record(actor, record.id, hospital_name(), counted=False)
    return {
        "record": record.id,
        "number": snapshot.number,
        "digest": snapshot.digest,
        "amendments": record.amendments,
        "at": clock.now().isoformat(),
        "by": actor.actor_name,
    }


def chart_pages(chart: dict[str, Any] | None) -> ChartPages | None:
    """The frozen chart that a canonical JSON names, ready to be drawn."""
    if not chart:
        return None
    snapshot = db.session.scalars(
        select(RecordSnapshot).where(
            RecordSnapshot.record_id == chart["record"], RecordSnapshot.number == chart["number"]
        )
    ).one()
    stamp = PrintStamp(
        printed_at=datetime.fromisoformat(chart["at"]),
        snapshot_no=snapshot.number,
        amendments=chart["amendments"],
        digest=snapshot.digest,
        printed_by=chart["by"],
    )
    return frozen_record(snapshot), stamp
