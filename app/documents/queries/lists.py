"""The list of the documents of a case with what is missing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import lazyload, selectinload

from app.core import clock
from app.core.db import db
from app.documents.definition import Kind, Stage
from app.documents.facts import CaseFacts, FormEnvironment
from app.documents.gather import gather_all
from app.documents.kinds import all_kinds, kind_of
from app.documents.models import Document
from app.documents.rules.case import DocumentState, Finding, case_findings
from app.documents.rules.completeness import Gap, blocking, fill, gaps, signature_gaps
from app.patients.models import Encounter, Patient
from app.scheduling.models import SurgicalCase


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """A document in the list of its case."""

    document: Document
    kind: Kind
    gaps: tuple[Gap, ...]
    due_at: datetime | None
    overdue: bool

    @property
    def open_count(self) -> int:
        """How many things still stop it."""
        return len(blocking(list(self.gaps)))


@dataclass(frozen=True, slots=True)
class WantedRow:
    """A document the case needs that nobody has begun."""

    kind: Kind
    due_at: datetime | None
    overdue: bool


@dataclass(frozen=True, slots=True)
class CaseFolder:
    """Everything on the documents of a case."""

    case: SurgicalCase
    facts: CaseFacts
    rows: tuple[DocumentRow, ...]
    struck: tuple[Document, ...]
    wanted: tuple[WantedRow, ...]
    offered: tuple[Kind, ...]
    findings: tuple[Finding, ...]

    @property
    def open_count(self) -> int:
        """How many things are missing in the whole case."""
        return sum(row.open_count for row in self.rows) + len(self.findings)


# What every operation needs; further kinds are needed when their own condition holds.
BASIC = ("preop_visit", "anesthesia_consent", "safety_check", "surgical_risk", "anesthesia_record", "postop_visit")


# What gathering the facts of many cases reads of each, in one query a relation.
WITH_ALL = (
    selectinload(SurgicalCase.patient).selectinload(Patient.allergies),
    selectinload(SurgicalCase.department),
    selectinload(SurgicalCase.encounter).selectinload(Encounter.department),
)


def case_folder(case: SurgicalCase) -> CaseFolder:
    """The documents of the case, what they lack, and what the case still needs."""
    return case_folders([case])[0]


def case_folders(cases: Sequence[SurgicalCase]) -> list[CaseFolder]:
    """The folders of many cases, in their order, with as many queries as for one."""
    documents: dict[int, list[Document]] = {case.id: [] for case in cases}
    statement = select(Document).where(Document.case_id.in_(documents)).order_by(Document.id)
    # The cases are at hand and the definitions are few: neither is read and decoded again beside every document.
    for document in db.session.scalars(
        statement.options(selectinload(Document.content), selectinload(Document.definition), lazyload(Document.case))
    ):
        documents[document.case_id].append(document)
    kinds, now = all_kinds(), clock.now()
    return [
        _folder(case, documents[case.id], facts, kinds, now)
        for case, facts in zip(cases, gather_all(cases), strict=True)
    ]


def _folder(
    case: SurgicalCase, documents: Sequence[Document], facts: CaseFacts, kinds: Mapping[str, Kind], now: datetime
) -> CaseFolder:
    current = [document for document in documents if document.struck_at is None]
    rows = tuple(document_row(document, facts, now) for document in current)
    begun = {document.kind for document in current}
    environment = FormEnvironment({}, facts)
    wanted, offered = [], []
    for kind in kinds.values():
        if kind.key in begun:
            if kind.repeatable:
                offered.append(kind)
            continue
        needed = kind.when.holds(environment) if kind.when else kind.key in BASIC
        if needed and not facts.cancelled:
            due = due_at(kind, facts)
            wanted.append(WantedRow(kind, due, due is not None and due < now))
        else:
            offered.append(kind)
    return CaseFolder(
        case=case,
        facts=facts,
        rows=rows,
        struck=tuple(document for document in documents if document.struck_at is not None),
        wanted=tuple(wanted),
        offered=tuple(offered),
        findings=tuple(case_findings(facts, [state_of(document) for document in current], now)),
    )


def document_row(document: Document, facts: CaseFacts, now: datetime) -> DocumentRow:
    """A document with what it lacks."""
    kind = kind_of(document)
    filled = fill(kind, document.content.values, facts)
    signed = {row.slot for row in document.signatures if row.withdrawn_at is None}
    due = due_at(kind, facts)
    late = due is not None and due < now and document.state not in ("signed", "archived")
    found = [*gaps(filled, Stage.ARCHIVE), *signature_gaps(filled, signed)] if document.state != "archived" else []
    return DocumentRow(document, kind, tuple(found), due, late)


def due_at(kind: Kind, facts: CaseFacts) -> datetime | None:
    """When a document of this kind has to be signed; None while its event has not happened."""
    if kind.due is None:
        return None
    event = facts.times.get(kind.due.event)
    return event + timedelta(minutes=kind.due.minutes) if event else None


def state_of(document: Document) -> DocumentState:
    """What the rules of the whole case look at."""
    valid = [row for row in document.signatures if row.withdrawn_at is None]
    return DocumentState(
        document.id,
        document.kind,
        document.state,
        frozenset(row.slot for row in valid),
        document.signed_at,
        document.content.values,
        {row.slot: row.signed_at for row in valid},
        _stages_began(document) if document.kind == "safety_check" else {},
    )


_STAGE_SECTIONS = {"induction": "before_induction", "incision": "before_incision", "leaving": "before_leaving"}


def _stages_began(document: Document) -> dict[str, datetime]:
    """When somebody began to answer each stage of the safety check; a stage without answers has no time."""
    kind, meta, made = kind_of(document), document.content.meta, {}
    for stage, key in _STAGE_SECTIONS.items():
        section = kind.section(key)
        moments = [datetime.fromisoformat(meta[item.key]["at"]) for item in (section.fields if section else ())
                   if item.key in meta and not meta[item.key].get("origin")]  # fmt: skip
        if moments:
            made[stage] = min(moments)
    return made
