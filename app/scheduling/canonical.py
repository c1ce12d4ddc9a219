"""The canonical content of a request: comparable, storable as JSON, and sayable in Chinese."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from app.core import clock
from app.scheduling.facts import PersonFacts, RequestFacts
from app.scheduling.models import SurgicalCase
from app.scheduling.rules import RequestKind, procedure_words

Row = dict[str, Any]

_LABELS = {
    "kind": "手术类别",
    "planned_at": "期望时间",
    "planned_minutes": "预计时长",
    "procedures": "手术名称",
    "diagnoses": "诊断",
    "surgeon": "术者",
    "assistants": "助手",
    "anesthesia_method": "麻醉方法",
    "asa": "ASA",
    "wound_class": "切口等级",
    "position": "体位",
    "isolation": "隔离",
    "special_equipment": "特殊器械",
    "notes": "备注",
    "height_cm": "身高",
    "weight_kg": "体重",
    "patient_name": "姓名",
    "allergies": "过敏",
    "ward": "病区",
    "bed": "床号",
    "patient": "患者",
    "cancel": "取消申请",
    "hold": "暂缓申请",
}
_TEXTS = ("anesthesia_method", "asa", "wound_class", "position", "isolation", "special_equipment", "notes")
_NUMBERS = ("height_cm", "weight_kg")
_LISTS = ("procedures", "diagnoses")

# Which content lives where: on the case, in its plan, in its team, with patient and visit.
CONTENT = frozenset({"kind", "planned_minutes", *_TEXTS, *_NUMBERS, *_LISTS})
PLAN = frozenset({"planned_minutes", "planned_at"})
TEAM = frozenset({"surgeon", "assistants"})
PERSON = frozenset({"patient_name", "allergies", "ward", "bed"})


def of_facts(facts: RequestFacts) -> dict[str, Any]:
    """Everything that was told, by field; what is blank was not told and is left out."""
    visit = facts.encounter
    content: dict[str, Any] = {
        "kind": facts.kind if facts.kind in set(RequestKind) else "",
        "planned_at": facts.planned_at.isoformat() if facts.planned_at else "",
        "planned_minutes": facts.planned_minutes,
        "procedures": [
            {"code": p.code, "name": p.name, "level": p.level, "site": p.site, "laterality": p.laterality}
            for p in facts.procedures
            if p.name or p.code
        ],
        "diagnoses": [{"code": d.code, "name": d.name, "kind": d.kind} for d in facts.diagnoses if d.name or d.code],
        "surgeon": _person(facts.surgeon) if facts.surgeon else None,
        "assistants": [_person(person) for person in facts.assistants if person],
        "patient_name": facts.patient.name,
        "allergies": sorted(item.substance for item in facts.patient.allergies or ()),
        "ward": visit.ward if visit else "",
        "bed": visit.bed if visit else "",
    }
    content |= {name: getattr(facts, name).strip() for name in _TEXTS}
    content |= {name: _number(getattr(facts, name)) for name in _NUMBERS}
    return {name: value for name, value in content.items() if value}


def _person(person: PersonFacts) -> dict[str, str]:
    return {"code": person.code, "name": person.name}


def _number(value: Decimal | None) -> str:
    return "" if value is None else f"{value.normalize():f}"


def read(case: SurgicalCase, name: str) -> Any:
    """The value of the case in canonical form."""
    value = getattr(case, name)
    return _number(value) if name in _NUMBERS else value


def write(case: SurgicalCase, name: str, value: Any) -> None:
    """Set a value of the case from canonical form."""
    setattr(case, name, Decimal(value) if name in _NUMBERS and value else value)


def blank(name: str) -> Any:
    """What an untold field reads as."""
    return [] if name in _LISTS else ""


def people(value: Any) -> list[dict[str, str]]:
    """Surgeon or assistants as a list."""
    if not value:
        return []
    return [value] if isinstance(value, dict) else list(value)


def names(value: Any) -> list[str]:
    """Names of surgeon or assistants."""
    return [person["name"] or person["code"] for person in people(value)]


def label(name: str) -> str:
    """The Chinese word of a field."""
    return _LABELS.get(name, name)


def words(name: str, value: Any) -> str:
    """A value as a person reads it."""
    if not value:
        return "（未填）" if name not in ("cancel", "hold") else ""
    if name in TEAM:
        return "、".join(names(value))
    if name == "procedures":
        return procedure_words(value)
    if name == "diagnoses":
        return "；".join(item["name"] or item["code"] for item in value)
    if name == "kind":
        return RequestKind(value).label
    if name == "planned_at":
        return f"{clock.to_hospital(datetime.fromisoformat(value)):%m-%d %H:%M}"
    return _with_unit(name, value)


def _with_unit(name: str, value: Any) -> str:
    units = {"planned_minutes": " 分钟", "height_cm": " cm", "weight_kg": " kg"}
    if isinstance(value, list):
        return "、".join(str(item) for item in value)
    return f"{value}{units.get(name, '')}"
