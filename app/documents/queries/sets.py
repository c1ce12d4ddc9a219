"""Sets of documents for the print centre: a patient's, a day's, or what a query finds, in the order of the record."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import joinedload, selectinload

from app.core.db import db
from app.documents.facts import CaseFacts
from app.documents.gather import gather
from app.documents.kinds import all_kinds
from app.documents.models import Document
from app.documents.queries.records import RecordQuery, search_records
from app.documents.service.paper import Check, check_of
from app.documents.service.printing import copies_of
from app.patients.models import Encounter, Patient
from app.scheduling.models import SurgicalCase

MAX_SET = 1000


@dataclass(frozen=True, slots=True)
class SetRow:
    """A document of a set before it is ordered: what it may print as, what it lacks, how often it was printed."""

    document: Document
    check: Check
    copies: int


def patient_set(number: str) -> list[Document]:
    """All current documents of a patient, a stay or a case by 病人ID, 住院号, 门诊号 or 手术编号."""
    text = number.strip()
    wanted = or_(
        Patient.patient_no == text,
        Encounter.inpatient_no == text,
        Encounter.outpatient_no == text,
        SurgicalCase.case_no == text,
    )
    statement = (
        _current()
        .join(Patient, SurgicalCase.patient_id == Patient.id)
        .outerjoin(Encounter, SurgicalCase.encounter_id == Encounter.id)
        .where(wanted)
    )
    return in_order(db.session.scalars(statement)) if text else []


def day_set(day: date) -> list[Document]:
    """All current documents of the cases of a hospital day."""
    return in_order(db.session.scalars(_current().where(SurgicalCase.day == day)))


def query_set(query: RecordQuery) -> list[Document]:
    """What the records query finds."""
    return [] if query.is_blank else in_order(search_records(query, MAX_SET))


def documents_by_id(wanted: Iterable[int]) -> list[Document]:
    """Current documents in the order of the record; unknown and struck ones are left out."""
    return in_order(db.session.scalars(_current().where(Document.id.in_(list(wanted)))))


def _current() -> Select[Document]:
    return (
        select(Document)
        .join(SurgicalCase, Document.case_id == SurgicalCase.id)
        .where(Document.struck_at.is_(None))
        .options(selectinload(Document.content), joinedload(Document.case).joinedload(SurgicalCase.room))
        .limit(MAX_SET)
    )


def in_order(documents: Iterable[Document]) -> list[Document]:
    """By day, room, sequence and case; within a case in the order of the kinds."""
    places = {key: index for index, key in enumerate(all_kinds())}

    def key(document: Document) -> tuple[str, str, int, int, int, int, int]:
        case = document.case
        return (
            case.day.isoformat() if case.day else "",
            case.room.name if case.room else "",
            case.sequence or 0,
            case.id,
            places.get(document.kind, len(places)),
            document.number,
            document.id,
        )

    return sorted(documents, key=key)


def check_set(documents: Sequence[Document]) -> list[SetRow]:
    """Completeness of every document; the facts of a case are gathered once."""
    facts: dict[int, CaseFacts] = {}
    copies = copies_of([document.id for document in documents])
    rows = []
    for document in documents:
        if document.state not in ("signed", "archived") and document.case_id not in facts:
            facts[document.case_id] = gather(document.case)
        rows.append(SetRow(document, check_of(document, facts.get(document.case_id)), copies.get(document.id, 0)))
    return rows
