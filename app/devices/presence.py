"""Bindings follow the patient: a corrected time of entering or leaving the room moves the ends it had set."""

from datetime import datetime

from sqlalchemy import func, select

from app.core import audit, signals, unit_of_work
from app.core.audit import Actor
from app.core.db import db
from app.devices.models import Binding
from app.scheduling.models import SurgicalCase


def move_leaving(actor: Actor, case: SurgicalCase, old: datetime, new: datetime, reason: str) -> int:
    """The patient left at `new` and not at `old`: bindings that ended then end now, but never reach into what the
    device did for another case, and one that was released by hand earlier stays. Gives how many moved.
    """
    moved = 0
    for binding in _of_case(case):
        if binding.released_at is not None and binding.released_at == _end(binding, old):
            moved += _move(actor, case, binding, "released_at", _end(binding, new), reason)
    return moved


def move_entering(actor: Actor, case: SurgicalCase, old: datetime, new: datetime, reason: str) -> int:
    """The same for the time of entering: bindings that began then begin now."""
    moved = 0
    for binding in _of_case(case):
        if binding.bound_at == _start(binding, old):
            moved += _move(actor, case, binding, "bound_at", _start(binding, new), reason)
    return moved


def _of_case(case: SurgicalCase) -> list[Binding]:
    return list(db.session.scalars(select(Binding).where(Binding.case_id == case.id).order_by(Binding.id)))


def _end(binding: Binding, at: datetime) -> datetime:
    """`at`, held between the binding's begin and the next binding of the device."""
    others = select(func.min(Binding.bound_at)).where(
        Binding.device_id == binding.device_id, Binding.id != binding.id, Binding.bound_at >= binding.released_at
    )
    later = db.session.scalar(others)
    return max(min(at, later) if later else at, binding.bound_at)


def _start(binding: Binding, at: datetime) -> datetime:
    """`at`, held between the end of the device's binding before and the binding's own end."""
    others = select(func.max(Binding.released_at)).where(
        Binding.device_id == binding.device_id, Binding.id != binding.id, Binding.released_at <= binding.bound_at
    )
    earlier = db.session.scalar(others)
    begin = max(at, earlier) if earlier else at
    return min(begin, binding.released_at) if binding.released_at else begin


def _move(actor: Actor, case: SurgicalCase, binding: Binding, name: str, moment: datetime, reason: str) -> bool:
    old = getattr(binding, name)
    if old == moment:
        return False
    setattr(binding, name, moment)
    db.session.flush()
    key = binding.device.key
    audit.record(
        actor,
        "devices.move_binding",
        f"case:{case.id}",
        patient_id=case.patient_id,
        before={"device": key, name: old},
        after={"device": key, name: moment},
        reason=reason.strip(),
    )
    unit_of_work.after_commit(signals.changed, f"case:{case.id}", what="devices")
    unit_of_work.after_commit(signals.changed, "devices:all", what="devices")
    return True
