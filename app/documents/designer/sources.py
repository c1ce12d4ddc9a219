"""What the record knows, as a Chinese list to pick a default from: person, visit, operation, record, times, charted values."""

from collections.abc import Mapping
from functools import lru_cache

from app.documents.facts import CATALOGUE, CHART_CODES, EVENTS
from app.labs.items import PANELS, shipped_items

_NAMES: Mapping[str, Mapping[str, str]] = {
    "患者": {
        "patient.name": "姓名", "patient.sex": "性别", "patient.age": "年龄（带单位）", "patient.age_years": "年龄（岁）",
        "patient.birth_date": "出生日期", "patient.patient_no": "病人ID", "patient.national_id": "身份证号",
        "patient.phone": "电话", "patient.blood_group": "血型", "patient.allergies": "过敏史",
        "patient.has_allergy": "有无过敏",
    },
    "就诊": {
        "encounter.department": "科室", "encounter.ward": "病区", "encounter.bed": "床号",
        "encounter.inpatient_no": "住院号", "encounter.outpatient_no": "门诊号", "encounter.admitted_at": "入院时间",
    },
    "手术": {
        "case.case_no": "手术编号", "case.day": "手术日期", "case.room": "手术间", "case.sequence": "台次",
        "case.department": "申请科室", "case.kind": "手术类别", "case.procedures": "拟施手术",
        "case.performed_procedures": "实施手术", "case.preop_diagnoses": "术前诊断", "case.postop_diagnoses": "术后诊断",
        "case.method": "麻醉方法", "case.asa": "ASA 分级", "case.wound_class": "切口等级", "case.position": "体位",
        "case.side": "手术部位与侧别", "case.procedure_level": "手术级别", "case.height": "身高（cm）",
        "case.weight": "体重（kg）", "case.planned_start": "计划开始时间", "case.planned_minutes": "预计时长（min）",
        "case.notes": "申请备注", "case.isolation": "隔离与感染", "case.special_equipment": "特殊设备",
    },
    "人员": {
        "staff.surgeon": "术者", "staff.assistants": "助手", "staff.anesthesiologist": "主麻医师",
        "staff.assistant_anesthesiologists": "副麻医师", "staff.anesthesia_nurse": "麻醉护士",
        "staff.scrub_nurse": "洗手护士", "staff.circulating_nurse": "巡回护士",
    },
    "麻醉记录": {
        "record.drugs": "用药（用药表）", "record.blood_ml": "输血量（ml）", "record.blood_loss_ml": "出血量（ml）",
        "record.urine_ml": "尿量（ml）", "record.intake_ml": "总入量（ml）", "record.output_ml": "总出量（ml）",
        "record.premedication": "术前用药", "record.airway": "气道", "record.puncture": "穿刺与阻滞",
        "record.events_text": "术中事件", "record.balance_text": "出入量小结", "record.narrative": "诱导与通气",
        "record.course": "麻醉经过",
    },
    "恢复室": {"pacu.first_temperature": "首次体温（℃）"},
}  # fmt: skip
_CHART_EVENTS = ("in_room", "anesthesia_start", "surgery_start", "surgery_end", "out_of_room", "pacu_in")


def source_groups() -> list[tuple[str, list[tuple[str, str]]]]:
    """Groups of (expression, Chinese name)."""
    groups = [(group, [(path, name) for path, name in names.items() if path in CATALOGUE])
              for group, names in _NAMES.items()]  # fmt: skip
    groups.append(("时间", [(f"times.{event}", f"{name}时间") for event, name in EVENTS.items()]))
    groups.append(("体征", [(f"chart.{code}@{event}", f"{EVENTS[event]}时{name}")
                          for event in _CHART_EVENTS for code, name in CHART_CODES.items()]))  # fmt: skip
    for function, title in (("latest", "最近检验"), ("preop", "入室前检验")):
        groups.append((title, [(f'labs.{function}("{code}")', name) for code, name in _labs()]))
    return groups


@lru_cache(maxsize=1)
def _labs() -> list[tuple[str, str]]:
    """Groups of results as one text, then single items with the unit in which they are filled in."""
    items = shipped_items().by_code.values()
    single = [(item.code, f"{item.name}（{item.unit}）" if item.unit else item.name) for item in items]
    return [*((key, f"{title}（整组）") for key, title in PANELS.items()), *single]


def source_name(expression: str) -> str:
    """Chinese name of a source; the expression itself when it is none of the list."""
    return next((name for _, rows in source_groups() for path, name in rows if path == expression), expression)
