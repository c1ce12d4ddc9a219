"""What a case can tell its documents: named facts with origin and age, results, charted values and the record.

`gather` builds the facts of one case from the rooms below. Rooms that are not known here add theirs through
`contribute`, so that a form does not care who knows a value.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

# Path of every fact a definition may name, with the words shown beside a value that was filled in from it.
CATALOGUE: Mapping[str, str] = {
    "patient.name": "患者信息", "patient.sex": "患者信息", "patient.sex_code": "患者信息",
    "patient.age": "患者信息", "patient.age_years": "患者信息", "patient.birth_date": "患者信息",
    "patient.patient_no": "患者信息", "patient.national_id": "患者信息", "patient.phone": "患者信息",
    "patient.abo_code": "患者信息（血型）", "patient.rh_code": "患者信息（血型）", "patient.blood_group": "患者信息（血型）",
    "patient.allergies": "过敏记录", "patient.has_allergy": "过敏记录",
    "encounter.kind": "就诊信息", "encounter.department": "就诊信息", "encounter.ward": "就诊信息",
    "encounter.bed": "就诊信息", "encounter.inpatient_no": "就诊信息", "encounter.outpatient_no": "就诊信息",
    "encounter.admitted_at": "就诊信息",
    "case.case_no": "手术安排", "case.day": "手术安排", "case.room": "手术安排", "case.sequence": "手术安排",
    "case.department": "手术申请", "case.kind_code": "手术申请", "case.kind": "手术申请",
    "case.is_emergency": "手术申请", "case.procedures": "手术申请", "case.performed_procedures": "术者口述",
    "case.preop_diagnoses": "手术申请", "case.postop_diagnoses": "术后诊断", "case.method": "手术安排",
    "case.method_code": "手术安排", "case.asa": "手术安排", "case.asa_code": "手术安排",
    "case.wound_class": "手术申请", "case.position": "手术安排", "case.position_code": "手术安排",
    "case.height": "手术安排", "case.weight": "手术安排", "case.planned_start": "手术安排",
    "case.planned_minutes": "手术安排", "case.notes": "手术申请", "case.isolation": "手术申请",
    "case.special_equipment": "手术申请", "case.side": "手术申请", "case.procedure_level": "手术申请",
    "case.disposition_code": "术后去向", "case.duration_class": "手术时间", "case.is_general": "麻醉方式",
    "case.has_analgesia": "术后镇痛", "case.has_implants": "手术申请",
    "staff.surgeon": "手术安排", "staff.assistants": "手术安排", "staff.anesthesiologist": "手术安排",
    "staff.assistant_anesthesiologists": "手术安排", "staff.anesthesia_nurse": "手术安排",
    "staff.scrub_nurse": "手术安排", "staff.circulating_nurse": "手术安排",
    "record.drugs": "麻醉记录", "record.fluids": "麻醉记录", "record.blood": "麻醉记录",
    "record.blood_ml": "麻醉记录", "record.blood_loss_ml": "麻醉记录", "record.urine_ml": "麻醉记录",
    "record.intake_ml": "麻醉记录", "record.output_ml": "麻醉记录", "record.premedication": "麻醉记录",
    "record.airway": "麻醉记录（气道）", "record.breathing_code": "麻醉记录（气道）",
    "record.puncture": "麻醉记录（穿刺）", "record.narrative": "麻醉记录", "record.course": "麻醉记录",
    "record.events_text": "麻醉记录（事件）", "record.balance_text": "麻醉记录（出入量）",
    "record.routine_monitoring": "麻醉记录（监测）", "record.special_monitoring": "麻醉记录（监测）",
    "record.signs": "麻醉记录（监测）", "record.intakes": "麻醉记录（出入量）", "record.outputs": "麻醉记录（出入量）",
    "record.ventilated": "麻醉记录（气道）",
    "pacu.first_temperature": "恢复室", "pacu.signs": "恢复室", "pacu.drugs": "恢复室",
}  # fmt: skip
EVENTS: Mapping[str, str] = {
    "in_transit": "接患者", "in_room": "入手术室", "anesthesia_start": "麻醉开始", "intubation": "气管插管",
    "incision": "切皮", "surgery_start": "手术开始", "surgery_end": "手术结束", "extubation": "拔管",
    "anesthesia_end": "麻醉结束", "out_of_room": "出手术室", "pacu_in": "入恢复室", "pacu_out": "出恢复室",
    "rescue_start": "抢救开始", "rescue_end": "抢救结束", "to_ward": "回病房", "to_icu": "转 ICU", "to_er": "转急诊",
    "to_home": "离院", "dead": "死亡",
}  # fmt: skip
CHART_CODES: Mapping[str, str] = {
    "sbp": "收缩压", "dbp": "舒张压", "map": "平均压", "hr": "心率", "rr": "呼吸", "spo2": "SpO2",
    "temp": "体温", "etco2": "EtCO2",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fact:
    """A value, where it came from and when it was true (None: not dated).

    `note`: why something known is not given as a value, such as a result in a unit that cannot be converted.
    """

    value: Any
    origin: str = ""
    at: datetime | None = None
    unit: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class ChartValue:
    """One charted value."""

    at: datetime
    value: Decimal


@dataclass(frozen=True, slots=True)
class InfusionFact:
    """A continuous dose; `end` None: nobody stopped it."""

    name: str
    start: datetime
    end: datetime | None


@dataclass(frozen=True, slots=True)
class SpecialEvent:
    """A numbered event of the record; `handled`: its remark tells what was done."""

    label: str
    at: datetime
    handled: bool


@dataclass(slots=True)
class CaseFacts:
    """All facts of one case, mutable only while being gathered."""

    case_id: int
    values: dict[str, Fact] = field(default_factory=dict)
    times: dict[str, datetime] = field(default_factory=dict)
    labs: Mapping[str, Fact] = field(default_factory=dict)  # by code; `preop:` and the code: before the operation
    chart: dict[str, list[ChartValue]] = field(default_factory=dict)
    infusions: list[InfusionFact] = field(default_factory=list)
    specials: list[SpecialEvent] = field(default_factory=list)
    bypasses: dict[str, list[str]] = field(default_factory=dict)  # event → reasons of passing without the check
    charted: bool = False  # an anesthesia record with charted values exists
    cancelled: bool = False
    patient_id: int | None = None

    def put(self, path: str, value: Any, at: datetime | None = None, origin: str = "") -> None:
        """Tell a fact; a missing value is not told."""
        if value is None or value == "" or value == []:
            return
        self.values[path] = Fact(value, origin or CATALOGUE.get(path, ""), at)

    def get(self, path: str) -> Any:
        """Value of a fact or of a time (`times.in_room`), None when unknown."""
        head, _, name = path.partition(".")
        if head == "times":
            return self.times.get(name)
        fact = self.values.get(path)
        return fact.value if fact else None

    def text(self, path: str) -> str:
        """Value of a fact as text, empty when unknown."""
        value = self.get(path)
        return "" if value is None else str(value)

    def chart_at(self, code: str, event: str) -> ChartValue | None:
        """The charted value nearest to an event, at most 30 minutes away."""
        moment, points = self.times.get(event), self.chart.get(code)
        if moment is None or not points:
            return None
        nearest = min(points, key=lambda point: abs(point.at - moment))
        return nearest if abs((nearest.at - moment).total_seconds()) <= 1800 else None

    def minutes(self, start: str, end: str) -> float | None:
        """Minutes between two events, None when one is missing."""
        a, b = self.times.get(start), self.times.get(end)
        return None if a is None or b is None else (b - a).total_seconds() / 60


class FormEnvironment:
    """What the expressions of a document look at: its own values (native types) and the facts of its case."""

    def __init__(self, values: Mapping[str, Any], facts: CaseFacts, row: Mapping[str, Any] | None = None) -> None:
        self._values, self._facts, self._row = values, facts, row

    @property
    def facts(self) -> CaseFacts:
        """What the case tells."""
        return self._facts

    def field(self, key: str) -> Any:
        """Value of a field of this document; `row` is the table row being written."""
        if key == "row":
            return self._row
        return self._values.get(key)

    def fact(self, path: str) -> Any:
        """Value of a fact of the case."""
        return self._facts.get(path)

    def lab(self, code: str) -> Any:
        """Newest result of a laboratory item."""
        fact = self._facts.labs.get(code)
        return fact.value if fact else None

    def chart_at(self, code: str, event: str) -> Any:
        """Charted value nearest to an event."""
        point = self._facts.chart_at(code, event)
        return point.value if point else None

    def with_row(self, row: Mapping[str, Any]) -> "FormEnvironment":
        """The same environment inside a row of a table."""
        return FormEnvironment(self._values, self._facts, row)


Contributor = Callable[[Sequence[tuple[Any, CaseFacts]]], None]
_contributors: list[Contributor] = []


def contribute(contributor: Contributor) -> Contributor:
    """Register a function that is given pairs of (case, facts) and tells what its room knows; usable as a decorator."""
    if contributor not in _contributors:
        _contributors.append(contributor)
    return contributor


def contributors() -> tuple[Contributor, ...]:
    """The registered functions, in order of registration."""
    return tuple(_contributors)


def known(path: str) -> bool:
    """Whether a definition may name this fact."""
    head, _, name = path.partition(".")
    return name in EVENTS if head == "times" else path in CATALOGUE
