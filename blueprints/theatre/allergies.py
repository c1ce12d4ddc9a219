"""Allergies: asked at the table, shown on every banner."""

import re

from flask import request
from flask.typing import ResponseReturnValue

from app.core import signals, unit_of_work
from app.core.errors import InvalidInput
from app.core.permissions import Permission
from app.patients.service import LOCAL, record_allergies
from blueprints.common.access import actor, needs
from blueprints.common.fragments import fragment
from blueprints.common.guards import load_case
from blueprints.theatre.base import blueprint, form_text, written

# What is asked for by name before an anesthetic.
_COMMON = ("青霉素", "头孢类", "磺胺类", "碘造影剂", "局麻药", "肌松药", "乳胶", "鸡蛋", "大豆", "海鲜")


@blueprint.get("/cases/<int:case_id>/allergies")
@needs(Permission.RUN_CASE)
def allergies_panel(case_id: int) -> ResponseReturnValue:
    """What is known, and the form to add what the patient says."""
    patient = load_case(case_id).patient
    local = [item.substance for item in patient.allergies if item.source == LOCAL]
    return fragment(
        "theatre/_allergies.html",
        case_id=case_id,
        told=[item for item in patient.allergies if item.source != LOCAL],
        local=local,
        common=_COMMON,
        others="；".join(name for name in local if name not in _COMMON),
        asked_at=patient.allergies_asked_at,
    )


@blueprint.post("/cases/<int:case_id>/allergies")
@needs(Permission.RUN_CASE)
def ask_allergies(case_id: int) -> ResponseReturnValue:
    """Write what was found out; ticking nothing is refused, none known has a button of its own."""
    case = load_case(case_id)
    named = [*request.form.getlist("substance"), *re.split("[；;，,\n]", form_text("others", 1000))]
    is_none = bool(form_text("none"))
    if not is_none and not any(name.strip() for name in named):
        raise InvalidInput(fields={"others": "请勾选或填写过敏物；没有过敏请点“无已知过敏”"})
    record_allergies(actor(), case.patient, [] if is_none else named, form_text("reason"))
    unit_of_work.after_commit(signals.changed, f"case:{case_id}", what="plan")
    return written(f"过敏：{'、'.join(case.patient.known_allergies or []) or '无已知过敏'}")
