"""Tables of patients, identifiers, encounters and allergies."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Department
from app.core.db import Base, Stamped
from app.core.pinyin import name_full, name_initials
from app.core.types import EncryptedText


class Patient(Base, Stamped):
    """A person. `patient_no` is the 病人ID of the HIS; a temporary patient has a number of ours (T…)."""

    __tablename__ = "patient"
    __table_args__ = (Index("ix_patient_pinyin", "pinyin"), Index("ix_patient_name", "name"))

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_no: Mapped[str] = mapped_column(String(32), unique=True)
    name: Mapped[str] = mapped_column(String(64))
    pinyin: Mapped[str] = mapped_column(String(64), default="")
    pinyin_full: Mapped[str] = mapped_column(String(128), default="")
    sex: Mapped[str] = mapped_column(String(8), default="unknown", comment="male, female, unknown (GB/T 2261.1)")
    birth_date: Mapped[date | None]
    national_id: Mapped[str | None] = mapped_column(EncryptedText, comment="身份证号")
    phone: Mapped[str | None] = mapped_column(EncryptedText)
    blood_type: Mapped[str] = mapped_column(String(8), default="", comment="A, B, AB, O")
    rh: Mapped[str] = mapped_column(String(8), default="", comment="positive, negative")
    is_temporary: Mapped[bool] = mapped_column(default=False, comment="identity unknown, to be merged later")
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("patient.id"), comment="survivor of a merge")
    allergies_asked_at: Mapped[datetime | None] = mapped_column(
        comment="UTC; when somebody here asked; null with no allergy: not asked, which is not the same as none"
    )

    encounters: Mapped[list["Encounter"]] = relationship(back_populates="patient", order_by="Encounter.id")
    allergies: Mapped[list["Allergy"]] = relationship(order_by="Allergy.id")

    @property
    def known_allergies(self) -> list[str] | None:
        """Substances, each once; empty: asked and none known; None: nobody has asked."""
        substances = list(dict.fromkeys(item.substance for item in self.allergies))
        return substances if substances or self.allergies_asked_at else None

    def index_name(self) -> None:
        """Refresh the pinyin keys after the name was set."""
        self.pinyin, self.pinyin_full = name_initials(self.name), name_full(self.name)


class PatientIdentifier(Base, Stamped):
    """A number by which some system knows the patient; a retired number of a merge stays readable."""

    __tablename__ = "patient_identifier"
    __table_args__ = (UniqueConstraint("system", "value"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    system: Mapped[str] = mapped_column(String(32), comment="his, his-retired, lis …")
    value: Mapped[str] = mapped_column(String(64))


class Encounter(Base, Stamped):
    """One stay or visit."""

    __tablename__ = "encounter"

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    visit_no: Mapped[str] = mapped_column(String(32), unique=True, comment="visit number of the HIS")
    kind: Mapped[str] = mapped_column(String(16), comment="inpatient, outpatient, emergency, day")
    inpatient_no: Mapped[str] = mapped_column(String(32), default="", index=True, comment="住院号")
    outpatient_no: Mapped[str] = mapped_column(String(32), default="", comment="门诊号")
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"))
    ward: Mapped[str] = mapped_column(String(64), default="")
    bed: Mapped[str] = mapped_column(String(16), default="")
    admitted_at: Mapped[datetime | None] = mapped_column(comment="UTC")
    discharged_at: Mapped[datetime | None] = mapped_column(comment="UTC")

    patient: Mapped[Patient] = relationship(back_populates="encounters")
    department: Mapped[Department | None] = relationship()


class Allergy(Base, Stamped):
    """A known allergy or alert."""

    __tablename__ = "allergy"

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    substance: Mapped[str] = mapped_column(String(128))
    reaction: Mapped[str] = mapped_column(String(128), default="")
    source: Mapped[str] = mapped_column(String(16), default="his", comment="his, local")


class PatientMerge(Base, Stamped):
    """One merge of two numbers of a person: what was moved, so that it can be taken back once."""

    __tablename__ = "patient_merge"

    id: Mapped[int] = mapped_column(primary_key=True)
    survivor_id: Mapped[int] = mapped_column(ForeignKey("patient.id", info={"merge": "keep"}))
    retired_id: Mapped[int | None] = mapped_column(ForeignKey("patient.id", info={"merge": "keep"}), index=True)
    retired_no: Mapped[str] = mapped_column(String(32))
    moved: Mapped[dict[str, Any]] = mapped_column(default=dict, comment="table.column -> primary keys that were moved")
    by: Mapped[str] = mapped_column(String(64), comment="actor id")
    undone_at: Mapped[datetime | None] = mapped_column(comment="UTC")
