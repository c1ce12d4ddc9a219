"""One case as a card: everything a board, a list or a screen says about it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload, selectinload

from app.clinical.body import age_words
from app.core import clock
from app.core.db import db
from app.patients.models import Encounter, Patient
from app.scheduling.models import OperatingRoom, SurgicalCase
from app.scheduling.rules import (
    LATERALITY_LABELS,
    SEX_LABELS,
    CaseState,
    PlanConflict,
    RequestKind,
    isolation_words,
)
from app.scheduling.service.common import occupied_span
from app.scheduling.service.placing import accepted_key

_ANESTHESIA = ("anesthesiologist", "assistant_anesthesiologist")
_NURSES = ("scrub_nurse", "circulating_nurse")


@dataclass(frozen=True, slots=True)
class CardConflict:
    """A conflict in words; `reason` tells why somebody accepted it, blank while nobody has."""

    label: str
    message: str
    reason: str = ""

    @property
    def is_open(self) -> bool:
        """Nobody has accepted it yet."""
        return not self.reason


@dataclass(frozen=True, slots=True)
class Card:
    """A case in words. Times are aware; `start` and `end` are when it holds its room, real where known."""

    case_id: int
    case_no: str
    version: int
    patient_id: int
    room_id: int | None
    room: str
    sequence: int | None
    day: date | None
    name: str
    pinyin: str
    sex: str
    age: str
    number: str
    ward: str
    bed: str
    department: str
    kind: str
    kind_label: str
    procedure: str
    side: str
    surgeon: str
    anesthesiologists: str
    nurses: str
    anesthesia_method: str
    asa: str
    isolation: str
    allergies: str
    notes: str
    is_temporary: bool
    wished_at: datetime | None
    applied_at: datetime | None
    minutes: int
    start: datetime | None
    end: datetime | None
    planned_start: datetime | None
    planned_end: datetime | None
    state: CaseState
    state_label: str
    pause_reason: str
    is_held: bool
    is_published: bool
    conflicts: tuple[CardConflict, ...]
    unseen_changes: int
    staff_ids: tuple[int, ...]

    @property
    def place(self) -> str:
        """Ward and bed: 外一病区 12 床."""
        bed = f"{self.bed}床" if self.bed and not self.bed.endswith("床") else self.bed
        return " ".join(part for part in (self.ward or self.department, bed) if part)

    @property
    def who(self) -> str:
        """Name, sex and age in one line."""
        return " ".join(part for part in (self.name, self.sex, self.age) if part)

    @property
    def has_open_conflicts(self) -> bool:
        """Something must be decided about this card."""
        return any(item.is_open for item in self.conflicts)

    @property
    def is_movable(self) -> bool:
        """Whether room and time may still be planned."""
        return self.state in (CaseState.APPLIED, CaseState.SCHEDULED, CaseState.PUBLISHED, CaseState.IN_TRANSIT)

    @property
    def is_resizable(self) -> bool:
        """Whether the planned length may still be changed."""
        return self.room_id is not None and not self.state.is_over

    @property
    def search_words(self) -> str:
        """What typing finds this card by."""
        words = (
            self.name,
            self.pinyin,
            self.number,
            self.procedure,
            self.surgeon,
            self.anesthesiologists,
            self.case_no,
        )
        return " ".join(words).lower()


def cases_statement() -> Select[SurgicalCase]:
    """Cases with everything a card reads, in a fixed number of queries."""
    return select(SurgicalCase).options(
        joinedload(SurgicalCase.department),
        joinedload(SurgicalCase.encounter).joinedload(Encounter.department),
        joinedload(SurgicalCase.patient).selectinload(Patient.allergies),
        selectinload(SurgicalCase.assignments),
        selectinload(SurgicalCase.events),
    )


Accepted = Mapping[tuple[int, tuple[str, int, str]], str]


def accepted_conflicts(cases: Iterable[SurgicalCase]) -> Accepted:
    """Reasons of accepted conflicts by case and key; what one side accepted counts for the other as well."""
    found: dict[tuple[int, tuple[str, int, str]], str] = {}
    for case in cases:
        for row in case.conflicts_accepted:
            kind, other, person = accepted_key(row)
            found.setdefault((other, (kind, case.id, person)), str(row["reason"]))
            found[case.id, (kind, other, person)] = str(row["reason"])
    return found


def card_of(
    case: SurgicalCase, moment: datetime, conflicts: Iterable[PlanConflict] = (), accepted: Accepted | None = None
) -> Card:
    """The card of a case at a moment."""
    patient, visit, request, state = case.patient, case.encounter, case.request, case.state
    span = occupied_span(case, moment)
    department = case.department or (visit.department if visit else None)
    on_day = case.day or clock.to_hospital(moment).date()
    main = case.procedures[0] if case.procedures else {}
    return Card(
        case_id=case.id,
        case_no=case.case_no,
        version=case.version,
        patient_id=patient.id,
        room_id=case.room_id,
        room=case.room.name if case.room else "",
        sequence=case.sequence,
        day=case.day,
        name=patient.name,
        pinyin=f"{patient.pinyin} {patient.pinyin_full}",
        sex=SEX_LABELS.get(patient.sex, "未知"),
        age=age_words(patient.birth_date, on_day) if patient.birth_date else "",
        number=_number(patient, visit),
        ward=visit.ward if visit else "",
        bed=visit.bed if visit else "",
        department=department.name if department else "",
        kind=case.kind,
        kind_label=RequestKind(case.kind).label,
        procedure=case.procedure or "（未填手术名称）",
        side=LATERALITY_LABELS.get(str(main.get("laterality") or ""), ""),
        surgeon=case.staff_names("surgeon"),
        anesthesiologists=case.staff_names(*_ANESTHESIA),
        nurses=case.staff_names(*_NURSES),
        anesthesia_method=case.anesthesia_method,
        asa=case.asa,
        isolation=isolation_words(case.isolation),
        allergies="、".join(dict.fromkeys(item.substance for item in patient.allergies)),
        notes=case.notes,
        is_temporary=patient.is_temporary,
        wished_at=request.planned_at if request else None,
        applied_at=request.applied_at if request else None,
        minutes=case.planned_minutes,
        start=span[0] if span else None,
        end=span[1] if span else None,
        planned_start=case.planned_start,
        planned_end=case.planned_end,
        state=state,
        state_label=_state_words(case, state),
        pause_reason=case.pause_reason,
        is_held=case.paused_at is not None,
        is_published=case.published_at is not None,
        conflicts=_conflict_words(case.id, conflicts, accepted or {}),
        unseen_changes=sum(not row["seen"] for row in request.changes) if request else 0,
        staff_ids=tuple(item.staff_id for item in case.assignments if item.staff_id is not None),
    )


def _number(patient: Patient, visit: Encounter | None) -> str:
    told = (visit.inpatient_no or visit.outpatient_no) if visit else ""
    return told or patient.patient_no


def _state_words(case: SurgicalCase, state: CaseState) -> str:
    stage = case.cancel_stage
    if stage is not None:
        return f"已取消（{stage.label}）"
    return f"暂停（{state.label}）" if case.paused_at is not None else state.label


def _conflict_words(case_id: int, conflicts: Iterable[PlanConflict], accepted: Accepted) -> tuple[CardConflict, ...]:
    words = (CardConflict(item.kind.label, item.message, accepted.get((case_id, item.key), "")) for item in conflicts)
    return tuple(sorted(words, key=lambda item: not item.is_open))


def rooms() -> list[OperatingRoom]:
    """Rooms in use, in their order."""
    statement = select(OperatingRoom).where(OperatingRoom.is_active).order_by(OperatingRoom.sort, OperatingRoom.id)
    return list(db.session.scalars(statement))


def by_room(cards: Iterable[Card]) -> Mapping[int, list[Card]]:
    """Placed cards of each room in the order of their time."""
    found: dict[int, list[Card]] = {}
    for card in sorted(cards, key=lambda item: (item.start or clock.now(), item.case_id)):
        if card.room_id is not None:
            found.setdefault(card.room_id, []).append(card)
    return found
