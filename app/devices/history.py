"""What happens to a device outside a case: moved (also with its patient), lent, replaced, maintained; and the count
of devices that were connected each year, which the contract limits."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select

from app.core import audit, clock, signals, unit_of_work
from app.core.audit import Actor
from app.core.db import db
from app.core.errors import Conflict, InvalidInput
from app.devices.models import Binding, Device, DeviceEvent
from app.devices.service import bind_device, current_binding, release_device
from app.scheduling.models import OperatingRoom, SurgicalCase

EVENT_KINDS: dict[str, str] = {
    "moved": "移动",
    "lent": "借出",
    "borrowed": "借入",
    "returned": "归还",
    "replaced": "替换",
    "maintained": "维护保养",
    "repaired": "维修",
    "calibrated": "校准检定",
    "retired": "报废停用",
}
# Kinds that a person simply notes; moving and replacing change more than the history.
NOTED = ("lent", "borrowed", "returned", "maintained", "repaired", "calibrated", "retired")


def note_event(actor: Actor, device: Device, kind: str, note: str, to_place: str = "") -> DeviceEvent:
    """Write something into the history of a device. A retired device is taken out of service. Raises `InvalidInput`."""
    if kind not in NOTED:
        raise InvalidInput(fields={"kind": "请选择事件类别"})
    if kind in ("lent", "borrowed") and not to_place.strip() and not note.strip():
        raise InvalidInput(fields={"note": "请写明借用的科室或单位"})
    event = _event(actor, device, kind, note=note, to_place=to_place)
    if kind == "retired" and device.enabled:
        if current_binding(device.id) is not None:
            raise Conflict(f"{device.title} 正用于一台手术，不能停用。", code="device_busy")
        device.enabled = False
        unit_of_work.after_commit(signals.devices_changed, device.key)
    return event


def move_device(actor: Actor, device: Device, room: OperatingRoom | None, note: str = "") -> DeviceEvent:
    """The device now stands elsewhere. A bound device goes with its patient: the binding and its data go on."""
    old = device.room.name if device.room else ""
    new = room.name if room else ""
    if old == new:
        raise InvalidInput(fields={"room_id": "设备已经在这个手术间"})
    binding = current_binding(device.id)
    event = _event(actor, device, "moved", note=note, from_place=old, to_place=new, binding=binding)
    device.room = room
    if binding is not None:
        unit_of_work.after_commit(signals.changed, f"case:{binding.case_id}", what="devices")
    return event


def replace_device(actor: Actor, old: Device, new: Device, note: str = "", at: datetime | None = None) -> DeviceEvent:
    """The new device takes the place of the old one, also at its patient, without a moment in between."""
    if old.id == new.id:
        raise InvalidInput(fields={"other": "请选择另一台设备"})
    at = at or clock.now()
    binding = current_binding(old.id)
    if binding is not None:
        case = db.session.get_one(SurgicalCase, binding.case_id)
        release_device(actor, binding, at)
        bind_device(actor, new, case, at)
    event = _event(
        actor, new, "replaced", note=note, from_place=new.room.name if new.room else "",
        to_place=old.room.name if old.room else "", binding=binding, other=old,
    )  # fmt: skip
    new.room, old.room = old.room, None
    return event


def _event(
    actor: Actor,
    device: Device,
    kind: str,
    *,
    note: str = "",
    from_place: str = "",
    to_place: str = "",
    binding: Binding | None = None,
    other: Device | None = None,
) -> DeviceEvent:
    event = DeviceEvent(
        device_id=device.id, at=clock.now(), kind=kind, from_place=from_place, to_place=to_place.strip()[:64],
        other_device_id=other.id if other else None, case_id=binding.case_id if binding else None,
        note=note.strip(), actor_id=actor.actor_id, actor_name=actor.actor_name[:64],
    )  # fmt: skip
    db.session.add(event)
    db.session.flush()
    after = {"kind": kind, "from": from_place, "to": to_place, "other": other.key if other else ""}
    audit.record(actor, "devices.event", f"device:{device.id}", after=after, reason=note)
    unit_of_work.after_commit(signals.changed, "devices:all", what="devices")
    return event


def events_of(device_id: int, limit: int = 50) -> list[DeviceEvent]:
    """The history of a device, the newest first."""
    statement = select(DeviceEvent).where(DeviceEvent.device_id == device_id)
    return list(db.session.scalars(statement.order_by(DeviceEvent.at.desc(), DeviceEvent.id.desc()).limit(limit)))


def accesses_by_year() -> list[tuple[int, int]]:
    """(year, number of devices that were connected for the first time), the newest first."""
    created = db.session.scalars(select(Device.created_at))
    years = Counter(clock.to_hospital(at).year for at in created)
    return sorted(years.items(), reverse=True)


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """A device with the dates that a biomedical engineer is asked for."""

    device: Device
    first_day: date
    last_maintained: date | None
    last_calibrated: date | None
    services_this_year: int
    """Maintenance, repairs and calibrations."""
    whereabouts: str
    """Lent or borrowed, and where to or from; blank: at home."""


def ledger() -> list[LedgerRow]:
    """All devices in the order of their place and key."""
    events: dict[int, list[DeviceEvent]] = {}
    for event in db.session.scalars(select(DeviceEvent).order_by(DeviceEvent.at, DeviceEvent.id)):
        events.setdefault(event.device_id, []).append(event)
    devices = db.session.scalars(select(Device).order_by(Device.room_id.is_(None), Device.room_id, Device.key))
    return [_ledger_row(device, events.get(device.id, [])) for device in devices]


def _ledger_row(device: Device, events: Sequence[DeviceEvent]) -> LedgerRow:
    def last(*kinds: str) -> date | None:
        return next((_day(event.at) for event in reversed(events) if event.kind in kinds), None)

    year = clock.today().year
    served = sum(e.kind in ("maintained", "repaired", "calibrated") and _day(e.at).year == year for e in events)
    moves = [event for event in events if event.kind in ("lent", "borrowed", "returned")]
    away = moves[-1] if moves and moves[-1].kind != "returned" else None
    words = f"{EVENT_KINDS[away.kind]} {away.to_place or away.note}".strip() if away else ""
    return LedgerRow(device, _day(device.created_at), last("maintained", "repaired"), last("calibrated"), served, words)


def _day(moment: datetime) -> date:
    return clock.to_hospital(moment).date()
