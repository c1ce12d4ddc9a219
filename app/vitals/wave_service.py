"""Commands on curves: take over a batch exactly once, compact segments into long chunks with their extremes."""

import base64
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import delete, func, insert, select

from app.core.db import db
from app.vitals.models import WaveChunk, WaveSegment
from app.vitals.service import claim
from app.vitals.waves import Piece, pack, peaks, unpack

# A bridge delivers curves about once a second.
COMPACT_AFTER_SEGMENTS = 90
_LONGEST_CHUNK_MS = 10 * 60_000
_SEAM_MS = 3  # start times are whole milliseconds


@dataclass(frozen=True, slots=True)
class DeviceWaves:
    """What a batch brings of the curves of one device."""

    device_id: int
    pieces: tuple[Piece, ...]


def ingest_waves(bridge: str, stream: str, seq: int, floor: int, data: Sequence[DeviceWaves]) -> bool:
    """Store a batch of curves unless it is stored already. True when it was new. Raises `ValueError`: not curves."""
    if not claim(bridge, stream, seq, floor):
        return False
    rows = [_segment_row(one) for one in data if one.pieces]
    if rows:
        db.session.execute(insert(WaveSegment), rows)
    return True


def _segment_row(data: DeviceWaves) -> dict[str, object]:
    return {
        "device_id": data.device_id,
        "start_ms": min(piece.start_ms for piece in data.pieces),
        "end_ms": max(piece.end_ms for piece in data.pieces),
        "payload": pack_pieces(data.pieces),
    }


def pack_pieces(pieces: Sequence[Piece]) -> bytes:
    """Pieces as the bytes of a segment; their samples are compressed already."""
    rows = [
        [p.code, p.unit, p.start_ms, p.rate_hz, p.scale, p.offset, p.count, base64.b64encode(p.data).decode("ascii")]
        for p in pieces
    ]
    return json.dumps(rows, separators=(",", ":")).encode()


def unpack_pieces(payload: bytes) -> list[Piece]:
    """Inverse of `pack_pieces`."""
    return [
        Piece(code, unit, start_ms, rate_hz, scale, offset, count, base64.b64decode(data))
        for code, unit, start_ms, rate_hz, scale, offset, count, data in json.loads(payload)
    ]


def wave_segment_counts() -> Mapping[int, int]:
    """Number of young segments of curves of each device."""
    return dict(db.session.execute(select(WaveSegment.device_id, func.count()).group_by(WaveSegment.device_id)).all())


def compact_waves(device_id: int) -> int:
    """Turn all segments of a device into chunks. Returns the number of segments."""
    found = list(
        db.session.execute(
            select(WaveSegment.id, WaveSegment.payload)
            .where(WaveSegment.device_id == device_id)
            .order_by(WaveSegment.id)
        )
    )
    if not found:
        return 0
    channels: defaultdict[str, list[Piece]] = defaultdict(list)
    for _number, payload in found:
        for piece in unpack_pieces(payload):
            channels[piece.code].append(piece)
    rows = [_chunk_row(device_id, run) for pieces in channels.values() for run in runs(pieces)]
    if rows:
        db.session.execute(insert(WaveChunk), rows)
    numbers = [number for number, _ in found]
    db.session.execute(delete(WaveSegment).where(WaveSegment.device_id == device_id, WaveSegment.id <= max(numbers)))
    return len(found)


def runs(pieces: Sequence[Piece]) -> list[list[Piece]]:
    """Pieces of one channel in order of time, cut where the curve breaks or changes its scale."""
    found: list[list[Piece]] = []
    for piece in sorted(pieces, key=lambda one: one.start_ms):
        if found and _continues(found[-1], piece):
            found[-1].append(piece)
        else:
            found.append([piece])
    return found


def _continues(run: Sequence[Piece], piece: Piece) -> bool:
    first, last = run[0], run[-1]
    same = (last.unit, last.rate_hz, last.scale, last.offset) == (piece.unit, piece.rate_hz, piece.scale, piece.offset)
    return same and abs(piece.start_ms - last.end_ms) <= _SEAM_MS and piece.end_ms - first.start_ms <= _LONGEST_CHUNK_MS


def _chunk_row(device_id: int, run: Sequence[Piece]) -> dict[str, object]:
    first = run[0]
    samples = np.concatenate([unpack(piece.data, piece.count) for piece in run])
    return {
        "device_id": device_id,
        "code": first.code,
        "unit": first.unit,
        "start_ms": first.start_ms,
        "end_ms": first.start_ms + round(len(samples) * 1000 / first.rate_hz),
        "rate_hz": first.rate_hz,
        "scale": first.scale,
        "offset": first.offset,
        "count": len(samples),
        "peaks": peaks(samples, first.rate_hz),
        "payload": pack(samples),
    }
