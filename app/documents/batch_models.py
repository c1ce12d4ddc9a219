"""Tables of the print centre: a set to be bound or exported in the background, its parts, its result."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, deferred, mapped_column

from app.core.db import Base, Stamped


class PrintBatch(Base, Stamped):
    """A set of documents somebody ordered: to be printed, or exported as shared documents."""

    __tablename__ = "document_batch"
    __table_args__ = (Index("ix_document_batch_state", "state"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    form: Mapped[str] = mapped_column(String(8), comment="print (one PDF) or cda (ZIP of XML)")
    title: Mapped[str] = mapped_column(String(120), comment="what was asked for; never a patient's name")
    documents: Mapped[list[Any]] = mapped_column(comment="document ids in order")
    with_drafts: Mapped[bool] = mapped_column(
        default=False, comment="incomplete ones as 草稿, after the list was shown"
    )
    state: Mapped[str] = mapped_column(String(16), default="queued", comment="queued, running, done, failed, cancelled")
    done: Mapped[int] = mapped_column(default=0, comment="documents finished so far")
    total: Mapped[int] = mapped_column(default=0, comment="documents asked for")
    refused: Mapped[list[Any]] = mapped_column(default=list, comment="[{document, title, case_no, reasons: [...]}]")
    message: Mapped[str] = mapped_column(Text, default="", comment="Chinese, why it failed")
    pages: Mapped[int] = mapped_column(default=0, comment="pages with the list in front")
    size_bytes: Mapped[int] = mapped_column(default=0)
    sha256: Mapped[str] = mapped_column(String(64), default="", comment="of the result")
    result: Mapped[bytes | None] = deferred(mapped_column(LargeBinary, comment="PDF or ZIP; dropped after three days"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    by: Mapped[str] = mapped_column(String(64))
    by_name: Mapped[str] = mapped_column(String(64))
    started_at: Mapped[datetime | None] = mapped_column(comment="UTC")
    finished_at: Mapped[datetime | None] = mapped_column(comment="UTC")

    @property
    def is_over(self) -> bool:
        """Whether nothing more happens to it."""
        return self.state in ("done", "failed", "cancelled")


class PrintBatchPart(Base):
    """A finished document of a running set, kept so that a restart goes on where it was."""

    __tablename__ = "document_batch_part"
    __table_args__ = (UniqueConstraint("batch_id", "position"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("document_batch.id", ondelete="CASCADE"))
    position: Mapped[int]
    document_id: Mapped[int] = mapped_column(ForeignKey("document.id"))
    content: Mapped[bytes] = deferred(mapped_column(LargeBinary, default=b""))
    readiness: Mapped[str] = mapped_column(
        String(16), default="", comment="final, for_signature, draft; empty: refused"
    )
    reasons: Mapped[list[Any]] = mapped_column(default=list, comment="why it was refused, Chinese")
