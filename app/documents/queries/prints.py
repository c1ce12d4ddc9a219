"""The print log."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import or_, select

from app.core import clock
from app.core.db import db
from app.documents.models import Document, PrintEntry
from app.patients.models import Encounter, Patient
from app.scheduling.models import SurgicalCase

MAX_ENTRIES = 300


@dataclass(frozen=True, slots=True)
class LogQuery:
    """What of the log somebody looks for; blank means any. Days are those of the print."""

    text: str = ""
    person: str = ""
    kind: str = ""
    since: date | None = None
    until: date | None = None


def print_log(query: LogQuery) -> Sequence[tuple[PrintEntry, Document]]:
    """Prints with their documents, the newest first."""
    statement = (
        select(PrintEntry, Document)
        .join(Document, PrintEntry.document_id == Document.id)
        .join(SurgicalCase, Document.case_id == SurgicalCase.id)
        .join(Patient, SurgicalCase.patient_id == Patient.id)
        .outerjoin(Encounter, SurgicalCase.encounter_id == Encounter.id)
    )
    if text := query.text.strip():
        statement = statement.where(
            or_(
                Patient.name == text,
                Patient.patient_no == text,
                Encounter.inpatient_no == text,
                SurgicalCase.case_no == text,
            )
        )
    if person := query.person.strip():
        statement = statement.where(PrintEntry.by_name == person)
    if query.kind:
        statement = statement.where(Document.kind == query.kind)
    if query.since:
        statement = statement.where(PrintEntry.created_at >= clock.day_bounds(query.since)[0])
    if query.until:
        statement = statement.where(PrintEntry.created_at < clock.day_bounds(query.until)[1])
    rows = db.session.execute(statement.order_by(PrintEntry.id.desc()).limit(MAX_ENTRIES))
    return [(row[0], row[1]) for row in rows]


def prints_of(document_id: int) -> Sequence[PrintEntry]:
    """Prints of one document, the newest first."""
    statement = select(PrintEntry).where(PrintEntry.document_id == document_id).order_by(PrintEntry.id.desc())
    return list(db.session.scalars(statement))
