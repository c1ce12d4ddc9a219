"""`flask jobs`: run the loop in the foreground, list the jobs, run one by hand."""

import signal
import sys
import threading
from types import FrameType

import click
from flask import current_app
from flask.cli import AppGroup

from app.core.db import db
from app.core.relay import start_relay
from app.jobs import service
from app.jobs.models import JobRun
from app.jobs.service import Job

jobs_group = AppGroup("jobs", help="后台任务。")
_PAUSE_SECONDS = 5


def _jobs() -> tuple[Job, ...]:
    jobs: tuple[Job, ...] = current_app.extensions["mafei.jobs"]
    return jobs


@jobs_group.command("run")
def run() -> None:
    """Run the loop until it is stopped."""
    stop = threading.Event()

    def _stop(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    start_relay(current_app.extensions["mafei.settings"])
    holder = service.runner_name()
    click.echo("后台任务已启动。")
    while not stop.wait(_PAUSE_SECONDS):
        if service.take_lease(holder):
            service.run_due(_jobs())
        db.session.remove()
    service.release_lease(holder)


@jobs_group.command("list")
def list_jobs() -> None:
    """Jobs and their last run."""
    for job in _jobs():
        last = db.session.get(JobRun, job.name)
        state = f"{last.outcome} {last.started_at:%Y-%m-%d %H:%M}Z {last.detail}" if last else "尚未运行"
        click.echo(f"{job.name:<16} 每 {job.every}  {job.label}：{state}")


@jobs_group.command("once")
@click.argument("name")
def once(name: str) -> None:
    """Run one job now."""
    job = next((job for job in _jobs() if job.name == name), None)
    if job is None:
        raise click.ClickException(f"没有任务 {name}。可用：{'、'.join(job.name for job in _jobs())}")
    if not service.run_one(job):
        sys.exit(1)
    last = db.session.get(JobRun, name)
    click.echo(last.detail if last else "")
