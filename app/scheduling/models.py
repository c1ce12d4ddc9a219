"""Tables of requests, rooms, cases, their staff and their times."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, Index, Numeric, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Department, StaffMember
from app.core.db import Base, Stamped
from app.patients.models import Encounter, Patient
from app.scheduling.rules import CancelStage, CaseState, EventKind, cancel_stage, derive_state, procedure_words


class OperatingRoom(Base):
    """A theatre."""

    __tablename__ = "operating_room"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(16), unique=True, comment="OR1, OR2, ENDO1 …")
    name: Mapped[str] = mapped_column(String(32))
    sort: Mapped[int] = mapped_column(default=100)
    is_active: Mapped[bool] = mapped_column(default=True)
    turnover_minutes: Mapped[int] = mapped_column(default=0, comment="minutes for cleaning between two cases")


class SurgeryRequest(Base, Stamped):
    """What the HIS (or a nurse by hand) asked for. `changes` tells what later messages altered."""

    __tablename__ = "surgery_request"
    __table_args__ = (UniqueConstraint("source", "request_no"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(String(16), comment="his, manual")
    request_no: Mapped[str] = mapped_column(String(64), comment="placer order number, idempotency key with source")
    kind: Mapped[str] = mapped_column(
        String(16), comment="elective, urgent, emergency, painless, outpatient, day, endoscopy"
    )
    state: Mapped[str] = mapped_column(String(16), default="active", comment="active, held, cancelled")
    applied_at: Mapped[datetime | None] = mapped_column(comment="UTC")
    applicant: Mapped[str] = mapped_column(String(64), default="")
    planned_at: Mapped[datetime | None] = mapped_column(comment="UTC, wish of the surgeon")
    planned_minutes: Mapped[int] = mapped_column(default=90)
    original: Mapped[dict[str, Any]] = mapped_column(default=dict, comment="canonical content as last received")
    changes: Mapped[list[Any]] = mapped_column(
        default=list,
        comment="[{at, field, label, old, new, seen, applied}] differences of later messages, shown on the card",
    )


class SurgicalCase(Base, Stamped):
    """One operation of one patient. Made together with its request; without a room it is pending."""

    __tablename__ = "surgical_case"
    __table_args__ = (
        Index("ix_surgical_case_day_room", "day", "room_id"),
        Index("ix_surgical_case_patient", "patient_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    case_no: Mapped[str] = mapped_column(String(32), unique=True, comment="our schedule number, SCH-2")
    request_id: Mapped[int | None] = mapped_column(ForeignKey("surgery_request.id"), unique=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"))
    encounter_id: Mapped[int | None] = mapped_column(ForeignKey("encounter.id"))
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"))
    kind: Mapped[str] = mapped_column(String(16), comment="as SurgeryRequest.kind")

    procedures: Mapped[list[Any]] = mapped_column(
        default=list, comment="[{code ICD-9-CM-3, name, level, site, laterality}], the main one first"
    )
    performed_procedures: Mapped[list[Any]] = mapped_column(default=list, comment="as procedures, told by the surgeon")
    diagnoses: Mapped[list[Any]] = mapped_column(
        default=list, comment="[{code ICD-10, name, kind preoperative|intraoperative|postoperative}]"
    )
    anesthesia_method: Mapped[str] = mapped_column(String(64), default="", comment="planned or actual, as text")
    asa: Mapped[str] = mapped_column(String(4), default="", comment="1-6, E appended in an emergency")
    wound_class: Mapped[str] = mapped_column(String(4), default="", comment="0, 1, 2, 3 (Ⅰ–Ⅲ)")
    position: Mapped[str] = mapped_column(String(32), default="")
    isolation: Mapped[str] = mapped_column(String(64), default="")
    special_equipment: Mapped[str] = mapped_column(String(255), default="")
    notes: Mapped[str] = mapped_column(Text, default="")
    height_cm: Mapped[Decimal | None] = mapped_column(Numeric(5, 1))
    weight_kg: Mapped[Decimal | None] = mapped_column(Numeric(6, 3))

    day: Mapped[date | None] = mapped_column(comment="hospital day of the operation")
    room_id: Mapped[int | None] = mapped_column(ForeignKey("operating_room.id"))
    sequence: Mapped[int | None] = mapped_column(comment="台次 in the room")
    planned_start: Mapped[datetime | None] = mapped_column(comment="UTC")
    planned_minutes: Mapped[int] = mapped_column(default=90)
    conflicts_accepted: Mapped[list[Any]] = mapped_column(
        default=list,
        comment="[{kind, with_case_id, reason, by, at}] conflicts that somebody accepted on purpose",
    )
    published_at: Mapped[datetime | None] = mapped_column(comment="UTC; first publication")
    published_day: Mapped[date | None] = mapped_column(index=True, comment="hospital day that the HIS was told")
    published: Mapped[dict[str, Any]] = mapped_column(default=dict, comment="content last sent to the HIS")
    cancelled_at: Mapped[datetime | None] = mapped_column(comment="UTC")
    cancel_code: Mapped[str] = mapped_column(String(16), default="")
    cancel_reason: Mapped[str] = mapped_column(String(255), default="")
    paused_at: Mapped[datetime | None] = mapped_column(comment="UTC")
    pause_reason: Mapped[str] = mapped_column(String(255), default="")
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    request: Mapped[SurgeryRequest | None] = relationship(lazy="joined")
    patient: Mapped[Patient] = relationship(lazy="joined")
    encounter: Mapped[Encounter | None] = relationship(lazy="joined")
    department: Mapped[Department | None] = relationship()
    room: Mapped[OperatingRoom | None] = relationship(lazy="joined")
    assignments: Mapped[list["StaffAssignment"]] = relationship(
        back_populates="case",
        lazy="selectin",
        cascade="all, delete-orphan",
        order_by="StaffAssignment.ordinal",
    )
    events: Mapped[list["CaseEvent"]] = relationship(
        back_populates="case", lazy="selectin", order_by="CaseEvent.at, CaseEvent.id"
    )

    @property
    def times(self) -> dict[EventKind, datetime]:
        """Valid times, the earliest of each kind; numbered events are no times."""
        found: dict[EventKind, datetime] = {}
        for event in self.events:
            if event.voided_at is None and event.kind != EventKind.NOTED:
                kind = EventKind(event.kind)
                found[kind] = min(found.get(kind, event.at), event.at)
        return found

    @property
    def state(self) -> CaseState:
        """Where the case stands, derived from place, publication and times."""
        return derive_state(
            self.times,
            is_placed=self.is_placed,
            is_published=self.published_at is not None,
            is_cancelled=self.cancelled_at is not None,
        )

    @property
    def is_placed(self) -> bool:
        """Whether a room and a start are planned."""
        return self.room_id is not None and self.planned_start is not None

    @property
    def planned_end(self) -> datetime | None:
        """Planned start and length together."""
        return self.planned_start + timedelta(minutes=self.planned_minutes) if self.planned_start else None

    @property
    def cancel_stage(self) -> CancelStage | None:
        """How far a cancelled case had come; None when it is not cancelled."""
        return cancel_stage(self.times, self.cancelled_at) if self.cancelled_at else None

    @property
    def procedure(self) -> str:
        """All planned procedures in one line."""
        return procedure_words(self.procedures)

    def staff_names(self, *roles: str) -> str:
        """Names of the people in these roles, in the order of the roles."""
        return "、".join(item.name for role in roles for item in self.assignments if item.role == role)


class StaffAssignment(Base):
    """Who does what in a case. The name is kept as it was on the day."""

    __tablename__ = "staff_assignment"
    __table_args__ = (
        UniqueConstraint("case_id", "role", "staff_id"),
        Index("ix_staff_assignment_staff", "staff_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("surgical_case.id"))
    role: Mapped[str] = mapped_column(
        String(40),
        comment="surgeon, assistant_1…3, anesthesiologist, assistant_anesthesiologist, anesthesia_nurse, "
        "scrub_nurse, circulating_nurse",
    )
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff_member.id"))
    name: Mapped[str] = mapped_column(String(64))
    ordinal: Mapped[int] = mapped_column(default=0)

    case: Mapped[SurgicalCase] = relationship(back_populates="assignments")
    staff: Mapped[StaffMember | None] = relationship(lazy="joined")


class CaseEvent(Base, Stamped):
    """A time of the case (in_room, anesthesia_start, incision …) or a numbered event of the record (`noted`).

    The state of a case is derived from these. A corrected time keeps its old value in `history`; a withdrawn
    event stays with `voided_at`.
    """

    __tablename__ = "case_event"
    __table_args__ = (Index("ix_case_event_case_at", "case_id", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("surgical_case.id"))
    kind: Mapped[str] = mapped_column(String(32), comment="a kind of scheduling.rules.EventKind, or noted")
    at: Mapped[datetime] = mapped_column(comment="UTC, when it happened")
    label: Mapped[str] = mapped_column(String(64), default="", comment="dictionary text of a noted event")
    remark: Mapped[str] = mapped_column(Text, default="", comment="附注")
    by: Mapped[str] = mapped_column(String(64), comment="actor id")
    by_name: Mapped[str] = mapped_column(String(64), default="")
    history: Mapped[list[Any]] = mapped_column(default=list, comment="[{at, old, new, by, by_name, reason}]")
    voided_at: Mapped[datetime | None] = mapped_column(comment="UTC")
    idempotency_key: Mapped[str | None] = mapped_column(String(64), unique=True, comment="of the posting form")

    case: Mapped[SurgicalCase] = relationship(back_populates="events")
