"""The head of the sheet by WS 329, and the sheet as a whole for print."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import select

from app.anesthesia.models import (
    AnesthesiaRecord,
    ChartReading,
    ReadingCorrection,
)
from app.anesthesia.queries.procedures import procedure_rows
from app.anesthesia.queries.totals import balance, drug_totals
from app.anesthesia.queries.view import record_view
from app.anesthesia.rules import CHARTED
from app.charting.record import (
    Block,
    Correction,
    HeaderField,
    RecordAppendix,
    RecordHeader,
    RecordSheet,
    Signature,
    TotalItem,
)
from app.clinical.body import UNKNOWN_AGE, age_words
from app.clinical.dosing import plain
from app.core import clock
from app.core.db import db
from app.core.errors import NotFound
from app.scheduling.models import SurgicalCase

_SEX = {"male": "男", "female": "女"}
_ASA = {"1": "Ⅰ", "2": "Ⅱ", "3": "Ⅲ", "4": "Ⅳ", "5": "Ⅴ", "6": "Ⅵ"}
_KINDS = {
    "elective": "择期", "urgent": "限期", "emergency": "急诊", "painless": "无痛", "outpatient": "门诊", "day": "日间",
    "endoscopy": "胃肠镜",
}  # fmt: skip
_RH = {"positive": "Rh(+)", "negative": "Rh(-)"}
_TECHNIQUE = {
    "induction": "诱导方法", "maintenance": "维持", "airway": "气道", "ventilation": "通气", "neuraxial": "椎管内",
    "block": "神经阻滞", "monitoring": "监测", "anesthesia_effect": "麻醉效果", "pca": "术后镇痛", "summary": "麻醉小结",
}  # fmt: skip
_BEFORE = {"special_conditions": "术前特殊情况", "premedication": "麻醉前用药", "fasting": "禁食"}
_LEAVING = {
    "muscle_power": "肌力", "reflexes": "反射", "orientation": "定向力", "consciousness": "意识", "block_level": "阻滞平面",
    "disposition": "去向",
}  # fmt: skip


def record_header(case: SurgicalCase, hospital: str = "") -> RecordHeader:
    """The head of the sheet: patient, places, sizes, diagnoses, procedures, method and team as WS 329 lists them."""
    patient, encounter = case.patient, case.encounter
    day = case.day or clock.today()
    age = age_words(patient.birth_date, day) if patient.birth_date else UNKNOWN_AGE
    number = (encounter.inpatient_no or encounter.outpatient_no) if encounter else ""
    number = number or patient.patient_no
    sex = _SEX.get(patient.sex, "未知")
    department = case.department.name if case.department else ""
    fields = (
        HeaderField("姓名", patient.name),
        HeaderField("性别", sex, 2),
        HeaderField("年龄", age, 3),
        HeaderField("病历号", number, 5),
        HeaderField("科室", department, 4),
        HeaderField("病房", encounter.ward if encounter else "", 3),
        HeaderField("床号", encounter.bed if encounter else "", 3),
        HeaderField("身高", f"{plain(case.height_cm)} cm" if case.height_cm else "", 3),
        HeaderField("体重", f"{plain(case.weight_kg)} kg" if case.weight_kg else "", 3),
        HeaderField("血型", f"{patient.blood_type} {_RH.get(patient.rh, '')}".strip(), 4),
        HeaderField("ASA", asa_words(case.asa), 3),
        HeaderField("手术类别", _KINDS.get(case.kind, case.kind), 3),
        HeaderField("手术日期", f"{day:%Y-%m-%d}", 4),
        HeaderField("手术间", case.room.name if case.room else "", 4),
        HeaderField("术前诊断", _diagnoses(case.diagnoses, "preoperative"), 12),
        HeaderField("术后诊断", _diagnoses(case.diagnoses, "postoperative", "intraoperative"), 12),
        HeaderField("拟施手术", _procedures(case.procedures), 12),
        HeaderField("实施手术", _procedures(case.performed_procedures), 12),
        HeaderField("麻醉方式", case.anesthesia_method, 12),
        HeaderField("体位", case.position, 12),
        HeaderField("手术医师", _team(case, "surgeon", "assistant_1", "assistant_2", "assistant_3"), 12),
        HeaderField("麻醉医师", _team(case, "anesthesiologist", "assistant_anesthesiologist"), 6),
        HeaderField("麻醉护士", _team(case, "anesthesia_nurse") or "无", 6),
        HeaderField("器械护士", _team(case, "scrub_nurse"), 6),
        HeaderField("巡回护士", _team(case, "circulating_nurse"), 6),
    )
    key_line = f"{patient.name}  {sex}  {age}  病历号 {number}  手术日期 {day:%Y-%m-%d}"
    return RecordHeader(hospital=hospital, fields=fields, key_line=key_line)


def asa_words(asa: str) -> str:
    """2E → ⅡE."""
    return _ASA.get(asa[:1], asa[:1]) + asa[1:].upper()


def _diagnoses(rows: Iterable[dict[str, str]], *kinds: str) -> str:
    return "；".join(row.get("name", "") for row in rows if row.get("kind", "preoperative") in kinds)


def _procedures(rows: Iterable[dict[str, str]]) -> str:
    sides = {"left": "左侧", "right": "右侧", "bilateral": "双侧"}
    return "；".join(
        row.get("name", "") + (f"（{sides[row['laterality']]}）" if row.get("laterality") in sides else "")
        for row in rows
    )


def _team(case: SurgicalCase, *roles: str) -> str:
    names = [
        one.name
        for role in roles
        for one in sorted(case.assignments, key=lambda item: (item.ordinal, item.id))
        if one.role == role
    ]
    return "、".join(names)


def record_sheet(case_id: int, hospital: str = "", now: datetime | None = None) -> RecordSheet:
    """The whole document as it stands: what a snapshot freezes. Raises `NotFound`."""
    case = db.session.get(SurgicalCase, case_id)
    record = db.session.scalar(select(AnesthesiaRecord).where(AnesthesiaRecord.case_id == case_id))
    if case is None or record is None:
        raise NotFound("这台手术还没有麻醉记录。")
    moment = now or clock.now()
    view = record_view(case_id, moment)
    appendix = RecordAppendix(
        drug_totals=tuple(TotalItem(total.name, total.text) for total in drug_totals(record.id, view.edge)),
        balance=balance(record.id),
        blocks=_blocks(record),
        corrections=corrections(record.id),
        signatures=(Signature("麻醉医师"), Signature("审核")),
    )
    return RecordSheet(view=view, header=record_header(case, hospital), appendix=appendix)


def _blocks(record: AnesthesiaRecord) -> tuple[Block, ...]:
    technique = record.technique
    found = [
        Block("术前情况", _fields(_BEFORE, technique)),
        Block("麻醉技术", (*_fields(_TECHNIQUE, technique), *_procedure_fields(record.id))),
        Block("离室情况", _fields(_LEAVING, technique)),
    ]
    return tuple(block for block in found if block.fields)


def _fields(labels: dict[str, str], values: dict[str, object]) -> tuple[HeaderField, ...]:
    return tuple(HeaderField(label, str(values[key]), 12) for key, label in labels.items() if values.get(key))


def _procedure_fields(record_id: int) -> Sequence[HeaderField]:
    labels = {"airway": "气道", "line": "穿刺", "block": "阻滞"}
    return [
        HeaderField(labels[row.kind], f"{_when(row.at)} {row.text}", 12)
        for row in procedure_rows(record_id)
        if not row.is_voided
    ]


def _when(moment: datetime) -> str:
    return f"{clock.to_hospital(moment):%H:%M}"


def corrections(record_id: int) -> tuple[Correction, ...]:
    """Footnotes of corrected values: one number a value, one line a step."""
    rows = db.session.execute(
        select(ReadingCorrection, ChartReading.code, ChartReading.slot_at, ChartReading.unit)
        .join(ChartReading, ChartReading.id == ReadingCorrection.reading_id)
        .where(ReadingCorrection.record_id == record_id)
        .order_by(ReadingCorrection.at, ReadingCorrection.id)
    )
    numbers: dict[int, int] = {}
    found = []
    for step, code, slot_at, unit in rows:
        number = numbers.setdefault(step.reading_id, len(numbers) + 1)
        label = CHARTED[code].label if code in CHARTED else code
        old, new = (f"{plain(value)} {unit}".strip() if value is not None else "伪差" for value in (step.old, step.new))
        found.append(Correction(number, slot_at, label, old, new, step.reason, step.by_name, step.at))
    return tuple(found)
