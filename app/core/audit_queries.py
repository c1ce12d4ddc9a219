"""Reads of the audit trail: a page of entries, all of them for a file."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, func, or_, select

from app.core import clock
from app.core.audit import AuditEntry
from app.core.db import db

PAGE_SIZE = 50
OUTCOMES: dict[str, str] = {"done": "完成", "refused": "被拒绝", "failed": "失败"}


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """What to look for; blank means any. Days are hospital days, both inclusive."""

    first_day: date
    last_day: date
    actor: str = ""
    action: str = ""
    outcome: str = ""
    subject: str = ""
    patient_id: int | None = None


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Newest first."""

    entries: tuple[AuditEntry, ...]
    total: int
    number: int
    pages: int


def find_entries(wanted: AuditFilter, number: int = 1) -> AuditPage:
    """Page `number` (from 1) of the entries that fit."""
    conditions = _conditions(wanted)
    total = db.session.scalar(select(func.count(AuditEntry.id)).where(*conditions)) or 0
    pages = max(1, -(-total // PAGE_SIZE))
    number = min(max(1, number), pages)
    statement = select(AuditEntry).where(*conditions).order_by(AuditEntry.id.desc())
    entries = db.session.scalars(statement.offset((number - 1) * PAGE_SIZE).limit(PAGE_SIZE))
    return AuditPage(tuple(entries), total, number, pages)


def all_entries(wanted: AuditFilter) -> Iterator[AuditEntry]:
    """All entries that fit, oldest first, 1 000 rows at a time."""
    statement = select(AuditEntry).where(*_conditions(wanted)).order_by(AuditEntry.id)
    statement = statement.execution_options(yield_per=1000)
    yield from db.session.scalars(statement)


def history_of(subject: str, limit: int = 50) -> list[AuditEntry]:
    """What was done to one thing, newest first."""
    statement = select(AuditEntry).where(AuditEntry.subject == subject).order_by(AuditEntry.id.desc()).limit(limit)
    return list(db.session.scalars(statement))


def _conditions(wanted: AuditFilter) -> list[ColumnElement[bool]]:
    start, _next = clock.day_bounds(wanted.first_day)
    _first, end = clock.day_bounds(wanted.last_day)
    found: list[ColumnElement[bool]] = [AuditEntry.at >= start, AuditEntry.at < end]
    if wanted.actor:
        pattern = f"%{_literal(wanted.actor)}%"
        found.append(or_(AuditEntry.actor_name.like(pattern, escape="\\"), AuditEntry.actor == wanted.actor))
    if wanted.action:
        found.append(AuditEntry.action.like(f"{_literal(wanted.action)}%", escape="\\"))
    if wanted.outcome:
        found.append(AuditEntry.outcome == wanted.outcome)
    if wanted.subject:
        found.append(AuditEntry.subject == wanted.subject)
    if wanted.patient_id is not None:
        found.append(AuditEntry.patient_id == wanted.patient_id)
    return found


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
