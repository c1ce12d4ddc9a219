"""Reads on devices: the registry for a bridge, the board for engineers, the devices of a room or case."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from app.core import clock
from app.core.db import db
from app.devices.models import Binding, Device, DeviceStatus
from app.scheduling.models import OperatingRoom, SurgicalCase

# A bridge reports every 5 s; after this a report says nothing about now.
REPORT_VALID = timedelta(seconds=20)

_STATE_WORDS = {
    "receiving": "接收中",
    "connecting": "连接中",
    "silent": "无数据",
    "down": "未连接",
    "unknown": "未知",
    "bridge_away": "采集服务离线",
    "disabled": "已停用",
}


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A device and its health, for lists and for the dot of a theatre page."""

    id: int
    key: str
    title: str
    kind: str
    room: str
    driver: str
    state: str
    state_word: str
    detail: str
    last_frame_ms: int | None
    frames: int
    frame_rate: float | None
    faults: int
    bytes_in: int
    bytes_out: int
    clock_offset_ms: int | None
    case_id: int | None
    stale_after_s: float
    enabled: bool


def devices_for_bridge(bridge: str) -> list[Device]:
    """Devices that this bridge shall read: its own and those of no particular bridge."""
    return list(db.session.scalars(select(Device).where(Device.bridge.in_((bridge, ""))).order_by(Device.id)))


def device_ids(keys: Collection[str]) -> dict[str, int]:
    """Registry numbers of device keys; unknown keys are absent."""
    return dict(db.session.execute(select(Device.key, Device.id).where(Device.key.in_(keys))).all())


def open_bindings(ids: Collection[int]) -> Mapping[int, int]:
    """Which case each of the devices serves now."""
    statement = select(Binding.device_id, Binding.case_id).where(
        Binding.device_id.in_(ids), Binding.released_at.is_(None)
    )
    return dict(db.session.execute(statement).all())


def bindings_of_case(case_id: int) -> list[Binding]:
    """All bindings of a case, the first one first."""
    return list(db.session.scalars(select(Binding).where(Binding.case_id == case_id).order_by(Binding.bound_at)))


def bindings_of_device(device_id: int, limit: int = 10) -> list[tuple[Binding, str]]:
    """The latest bindings of a device with the number of the case, the newest first."""
    statement = (
        select(Binding, SurgicalCase.case_no)
        .join(SurgicalCase, SurgicalCase.id == Binding.case_id)
        .where(Binding.device_id == device_id)
        .order_by(Binding.bound_at.desc(), Binding.id.desc())
    )
    return list(db.session.execute(statement.limit(limit)))


def case_numbers(case_ids: Collection[int]) -> Mapping[int, str]:
    """Schedule numbers of cases: what an engineer may know of a case."""
    statement = select(SurgicalCase.id, SurgicalCase.case_no).where(SurgicalCase.id.in_(case_ids))
    return dict(db.session.execute(statement).all())


def device_row(device: Device) -> DeviceRow:
    """One device with its health."""
    return _row(device, db.session.get(DeviceStatus, device.id), open_bindings([device.id]).get(device.id))


def device_rows(room_id: int | None = None, case_id: int | None = None) -> list[DeviceRow]:
    """Devices with their health: all, those of a room, or those bound to a case."""
    statement = select(Device, DeviceStatus).outerjoin(DeviceStatus, DeviceStatus.device_id == Device.id)
    if room_id is not None:
        statement = statement.where(Device.room_id == room_id)
    if case_id is not None:
        bound = select(Binding.device_id).where(Binding.case_id == case_id, Binding.released_at.is_(None))
        statement = statement.where(Device.id.in_(bound))
    statement = statement.outerjoin(OperatingRoom, OperatingRoom.id == Device.room_id)
    in_order = statement.order_by(OperatingRoom.sort.nulls_last(), OperatingRoom.id, Device.key)
    found = db.session.execute(in_order).all()
    cases = open_bindings([device.id for device, _status in found])
    return [_row(device, status, cases.get(device.id)) for device, status in found]


def _row(device: Device, status: DeviceStatus | None, case_id: int | None) -> DeviceRow:
    state = _state(device, status)
    return DeviceRow(
        id=device.id,
        key=device.key,
        title=device.title,
        kind=device.kind,
        room=device.room.name if device.room else "",
        driver=device.driver,
        state=state,
        state_word=_STATE_WORDS.get(state, state),
        detail=status.detail if status else "",
        last_frame_ms=clock.to_ms(status.last_frame_at) if status and status.last_frame_at else None,
        frames=status.frames if status else 0,
        frame_rate=status.frame_rate if status and state == "receiving" else None,
        faults=status.faults if status else 0,
        bytes_in=status.bytes_in if status else 0,
        bytes_out=status.bytes_out if status else 0,
        clock_offset_ms=status.clock_offset_ms if status else None,
        case_id=case_id,
        stale_after_s=device.stale_after_s,
        enabled=device.enabled,
    )


def _state(device: Device, status: DeviceStatus | None) -> str:
    if not device.enabled:
        return "disabled"
    if status is None:
        return "unknown"
    return status.state if clock.now() - status.reported_at < REPORT_VALID else "bridge_away"
