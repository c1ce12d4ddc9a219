"""Commands of printing: put a document into a queue, hand it to a station, note what became of it."""

import hashlib
from typing import Any

from sqlalchemy import or_, select

from app.core import audit, clock
from app.core.audit import Actor, SystemActor
from app.core.db import db
from app.core.errors import Conflict, InvalidInput, NotFound
from app.printjobs.models import PrintJob, PrintQueue, PrintStation
from app.printjobs.rules import GIVE_UP_AFTER, LEASE, MAX_ATTEMPTS, MAX_COPIES, after_failure, target_fault
from app.scheduling.models import SurgicalCase

_EDITABLE = ("place", "kind", "target", "station", "enabled")
_SEEN_EVERY_S = 10
_LOST = "打印站没有回报结果，已停止重试。请到打印机旁确认是否已打出，再决定是否重新打印。"


def save_queue(actor: Actor, name: str, *, queue_id: int | None = None, **facts: Any) -> PrintQueue:
    """Add a queue or change one. `facts`: place, kind, target, station, enabled. Raises `InvalidInput`."""
    name = name.strip()
    queue = load_queue(queue_id) if queue_id is not None else PrintQueue(name=name)
    before = {key: getattr(queue, key) for key in ("name", *_EDITABLE)} if queue_id is not None else None
    _check_queue(queue, name, facts)
    queue.name = name
    for key, value in facts.items():
        setattr(queue, key, value.strip() if isinstance(value, str) else value)
    db.session.add(queue)
    db.session.flush()
    after = {key: getattr(queue, key) for key in ("name", *_EDITABLE)}
    audit.record(actor, "printjobs.save_queue", f"print_queue:{queue.id}", before=before, after=after)
    return queue


def _check_queue(queue: PrintQueue, name: str, facts: dict[str, Any]) -> None:
    unknown = set(facts) - set(_EDITABLE)
    if unknown:
        raise TypeError(f"unknown facts of a print queue: {sorted(unknown)}")
    faults = {}
    if not name or len(name) > 64:
        faults["name"] = "请填写 1–64 字的名称，例如 麻醉科激光打印机"
    else:
        other = db.session.scalar(select(PrintQueue.id).where(PrintQueue.name == name))
        if other is not None and other != queue.id:
            faults["name"] = f"已有名为“{name}”的打印队列"
    fault = target_fault(str(facts.get("kind", queue.kind or "")), str(facts.get("target", queue.target or "")).strip())
    if fault:
        faults["target"] = fault
    if faults:
        raise InvalidInput(fields=faults)


def ensure_queue(actor: Actor, name: str, **facts: Any) -> bool:
    """Add a queue unless one of this name exists; True when it was added."""
    if db.session.scalar(select(PrintQueue.id).where(PrintQueue.name == name)) is not None:
        return False
    save_queue(actor, name, **facts)
    return True


def load_queue(queue_id: int) -> PrintQueue:
    """The queue, or `NotFound`."""
    queue = db.session.get(PrintQueue, queue_id)
    if queue is None:
        raise NotFound("没有这个打印队列。可能已被停用，请刷新后重选。")
    return queue


def load_job(job_id: int) -> PrintJob:
    """The job, or `NotFound`."""
    job = db.session.get(PrintJob, job_id)
    if job is None:
        raise NotFound("没有这个打印任务。")
    return job


def enqueue_print(
    actor: Actor,
    queue: PrintQueue,
    title: str,
    pdf: bytes,
    copies: int = 1,
    case_id: int | None = None,
    *,
    document_kind: str = "",
    is_reprint: bool = False,
) -> PrintJob:
    """Put a PDF into a queue. `title` names kind and number, never the patient: it is seen at the printer.

    Raises `InvalidInput` (content, copies) and `Conflict` (queue is off).
    """
    if not pdf.startswith(b"%PDF-"):
        raise InvalidInput("要打印的内容不是 PDF，没有加入打印队列。")
    if not 1 <= copies <= MAX_COPIES:
        raise InvalidInput(fields={"copies": f"份数应在 1–{MAX_COPIES} 之间"})
    if not queue.enabled:
        raise Conflict(f"打印队列“{queue.name}”已停用，请选择其他打印机。")
    case = db.session.get(SurgicalCase, case_id) if case_id is not None else None
    if case_id is not None and case is None:
        raise NotFound("没有这台手术。")
    job = PrintJob(
        queue=queue,
        case_id=case_id,
        title=title[:128],
        document_kind=document_kind,
        pdf=pdf,
        digest=hashlib.sha256(pdf).hexdigest(),
        size_bytes=len(pdf),
        copies=copies,
        is_reprint=is_reprint,
        requested_by=actor.actor_id,
        requested_by_name=actor.actor_name,
    )
    db.session.add(job)
    db.session.flush()
    audit.record(
        actor,
        "printjobs.enqueue",
        f"print_job:{job.id}",
        patient_id=case.patient_id if case else None,
        after={"queue": queue.name, "title": job.title, "copies": copies, "digest": job.digest, "reprint": is_reprint},
    )
    return job


def take_next(station: str) -> PrintJob | None:
    """Lease the oldest due job of this station for three minutes; None when there is none.

    A job whose station fell silent is handed out again to that station alone; after the third time, or ten minutes
    of silence, it fails, so that a person decides.
    """
    _give_up_lost_jobs()
    moment = clock.now()
    job = db.session.scalar(
        select(PrintJob)
        .join(PrintJob.queue)
        .where(
            PrintQueue.enabled,
            or_(PrintQueue.station == "", PrintQueue.station == station),
            or_(
                (PrintJob.state == "queued") & (PrintJob.due_at <= moment),
                # Only the station that had it knows by its journal that nothing came out.
                (PrintJob.state == "printing") & (PrintJob.leased_until <= moment) & (PrintJob.taken_by == station),
            ),
        )
        .order_by(PrintJob.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=PrintJob)
    )
    if job is None:
        return None
    job.state, job.taken_by, job.leased_until = "printing", station, moment + LEASE
    job.attempts += 1
    db.session.flush()
    return job


def _give_up_lost_jobs() -> None:
    moment = clock.now()
    lost = select(PrintJob).where(
        PrintJob.state == "printing",
        or_(
            (PrintJob.leased_until <= moment) & (PrintJob.attempts >= MAX_ATTEMPTS),
            PrintJob.leased_until <= moment - GIVE_UP_AFTER,
        ),
    )
    for job in db.session.scalars(lost.with_for_update(skip_locked=True, of=PrintJob)):
        _fail(job, _LOST)


def report(job: PrintJob, ok: bool, error: str = "", *, attempt: int | None = None, is_final: bool = False) -> str:
    """Note what a station says of a job and give the state that follows.

    A success counts whenever it comes: the paper is out. A failure counts only for the running attempt; `is_final`
    tells that the paper may be out although nobody knows, so that it is not tried again by itself.
    """
    if ok and job.state in ("queued", "printing", "failed"):
        job.state, job.finished_at, job.error, job.pdf, job.leased_until = "done", clock.now(), "", None, None
        _note(job, "done")
    elif not ok and job.state == "printing" and attempt in (None, job.attempts):
        verdict = after_failure(job.attempts, is_final)
        if verdict.is_final:
            _fail(job, error)
        else:
            job.state, job.due_at, job.error, job.leased_until = (
                "queued",
                clock.now() + verdict.pause,
                error[:500],
                None,
            )
    db.session.flush()
    return job.state


def _fail(job: PrintJob, error: str) -> None:
    job.state, job.error, job.finished_at, job.leased_until = "failed", error[:500], clock.now(), None
    _note(job, "failed")


def _note(job: PrintJob, outcome: str) -> None:
    station = SystemActor(f"station:{job.taken_by}"[:64], f"打印站 {job.taken_by}"[:64])
    audit.record(
        station,
        "printjobs.report",
        f"print_job:{job.id}",
        patient_id=_patient_id(job),
        after={"state": job.state, "attempts": job.attempts, "error": job.error},
        outcome=outcome,
    )


def retry(actor: Actor, job: PrintJob) -> None:
    """Put a failed job back into its queue. Raises `Conflict` for any other, or when its content is gone."""
    if job.state != "failed" or job.pdf is None:
        raise Conflict("只有失败的任务可以重新打印；这个任务的状态已经变化，请刷新。")
    before = {"state": job.state, "error": job.error}
    job.state, job.attempts, job.due_at, job.error, job.finished_at = "queued", 0, clock.now(), "", None
    _told(actor, "printjobs.retry", job, before)


def cancel(actor: Actor, job: PrintJob) -> None:
    """Take a job out that has not been printed. Raises `Conflict` while it prints or when it is over."""
    if job.state not in ("queued", "failed"):
        raise Conflict("正在打印或已结束的任务不能取消，请刷新。")
    before = {"state": job.state}
    job.state, job.finished_at, job.pdf = "cancelled", clock.now(), None
    _told(actor, "printjobs.cancel", job, before)


def _told(actor: Actor, action: str, job: PrintJob, before: dict[str, Any]) -> None:
    audit.record(
        actor,
        action,
        f"print_job:{job.id}",
        patient_id=_patient_id(job),
        before=before,
        after={"state": job.state},
    )


def _patient_id(job: PrintJob) -> int | None:
    case = db.session.get(SurgicalCase, job.case_id) if job.case_id is not None else None
    return case.patient_id if case else None


def note_station(name: str, address: str) -> None:
    """Note that a station is alive; written at most every ten seconds."""
    moment = clock.now()
    row = db.session.get(PrintStation, name)
    if row is None:
        db.session.add(PrintStation(name=name, seen_at=moment, address=address))
    elif (moment - row.seen_at).total_seconds() >= _SEEN_EVERY_S:
        row.seen_at, row.address = moment, address
    db.session.flush()
