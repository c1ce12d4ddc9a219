"""Tables of printers as the department names them, of the stations that serve them, and of print jobs."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.db import Base, Stamped


class PrintQueue(Base, Stamped):
    """A printer at a place, and how its station reaches it."""

    __tablename__ = "print_queue"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    place: Mapped[str] = mapped_column(String(64), default="", comment="where the paper comes out")
    kind: Mapped[str] = mapped_column(String(16), comment="cups, raw9100, folder")
    target: Mapped[str] = mapped_column(
        String(128), comment="cups: queue name; raw9100: host:port; folder: path below the station's instance"
    )
    station: Mapped[str] = mapped_column(String(64), default="", comment="name of its station; blank: any station")
    enabled: Mapped[bool] = mapped_column(default=True)


class PrintJob(Base):
    """One document for one printer. The content is dropped when it is on paper; its digest stays."""

    __tablename__ = "print_job"
    __table_args__ = (Index("ix_print_job_state_due_at", "state", "due_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    queue_id: Mapped[int] = mapped_column(ForeignKey("print_queue.id"), index=True)
    case_id: Mapped[int | None] = mapped_column(ForeignKey("surgical_case.id"), index=True)
    title: Mapped[str] = mapped_column(String(128), comment="kind and number, never a patient's name")
    document_kind: Mapped[str] = mapped_column(String(64), default="")
    pdf: Mapped[bytes | None] = mapped_column(LargeBinary, comment="dropped when done or cancelled")
    digest: Mapped[str] = mapped_column(String(64), comment="SHA-256 of the PDF")
    size_bytes: Mapped[int] = mapped_column(comment="length of the PDF in bytes")
    copies: Mapped[int] = mapped_column(default=1)
    is_reprint: Mapped[bool] = mapped_column(default=False, comment="重打: the document was printed before")
    state: Mapped[str] = mapped_column(
        String(16), default="queued", comment="queued, printing, done, failed, cancelled"
    )
    attempts: Mapped[int] = mapped_column(default=0, comment="how often a station took it")
    leased_until: Mapped[datetime | None] = mapped_column(comment="UTC; a station that is silent longer lost the job")
    taken_by: Mapped[str] = mapped_column(String(64), default="", comment="name of the station")
    due_at: Mapped[datetime] = mapped_column(default=clock.now, comment="UTC; not taken before")
    error: Mapped[str] = mapped_column(Text, default="", comment="Chinese")
    requested_by: Mapped[str] = mapped_column(String(64), comment="actor id")
    requested_by_name: Mapped[str] = mapped_column(String(64))
    requested_at: Mapped[datetime] = mapped_column(default=clock.now, comment="UTC")
    finished_at: Mapped[datetime | None] = mapped_column(comment="UTC")

    queue: Mapped[PrintQueue] = relationship(lazy="joined", innerjoin=True)


class PrintStation(Base):
    """When a station last asked for work. One row a station, overwritten; not a medical fact."""

    __tablename__ = "print_station"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(comment="UTC")
    address: Mapped[str] = mapped_column(String(64), default="")
