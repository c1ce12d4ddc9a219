"""The job loop: one runner at a time holds the lease; each job is a function that can be called by hand."""

import logging
import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from app.core import clock, unit_of_work
from app.core.db import db
from app.jobs.models import JobLease, JobRun

LEASE = timedelta(seconds=60)
_log = logging.getLogger("mafei.jobs")


@dataclass(frozen=True, slots=True)
class Job:
    """A piece of background work. `run` opens its own units of work and says in Chinese what it did."""

    name: str
    label: str
    every: timedelta
    run: Callable[[], str]


def runner_name() -> str:
    """Name of this process as a lease holder."""
    return f"{socket.gethostname()}:{os.getpid()}"


def take_lease(holder: str) -> bool:
    """Take or extend the lease; False while another runner holds it."""
    with unit_of_work.writing():
        moment = clock.now()
        lease = db.session.get(JobLease, "jobs", with_for_update=True)
        if lease is None:
            db.session.add(JobLease(name="jobs", holder=holder, until=moment + LEASE))
            return True
        if lease.holder != holder and lease.until > moment:
            return False
        lease.holder, lease.until = holder, moment + LEASE
        return True


def release_lease(holder: str) -> None:
    """Give the lease back at the end of the process."""
    with unit_of_work.writing():
        lease = db.session.get(JobLease, "jobs")
        if lease is not None and lease.holder == holder:
            db.session.delete(lease)


def run_due(jobs: Sequence[Job]) -> list[str]:
    """Run every job whose time has come; a failing job does not stop the others. Returns the names run."""
    done = []
    for job in jobs:
        if _is_due(job):
            run_one(job)
            done.append(job.name)
    return done


def _is_due(job: Job) -> bool:
    db.session.rollback()
    last = db.session.get(JobRun, job.name)
    return last is None or clock.now() - last.started_at >= job.every


def run_one(job: Job) -> bool:
    """Run a job now and keep its outcome. True when it succeeded."""
    _note(job, "running", "")
    try:
        detail = job.run()
    except Exception:
        unit_of_work.rollback()
        _log.exception("job failed", extra={"job": job.name})
        _note(job, "failed", "运行出错，详见日志")
        return False
    _note(job, "done", detail)
    return True


def _note(job: Job, outcome: str, detail: str) -> None:
    with unit_of_work.writing():
        row = db.session.get(JobRun, job.name)
        if row is None:
            row = JobRun(job=job.name)
            db.session.add(row)
        if outcome == "running":
            row.started_at, row.finished_at = clock.now(), None
        else:
            row.finished_at = clock.now()
        row.outcome, row.detail = outcome, detail
