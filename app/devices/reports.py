"""What a bridge reports beside values: bytes sent to devices (the proof), codes that no table knows; and their mapping."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from app.core import audit, clock, signals, unit_of_work
from app.core.audit import Actor
from app.core.db import db
from app.core.errors import InvalidInput
from app.devices.models import Device, DeviceCodeMap, DeviceSentDay, DeviceUnmapped


@dataclass(frozen=True, slots=True)
class SentFacts:
    """Totals of one device on one day, as the spool counted them."""

    key: str
    day: str
    messages: int
    bytes: int
    refused: int
    reasons: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class UnmappedFacts:
    """A code that a device offers."""

    key: str
    source_code: str
    name: str
    example: str
    count: int


@dataclass(frozen=True, slots=True)
class ProofRow:
    """What left towards one device on one day."""

    device: Device
    day: str
    bridge: str
    messages: int
    bytes: int
    refused: int
    reasons: tuple[tuple[str, int], ...]


def note_sent(ids: Mapping[str, int], bridge: str, stream: str, facts: Sequence[SentFacts]) -> None:
    """Keep the totals. They only grow, so a repeated or late report does no harm."""
    for one in facts:
        device_id = ids.get(one.key)
        if device_id is None:
            continue
        row = db.session.get(DeviceSentDay, (device_id, one.day, stream))
        if row is None:
            row = DeviceSentDay(
                device_id=device_id, day=one.day, stream=stream, bridge=bridge, messages=0, bytes=0, refused=0,
                reasons={},
            )  # fmt: skip
            db.session.add(row)
        if one.refused > row.refused:
            unit_of_work.after_commit(signals.changed, "devices:all", what="devices")
        if (one.messages, one.refused) > (row.messages, row.refused):
            row.messages, row.bytes, row.refused = one.messages, one.bytes, one.refused
            row.reasons, row.reported_at = dict(one.reasons), clock.now()


def note_unmapped(ids: Mapping[str, int], facts: Sequence[UnmappedFacts]) -> None:
    """Keep the codes that no table knows."""
    for one in facts:
        device_id = ids.get(one.key)
        if device_id is None or not one.source_code:
            continue
        row = db.session.get(DeviceUnmapped, (device_id, one.source_code[:64]))
        if row is None:
            row = DeviceUnmapped(device_id=device_id, source_code=one.source_code[:64], count=0)
            db.session.add(row)
        row.name, row.example, row.count = one.name[:64], one.example[:40], one.count
        row.last_seen_at = clock.now()


def proof(first_day: str, last_day: str, device_id: int | None = None) -> list[ProofRow]:
    """What was sent, per device and day of the span (both days included), the newest day first."""
    statement = (
        select(DeviceSentDay, Device)
        .join(Device, Device.id == DeviceSentDay.device_id)
        .where(DeviceSentDay.day >= first_day, DeviceSentDay.day <= last_day)
        .order_by(DeviceSentDay.day.desc(), Device.key)
    )
    if device_id is not None:
        statement = statement.where(DeviceSentDay.device_id == device_id)
    return [
        ProofRow(
            device, row.day, row.bridge, row.messages, row.bytes, row.refused,
            tuple(sorted((str(reason), int(count)) for reason, count in row.reasons.items())),
        )
        for row, device in db.session.execute(statement)
    ]  # fmt: skip


def never_addressed(first_day: str, last_day: str) -> list[Device]:
    """Devices in service to which not one byte left in the span: the proof names them too."""
    addressed = select(DeviceSentDay.device_id).where(
        DeviceSentDay.day >= first_day, DeviceSentDay.day <= last_day, DeviceSentDay.bytes > 0
    )
    statement = select(Device).where(Device.enabled, Device.id.not_in(addressed)).order_by(Device.key)
    return list(db.session.scalars(statement))


def refused_since(first_day: str) -> int:
    """Messages towards devices that the allow-list stopped since a day: each one is an alarm."""
    statement = select(func.coalesce(func.sum(DeviceSentDay.refused), 0)).where(DeviceSentDay.day >= first_day)
    return int(db.session.scalar(statement) or 0)


def unmapped(device_id: int | None = None) -> list[tuple[DeviceUnmapped, Device]]:
    """Codes that no table knows and nobody has mapped yet."""
    mapped = select(DeviceCodeMap.source_code).where(
        DeviceCodeMap.driver == Device.driver, DeviceCodeMap.source_code == DeviceUnmapped.source_code
    )
    statement = (
        select(DeviceUnmapped, Device)
        .join(Device, Device.id == DeviceUnmapped.device_id)
        .where(~mapped.exists())
        .order_by(Device.key, DeviceUnmapped.count.desc(), DeviceUnmapped.source_code)
    )
    if device_id is not None:
        statement = statement.where(DeviceUnmapped.device_id == device_id)
    return [(row, device) for row, device in db.session.execute(statement)]


def mappings() -> list[DeviceCodeMap]:
    """All codes that people have mapped."""
    return list(db.session.scalars(select(DeviceCodeMap).order_by(DeviceCodeMap.driver, DeviceCodeMap.source_code)))


def mappings_of(drivers: Collection[str]) -> dict[str, dict[str, list[object]]]:
    """Driver → source code → [canonical code, factor], as the bridge takes them."""
    found: dict[str, dict[str, list[object]]] = {}
    for row in db.session.scalars(select(DeviceCodeMap).where(DeviceCodeMap.driver.in_(drivers))):
        found.setdefault(row.driver, {})[row.source_code] = [row.code, row.factor]
    return found


def map_code(
    actor: Actor, driver: str, source_code: str, code: str, factor: float, known: Collection[str]
) -> DeviceCodeMap:
    """Say what a code of a protocol family is; the bridge reloads its devices. Raises `InvalidInput`."""
    faults: dict[str, str] = {}
    if code not in known:
        faults["code"] = "请选择系统参数"
    if not 1e-6 <= abs(factor) <= 1e6:
        faults["factor"] = "系数应为不为零的数，例如 1 或 7.50062"
    if not source_code or len(source_code) > 64:
        faults["source_code"] = "缺少设备代码"
    if faults:
        raise InvalidInput(fields=faults)
    row = db.session.get(DeviceCodeMap, (driver, source_code))
    before = {"code": row.code, "factor": row.factor} if row else None
    if row is None:
        row = DeviceCodeMap(driver=driver, source_code=source_code)
        db.session.add(row)
    row.code, row.factor, row.mapped_by = code, factor, actor.actor_id
    db.session.flush()
    audit.record(
        actor, "devices.map_code", f"driver:{driver}", before=before,
        after={"source_code": source_code, "code": code, "factor": factor},
    )  # fmt: skip
    _reload(driver)
    return row


def unmap_code(actor: Actor, row: DeviceCodeMap, reason: str) -> None:
    """Take a mapping back; what was stored with it stays."""
    before = {"source_code": row.source_code, "code": row.code, "factor": row.factor}
    audit.record(actor, "devices.unmap_code", f"driver:{row.driver}", before=before, reason=reason)
    _reload(row.driver)
    db.session.delete(row)
    db.session.flush()


def _reload(driver: str) -> None:
    for key in db.session.scalars(select(Device.key).where(Device.driver == driver)):
        unit_of_work.after_commit(signals.devices_changed, key)
