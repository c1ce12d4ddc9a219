"""Results of the laboratory beside the record and beside a form."""

from dataclasses import dataclass
from datetime import datetime

from flask.typing import ResponseReturnValue

from app.core.permissions import Permission
from app.labs import queries as labs
from app.scheduling.models import SurgicalCase
from app.scheduling.rules import EventKind
from blueprints.common.access import needs
from blueprints.common.fragments import fragment
from blueprints.common.guards import load_case
from blueprints.theatre.base import blueprint

_FIRST = ("Hb", "PLT", "K", "INR", "GLU", "Cr", "ALB")


def lab_values(case: SurgicalCase) -> list[labs.LabValue]:
    """What stands for the case, the newest first."""
    stay = labs.Stay(case.id, case.patient_id, case.times.get(EventKind.OUT_OF_ROOM))
    return labs.of_cases([stay])[case.id]


@dataclass(frozen=True, slots=True)
class LabLine:
    """What the status column says in one line: what is abnormal first, then what an anesthetist asks for first."""

    shown: tuple[labs.LabValue, ...]
    abnormal: int
    taken_at: datetime


def lab_line(case: SurgicalCase) -> LabLine | None:
    """None when there is no result."""
    found = labs.newest(lab_values(case))
    if not found:
        return None
    numbers = [value for value in found.values() if value.value is not None]
    order = {code: position for position, code in enumerate(_FIRST)}
    numbers.sort(key=lambda value: (not value.arrow, order.get(value.code, len(order))))
    return LabLine(
        tuple(numbers[:3]), sum(bool(v.arrow) for v in found.values()), max(v.taken_at for v in found.values())
    )


@blueprint.get("/cases/<int:case_id>/labs")
@needs(Permission.VIEW_CASE)
def labs_panel(case_id: int) -> ResponseReturnValue:
    """The newest result of each item, by group."""
    case = load_case(case_id)
    return fragment(
        "theatre/_labs.html",
        groups=labs.groups(lab_values(case)),
        days=labs.KEPT_FOR.days,
        is_over=EventKind.OUT_OF_ROOM in case.times,
    )
