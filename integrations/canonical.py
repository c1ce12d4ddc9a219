"""What a message means, whoever sent it and in whatever format: frozen changes for the domain to carry out.

Every adapter (HL7 v2, web service, database view) makes these; only `integrations.intake` knows the domain.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from app.core.labelled import Labelled


class PatientAction(Labelled):
    """What happened to the patient or the visit."""

    ADMIT = "admit", "入院"
    REGISTER = "register", "登记"
    UPDATE = "update", "更新"
    TRANSFER = "transfer", "转科"
    DISCHARGE = "discharge", "出院"
    CANCEL_ADMIT = "cancel_admit", "撤销入院"
    CANCEL_DISCHARGE = "cancel_discharge", "撤销出院"
    MERGE = "merge", "合并"


class RequestAction(Labelled):
    """What happened to the surgery request."""

    NEW = "new", "新申请"
    UPDATE = "update", "修改申请"
    CANCEL = "cancel", "取消申请"
    HOLD = "hold", "暂缓申请"


class RequestKind(Labelled):
    """The kinds of surgery request of the hospital."""

    ELECTIVE = "elective", "择期"
    URGENT = "urgent", "限期"
    EMERGENCY = "emergency", "急诊"
    PAINLESS = "painless", "无痛"
    OUTPATIENT = "outpatient", "门诊"
    DAY = "day", "日间"
    ENDOSCOPY = "endoscopy", "胃肠镜"


@dataclass(frozen=True, slots=True)
class Code:
    """A coded thing of the sender; `code` or `name` may be blank. Two of them are equal only with all three parts."""

    code: str = ""
    name: str = ""
    system: str = ""

    def __bool__(self) -> bool:
        return bool(self.code or self.name)

    def __str__(self) -> str:
        return self.name or self.code


@dataclass(frozen=True, slots=True)
class PersonRef:
    """A member of staff by the sender's staff number and name."""

    code: str = ""
    name: str = ""

    def __bool__(self) -> bool:
        return bool(self.code or self.name)


@dataclass(frozen=True, slots=True)
class Identifier:
    """A number of the patient: kind is PI, MR, NI (identity card), VN … as sent."""

    value: str
    kind: str = ""
    authority: str = ""


@dataclass(frozen=True, slots=True)
class AllergyData:
    """A substance and what it did."""

    substance: str
    reaction: str = ""

    def __str__(self) -> str:
        return f"{self.substance}（{self.reaction}）" if self.reaction else self.substance


@dataclass(frozen=True, slots=True)
class PatientData:
    """The patient as told by a message. Blank means "not told", never "delete"."""

    patient_no: str
    name: str = ""
    pinyin: str = ""
    sex: str = ""  # male, female, unknown
    birth_date: date | None = None
    national_id: str = ""
    phone: str = ""
    address: str = ""
    ethnicity: str = ""
    blood_type: str = ""  # A, B, AB, O
    rh: str = ""  # positive, negative
    allergies: tuple[AllergyData, ...] = ()
    identifiers: tuple[Identifier, ...] = ()


@dataclass(frozen=True, slots=True)
class VisitData:
    """One visit (住院, 门诊, 急诊, 日间)."""

    visit_no: str = ""
    kind: str = ""  # inpatient, outpatient, emergency, day
    ward: Code = Code()
    department: Code = Code()
    room: str = ""
    bed: str = ""
    attending: PersonRef = PersonRef()
    payment: str = ""
    admitted_at: datetime | None = None
    discharged_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PatientChange:
    """An ADT message, understood."""

    action: PatientAction
    source: str
    patient: PatientData
    visit: VisitData | None = None
    retired_patient_no: str = ""  # MERGE only: the number that goes out of use
    occurred_at: datetime | None = None

    def describe(self) -> str:
        """One Chinese sentence."""
        who = f"{self.patient.name or '（未给姓名）'}（病人ID {self.patient.patient_no}）"
        if self.action is PatientAction.MERGE:
            return f"合并患者：{self.retired_patient_no} 并入 {who}"
        visit = f"，就诊号 {self.visit.visit_no}" if self.visit and self.visit.visit_no else ""
        return f"患者{self.action.label}：{who}{visit}"


@dataclass(frozen=True, slots=True)
class ProcedureData:
    """A planned procedure; `code` is ICD-9-CM-3 clinical edition unless `system` says otherwise."""

    code: str = ""
    name: str = ""
    system: str = ""
    level: str = ""  # 1-4
    site: str = ""
    laterality: str = ""  # left, right, bilateral


@dataclass(frozen=True, slots=True)
class SurgeryRequestChange:
    """One surgery request of a message, understood. The key is (`source`, `request_no`)."""

    action: RequestAction
    source: str
    request_no: str
    patient: PatientData
    visit: VisitData | None = None
    group_no: str = ""
    kind: RequestKind | None = None
    procedures: tuple[ProcedureData, ...] = ()
    diagnoses: tuple[Code, ...] = ()
    surgeon: PersonRef = PersonRef()
    assistants: tuple[PersonRef, ...] = ()
    planned_at: datetime | None = None
    duration_minutes: int | None = None
    anesthesia_method: Code = Code()
    asa: str = ""  # 1-6
    wound_class: str = ""  # 0, 1, 2, 3
    position: str = ""
    isolation: str = ""
    special_equipment: str = ""
    notes: str = ""
    height_cm: Decimal | None = None
    weight_kg: Decimal | None = None
    department: Code = Code()
    applicant: PersonRef = PersonRef()
    applied_at: datetime | None = None
    reason: str = ""  # of a cancellation
    extra: tuple[tuple[str, str], ...] = ()  # items without a place of their own, as sent

    def describe(self) -> str:
        """One Chinese sentence."""
        who = f"{self.patient.name or '（未给姓名）'}（病人ID {self.patient.patient_no or '未给'}）"
        kind = f"{self.kind.label}手术" if self.kind else "手术"
        what = "＋".join(item.name or item.code for item in self.procedures) or "（未给手术名称）"
        return f"{self.action.label} {self.request_no}：{who} {kind} {what}"


@dataclass(frozen=True, slots=True)
class LabItemData:
    """One item of a report, as sent. `status`: preliminary, final, corrected, withdrawn."""

    item: Code
    text: str = ""
    sub_id: str = ""
    unit: str = ""
    reference: str = ""
    flag: str = ""
    status: str = "final"
    taken_at: datetime | None = None
    reported_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class LabReportChange:
    """One report of a laboratory (an OBR with its OBX), understood. The key is (`source`, `report_no`)."""

    source: str
    report_no: str
    patient: PatientData
    items: tuple[LabItemData, ...] = ()
    visit: VisitData | None = None
    panel: Code = Code()
    specimen: str = ""
    message_no: str = ""

    def describe(self) -> str:
        """One Chinese sentence."""
        who = f"{self.patient.name or '（未给姓名）'}（病人ID {self.patient.patient_no or '未给'}）"
        return f"检验结果 {self.report_no}：{who} {self.panel or '（未给项目）'} {len(self.items)} 项"


Change = PatientChange | SurgeryRequestChange | LabReportChange


@dataclass(frozen=True, slots=True)
class StaffRole:
    """A person of the team in a role: surgeon, assistant_1…4, anesthesiologist, assistant_anesthesiologist,
    anesthesia_nurse, scrub_nurse, circulating_nurse."""

    role: str
    person: PersonRef


class ScheduleEvent(StrEnum):
    """Trigger of a schedule message."""

    NEW = "S12"
    RESCHEDULED = "S13"
    MODIFIED = "S14"
    CANCELLED = "S15"


@dataclass(frozen=True, slots=True)
class ScheduleNotice:
    """What the HIS is told about a scheduled case. Durations in minutes, times aware."""

    event: ScheduleEvent
    request_no: str
    schedule_no: str
    patient: PatientData
    starts_at: datetime
    duration_minutes: int
    room: Code
    visit: VisitData | None = None
    kind: RequestKind = RequestKind.ELECTIVE
    sequence: int | None = None  # 台次
    procedures: tuple[ProcedureData, ...] = ()
    diagnoses: tuple[Code, ...] = ()
    team: tuple[StaffRole, ...] = ()
    anesthesia_method: str = ""
    position: str = ""
    notes: str = ""
    reason: str = ""
    scheduler: PersonRef = PersonRef()


class Milestone(Labelled):
    """Times of a case that the HIS wants to know, with the code our status messages use."""

    TRANSIT = "TRANSIT", "接患者"
    OR_IN = "OR_IN", "入手术间"
    ANES_START = "ANES_START", "麻醉开始"
    OPER_START = "OPER_START", "手术开始"
    OPER_END = "OPER_END", "手术结束"
    ANES_END = "ANES_END", "麻醉结束"
    OR_OUT = "OR_OUT", "出手术间"
    PACU_IN = "PACU_IN", "入麻醉恢复室"
    PACU_OUT = "PACU_OUT", "出麻醉恢复室"
    WARD = "WARD", "回病房"
    ICU = "ICU", "转监护室"
    ER = "ER", "转急诊"
    HOME = "HOME", "离院"
    DEAD = "DEAD", "死亡"


@dataclass(frozen=True, slots=True)
class StatusNotice:
    """The times reached so far. The last milestone is the present status."""

    request_no: str
    schedule_no: str
    patient: PatientData
    milestones: tuple[tuple[Milestone, datetime], ...]
    occurred_at: datetime
    visit: VisitData | None = None
    group_no: str = ""
    procedure: ProcedureData = ProcedureData()
    planned_at: datetime | None = None
    operator: PersonRef = PersonRef()
    is_finished: bool = False


@dataclass(frozen=True, slots=True)
class CancellationNotice:
    """We cancelled a case. `after_anesthesia` decides a national quality indicator, so it is always told."""

    request_no: str
    schedule_no: str
    patient: PatientData
    reason: Code
    after_anesthesia: bool
    occurred_at: datetime
    visit: VisitData | None = None
    group_no: str = ""
    procedure: ProcedureData = ProcedureData()
    planned_at: datetime | None = None
    operator: PersonRef = PersonRef()
