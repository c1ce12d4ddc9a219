"""Socket.IO handlers of the `/bridge` namespace. An ack leaves only after the commit."""

import hmac
import logging
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from flask import Blueprint, request, session

from app.anesthesia import service as anesthesia
from app.core import clock, signals, unit_of_work
from app.core.audit import SystemActor
from app.core.extensions import socketio
from app.core.permissions import Permission
from app.devices import errands as errand_service
from app.devices import queries as devices
from app.devices import reports
from app.devices.service import DeviceReport, note_reports
from app.vitals import service as vitals
from app.vitals.columns import SeriesColumns
from blueprints.bridge_gateway import configs, errands, waves
from blueprints.common.access import settings
from blueprints.common.sockets import topic
from device_bridge.wire import NAMESPACE, NOT_CHARTABLE, Batch, DeviceBlock

blueprint = Blueprint("bridge_gateway", __name__)
_log = logging.getLogger("mafei.bridge")
_segments: defaultdict[int, int] = defaultdict(int)
_segments_known = False


def init_app() -> None:
    """Register the handlers and forward changes of the registry."""
    socketio.on_event("connect", _connect, namespace=NAMESPACE)
    socketio.on_event("samples", _samples, namespace=NAMESPACE)
    socketio.on_event("waves", waves.take, namespace=NAMESPACE)
    socketio.on_event("report", _report_sent, namespace=NAMESPACE)
    socketio.on_event("devices", lambda _data=None: configs.answer(_bridge()), namespace=NAMESPACE)
    errands.init_app(_bridge)
    socketio.on_event("health", _health, namespace=NAMESPACE)
    signals.devices_changed.connect(_devices_changed)
    topic("wave", Permission.VIEW_DEVICES)


def _connect(auth: Any = None) -> bool:
    token = auth.get("token", "") if isinstance(auth, dict) else ""
    if not hmac.compare_digest(str(token), settings().bridge_token):
        _log.warning("bridge refused: wrong token", extra={"address": request.remote_addr})
        return False
    session["bridge"] = str(auth.get("bridge", "bridge"))[:64]
    _log.info("bridge connected", extra={"bridge": session["bridge"]})
    return True


def _bridge() -> str:
    return str(session.get("bridge", "bridge"))


def _samples(data: Any) -> dict[str, Any]:
    """Store a batch exactly once; then draw from it."""
    try:
        batch = Batch.from_json(data)
    except (ValueError, TypeError, AttributeError) as error:
        _log.warning("batch refused", extra={"bridge": _bridge(), "reason": str(error)})
        return {"error": "malformed", "message": str(error)}
    ids = devices.device_ids([block.device for block in batch.blocks])
    known = [block for block in batch.blocks if block.device in ids]
    if len(known) < len(batch.blocks):
        missing = sorted({block.device for block in batch.blocks} - set(ids))
        _log.warning("batch names unknown devices", extra={"bridge": batch.bridge, "devices": missing})
        return {"error": "unknown_device", "message": "、".join(missing)}
    with unit_of_work.writing():
        fresh = vitals.ingest(
            batch.bridge, batch.stream, batch.seq, batch.floor, [_device_data(ids[b.device], b) for b in known]
        )
        if fresh:
            _compact_when_due(ids.values())
            _tell_numerics(ids, known)
    if fresh:
        _fill_charts(list(ids.values()), known)
    return {"seq": batch.seq, "status": "stored" if fresh else "duplicate"}


def _device_data(device_id: int, block: DeviceBlock) -> vitals.DeviceData:
    return vitals.DeviceData(
        device_id,
        tuple(SeriesColumns(s.code, s.unit, s.times_ms, s.values, s.qualities) for s in block.series if s.times_ms),
        tuple(vitals.AlarmFacts(a.time_ms, a.code, a.text, a.priority, a.phase) for a in block.alarms),
        tuple(vitals.GapFacts(gap.from_ms, gap.to_ms, gap.reason) for gap in block.gaps),
    )


def _compact_when_due(device_ids: Iterable[int]) -> None:
    global _segments_known
    if not _segments_known:
        _segments.update(vitals.segment_counts())
        _segments_known = True
    for device_id in device_ids:
        _segments[device_id] += 1
        if _segments[device_id] >= vitals.COMPACT_AFTER_SEGMENTS:
            vitals.compact(device_id)
            _segments[device_id] = 0


def _tell_numerics(ids: dict[str, int], blocks: list[DeviceBlock]) -> None:
    """Values travel to the case that the device is bound to, and to whoever watches the device itself."""
    cases = devices.open_bindings(list(ids.values()))
    for block in blocks:
        device_id = ids[block.device]
        values: list[list[Any]] = [
            [s.code, s.values[-1], s.unit, s.times_ms[-1], s.qualities[-1]] for s in block.series if s.times_ms
        ]
        if not values:
            continue
        if device_id in cases:
            fit = [value for value in values if not value[4] & NOT_CHARTABLE]
            case = f"case:{cases[device_id]}"
            unit_of_work.after_commit(signals.numerics, case, values=fit, device=block.device)
        unit_of_work.after_commit(signals.numerics, f"device:{device_id}", values=values, device=block.device)


def _fill_charts(device_ids: list[int], blocks: list[DeviceBlock]) -> None:
    """A transaction of its own: the values are safe already, and what fails here the next batch or the job mends."""
    series = [s for block in blocks for s in block.series if s.times_ms]
    if not series:
        return
    times = [t for s in series for t in (s.times_ms[0], s.times_ms[-1])]
    actor = SystemActor(f"bridge:{_bridge()}", "设备采集")
    with unit_of_work.writing():
        anesthesia.fill_chart(
            actor, device_ids, min(times), max(times), now_ms=clock.now_ms(), codes={s.code for s in series}
        )


def _health(data: Any) -> dict[str, Any]:
    try:
        reports = [_report(item) for item in data["devices"]]
        its_now_ms = int(data["now_ms"]) if "now_ms" in data else None
    except (KeyError, TypeError, ValueError) as error:
        return {"error": "malformed", "message": str(error)}
    with unit_of_work.writing():
        note_reports(_bridge(), reports)
        errand_service.note_alive(_bridge(), its_now_ms)
    return {"ok": True}


def _report_sent(data: Any) -> None:
    """Totals of what was sent to devices, and codes that no table knows."""
    try:
        sent = [
            reports.SentFacts(str(one["device"]), str(one["day"])[:10], int(one["messages"]), int(one["bytes"]),
                              int(one["refused"]), {str(k): int(v) for k, v in one["reasons"].items()})
            for one in data["sent"]
        ]  # fmt: skip
        unmapped = [
            reports.UnmappedFacts(str(one["device"]), str(one["source_code"]), str(one["name"]), str(one["value"]),
                                  int(one["count"]))
            for one in data["unmapped"]
        ]  # fmt: skip
        stream = str(data["stream"])[:64]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        _log.warning("report refused", extra={"bridge": _bridge(), "reason": repr(error)})
        return
    ids = devices.device_ids({one.key for one in sent} | {one.key for one in unmapped})
    with unit_of_work.writing():
        reports.note_sent(ids, _bridge(), stream, sent)
        reports.note_unmapped(ids, unmapped)


def _report(item: dict[str, Any]) -> DeviceReport:
    return DeviceReport(
        key=str(item["device"]),
        state=str(item["state"])[:16],
        since_ms=int(item["since_ms"]),
        last_frame_ms=int(item["last_frame_ms"]) if item["last_frame_ms"] else None,
        frames=int(item["frames"]),
        bytes_in=int(item["bytes_in"]),
        bytes_out=int(item["bytes_out"]),
        faults=int(item["faults"]),
        clock_offset_ms=int(item["clock_offset_ms"]) if item["clock_offset_ms"] is not None else None,
        detail=str(item["detail"])[:500],
    )


def _devices_changed(sender: str) -> None:
    socketio.emit("devices_changed", {"device": sender, "version": str(clock.now_ms())}, namespace=NAMESPACE)
