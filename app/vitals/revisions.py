"""Values decoded again take the place of those that stand; the old chunks stay readable for as long as any."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from sqlalchemy import insert, select

from app.core.audit import Actor
from app.core.db import db
from app.vitals import queries, service, summary
from app.vitals.columns import Samples, between, empty, merge, pack_column, unpack_column
from app.vitals.comparison import Comparison, compare
from app.vitals.models import VitalChunk, VitalRevision, VitalRevisionChunk

_CHUNK_MS = 3_600_000


def compare_all(
    device_id: int, decoded: Mapping[str, Samples], start_ms: int, end_ms: int, covered: Sequence[Sequence[int]]
) -> list[Comparison]:
    """What would become of each parameter of a device, those that differ first."""
    standing = queries.samples(device_id, (), start_ms, end_ms)
    found = [
        compare(code, standing.get(code, empty()), between(decoded.get(code, empty()), start_ms, end_ms), covered)
        for code in sorted(set(standing) | set(decoded))
    ]
    return sorted(found, key=lambda one: (not one.differs, one.code))


def revise(
    actor: Actor, device_id: int, start_ms: int, end_ms: int, comparisons: Iterable[Comparison], reason: str
) -> VitalRevision:
    """Put the results in the place of what stands. Every chunk that is replaced stays in the store, marked."""
    service.compact(device_id)
    changes = [one for one in comparisons if one.differs]
    revision = VitalRevision(
        device_id=device_id, start_ms=start_ms, end_ms=end_ms, actor_id=actor.actor_id,
        actor_name=actor.actor_name[:64], reason=reason, counts={one.code: one.counts for one in changes},
    )  # fmt: skip
    db.session.add(revision)
    db.session.flush()
    for one in changes:
        _replace(revision, one)
    db.session.flush()
    for day in range(start_ms // summary.DAY_MS, end_ms // summary.DAY_MS + 1):
        summary.refresh(device_id, day * summary.DAY_MS)
    return revision


def _replace(revision: VitalRevision, one: Comparison) -> None:
    """The chunks that overlap the span make way for new ones with what lay outside the span and the result."""
    chunks = list(
        db.session.scalars(
            select(VitalChunk)
            .where(
                VitalChunk.device_id == revision.device_id,
                VitalChunk.code == one.code,
                VitalChunk.end_ms >= revision.start_ms,
                VitalChunk.start_ms < revision.end_ms,
                queries.in_force(),
            )
            .order_by(VitalChunk.id)
        )
    )
    standing = merge(unpack_column(chunk.payload, chunk.unit) for chunk in chunks)
    whole = merge([
        between(standing, 0, revision.start_ms), one.result, between(standing, revision.end_ms, 2**62),
    ])  # fmt: skip
    marks = [{"revision_id": revision.id, "chunk_id": chunk.id, "is_new": False} for chunk in chunks]
    for part in _hours(whole):
        fresh = VitalChunk(
            device_id=revision.device_id, code=one.code, unit=one.unit, start_ms=int(part.times_ms[0]),
            end_ms=int(part.times_ms[-1]), count=len(part), payload=pack_column(part),
        )  # fmt: skip
        db.session.add(fresh)
        db.session.flush()
        marks.append({"revision_id": revision.id, "chunk_id": fresh.id, "is_new": True})
    if marks:
        db.session.execute(insert(VitalRevisionChunk), marks)


def _hours(samples: Samples) -> Iterable[Samples]:
    """Pieces of at most an hour, so that a look at a minute never reads a day."""
    if not len(samples):
        return
    edges = np.unique(samples.times_ms // _CHUNK_MS) * _CHUNK_MS
    for begin in edges.tolist():
        yield between(samples, begin, begin + _CHUNK_MS)


def revisions_of(device_id: int, limit: int = 50) -> list[VitalRevision]:
    """Revisions of a device, the newest first."""
    statement = select(VitalRevision).where(VitalRevision.device_id == device_id).order_by(VitalRevision.id.desc())
    return list(db.session.scalars(statement.limit(limit)))


def before(revision: VitalRevision) -> dict[str, Samples]:
    """What stood in the span of a revision before it, for the parameters that it changed."""
    statement = (
        select(VitalChunk.code, VitalChunk.unit, VitalChunk.payload)
        .join(VitalRevisionChunk, VitalRevisionChunk.chunk_id == VitalChunk.id)
        .where(VitalRevisionChunk.revision_id == revision.id, VitalRevisionChunk.is_new.is_(False))
        .order_by(VitalChunk.id)
    )
    parts: dict[str, list[Samples]] = {}
    for code, unit, payload in db.session.execute(statement):
        parts.setdefault(code, []).append(unpack_column(payload, unit))
    found = {code: between(merge(kept), revision.start_ms, revision.end_ms) for code, kept in parts.items()}
    return {code: samples for code, samples in found.items() if len(samples)}
