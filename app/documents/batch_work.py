"""Background work of the print centre: sets are made in short steps, so that a restart goes on where it was.

Papers are drawn outside of the write lock; only finished parts are stored under it.
"""

import logging
from datetime import timedelta
from time import monotonic

from sqlalchemy import func, select, update

from app.core import clock, unit_of_work
from app.core.db import db
from app.core.errors import DomainError
from app.documents.batch_models import PrintBatch, PrintBatchPart
from app.documents.facts import CaseFacts
from app.documents.gather import gather
from app.documents.models import Document
from app.documents.service import batches
from app.documents.service.stamping import stamp_signed
from app.jobs.service import Job

SLICE_SECONDS = 20.0  # of one run of the job: the lease of the loop lasts a minute and other jobs wait meanwhile
STEP_SECONDS = 1.5  # between two looks at the state, so that a cancel is soon heard
KEEP_RESULTS = timedelta(days=3)
_log = logging.getLogger("mafei.documents")


def work_on_batches(seconds: float = SLICE_SECONDS) -> str:
    """Work on the oldest open sets for some seconds; drop results that nobody needs any more."""
    deadline = monotonic() + seconds
    finished = 0
    while monotonic() < deadline:
        db.session.rollback()
        batch_id = db.session.scalar(
            select(PrintBatch.id).where(PrintBatch.state.in_(("queued", "running"))).order_by(PrintBatch.id).limit(1)
        )
        if batch_id is None:
            break
        finished += step(batch_id)
    _drop_old_results()
    return f"完成 {finished} 批" if finished else "没有新完成的批次"


def step(batch_id: int) -> bool:
    """A step of one set: some more parts, or its end. True when the set is over."""
    try:
        return _step(batch_id)
    except batches.AllRefused as error:
        return _fail(batch_id, error.message, error.refused)
    except DomainError as error:
        return _fail(batch_id, error.message)
    except Exception:
        unit_of_work.rollback()
        _log.exception("a set of documents failed", extra={"batch": batch_id})
        return _fail(batch_id, "生成时出错，请联系信息科查看日志后重试。")


def _step(batch_id: int) -> bool:
    batch = db.session.get_one(PrintBatch, batch_id, populate_existing=True)
    made = db.session.scalar(select(func.count()).where(PrintBatchPart.batch_id == batch_id)) or 0
    if made >= batch.total:
        product = batches.assemble(batch, batches.parts_of(batch))
        with unit_of_work.writing():
            if (held := _held(batch_id)) is not None:
                batches.store(held, product)
        return True
    parts = _some_parts(batch, made)
    with unit_of_work.writing():
        if (held := _held(batch_id)) is None:
            return True
        held.state, held.started_at = "running", held.started_at or clock.now()
        held.done = made + len(parts)
        db.session.add_all(parts)
        batches.tell(held)
    return False


def _some_parts(batch: PrintBatch, start: int) -> list[PrintBatchPart]:
    deadline = monotonic() + STEP_SECONDS
    parts: list[PrintBatchPart] = []
    known: dict[int, CaseFacts] = {}
    for position in range(start, batch.total):
        document = db.session.get_one(Document, batch.documents[position])
        if document.case_id not in known:  # documents of a case stand together
            known = {document.case_id: gather(document.case)}
        parts.append(batches.make_part(batch, position, known[document.case_id]))
        if monotonic() >= deadline:
            break
    return parts


def _held(batch_id: int) -> PrintBatch | None:
    """The set, locked; None when it was cancelled meanwhile."""
    batch = db.session.get_one(PrintBatch, batch_id, with_for_update=True, populate_existing=True)
    return None if batch.is_over else batch


def _fail(batch_id: int, message: str, refused: list[dict[str, object]] | None = None) -> bool:
    unit_of_work.rollback()
    with unit_of_work.writing():
        if (held := _held(batch_id)) is not None:
            held.refused = list(refused or [])
            batches.close(held, "failed", message)
    return True


def _drop_old_results() -> None:
    db.session.rollback()
    old = list(
        db.session.scalars(
            select(PrintBatch.id).where(PrintBatch.size_bytes > 0, PrintBatch.finished_at < clock.now() - KEEP_RESULTS)
        )
    )
    if old:
        with unit_of_work.writing():
            db.session.execute(update(PrintBatch).where(PrintBatch.id.in_(old)).values(result=None, size_bytes=0))


def run_now(batch: PrintBatch) -> None:
    """Make a small set inside the unit of work of the caller. A refusal of all documents ends it as failed."""
    known: dict[int, CaseFacts] = {}
    parts = []
    for position, document_id in enumerate(batch.documents):
        document = db.session.get_one(Document, document_id)
        if document.case_id not in known:
            known[document.case_id] = gather(document.case)
        parts.append(batches.make_part(batch, position, known[document.case_id]))
    batch.started_at = clock.now()
    try:
        batches.store(batch, batches.assemble(batch, parts))
    except batches.AllRefused as error:
        batch.refused = error.refused
        batches.close(batch, "failed", error.message)


DOCUMENT_JOBS = (
    Job("documents", "文书批量打印与导出", timedelta(seconds=5), work_on_batches),
    Job("time_stamps", "补文书时间戳", timedelta(seconds=20), stamp_signed),
)
