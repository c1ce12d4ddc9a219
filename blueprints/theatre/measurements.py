"""Weight, height and ASA: what rates per kg, the record's head and the indicators rest on."""

from decimal import Decimal

from flask.typing import ResponseReturnValue

from app.anesthesia import service as anesthesia
from app.core.permissions import Permission
from app.scheduling import service as scheduling
from app.scheduling.service.measuring import ASA_GRADES
from blueprints.common.access import actor, needs
from blueprints.common.fragments import fragment
from blueprints.common.guards import load_case
from blueprints.theatre.base import blueprint, form_decimal, form_text, written


@blueprint.get("/cases/<int:case_id>/measurements")
@needs(Permission.CHART)
def measurements_panel(case_id: int) -> ResponseReturnValue:
    """The form, filled with what is known."""
    grades = [(f"{grade}{mark}", f"{grade}{mark}") for grade in ASA_GRADES for mark in ("", "E")]
    return fragment("theatre/_measurements.html", case=load_case(case_id), grades=grades)


@blueprint.post("/cases/<int:case_id>/measurements")
@needs(Permission.CHART)
def measure(case_id: int) -> ResponseReturnValue:
    """Write what was filled in; they stand on the record, so not when that is closed."""
    anesthesia.check_open(case_id)
    case = scheduling.set_measurements(
        actor(),
        load_case(case_id),
        weight_kg=_optional("weight_kg", "体重"),
        height_cm=_optional("height_cm", "身高"),
        asa=form_text("asa", 4),
        reason=form_text("reason"),
    )
    return written(f"体重 {case.weight_kg or '—'} kg　身高 {case.height_cm or '—'} cm　ASA {case.asa or '—'}")


def _optional(field: str, label: str) -> Decimal | None:
    return form_decimal(field, label) if form_text(field, 16) else None
