"""Reads of printing, shaped for the page."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import defer, lazyload

from app.core import clock
from app.core.db import db
from app.printjobs.models import PrintJob, PrintQueue, PrintStation
from app.printjobs.rules import KINDS, STATES

_ALIVE = timedelta(seconds=45)
_SHOWN = 50


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A queue with what waits in it."""

    id: int
    name: str
    place: str
    kind_word: str
    target: str
    station: str
    enabled: bool
    waiting: int
    failed: int


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job as the list shows it."""

    id: int
    title: str
    queue: str
    copies: int
    is_reprint: bool
    state: str
    state_word: str
    attempts: int
    error: str
    requested_by: str
    requested_at: datetime
    finished_at: datetime | None
    case_id: int | None
    can_retry: bool
    can_cancel: bool


@dataclass(frozen=True, slots=True)
class StationRow:
    """A station and whether it asked for work within the last 45 s."""

    name: str
    address: str
    seen_at: datetime
    is_alive: bool


def enabled_queues() -> list[PrintQueue]:
    """Queues to choose from, by name."""
    return list(db.session.scalars(select(PrintQueue).where(PrintQueue.enabled).order_by(PrintQueue.name)))


def queue_rows() -> list[QueueRow]:
    """All queues with the number of waiting and failed jobs."""
    counted = db.session.execute(
        select(PrintJob.queue_id, PrintJob.state, func.count())
        .where(PrintJob.state.in_(("queued", "printing", "failed")))
        .group_by(PrintJob.queue_id, PrintJob.state)
    )
    counts = {(queue_id, state): number for queue_id, state, number in counted}
    return [
        QueueRow(
            queue.id,
            queue.name,
            queue.place,
            KINDS.get(queue.kind, queue.kind),
            queue.target,
            queue.station,
            queue.enabled,
            counts.get((queue.id, "queued"), 0) + counts.get((queue.id, "printing"), 0),
            counts.get((queue.id, "failed"), 0),
        )
        for queue in db.session.scalars(select(PrintQueue).order_by(PrintQueue.name))
    ]


def recent_jobs() -> list[JobRow]:
    """The latest fifty jobs, the newest first."""
    # The content of a job may be megabytes; a list needs only to know whether it is still there.
    rows = db.session.execute(
        select(PrintJob, PrintJob.pdf.is_not(None), PrintQueue.name)
        .join(PrintJob.queue)
        .options(defer(PrintJob.pdf), lazyload(PrintJob.queue))
        .order_by(PrintJob.id.desc())
        .limit(_SHOWN)
    )
    return [_job_row(job, kept, name) for job, kept, name in rows]


def _job_row(job: PrintJob, has_content: bool, queue: str) -> JobRow:
    return JobRow(
        job.id,
        job.title,
        queue,
        job.copies,
        job.is_reprint,
        job.state,
        STATES.get(job.state, job.state),
        job.attempts,
        job.error,
        job.requested_by_name,
        job.requested_at,
        job.finished_at,
        job.case_id,
        can_retry=job.state == "failed" and has_content,
        can_cancel=job.state in ("queued", "failed"),
    )


def station_rows() -> list[StationRow]:
    """The stations that ever asked for work."""
    moment = clock.now()
    rows = db.session.scalars(select(PrintStation).order_by(PrintStation.name))
    return [StationRow(row.name, row.address, row.seen_at, moment - row.seen_at <= _ALIVE) for row in rows]
