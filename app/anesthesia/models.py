"""Tables of the anesthesia record. A medical fact is corrected with its history, never overwritten or deleted.

Texts and codes of terms are kept as they were on the day; a later change of a dictionary changes no record.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, Index, Numeric, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Base, Stamped

# One step finer than what is charted, so that a value typed with a decimal too many is still kept as it was typed.
READING_VALUE = Numeric(8, 2)
# 0.00001 (a nanogram in micrograms) up to 9 999 999.
DOSE = Numeric(12, 5)


class Traced:
    """Mixin of facts that a person wrote: who, what was changed since, whether it was withdrawn."""

    by: Mapped[str] = mapped_column(String(64), comment="actor id")
    by_name: Mapped[str] = mapped_column(String(64), default="")
    history: Mapped[list[Any]] = mapped_column(
        default=list, comment="[{at, by, by_name, reason, before, after}] corrections, the oldest first"
    )
    voided_at: Mapped[datetime | None] = mapped_column(comment="UTC; withdrawn, still readable")
    void_reason: Mapped[str] = mapped_column(String(255), default="")
    idempotency_key: Mapped[str | None] = mapped_column(String(64), unique=True, comment="of the posting form")


class AnesthesiaRecord(Base, Stamped):
    """The record of one case: one case, one record."""

    __tablename__ = "anesthesia_record"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("surgical_case.id"), unique=True)
    state: Mapped[str] = mapped_column(String(16), default="open", comment="open, finished, locked")
    opened_at: Mapped[datetime] = mapped_column(comment="UTC; charting may begin here when the room time is missing")
    opened_by: Mapped[str] = mapped_column(String(64), comment="actor id")
    finished_at: Mapped[datetime | None] = mapped_column(comment="UTC")
    locked_at: Mapped[datetime | None] = mapped_column(comment="UTC")
    reopenings: Mapped[list[Any]] = mapped_column(default=list, comment="[{at, by, by_name, reason, state}]")
    interval_minutes: Mapped[int] = mapped_column(default=5, comment="minutes between two slots of the chart")
    rescue_spans: Mapped[list[Any]] = mapped_column(
        default=list, comment="[{start, end, by, by_name}] ISO UTC; charted every minute; end null while it lasts"
    )
    technique: Mapped[dict[str, Any]] = mapped_column(
        default=dict,
        comment="induction, airway, ventilation, block, position, premedication, fasting, special_conditions, "
        "pca, leaving_state …: texts of the technique and leaving blocks",
    )
    amendments: Mapped[int] = mapped_column(default=0, comment="times it was reopened; printed in the footer")
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class ChartReading(Base):
    """The charted value of one parameter in one slot of the grid. The raw data stays apart and untouched."""

    __tablename__ = "chart_reading"
    __table_args__ = (UniqueConstraint("record_id", "slot_at", "code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    record_id: Mapped[int] = mapped_column(ForeignKey("anesthesia_record.id"))
    code: Mapped[str] = mapped_column(String(12), comment="chart code: HR, NIBP_S, SpO2 …")
    slot_at: Mapped[datetime] = mapped_column(comment="UTC, grid line")
    at: Mapped[datetime] = mapped_column(comment="UTC, when it was measured")
    value: Mapped[Decimal | None] = mapped_column(READING_VALUE, comment="in `unit`; null: struck out as artefact")
    original: Mapped[Decimal | None] = mapped_column(READING_VALUE, comment="first value, set by the first correction")
    unit: Mapped[str] = mapped_column(String(12))
    source: Mapped[str] = mapped_column(String(8), comment="device, manual")
    device_id: Mapped[int | None] = mapped_column(comment="device.id of the raw value")
    raw_code: Mapped[str] = mapped_column(String(12), default="", comment="parameter of the device it was taken from")
    state: Mapped[str] = mapped_column(String(8), comment="auto, manual (typed or corrected: never replaced)")
    by_name: Mapped[str] = mapped_column(String(64), default="", comment="who typed it")
    idempotency_key: Mapped[str | None] = mapped_column(String(64), unique=True, comment="of the posting form")


class ReadingCorrection(Base):
    """One change of a charted value: what it was, what it is, why, by whom."""

    __tablename__ = "reading_correction"

    id: Mapped[int] = mapped_column(primary_key=True)
    record_id: Mapped[int] = mapped_column(ForeignKey("anesthesia_record.id"), index=True)
    reading_id: Mapped[int] = mapped_column(ForeignKey("chart_reading.id"), index=True)
    old: Mapped[Decimal | None] = mapped_column(READING_VALUE)
    new: Mapped[Decimal | None] = mapped_column(READING_VALUE, comment="null: struck out as artefact")
    reason: Mapped[str] = mapped_column(String(255))
    by: Mapped[str] = mapped_column(String(64), comment="actor id")
    by_name: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(comment="UTC, when it was corrected")
    idempotency_key: Mapped[str | None] = mapped_column(String(64), unique=True, comment="of the posting form")

    reading: Mapped[ChartReading] = relationship()


class Administration(Base, Stamped, Traced):
    """A drug that was given: a single dose, or an infusion or gas with its rates."""

    __tablename__ = "administration"
    __table_args__ = (Index("ix_administration_record", "record_id", "start_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    record_id: Mapped[int] = mapped_column(ForeignKey("anesthesia_record.id"))
    term_code: Mapped[str] = mapped_column(
        String(32), default="", comment="code in the drug dictionary; blank: free text"
    )
    name: Mapped[str] = mapped_column(String(128), comment="name of the day")
    specification: Mapped[str] = mapped_column(String(64), default="", comment="规格 of the day, e.g. 200 mg/20 ml")
    drug_class: Mapped[str] = mapped_column(
        String(16), default="", comment="narcotic, psychotropic_1, psychotropic_2 as valid on the day"
    )
    group: Mapped[str] = mapped_column(String(16), default="", comment="induction, opioid, relaxant, vasoactive …")
    mode: Mapped[str] = mapped_column(String(8), comment="bolus, infusion, gas")
    route: Mapped[str] = mapped_column(String(16), default="", comment="iv, im, ih, inhaled, epidural, intrathecal …")
    concentration: Mapped[str] = mapped_column(String(24), default="", comment="e.g. 10 mg/ml, 1%")
    dose: Mapped[Decimal | None] = mapped_column(DOSE, comment="of a bolus, in `unit`")
    unit: Mapped[str] = mapped_column(String(8), comment="mg, ug, ml, U …: of the dose and of the total")
    weight_kg: Mapped[Decimal | None] = mapped_column(Numeric(6, 3), comment="used for rates per kg; of the start")
    start_at: Mapped[datetime] = mapped_column(comment="UTC; of a bolus: when it was given")
    end_at: Mapped[datetime | None] = mapped_column(comment="UTC; of an infusion; null while it runs")
    note: Mapped[str] = mapped_column(String(255), default="", comment="附注")

    rates: Mapped[list["RateChange"]] = relationship(
        back_populates="administration", lazy="selectin", order_by="RateChange.at, RateChange.id"
    )


class RateChange(Base, Traced):
    """From `at` on the infusion ran at `rate`. The first one is its start; rate 0 is a pause."""

    __tablename__ = "rate_change"

    id: Mapped[int] = mapped_column(primary_key=True)
    administration_id: Mapped[int] = mapped_column(ForeignKey("administration.id"), index=True)
    at: Mapped[datetime] = mapped_column(comment="UTC")
    rate: Mapped[Decimal] = mapped_column(DOSE)
    unit: Mapped[str] = mapped_column(String(16), comment="ml/h, mg/h, ug/kg/min, %, L/min …")

    administration: Mapped[Administration] = relationship(back_populates="rates")


class Intake(Base, Stamped, Traced):
    """A bag of fluid or blood."""

    __tablename__ = "intake"

    id: Mapped[int] = mapped_column(primary_key=True)
    record_id: Mapped[int] = mapped_column(ForeignKey("anesthesia_record.id"), index=True)
    term_code: Mapped[str] = mapped_column(String(32), default="")
    name: Mapped[str] = mapped_column(String(128))
    category: Mapped[str] = mapped_column(String(16), comment="crystalloid, colloid, blood_product, autologous, other")
    volume_ml: Mapped[Decimal] = mapped_column(Numeric(8, 1), comment="ml given")
    quantity: Mapped[str] = mapped_column(String(24), default="", comment="as ordered, e.g. 2 U, 1 治疗量")
    bag_no: Mapped[str] = mapped_column(String(32), default="", index=True, comment="血袋号")
    start_at: Mapped[datetime] = mapped_column(comment="UTC")
    end_at: Mapped[datetime | None] = mapped_column(comment="UTC; null while it runs")
    checked_by: Mapped[str] = mapped_column(String(64), default="", comment="second person who checked the blood bag")
    note: Mapped[str] = mapped_column(String(255), default="")


class Output(Base, Stamped, Traced):
    """A measured loss."""

    __tablename__ = "output"

    id: Mapped[int] = mapped_column(primary_key=True)
    record_id: Mapped[int] = mapped_column(ForeignKey("anesthesia_record.id"), index=True)
    kind: Mapped[str] = mapped_column(String(16), comment="urine, blood_loss, other")
    name: Mapped[str] = mapped_column(String(64), comment="尿量, 出血量, 胃液 …")
    volume_ml: Mapped[Decimal] = mapped_column(Numeric(8, 1), comment="ml since the last entry of this name")
    at: Mapped[datetime] = mapped_column(comment="UTC")
    note: Mapped[str] = mapped_column(String(255), default="")


class AirwayProcedure(Base, Stamped, Traced):
    """A tube, a mask or a change of it."""

    __tablename__ = "airway_procedure"

    id: Mapped[int] = mapped_column(primary_key=True)
    record_id: Mapped[int] = mapped_column(ForeignKey("anesthesia_record.id"), index=True)
    at: Mapped[datetime] = mapped_column(comment="UTC")
    removed_at: Mapped[datetime | None] = mapped_column(comment="UTC")
    device: Mapped[str] = mapped_column(String(24), comment="tracheal_tube, double_lumen, laryngeal_mask, mask, other")
    path: Mapped[str] = mapped_column(String(16), default="", comment="oral, nasal, tracheostomy")
    size: Mapped[str] = mapped_column(String(16), default="", comment="tube inner diameter in mm, mask number or Fr")
    depth_cm: Mapped[Decimal | None] = mapped_column(Numeric(4, 1), comment="cm at the teeth or nostril")
    is_cuffed: Mapped[bool] = mapped_column(default=True)
    technique: Mapped[str] = mapped_column(String(64), default="", comment="直接喉镜, 可视喉镜, 纤支镜 …")
    cormack: Mapped[str] = mapped_column(String(4), default="", comment="Cormack-Lehane: 1, 2a, 2b, 3, 4")
    attempts: Mapped[int] = mapped_column(default=1)
    is_difficult: Mapped[bool] = mapped_column(default=False)
    note: Mapped[str] = mapped_column(String(255), default="")


class LineProcedure(Base, Stamped, Traced):
    """A vascular access."""

    __tablename__ = "line_procedure"

    id: Mapped[int] = mapped_column(primary_key=True)
    record_id: Mapped[int] = mapped_column(ForeignKey("anesthesia_record.id"), index=True)
    at: Mapped[datetime] = mapped_column(comment="UTC")
    kind: Mapped[str] = mapped_column(String(24), comment="peripheral, arterial, central_venous, pulmonary, other")
    site: Mapped[str] = mapped_column(String(64), default="", comment="右颈内静脉, 左桡动脉 …")
    gauge: Mapped[str] = mapped_column(String(16), default="", comment="20G, 7Fr …")
    depth_cm: Mapped[Decimal | None] = mapped_column(Numeric(4, 1), comment="cm")
    attempts: Mapped[int] = mapped_column(default=1)
    with_ultrasound: Mapped[bool] = mapped_column(default=False)
    complication: Mapped[str] = mapped_column(String(255), default="")
    note: Mapped[str] = mapped_column(String(255), default="")


class BlockProcedure(Base, Stamped, Traced):
    """A neuraxial or nerve block."""

    __tablename__ = "block_procedure"

    id: Mapped[int] = mapped_column(primary_key=True)
    record_id: Mapped[int] = mapped_column(ForeignKey("anesthesia_record.id"), index=True)
    at: Mapped[datetime] = mapped_column(comment="UTC")
    kind: Mapped[str] = mapped_column(String(24), comment="spinal, epidural, combined, caudal, nerve, plexus, other")
    site: Mapped[str] = mapped_column(String(64), default="", comment="L3-4, 右侧臂丛（肌间沟）…")
    needle: Mapped[str] = mapped_column(String(32), default="")
    catheter_cm: Mapped[Decimal | None] = mapped_column(Numeric(4, 1), comment="cm in the epidural space")
    guidance: Mapped[str] = mapped_column(String(32), default="", comment="超声, 神经刺激器, 阻力消失 …")
    drug: Mapped[str] = mapped_column(String(128), default="", comment="e.g. 0.5% 布比卡因 2.5 ml")
    level: Mapped[str] = mapped_column(String(32), default="", comment="阻滞平面, e.g. T8-S5")
    attempts: Mapped[int] = mapped_column(default=1)
    effect: Mapped[str] = mapped_column(String(32), default="")
    complication: Mapped[str] = mapped_column(String(255), default="")
    note: Mapped[str] = mapped_column(String(255), default="")


class RecordSnapshot(Base):
    """The record as it was printed: drawn again from this content, never from live data."""

    __tablename__ = "record_snapshot"
    __table_args__ = (UniqueConstraint("record_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    record_id: Mapped[int] = mapped_column(ForeignKey("anesthesia_record.id"))
    number: Mapped[int] = mapped_column(comment="1, 2 … ; a reprint of the same content keeps its number")
    digest: Mapped[str] = mapped_column(String(64), comment="SHA-256 of the canonical content, hex")
    content: Mapped[dict[str, Any]] = mapped_column(comment="frozen RecordSheet")
    copies: Mapped[int] = mapped_column(default=0, comment="how often it was printed")
    printed_at: Mapped[datetime] = mapped_column(comment="UTC, first print")
    printed_by: Mapped[str] = mapped_column(String(64), comment="actor id")
    printed_by_name: Mapped[str] = mapped_column(String(64), default="")
