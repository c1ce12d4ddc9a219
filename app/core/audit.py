"""The audit trail: append-only by triggers, hash-chained, written in the transaction of what it tells of."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, cast

from flask import g, has_request_context, request
from sqlalchemy import DDL, Index, String, Table, Text, event, insert, select, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.db import Base, db

GENESIS = "0" * 64
# Any constant: serialises the writers of the chain on PostgreSQL (SQLite has one writer anyway).
_CHAIN_LOCK = 0x6D61_6665


class Actor(Protocol):
    """Who acts: a signed-in user, a device bridge, the interface engine, a job."""

    @property
    def actor_id(self) -> str: ...

    @property
    def actor_name(self) -> str: ...


@dataclass(frozen=True, slots=True)
class SystemActor:
    """A process that acts by itself."""

    actor_id: str
    actor_name: str


class AuditEntry(Base):
    """One thing that was done. Rows are never changed or deleted."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_patient_at", "patient_id", "at"),
        Index("ix_audit_entry_subject", "subject"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(comment="UTC")
    actor: Mapped[str] = mapped_column(String(64), comment="user:<id>, bridge:<name>, job:<name>, his")
    actor_name: Mapped[str] = mapped_column(String(64))
    workstation: Mapped[str] = mapped_column(String(64), default="", comment="address of the workstation")
    action: Mapped[str] = mapped_column(String(64), comment="room.verb, e.g. scheduling.move_case")
    subject: Mapped[str] = mapped_column(String(64), default="", comment="case:12, user:3 …")
    patient_id: Mapped[int | None] = mapped_column(default=None)
    outcome: Mapped[str] = mapped_column(String(16), default="done", comment="done, refused, failed")
    before: Mapped[str] = mapped_column(Text, default="", comment="canonical JSON")
    after: Mapped[str] = mapped_column(Text, default="", comment="canonical JSON")
    reason: Mapped[str] = mapped_column(Text, default="")
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64), unique=True)

    def digest(self) -> str:
        """SHA-256 over the previous hash and every told field."""
        fields = [
            self.previous_hash,
            self.at.isoformat(timespec="microseconds"),
            self.actor,
            self.actor_name,
            self.workstation,
            self.action,
            self.subject,
            self.patient_id,
            self.outcome,
            self.before,
            self.after,
            self.reason,
        ]
        return hashlib.sha256(canonical(fields).encode()).hexdigest()


SQLITE_GUARDS = (
    "CREATE TRIGGER IF NOT EXISTS audit_entry_no_update BEFORE UPDATE ON audit_entry "
    "BEGIN SELECT RAISE(ABORT, 'audit_entry is append-only'); END",
    "CREATE TRIGGER IF NOT EXISTS audit_entry_no_delete BEFORE DELETE ON audit_entry "
    "BEGIN SELECT RAISE(ABORT, 'audit_entry is append-only'); END",
)
POSTGRESQL_GUARDS = (
    "CREATE OR REPLACE FUNCTION audit_entry_guard() RETURNS trigger AS $$ "
    "BEGIN RAISE EXCEPTION 'audit_entry is append-only'; END $$ LANGUAGE plpgsql",
    "DROP TRIGGER IF EXISTS audit_entry_append_only ON audit_entry",
    "CREATE TRIGGER audit_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry "
    "FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_guard()",
)
for _statement in SQLITE_GUARDS:
    event.listen(AuditEntry.__table__, "after_create", DDL(_statement).execute_if(dialect="sqlite"))  # type: ignore[no-untyped-call]
for _statement in POSTGRESQL_GUARDS:
    event.listen(
        AuditEntry.__table__,
        "after_create",
        DDL(_statement.replace("%", "%%")).execute_if(dialect="postgresql"),  # type: ignore[no-untyped-call]
    )


# Built once: every command asks it.
_ENTRIES = cast(Table, AuditEntry.__table__)
_LAST_HASH = select(_ENTRIES.c.hash).order_by(_ENTRIES.c.id.desc()).limit(1)
_INSERT = insert(_ENTRIES)
_COLUMNS = tuple(column.name for column in _ENTRIES.columns if column.name != "id")


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces: the same value gives the same text."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)


def record(
    actor: Actor,
    action: str,
    subject: str = "",
    *,
    patient_id: int | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    reason: str = "",
    outcome: str = "done",
) -> AuditEntry:
    """Write one entry in the current transaction; a detached copy. `before` and `after` hold only what changed."""
    session = db.session()
    session.flush()
    connection = session.connection()  # without the ORM: every command passes here
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _CHAIN_LOCK})
    last = connection.scalar(_LAST_HASH)
    entry = AuditEntry(
        at=clock.now(),
        actor=actor.actor_id,
        actor_name=actor.actor_name,
        workstation=_workstation(),
        action=action,
        subject=subject,
        patient_id=patient_id,
        before=canonical(before) if before else "",
        after=canonical(after) if after else "",
        reason=reason,
        outcome=outcome,
        previous_hash=last or GENESIS,
    )
    entry.hash = entry.digest()
    inserted = connection.execute(_INSERT, {name: getattr(entry, name) for name in _COLUMNS})
    entry.id = cast(Any, inserted.inserted_primary_key)[0]
    return entry


def _workstation() -> str:
    if not has_request_context():
        return ""
    return str(g.get("workstation") or request.remote_addr or "")[:64]


@dataclass(frozen=True, slots=True)
class ChainVerdict:
    """Outcome of a verification: how many entries were read and where the chain first breaks."""

    entries: int
    broken_at: int | None
    reason: str

    @property
    def is_intact(self) -> bool:
        """True when every entry carries the hash of what it tells and of its predecessor."""
        return self.broken_at is None


def verify_chain() -> ChainVerdict:
    """Read the whole trail and check every hash; 1 000 rows at a time."""
    previous, count = GENESIS, 0
    statement = select(AuditEntry).order_by(AuditEntry.id).execution_options(yield_per=1000)
    for entry in db.session.scalars(statement):
        count += 1
        if entry.previous_hash != previous:
            return ChainVerdict(count, entry.id, "与上一条的链接断开：有记录被删除或插入")
        if entry.digest() != entry.hash:
            return ChainVerdict(count, entry.id, "内容与摘要不符：记录被改动")
        previous = entry.hash
        db.session.expunge(entry)
    return ChainVerdict(count, None, "")
