"""What somebody asks for: a surgery request as told by a message or a form. Blank means "not told"."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from app.core.labelled import Labelled
from app.patients.facts import EncounterFacts, PatientFacts


class RequestAction(Labelled):
    """What happens to the request."""

    NEW = "new", "新申请"
    UPDATE = "update", "修改申请"
    CANCEL = "cancel", "取消申请"
    HOLD = "hold", "暂缓申请"


class Outcome(Labelled):
    """What became of a received request."""

    CREATED = "created", "已登记"
    UPDATED = "updated", "已更新"
    UNCHANGED = "unchanged", "内容相同"
    RESTORED = "restored", "已恢复"
    CANCELLED = "cancelled", "已取消"
    FLAGGED = "flagged", "手术已开始，仅提示"
    HELD = "held", "已暂缓"


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """A member of staff by staff number and name; either may be blank."""

    code: str = ""
    name: str = ""

    def __bool__(self) -> bool:
        return bool(self.code or self.name)


@dataclass(frozen=True, slots=True)
class ProcedureFacts:
    """A planned procedure; `code` is ICD-9-CM-3, `level` 1-4, `laterality` left, right or bilateral."""

    name: str
    code: str = ""
    level: str = ""
    site: str = ""
    laterality: str = ""


@dataclass(frozen=True, slots=True)
class DiagnosisFacts:
    """A diagnosis; `code` is ICD-10."""

    name: str
    code: str = ""
    kind: str = "preoperative"


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """One surgery request. The key is (`source`, `request_no`); times are aware, lengths in minutes."""

    source: str  # his, manual
    request_no: str
    patient: PatientFacts
    action: RequestAction = RequestAction.NEW
    encounter: EncounterFacts | None = None
    kind: str = ""  # a value of rules.RequestKind
    procedures: tuple[ProcedureFacts, ...] = ()
    diagnoses: tuple[DiagnosisFacts, ...] = ()
    surgeon: PersonFacts = PersonFacts()
    assistants: tuple[PersonFacts, ...] = ()
    planned_at: datetime | None = None
    planned_minutes: int | None = None
    anesthesia_method: str = ""
    asa: str = ""
    wound_class: str = ""
    position: str = ""
    isolation: str = ""
    special_equipment: str = ""
    notes: str = ""
    height_cm: Decimal | None = None
    weight_kg: Decimal | None = None
    department_code: str = ""
    department_name: str = ""
    applicant: str = ""
    applied_at: datetime | None = None
    reason: str = ""  # of a cancellation or a hold
