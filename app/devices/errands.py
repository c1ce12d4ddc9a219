"""Errands for device bridges: given by engineers here, done by the bridge where the device is.

The bridge asks for what waits for it; it may die or be cut off at any moment and simply asks again. What comes back is
kept by (errand, part), so that nothing is kept twice.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import numpy as np
from sqlalchemy import CursorResult, delete, func, select

from app.core import audit, clock, signals, unit_of_work
from app.core.audit import Actor
from app.core.db import db
from app.core.errors import Conflict, InvalidInput
from app.devices.models import BridgeErrand, BridgeErrandPart, BridgeSeen, Device, DeviceStatus
from app.devices.queries import REPORT_VALID
from app.vitals.columns import Samples, merge

KINDS: dict[str, str] = {"redecode": "重新解码", "listen": "监听识别", "capture": "导出原始数据", "check": "自检"}
WRONG_CLOCK_MS = 2_000
_SAID_AT_MOST = 200
_KEPT = timedelta(days=14)
_VALUE_BYTES = 8 + 8 + 2


@dataclass(frozen=True, slots=True)
class BridgeRow:
    """A bridge for a list of choice."""

    name: str
    host: str
    serial_ports: tuple[tuple[str, str], ...]
    is_here: bool
    clock_offset_ms: int | None = None

    @property
    def has_wrong_clock(self) -> bool:
        """Far enough from the server's to misplace values: they get their times by it."""
        return self.is_here and abs(self.clock_offset_ms or 0) >= WRONG_CLOCK_MS


def note_seen(bridge: str, host: str, serial_ports: list[Any]) -> None:
    """A bridge has connected or asked."""
    row = db.session.get(BridgeSeen, bridge)
    if row is None:
        row = BridgeSeen(name=bridge)
        db.session.add(row)
    row.host, row.seen_at = host[:64], clock.now()
    row.serial_ports = [[str(port)[:128], str(text)[:128]] for port, text in serial_ports[:32]]


def note_alive(bridge: str, its_now_ms: int | None = None) -> None:
    """A bridge has reported, and said what time it was there; one of an earlier version does not."""
    row = db.session.get(BridgeSeen, bridge)
    if row is not None:
        row.seen_at = clock.now()
        row.clock_offset_ms = None if its_now_ms is None else clock.now_ms() - its_now_ms


def bridges() -> list[BridgeRow]:
    """Bridges that have ever connected, those that are here now first."""
    limit = clock.now() - REPORT_VALID
    rows = [
        BridgeRow(
            row.name,
            row.host,
            tuple((str(a), str(b)) for a, b in row.serial_ports),
            row.seen_at >= limit,
            row.clock_offset_ms,
        )
        for row in db.session.scalars(select(BridgeSeen).order_by(BridgeSeen.name))
    ]
    return sorted(rows, key=lambda row: not row.is_here)


def bridge_of(device: Device) -> str:
    """The bridge that reads a device: the one named in the registry, else the one that last reported it."""
    status = db.session.get(DeviceStatus, device.id)
    name = device.bridge or (status.bridge if status else "")
    if not name:
        raise Conflict("还没有采集服务报告过这台设备，无法执行。请先启动采集服务。", code="no_bridge")
    return name


def give(actor: Actor, bridge: str, kind: str, request: dict[str, Any], device: Device | None = None) -> BridgeErrand:
    """Ask a bridge to do something. Raises `InvalidInput` for a bridge that nobody knows."""
    if db.session.get(BridgeSeen, bridge) is None:
        raise InvalidInput(fields={"bridge": "请选择采集服务；它需要至少连接过一次"})
    errand = BridgeErrand(
        bridge=bridge, kind=kind, device_id=device.id if device else None, request=request,
        actor_id=actor.actor_id, actor_name=actor.actor_name[:64],
    )  # fmt: skip
    db.session.add(errand)
    db.session.flush()
    subject = f"device:{device.id}" if device else f"bridge:{bridge}"
    audit.record(actor, "devices.errand", subject, after={"kind": kind, "errand": errand.id, **request})
    unit_of_work.after_commit(signals.errands_given, bridge)
    return errand


def end(actor: Actor, errand: BridgeErrand) -> None:
    """Nobody wants it any more: the bridge stops, and what it brought goes."""
    if errand.state in ("applied", "ended"):
        return
    errand.state, errand.finished_at = "ended", clock.now()
    _drop_parts(errand.id)
    audit.record(actor, "devices.errand_end", f"bridge:{errand.bridge}", after={"errand": errand.id})
    unit_of_work.after_commit(signals.errands_given, errand.bridge)


def waiting_for(bridge: str) -> list[BridgeErrand]:
    """What a bridge shall do, the oldest first."""
    statement = select(BridgeErrand).where(BridgeErrand.bridge == bridge, BridgeErrand.state == "waiting")
    return list(db.session.scalars(statement.order_by(BridgeErrand.id).limit(20)))


def _open(bridge: str, number: int) -> BridgeErrand | None:
    errand = db.session.get(BridgeErrand, number)
    return errand if errand is not None and errand.bridge == bridge and errand.state == "waiting" else None


def note_said(bridge: str, number: int, line: str) -> None:
    """A line for the person who waits."""
    errand = _open(bridge, number)
    if errand is not None and len(errand.said) < _SAID_AT_MOST:
        errand.said = [*errand.said, line[:300]]
        unit_of_work.after_commit(signals.changed, "devices:all", what="errands")


def note_part(bridge: str, number: int, part: int, code: str, unit: str, count: int, payload: bytes) -> None:
    """Keep a piece; the same piece again changes nothing. Raises `ValueError`: not such a piece."""
    if _open(bridge, number) is None:
        return
    size = len(zlib.decompress(payload))
    if size != (count * _VALUE_BYTES if code else count):
        raise ValueError("a part differs from its count")
    row = db.session.get(BridgeErrandPart, (number, part))
    if row is None:
        row = BridgeErrandPart(errand_id=number, part=part)
        db.session.add(row)
    row.code, row.unit, row.count, row.payload = code[:32], unit[:16], count, payload


def note_done(bridge: str, number: int, parts: int, result: Mapping[str, Any], failed: str) -> None:
    """The bridge has finished. Fewer parts than it says it sent: it shall begin again."""
    errand = _open(bridge, number)
    if errand is None:
        return
    db.session.flush()
    kept = select(func.count()).where(BridgeErrandPart.errand_id == number, BridgeErrandPart.part < parts)
    db.session.execute(
        delete(BridgeErrandPart).where(BridgeErrandPart.errand_id == number, BridgeErrandPart.part >= parts)
    )
    if not failed and db.session.scalar(kept) != parts:
        failed = "结果没有完整送达，请重新执行"
    errand.state = "failed" if failed else "done"
    errand.detail, errand.result, errand.finished_at = failed[:1000], dict(result), clock.now()
    unit_of_work.after_commit(signals.changed, "devices:all", what="errands")


def samples_of(errand: BridgeErrand) -> dict[str, Samples]:
    """The values that an errand brought, ascending in time."""
    found: dict[str, list[Samples]] = {}
    for row in _parts(errand.id):
        body, count = zlib.decompress(row.payload), row.count
        found.setdefault(row.code, []).append(
            Samples(
                row.unit,
                np.frombuffer(body, "<i8", count).astype(np.int64),
                np.frombuffer(body, "<f8", count, offset=8 * count).astype(np.float64),
                np.frombuffer(body, "<u2", count, offset=16 * count).astype(np.uint16),
            )
        )
    return {code: merge(parts) for code, parts in found.items()}


def bytes_of(errand: BridgeErrand) -> bytes:
    """The raw bytes that an errand brought."""
    return b"".join(zlib.decompress(row.payload) for row in _parts(errand.id))


def _parts(number: int) -> list[BridgeErrandPart]:
    statement = select(BridgeErrandPart).where(BridgeErrandPart.errand_id == number)
    return list(db.session.scalars(statement.order_by(BridgeErrandPart.part)))


def errands_of(device_id: int, kind: str, limit: int = 20) -> list[BridgeErrand]:
    """Errands about a device, the newest first."""
    statement = select(BridgeErrand).where(BridgeErrand.device_id == device_id, BridgeErrand.kind == kind)
    return list(db.session.scalars(statement.order_by(BridgeErrand.id.desc()).limit(limit)))


def close(errand: BridgeErrand) -> None:
    """What it brought has been taken over."""
    errand.state = "applied"
    _drop_parts(errand.id)


def forget_old(now: datetime | None = None) -> int:
    """Drop what old errands brought and nobody took over; the errand itself stays. Number of parts."""
    old = select(BridgeErrand.id).where(BridgeErrand.created_at < (now or clock.now()) - _KEPT)
    result = db.session.execute(delete(BridgeErrandPart).where(BridgeErrandPart.errand_id.in_(old)))
    return int(cast(CursorResult[Any], result).rowcount)


def _drop_parts(number: int) -> None:
    db.session.execute(delete(BridgeErrandPart).where(BridgeErrandPart.errand_id == number))
