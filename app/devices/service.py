"""Commands on devices: register, change, bind to a case, release, note what a bridge says."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from app.core import audit, clock, signals, unit_of_work
from app.core.audit import Actor
from app.core.db import db
from app.core.errors import Conflict, InvalidInput
from app.devices.models import Binding, Device, DeviceStatus
from app.scheduling.models import SurgicalCase

_EDITABLE = (
    "kind", "brand", "model", "serial_no", "asset_no", "room_id", "bridge", "driver", "transport", "options",
    "timezone", "expected_period_s", "stale_after_s", "enabled",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DeviceReport:
    """One device's health as a bridge reports it."""

    key: str
    state: str
    since_ms: int
    last_frame_ms: int | None
    frames: int
    bytes_in: int
    bytes_out: int
    faults: int
    clock_offset_ms: int | None
    detail: str


def register_device(actor: Actor, key: str, **facts: Any) -> Device:
    """Add a device to the registry. Raises `InvalidInput`."""
    key = key.strip()
    if not key or len(key) > 64:
        raise InvalidInput(fields={"key": "请填写 1–64 位设备标识，例如 OR1-MON"})
    if db.session.scalar(select(Device.id).where(Device.key == key)):
        raise InvalidInput(fields={"key": "设备标识已存在"})
    _check(facts)
    device = Device(key=key, **facts)
    db.session.add(device)
    db.session.flush()
    audit.record(actor, "devices.register", f"device:{device.id}", after={"key": key, **facts})
    unit_of_work.after_commit(signals.devices_changed, device.key)
    unit_of_work.after_commit(signals.changed, "devices:all", what="devices")
    return device


def change_device(actor: Actor, device: Device, reason: str = "", **facts: Any) -> None:
    """Change facts of a device; the audit keeps the old ones and bridges reload this device only."""
    _check(facts)
    before = {name: getattr(device, name) for name in facts}
    changed = {name: value for name, value in facts.items() if before[name] != value}
    if not changed:
        return
    for name, value in changed.items():
        setattr(device, name, value)
    audit.record(
        actor,
        "devices.change",
        f"device:{device.id}",
        before={name: before[name] for name in changed},
        after=changed,
        reason=reason,
    )
    unit_of_work.after_commit(signals.devices_changed, device.key)
    unit_of_work.after_commit(signals.changed, "devices:all", what="devices")


def _check(facts: dict[str, Any]) -> None:
    unknown = set(facts) - set(_EDITABLE)
    if unknown:
        raise InvalidInput(f"不能修改的设备属性：{'、'.join(sorted(unknown))}")
    if "transport" in facts and "kind" not in facts["transport"]:
        raise InvalidInput(fields={"transport": "请选择连接方式"})
    period, stale = facts.get("expected_period_s", 2.0), facts.get("stale_after_s", 10.0)
    if not 0 < period <= 3600 or not 0 < stale <= 86_400:
        raise InvalidInput(fields={"expected_period_s": "数据周期应在 0–3600 秒之间，过期时间应在 0–86400 秒之间"})


def bind_device(
    actor: Actor, device: Device, case: SurgicalCase, since: datetime | None = None, *, reason: str = ""
) -> Binding:
    """From `since` (default now) the device's data is this case's. A device serves one case at a time."""
    open_binding = current_binding(device.id)
    if open_binding is not None:
        if open_binding.case_id == case.id:
            return open_binding
        raise Conflict(f"{device.title} 正用于另一台手术，请先在那台手术中解除绑定。", code="device_busy")
    binding = Binding(
        device_id=device.id, case_id=case.id, bound_at=since or clock.now(), bound_by=actor.actor_id, device=device
    )
    db.session.add(binding)
    db.session.flush()
    audit.record(
        actor,
        "devices.bind",
        f"case:{case.id}",
        patient_id=case.patient_id,
        after={"device": device.key, "bound_at": binding.bound_at},
        reason=reason,
    )
    unit_of_work.after_commit(signals.changed, f"case:{case.id}", what="devices")
    unit_of_work.after_commit(signals.changed, "devices:all", what="devices")
    return binding


def release_device(actor: Actor, binding: Binding, at: datetime | None = None) -> None:
    """End a binding; what the device sends afterwards is no longer the case's."""
    if binding.released_at is not None:
        return
    binding.released_at = max(at or clock.now(), binding.bound_at)
    audit.record(
        actor,
        "devices.release",
        f"case:{binding.case_id}",
        before={"device": binding.device.key},
        after={"released_at": binding.released_at},
    )
    unit_of_work.after_commit(signals.changed, f"case:{binding.case_id}", what="devices")
    unit_of_work.after_commit(signals.changed, "devices:all", what="devices")


def release_all(actor: Actor, case_id: int, at: datetime | None = None) -> None:
    """End all bindings of a case, when it leaves the room."""
    for binding in db.session.scalars(select(Binding).where(Binding.case_id == case_id, Binding.released_at.is_(None))):
        release_device(actor, binding, at)


def bind_again(actor: Actor, case: SurgicalCase, left: set[datetime], reason: str) -> tuple[list[Device], list[Device]]:
    """Undo `release_all`: the patient never left, so the data from the release on is the case's too.

    `left`: the moments at which the case was said to have left. Nothing is overwritten: a second binding begins where
    the first ended, or where another case let the device go. Gives what was bound, and what another case has now.
    """
    latest: dict[int, Binding] = {}
    for binding in db.session.scalars(select(Binding).where(Binding.case_id == case.id).order_by(Binding.id)):
        latest[binding.device_id] = binding
    bound: list[Device] = []
    taken: list[Device] = []
    for last in latest.values():
        was_bound_later = last.released_at == last.bound_at and min(left) < last.bound_at
        if not (last.released_at in left or was_bound_later) or not last.device.enabled:
            continue
        if current_binding(last.device_id) is not None:
            taken.append(last.device)
            continue
        others = select(func.max(Binding.released_at)).where(Binding.device_id == last.device_id)
        bind_device(actor, last.device, case, db.session.scalar(others), reason=reason)
        bound.append(last.device)
    return bound, taken


def current_binding(device_id: int) -> Binding | None:
    """The open binding of a device."""
    return db.session.scalar(select(Binding).where(Binding.device_id == device_id, Binding.released_at.is_(None)))


def note_reports(bridge: str, reports: list[DeviceReport]) -> None:
    """Keep what a bridge says of its devices; tells the pages that show it when a state changed."""
    devices = {
        device.key: device
        for device in db.session.scalars(select(Device).where(Device.key.in_([r.key for r in reports])))
    }
    for report in reports:
        device = devices.get(report.key)
        if device is None:
            continue
        status = db.session.get(DeviceStatus, device.id)
        if status is None:
            status = DeviceStatus(device_id=device.id)
            db.session.add(status)
        if status.state != report.state:
            unit_of_work.after_commit(signals.changed, "devices:all", what="devices")
            for binding in db.session.scalars(
                select(Binding).where(Binding.device_id == device.id, Binding.released_at.is_(None))
            ):
                unit_of_work.after_commit(signals.changed, f"case:{binding.case_id}", what="devices")
        status.bridge, status.state = bridge, report.state
        status.since = clock.from_ms(report.since_ms)
        status.last_frame_at = clock.from_ms(report.last_frame_ms) if report.last_frame_ms else None
        status.frame_rate = _frame_rate(status, report.frames)
        status.frames, status.faults = report.frames, report.faults
        status.bytes_in, status.bytes_out = report.bytes_in, report.bytes_out
        status.clock_offset_ms, status.detail = report.clock_offset_ms, report.detail
        status.reported_at = clock.now()


def _frame_rate(status: DeviceStatus, frames: int) -> float | None:
    """Frames per second since the last report, smoothed; None when the bridge has begun to count anew."""
    if status.frames is None or status.reported_at is None or frames < status.frames:
        return None
    seconds = (clock.now() - status.reported_at).total_seconds()
    if seconds < 0.5:
        return status.frame_rate
    rate = (frames - status.frames) / seconds
    return rate if status.frame_rate is None else 0.6 * status.frame_rate + 0.4 * rate
