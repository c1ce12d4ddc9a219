"""Tables of the job loop: who holds the lease, when each job ran last."""

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base


class JobLease(Base):
    """The one runner that may work now."""

    __tablename__ = "job_lease"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    holder: Mapped[str] = mapped_column(String(64))
    until: Mapped[datetime] = mapped_column(comment="UTC")


class JobRun(Base):
    """The last run of each job."""

    __tablename__ = "job_run"

    job: Mapped[str] = mapped_column(String(32), primary_key=True)
    started_at: Mapped[datetime] = mapped_column(comment="UTC")
    finished_at: Mapped[datetime | None] = mapped_column(comment="UTC")
    outcome: Mapped[str] = mapped_column(String(16), default="running", comment="running, done, failed")
    detail: Mapped[str] = mapped_column(Text, default="", comment="Chinese")
