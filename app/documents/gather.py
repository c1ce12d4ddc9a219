"""Gathers what the rooms below know of a case into facts for its documents."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import select

from app.clinical.body import age_words, age_years
from app.core import clock
from app.core.db import db
from app.documents.facts import CaseFacts, Fact, contributors
from app.documents.rules.case import BYPASS
from app.scheduling.models import SurgicalCase
from app.terminology.models import Term

_ABO = {"A": "1", "B": "2", "O": "3", "AB": "4"}
_RH = {"negative": "1", "positive": "2"}
_SEX = {"male": ("男", "1"), "female": ("女", "2")}
_SIDES = {"left": "左侧", "right": "右侧", "bilateral": "双侧"}
_POSITIONS = (
    ("左侧卧", "3"), ("右侧卧", "4"), ("截石", "5"), ("俯卧", "2"), ("坐位", "6"), ("沙滩椅", "6"),
    ("头低", "7"), ("折刀", "8"), ("仰卧", "1"),
)  # fmt: skip
_DISPOSITIONS = (
    ("dead", "6"), ("pacu_in", "1"), ("to_icu", "3"), ("to_er", "4"), ("to_home", "5"), ("to_ward", "2"),
)  # fmt: skip
_KINDS = {
    "elective": "择期", "urgent": "限期", "emergency": "急诊", "painless": "无痛", "outpatient": "门诊",
    "day": "日间", "endoscopy": "胃肠镜",
}  # fmt: skip
_THREE_HOURS = 180


class _Method(NamedTuple):
    """An entry of the dictionary of methods, without the weight of the whole row."""

    name: str
    code: str
    aliases: str
    attributes: Mapping[str, Any]


def gather(case: SurgicalCase) -> CaseFacts:
    """All facts of the case as they are now."""
    return gather_all([case])[0]


def gather_all(cases: Sequence[SurgicalCase]) -> list[CaseFacts]:
    """The facts of many cases, in their order, with as many queries as for one."""
    methods = _methods() if any(case.anesthesia_method.strip() for case in cases) else []
    made = [_own(case, methods) for case in cases]
    for contributor in contributors():
        contributor(list(zip(cases, made, strict=True)))
    return made


def _own(case: SurgicalCase, methods: Sequence[_Method]) -> CaseFacts:
    facts = CaseFacts(case.id, patient_id=case.patient_id, cancelled=case.cancelled_at is not None)
    for event in case.events:
        if event.voided_at is None:
            known = facts.times.get(event.kind)
            facts.times[event.kind] = event.at if known is None else min(known, event.at)
            if event.remark.startswith(BYPASS):
                facts.bypasses.setdefault(event.kind, []).append(event.remark.removeprefix(BYPASS))
    _patient(case, facts)
    _encounter(case, facts)
    _operation(case, facts)
    _anesthesia(case, facts, methods)
    _staff(case, facts)
    _date(case, facts)
    return facts


def _date(case: SurgicalCase, facts: CaseFacts) -> None:
    """Say since when each fact is known: when its source was written, the nearest that is recorded."""
    request, visit = case.request, case.encounter
    since = {
        "手术申请": (request.applied_at or request.created_at) if request else case.created_at,
        "手术安排": case.published_at or case.created_at,
        "患者信息": case.patient.created_at,
        "过敏记录": max((allergy.created_at for allergy in case.patient.allergies), default=None),
        "就诊信息": (visit.admitted_at or visit.created_at) if visit else None,
    }
    for path, fact in facts.values.items():
        moment = since.get(fact.origin.partition("（")[0])
        if fact.at is None and moment is not None:
            facts.values[path] = Fact(fact.value, fact.origin, moment)


def _patient(case: SurgicalCase, facts: CaseFacts) -> None:
    patient = case.patient
    sex, sex_code = _SEX.get(patient.sex, ("", "0"))
    facts.put("patient.name", patient.name)
    facts.put("patient.sex", sex)
    facts.put("patient.sex_code", sex_code)
    facts.put("patient.patient_no", patient.patient_no)
    facts.put("patient.national_id", patient.national_id)
    facts.put("patient.phone", patient.phone)
    facts.put("patient.abo_code", _ABO.get(patient.blood_type.upper()))
    facts.put("patient.rh_code", _RH.get(patient.rh))
    rh = {"negative": "Rh 阴性", "positive": "Rh 阳性"}.get(patient.rh, "")
    facts.put("patient.blood_group", f"{patient.blood_type}型 {rh}".strip() if patient.blood_type else "")
    if patient.birth_date is not None:
        on = facts.times.get("in_room") or case.planned_start
        day = clock.to_hospital(on).date() if on else (case.day or clock.today())
        if patient.birth_date <= day:
            facts.put("patient.age", age_words(patient.birth_date, day))
            facts.put("patient.age_years", Decimal(age_years(patient.birth_date, day)))
        facts.put("patient.birth_date", datetime(*patient.birth_date.timetuple()[:3], tzinfo=UTC))
    if patient.allergies:
        words = [f"{a.substance}{'（' + a.reaction + '）' if a.reaction else ''}" for a in patient.allergies]
        facts.put("patient.allergies", "、".join(words))
        facts.put("patient.has_allergy", "yes")
    elif patient.allergies_asked_at is not None:
        facts.put("patient.allergies", "否认")
        facts.put("patient.has_allergy", "no")


def _encounter(case: SurgicalCase, facts: CaseFacts) -> None:
    visit = case.encounter
    if visit is None:
        return
    for name in ("kind", "ward", "bed", "inpatient_no", "outpatient_no", "admitted_at"):
        facts.put(f"encounter.{name}", getattr(visit, name))
    facts.put("encounter.department", visit.department.name if visit.department else "")


def _operation(case: SurgicalCase, facts: CaseFacts) -> None:
    department = case.department or (case.encounter.department if case.encounter else None)
    planned = _coded(case.procedures)
    facts.put("case.case_no", case.case_no)
    facts.put("case.day", case.day.isoformat() if case.day else "")
    facts.put("case.room", case.room.name if case.room else "")
    facts.put("case.sequence", case.sequence)
    facts.put("case.department", department.name if department else "")
    facts.put("case.kind_code", case.kind)
    facts.put("case.kind", _KINDS.get(case.kind, case.kind))
    facts.put("case.is_emergency", "yes" if case.kind == "emergency" or case.asa.endswith("E") else "no")
    facts.put("case.procedures", planned)
    facts.put("case.performed_procedures", _coded(case.performed_procedures))
    facts.put("case.preop_diagnoses", _coded(_of_kind(case.diagnoses, "preoperative")))
    facts.put("case.postop_diagnoses", _coded(_of_kind(case.diagnoses, "postoperative")))
    facts.put("case.wound_class", case.wound_class)
    facts.put("case.planned_start", case.planned_start or (case.request.planned_at if case.request else None))
    facts.put("case.planned_minutes", case.planned_minutes)
    facts.put("case.notes", case.notes)
    facts.put("case.isolation", case.isolation)
    facts.put("case.special_equipment", case.special_equipment)
    main: dict[str, Any] = case.procedures[0] if case.procedures else {}
    side = " ".join(filter(None, (_SIDES.get(main.get("laterality") or "", ""), main.get("site") or "")))
    facts.put("case.side", side)
    facts.put("case.procedure_level", str(main.get("level") or ""))
    if any(word in f"{case.special_equipment}{case.notes}" for word in ("植入", "内固定", "假体", "支架", "高值耗材")):
        facts.put("case.has_implants", "yes")
    facts.put("case.disposition_code", next((code for kind, code in _DISPOSITIONS if kind in facts.times), ""))
    minutes = facts.minutes("surgery_start", "surgery_end")
    minutes = float(case.planned_minutes) if minutes is None else minutes
    facts.put("case.duration_class", "long" if minutes >= _THREE_HOURS else "short")


def _anesthesia(case: SurgicalCase, facts: CaseFacts, methods: Sequence[_Method]) -> None:
    facts.put("case.method", case.anesthesia_method)
    method = _method_of(case.anesthesia_method.strip(), methods)
    if method is not None:
        facts.put("case.method_code", str(method.attributes.get("wst_code") or ""))
        national = str(method.attributes.get("national_class") or "")
        facts.put("case.is_general", "yes" if national.startswith("general") or national == "combined" else "no")
    facts.put("case.asa", case.asa)
    digit = case.asa.strip().upper().removesuffix("E")
    facts.put("case.asa_code", digit if digit in ("1", "2", "3", "4", "5", "6") else "")
    facts.put("case.height", case.height_cm)
    facts.put("case.weight", case.weight_kg)
    facts.put("case.position", case.position)
    facts.put("case.position_code", next((code for word, code in _POSITIONS if word in case.position), ""))


def _methods() -> list[_Method]:
    statement = select(Term.name, Term.code, Term.aliases, Term.attributes)
    rows = db.session.execute(statement.where(Term.kind == "anesthesia_method").order_by(Term.sort))
    return [_Method(*row) for row in rows]


def _method_of(text: str, methods: Sequence[_Method]) -> _Method | None:
    """The method of these words: by its name or code, else the first that contains them."""
    if not text:
        return None
    exact = next((method for method in methods if text in (method.name, method.code)), None)
    return exact or next((m for m in methods if text in m.name or text in m.aliases.split()), None)


def _staff(case: SurgicalCase, facts: CaseFacts) -> None:
    names: dict[str, list[str]] = {}
    for assignment in case.assignments:
        names.setdefault(assignment.role, []).append(assignment.name)
    assistants = [name for role in sorted(names) if role.startswith("assistant_") and role[-1].isdigit()
                  for name in names[role]]  # fmt: skip
    facts.put("staff.assistants", "、".join(assistants))
    facts.put("staff.assistant_anesthesiologists", "、".join(names.get("assistant_anesthesiologist", [])))
    for role in ("surgeon", "anesthesiologist", "anesthesia_nurse", "scrub_nurse", "circulating_nurse"):
        facts.put(f"staff.{role}", "、".join(names.get(role, [])))


def _of_kind(diagnoses: Iterable[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [item for item in diagnoses if (item.get("kind") or "preoperative") == kind]


def _coded(items: Iterable[dict[str, Any]]) -> list[dict[str, str]]:
    return [
        {"code": str(item.get("code") or ""), "name": str(item.get("name") or "")} for item in items if item.get("name")
    ]
