"""Body measurements and ASA of a case, as the anesthesiologist finds them: doses per kg rest on the weight."""

from decimal import Decimal

from app.core import audit
from app.core.audit import Actor
from app.core.db import db
from app.core.errors import InvalidInput
from app.scheduling.models import SurgicalCase
from app.scheduling.service.common import subject, tell_board, tell_case

_WEIGHT_KG = (Decimal("0.3"), Decimal(400))
_HEIGHT_CM = (Decimal(20), Decimal(250))
ASA_GRADES = ("1", "2", "3", "4", "5", "6")


def set_measurements(
    actor: Actor,
    case: SurgicalCase,
    *,
    weight_kg: Decimal | None = None,
    height_cm: Decimal | None = None,
    asa: str = "",
    reason: str = "",
) -> SurgicalCase:
    """Set what is given (None and blank leave it). Changing a value that was there needs a reason.

    Infusions keep the weight of their start; a corrected weight counts from the next start on.
    """
    wanted = {"weight_kg": weight_kg, "height_cm": height_cm, "asa": asa.strip().upper() or None}
    fields = _faults(weight_kg, height_cm, asa)
    before = {name: getattr(case, name) for name in wanted}
    changed = {name: value for name, value in wanted.items() if value is not None and value != before[name]}
    if any(before[name] for name in changed) and not reason.strip():
        fields["reason"] = "修改已有的数值请填写理由"
    if fields:
        raise InvalidInput(fields=fields)
    if not changed:
        return case
    for name, value in changed.items():
        setattr(case, name, value)
    db.session.flush()
    audit.record(
        actor,
        "scheduling.set_measurements",
        subject(case),
        patient_id=case.patient_id,
        before={name: before[name] for name in changed},
        after=changed,
        reason=reason.strip(),
    )
    tell_case(case)
    tell_board(case.day)
    return case


def _faults(weight_kg: Decimal | None, height_cm: Decimal | None, asa: str) -> dict[str, str]:
    fields = {}
    if weight_kg is not None and not _WEIGHT_KG[0] <= weight_kg <= _WEIGHT_KG[1]:
        fields["weight_kg"] = "体重应在 0.3–400 kg 之间"
    if height_cm is not None and not _HEIGHT_CM[0] <= height_cm <= _HEIGHT_CM[1]:
        fields["height_cm"] = "身高应在 20–250 cm 之间"
    if asa.strip() and asa.strip().upper().removesuffix("E") not in ASA_GRADES:
        fields["asa"] = "ASA 分级为 1–6，急诊加 E"
    return fields
