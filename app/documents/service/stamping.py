"""Time stamps of signed documents. The signature never waits: the stamp is fetched by the job loop and added once."""

from dataclasses import dataclass

from sqlalchemy import Select, func, select

from app.core import audit, clock, unit_of_work
from app.core.audit import SystemActor
from app.core.db import db
from app.documents import ports
from app.documents.models import Document, FrozenCopy
from app.documents.ports import NoTimeStamp
from app.documents.service.common import subject, tell

JOB = SystemActor("job:time-stamps", "时间戳")
_AT_ONCE = 50


def stamp_signed() -> str:
    """Fetch the stamps that are due, the oldest first; stops when the authority does not answer. Says what it did."""
    stamper = ports.stamper()
    if stamper is None:
        return "没有配置时间戳机构"
    db.session.rollback()
    due = list(db.session.scalars(_due().limit(_AT_ONCE)))
    for done, copy_id in enumerate(due):
        content = db.session.get_one(FrozenCopy, copy_id).canonical.encode()
        db.session.rollback()  # no transaction is open while the authority is asked
        try:
            stamp = stamper(content)
        except NoTimeStamp as error:
            return f"{error}；本次补 {done} 份，其余稍后再试"
        with unit_of_work.writing():
            _add(copy_id, stamp)
    return f"补时间戳 {len(due)} 份" if due else "没有待补的时间戳"


def _due() -> Select[int]:
    return select(FrozenCopy.id).where(FrozenCopy.timestamp == "").order_by(FrozenCopy.id)


def _add(copy_id: int, stamp: ports.TimeStamp) -> None:
    copy = db.session.get_one(FrozenCopy, copy_id, with_for_update=True)
    if copy.timestamp:
        return
    copy.timestamp, copy.timestamp_at, copy.timestamp_by = stamp.token, stamp.at, stamp.authority
    document = db.session.get_one(Document, copy.document_id)
    audit.record(
        JOB,
        "documents.time_stamp",
        subject(document),
        patient_id=document.case.patient_id,
        after={"copy": copy.id, "sha256": copy.sha256, "at": stamp.at.isoformat(), "by": stamp.authority},
    )
    tell(document)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a frozen copy says of itself when everything is reckoned again."""

    copy_id: int
    document_id: int
    faults: tuple[str, ...]


def verify_copy(copy: FrozenCopy) -> Verdict:
    """Reckon the digests of a frozen copy again and, where an authority is configured, verify its time stamp."""
    faults = list(digest_faults(copy))
    stamper = ports.stamper()
    if copy.timestamp and stamper is not None:
        try:
            stamp = stamper.verify(copy.timestamp, copy.canonical.encode())
        except NoTimeStamp as error:
            faults.append(str(error))
        else:
            if stamp.at != copy.timestamp_at:
                faults.append("记下的时间与时间戳中的时间不同")
    return Verdict(copy.id, copy.document_id, tuple(faults))


def digest_faults(copy: FrozenCopy) -> list[str]:
    """In Chinese, what of a frozen copy is not what was frozen; empty when it is intact."""
    faults = []
    if ports.sha256(copy.canonical) != copy.sha256:
        faults.append("内容与 SHA-256 摘要不符")
    if copy.sm3 and ports.sm3_of(copy.canonical) != copy.sm3:
        faults.append("内容与 SM3 摘要不符")
    if copy.pdf_sha256 and ports.sha256(copy.pdf) != copy.pdf_sha256:
        faults.append("PDF 与摘要不符")
    return faults


def due_count() -> int:
    """How many frozen copies have no time stamp."""
    return db.session.scalar(select(func.count()).where(FrozenCopy.timestamp == "")) or 0


def oldest_due_hours() -> float:
    """Hours since the oldest frozen copy without a stamp was frozen; 0 when there is none."""
    oldest = db.session.scalar(select(func.min(FrozenCopy.created_at)).where(FrozenCopy.timestamp == ""))
    return (clock.now() - oldest).total_seconds() / 3600 if oldest else 0.0
