"""Table of results. A correction is a new row; the row it replaces stays and points to it."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import ForeignKey, Index, Numeric, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, Stamped


class LabResult(Base, Stamped):
    """One item of one report as it was sent. (source, report_no, item_code, sub_id) names the item."""

    __tablename__ = "lab_result"
    __table_args__ = (
        Index("ix_lab_result_patient_taken", "patient_id", "taken_at"),
        Index("ix_lab_result_report", "source", "report_no"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"))
    encounter_id: Mapped[int | None] = mapped_column(ForeignKey("encounter.id"), index=True)
    source: Mapped[str] = mapped_column(String(16), comment="system that reported: lis …")
    report_no: Mapped[str] = mapped_column(String(64), comment="OBR-3, the laboratory's number")
    panel: Mapped[str] = mapped_column(String(128), default="", comment="OBR-4, name of what was ordered")
    item_code: Mapped[str] = mapped_column(String(64), comment="OBX-3 as sent: LOINC or the laboratory's own code")
    item_name: Mapped[str] = mapped_column(String(128), default="")
    sub_id: Mapped[str] = mapped_column(String(20), default="", comment="OBX-4")
    code: Mapped[str] = mapped_column(String(32), default="", comment="code of term kind lab; empty: not mapped")
    value: Mapped[Decimal | None] = mapped_column(Numeric(18, 6), comment="number in `unit`; null: see `text`")
    comparator: Mapped[str] = mapped_column(String(2), default="", comment="<, >, <=, >= before the number")
    text: Mapped[str] = mapped_column(Text, default="", comment="the value as sent")
    unit: Mapped[str] = mapped_column(String(32), default="", comment="as sent, never converted here")
    reference: Mapped[str] = mapped_column(String(64), default="", comment="reference range as sent")
    flag: Mapped[str] = mapped_column(String(8), default="", comment="H, L, HH, LL, A, AA; empty: normal or not told")
    specimen: Mapped[str] = mapped_column(String(64), default="")
    taken_at: Mapped[datetime] = mapped_column(comment="UTC; specimen taken, else reported, else received")
    reported_at: Mapped[datetime | None] = mapped_column(comment="UTC")
    status: Mapped[str] = mapped_column(String(16), comment="preliminary, final, corrected, withdrawn")
    message_no: Mapped[str] = mapped_column(String(64), default="", comment="MSH-10 of the message that brought it")
    replaced_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("lab_result.id"), index=True, comment="newer row of the item"
    )
    replaced_at: Mapped[datetime | None] = mapped_column(comment="UTC")
