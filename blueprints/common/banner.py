"""The patient as every clinical page shows him above its content."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Flask

from app.scheduling.models import SurgicalCase
from blueprints.common.filters import age, dose, sex

_SIDES = {"left": "左", "right": "右", "bilateral": "双侧"}


@dataclass(frozen=True, slots=True)
class Banner:
    """The patient as the banner of every clinical page shows him."""

    name: str
    sex: str
    age: str
    number: str
    place: str
    weight_kg: str | None
    blood_group: str
    asa: str
    procedure: str
    side: str
    location: str
    allergies: Sequence[str] | None
    alerts: Sequence[str]


def banner_of(case: SurgicalCase) -> Banner:
    """Banner of a case."""
    patient, encounter = case.patient, case.encounter
    number = (encounter.inpatient_no or encounter.outpatient_no) if encounter else ""
    main = case.procedures[0] if case.procedures else {}
    others = f"　等 {len(case.procedures)} 项" if len(case.procedures) > 1 else ""
    rh = {"positive": " Rh+", "negative": " Rh−"}.get(patient.rh, "")
    return Banner(
        name=patient.name,
        sex=sex(patient.sex),
        age=age(patient.birth_date, case.planned_start),
        number=number or patient.patient_no,
        place=" ".join(filter(None, (encounter.ward, f"{encounter.bed.removesuffix('床')}床" if encounter.bed else "")))
        if encounter
        else "",
        weight_kg=dose(case.weight_kg) if case.weight_kg else None,
        blood_group=f"{patient.blood_type}{rh}" if patient.blood_type else "",
        asa=case.asa,
        procedure=f"{main.get('name', '')}{others}",
        side=_SIDES.get(str(main.get("laterality", "")), ""),
        location=case.room.name if case.room else "",
        allergies=patient.known_allergies,
        alerts=[case.isolation] if case.isolation and case.isolation != "无" else [],
    )


def init_app(app: Flask) -> None:
    """Make it known to Jinja: a page that has a case has its banner."""
    app.jinja_env.globals["banner_of"] = banner_of
