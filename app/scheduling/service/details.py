"""Command on the details that a scheduler adds to a case."""

from collections.abc import Mapping

from app.core import audit
from app.core.audit import Actor
from app.core.db import db
from app.core.errors import InvalidInput
from app.scheduling.models import SurgicalCase
from app.scheduling.service.common import check_version, require_open, subject, tell_board, tell_case

# field → longest text
_LENGTHS = {
    "anesthesia_method": 64,
    "asa": 4,
    "wound_class": 4,
    "position": 32,
    "isolation": 64,
    "special_equipment": 255,
    "notes": 2000,
}


def amend_case(actor: Actor, case: SurgicalCase, values: Mapping[str, str], version: int | None = None) -> SurgicalCase:
    """Change details of a case: anesthesia_method, asa, wound_class, position, isolation, special_equipment, notes.

    What is not in `values` stays. Raises `InvalidInput` for a text that is too long or a field that is not ours.
    """
    require_open(case)
    check_version(case, version)
    wanted = {name: text.strip() for name, text in values.items()}
    faults = {
        name: f"最多 {_LENGTHS.get(name, 0)} 字" for name, text in wanted.items() if len(text) > _LENGTHS.get(name, 0)
    }
    if faults:
        raise InvalidInput(fields=faults)
    changed = [name for name, text in wanted.items() if name in _LENGTHS and text != getattr(case, name)]
    if not changed:
        return case
    before = {name: getattr(case, name) for name in changed}
    for name in changed:
        setattr(case, name, wanted[name])
    db.session.flush()
    after = {name: wanted[name] for name in changed}
    audit.record(actor, "scheduling.amend_case", subject(case), patient_id=case.patient_id, before=before, after=after)
    tell_board(case.day, everywhere=case.day is None)
    tell_case(case, "plan")
    return case
