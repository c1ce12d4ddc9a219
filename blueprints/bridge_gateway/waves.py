"""Curves: stored exactly once, and shown to whoever is watching a device just now."""

import logging
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from app.core import unit_of_work
from app.core.extensions import socketio
from app.devices import queries as devices
from app.vitals import wave_service
from app.vitals.waves import NO_SAMPLE, Piece, thin, unpack
from device_bridge.wire_waves import WaveBatch, WaveBlock

LIVE_HZ = 100.0
_LATE_MS = 15_000  # older pieces are backlog and not for a live picture
_log = logging.getLogger("mafei.bridge")
_segments: defaultdict[int, int] = defaultdict(int)


def take(data: Any) -> dict[str, Any]:
    """Handler of `waves`."""
    try:
        batch = WaveBatch.from_json(data)
    except (ValueError, TypeError, AttributeError) as error:
        _log.warning("curves refused", extra={"reason": str(error)})
        return {"error": "malformed", "message": str(error)}
    ids = devices.device_ids([block.device for block in batch.blocks])
    missing = sorted({block.device for block in batch.blocks} - set(ids))
    if missing:
        return {"error": "unknown_device", "message": "、".join(missing)}
    blocks = [wave_service.DeviceWaves(ids[block.device], _pieces(block)) for block in batch.blocks]
    try:
        with unit_of_work.writing():
            fresh = wave_service.ingest_waves(batch.bridge, batch.stream, batch.seq, batch.floor, blocks)
            if fresh:
                _compact_when_due(ids.values())
    except ValueError as error:  # bytes that are not a curve; the transaction is undone
        return {"error": "malformed", "message": str(error)}
    if fresh:
        _show(ids, batch)
    return {"seq": batch.seq, "status": "stored" if fresh else "duplicate"}


def _pieces(block: WaveBlock) -> tuple[Piece, ...]:
    return tuple(
        Piece(p.code[:32], p.unit[:16], p.start_ms, p.rate_hz, p.scale, p.offset, p.count, p.data) for p in block.pieces
    )


def _compact_when_due(device_ids: Any) -> None:
    if not _segments:
        _segments.update(wave_service.wave_segment_counts())
    for device_id in device_ids:
        _segments[device_id] += 1
        if _segments[device_id] >= wave_service.COMPACT_AFTER_SEGMENTS:
            wave_service.compact_waves(device_id)
            _segments[device_id] = 0


def _show(ids: Mapping[str, int], batch: WaveBatch) -> None:
    for block in batch.blocks:
        topic = f"wave:{ids[block.device]}"
        if not is_watched(topic):
            continue
        fresh = [piece for piece in block.pieces if batch.sent_at_ms - piece.start_ms < _LATE_MS]
        if fresh:
            socketio.emit("wave", {"topic": topic, "pieces": [_screen(piece) for piece in fresh]}, to=topic)


def is_watched(topic: str) -> bool:
    """Whether a browser has joined the topic. With several web processes nobody here can know, so it counts as yes."""
    server = socketio.server
    if server is None or server.manager.__class__.__name__ != "Manager":
        return server is not None
    return bool(server.manager.rooms.get("/", {}).get(topic))


def _screen(piece: Any) -> list[Any]:
    """[code, unit, start_ms, hertz, values] with at most `LIVE_HZ` samples a second; null where there is none."""
    counts, rate = thin(unpack(piece.data, piece.count), piece.rate_hz, LIVE_HZ)
    values = [None if count == NO_SAMPLE else round(count * piece.scale + piece.offset, 4) for count in counts.tolist()]
    return [piece.code, piece.unit, piece.start_ms, rate, values]
