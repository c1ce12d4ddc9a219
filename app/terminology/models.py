"""One table for the terms of every dictionary; each kind declares what its attributes mean."""

from typing import Any

from sqlalchemy import Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base
from app.core.pinyin import full, initials


class Term(Base):
    """An entry of a dictionary."""

    __tablename__ = "term"
    __table_args__ = (UniqueConstraint("kind", "code"), Index("ix_term_kind_pinyin", "kind", "pinyin"))

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(
        String(24), comment="drug, fluid, output, event, anesthesia_method, position, diagnosis, procedure …"
    )
    code: Mapped[str] = mapped_column(String(32), comment="hospital or national code")
    name: Mapped[str] = mapped_column(String(128))
    pinyin: Mapped[str] = mapped_column(String(64), default="", comment="initials")
    pinyin_full: Mapped[str] = mapped_column(String(128), default="")
    aliases: Mapped[str] = mapped_column(String(255), default="", comment="search words separated by spaces")
    attributes: Mapped[dict[str, Any]] = mapped_column(
        default=dict,
        comment="drug: default_dose, unit, route, mode (bolus|infusion), rate_unit, concentration, class, group",
    )
    sort: Mapped[int] = mapped_column(default=1000)
    is_active: Mapped[bool] = mapped_column(default=True)

    def index_name(self) -> None:
        """Refresh the pinyin keys after the name was set."""
        self.pinyin, self.pinyin_full = initials(self.name), full(self.name)
