"""The records query: documents by patient, staff, procedure, diagnosis, day, state, words and single fields."""

import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, cast, or_, select
from sqlalchemy.orm import InstrumentedAttribute, selectinload

from app.accounts.models import StaffMember
from app.core.db import db
from app.documents.models import Document, DocumentContent, DocumentSignature
from app.documents.queries.field_query import field_fits
from app.patients.models import Encounter, Patient
from app.scheduling.models import StaffAssignment, SurgicalCase

MAX_RESULTS = 200
STRUCK = "struck"  # asked as a state: versions that a later one replaced, and discarded drafts
_AT_A_TIME = 200


@dataclass(frozen=True, slots=True)
class RecordQuery:
    """What somebody looks for; blank means any. `field` is `kind.key` or `kind.table.column`, compared by `field_op`."""

    text: str = ""
    kind: str = ""
    state: str = ""
    person: str = ""
    procedure: str = ""
    diagnosis: str = ""
    since: date | None = None
    until: date | None = None
    field: str = ""
    field_op: str = ""
    field_value: str = ""
    words: str = ""

    @property
    def is_blank(self) -> bool:
        """Whether nothing was asked."""
        return self == RecordQuery()


def search_records(query: RecordQuery, limit: int = MAX_RESULTS) -> list[Document]:
    """Documents that fit everything asked, the newest first."""
    found: list[Document] = []
    rows = db.session.scalars(_statement(query).execution_options(yield_per=_AT_A_TIME))
    with closing(rows):
        for document in rows:
            if _fits(document, query):
                found.append(document)
            if len(found) == limit:
                break
    return found


def _statement(query: RecordQuery) -> Select[Document]:
    statement = (
        select(Document)
        .join(SurgicalCase, Document.case_id == SurgicalCase.id)
        .join(Patient, SurgicalCase.patient_id == Patient.id)
        .outerjoin(Encounter, SurgicalCase.encounter_id == Encounter.id)
        .join(DocumentContent, DocumentContent.document_id == Document.id)
        .options(selectinload(Document.content))
        .order_by(SurgicalCase.day.desc(), Document.id.desc())
    )
    return statement.where(*_by_identity(query), *_by_document(query), *_by_case(query))


def _by_document(query: RecordQuery) -> list[ColumnElement[bool]]:
    asked: list[ColumnElement[bool]] = []
    if query.state == STRUCK:
        asked.append(Document.struck_at.is_not(None))
    else:
        asked.append(Document.struck_at.is_(None))
        if query.state:
            asked.append(Document.state == query.state)
    if kind := query.kind or query.field.partition(".")[0]:
        asked.append(Document.kind == kind)
    if query.words:
        asked.append(DocumentContent.text.ilike(_like(query.words), escape="\\"))
    return asked


def _by_case(query: RecordQuery) -> list[ColumnElement[bool]]:
    asked: list[ColumnElement[bool]] = []
    if query.person:
        asked.append(_by_person(query.person))
    if query.procedure:
        named = (SurgicalCase.procedures, SurgicalCase.performed_procedures)
        asked.append(or_(*(_mentions(column, query.procedure) for column in named)))
    if query.diagnosis:
        asked.append(_mentions(SurgicalCase.diagnoses, query.diagnosis))
    if query.since:
        asked.append(SurgicalCase.day >= query.since)
    if query.until:
        asked.append(SurgicalCase.day <= query.until)
    return asked


def _by_person(person: str) -> ColumnElement[bool]:
    """Somebody of the case, the writer, or a signatory: by name; staff also by pinyin and 工号."""
    name, lower = _like(person), _like(person.lower()).removeprefix("%")
    staff = or_(
        StaffMember.pinyin.ilike(lower, escape="\\"),
        StaffMember.pinyin_full.ilike(lower, escape="\\"),
        StaffMember.code == person.strip(),
    )
    return or_(
        SurgicalCase.assignments.any(
            or_(StaffAssignment.name.ilike(name, escape="\\"), StaffAssignment.staff.has(staff))
        ),
        Document.created_by_name.ilike(name, escape="\\"),
        Document.signatures.any(
            DocumentSignature.withdrawn_at.is_(None) & DocumentSignature.name.ilike(name, escape="\\")
        ),
    )


def _mentions(column: InstrumentedAttribute[Any], words: str) -> ColumnElement[bool]:
    """Whether the JSON has the words somewhere, plain or escaped as it may be stored; `_fits` looks closer."""
    text = cast(column, Text)
    written = json.dumps(words.strip())[1:-1]
    return or_(text.ilike(_like(words), escape="\\"), text.ilike(_like(written), escape="\\"))


def _by_identity(query: RecordQuery) -> list[ColumnElement[bool]]:
    text = query.text.strip()
    if not text:
        return []
    lower = _like(text.lower()).removeprefix("%")
    return [
        or_(
            Patient.name.ilike(_like(text), escape="\\"),
            Patient.pinyin.ilike(lower, escape="\\"),
            Patient.pinyin_full.ilike(lower, escape="\\"),
            Patient.patient_no == text,
            Encounter.inpatient_no == text,
            Encounter.outpatient_no == text,
            SurgicalCase.case_no == text,
        )
    ]


def excerpt(document: Document, words: str, around: int = 18) -> str:
    """The place in the text of a document where the words stand; empty when they do not."""
    text, word = document.content.text, words.strip()
    at = text.find(word) if word else -1
    if at < 0:
        return ""
    start, end = max(0, at - around), min(len(text), at + len(word) + around)
    told = " ".join(text[start:end].split())
    return f"{'…' if start else ''}{told}{'…' if end < len(text) else ''}"


def _like(text: str) -> str:
    escaped = text.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _fits(document: Document, query: RecordQuery) -> bool:
    case = document.case
    if query.procedure and not _named([*case.procedures, *case.performed_procedures], query.procedure):
        return False
    if query.diagnosis and not _named(case.diagnoses, query.diagnosis):
        return False
    return not query.field or field_fits(document, query.field, query.field_op, query.field_value)


def _named(items: Sequence[Mapping[str, Any]], text: str) -> bool:
    """Whether an item has the words in its name, or a code that begins with them: K80 finds K80.100."""
    word = text.strip().casefold()
    return any(
        word in str(item.get("name") or "").casefold() or str(item.get("code") or "").casefold().startswith(word)
        for item in items
    )
