"""Printing one document: completeness first, then the paper, the reprint mark, the log."""

from sqlalchemy import func, select

from app.core import audit
from app.core.audit import Actor
from app.core.db import db
from app.documents import ports
from app.documents.models import Document, PrintEntry
from app.documents.service.common import Incomplete, subject
from app.documents.service.paper import Paper, Readiness, check_of, paper_of


def copies_of(document_ids: list[int]) -> dict[int, int]:
    """How often each document was printed."""
    counted = select(PrintEntry.document_id, func.count()).where(PrintEntry.document_id.in_(document_ids))
    return {row[0]: row[1] for row in db.session.execute(counted.group_by(PrintEntry.document_id))}


def reprint_mark(copy_no: int) -> str:
    """The words on the second and later print."""
    return f"重打　第 {copy_no} 份" if copy_no > 1 else ""


def page_count(pdf: bytes) -> int:
    """Number of pages."""
    return ports.pages(pdf)


def print_document(actor: Actor, document: Document, *, confirmed: bool = False, target: str = "") -> Paper:
    """The paper of one print, counted and logged. `target`: name of the print queue it goes to.

    Raises `Incomplete` with the list of what is missing unless somebody has seen it (`confirmed`).
    """
    check = check_of(document)
    if check.gaps and not confirmed:
        raise Incomplete(document.title, check.gaps)
    copy_no = copies_of([document.id]).get(document.id, 0) + 1
    paper = paper_of(document, mark=reprint_mark(copy_no), check=check)
    log_print(actor, document, copy_no, page_count(paper.pdf), paper.readiness, target=target)
    return paper


def log_print(actor: Actor, document: Document, copy_no: int, pages: int, readiness: Readiness, *,
              batch: str = "", target: str = "") -> None:  # fmt: skip
    """Write the print log and the audit."""
    db.session.add(
        PrintEntry(
            document_id=document.id,
            copy_no=copy_no,
            by=actor.actor_id,
            by_name=actor.actor_name,
            batch=batch[:64],
            pages=pages,
            readiness=readiness.value,
            target=target[:64],
        )
    )
    audit.record(
        actor,
        "documents.print",
        subject(document),
        patient_id=document.case.patient_id,
        after={"copy": copy_no, "pages": pages, "as": readiness.value, "batch": batch, "target": target},
    )
