"""Reads of curves: which channels there are, a picture of a span of any length, the samples themselves."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from app.core.db import db
from app.vitals.models import WaveChunk, WaveSegment
from app.vitals.wave_service import unpack_pieces
from app.vitals.waves import NO_SAMPLE, Envelope, Piece, blank, draw_into, unpack, unpack_peaks


def channels(device_id: int, start_ms: int, end_ms: int) -> dict[str, str]:
    """Channels with samples in the span, with their units."""
    statement = (
        select(WaveChunk.code, WaveChunk.unit)
        .where(WaveChunk.device_id == device_id, WaveChunk.end_ms > start_ms, WaveChunk.start_ms < end_ms)
        .distinct()
    )
    found = dict(db.session.execute(statement).all())
    for piece in _young(device_id, "", start_ms, end_ms):
        found.setdefault(piece.code, piece.unit)
    return dict(sorted(found.items()))


def picture(device_id: int, code: str, start_ms: int, end_ms: int, width: int) -> Envelope:
    """Extremes of one channel in `width` columns. From afar it reads the kept extremes only, never the samples."""
    if (end_ms - start_ms) / width < 1000:
        return _from_samples(device_id, code, start_ms, end_ms, width)
    statement = (
        select(
            WaveChunk.start_ms, WaveChunk.rate_hz, WaveChunk.scale, WaveChunk.offset, WaveChunk.unit, WaveChunk.peaks
        )
        .where(
            WaveChunk.device_id == device_id,
            WaveChunk.code == code,
            WaveChunk.end_ms > start_ms,
            WaveChunk.start_ms < end_ms,
        )
        .order_by(WaveChunk.start_ms)
    )
    envelope = blank("", width)
    for first, rate, scale, offset, unit, packed in db.session.execute(statement):
        envelope = Envelope(unit, envelope.low, envelope.high)
        pairs = unpack_peaks(packed)
        step_ms = max(1, round(rate)) * 1000 / rate
        low, high = (_physical(pairs[:, side], scale, offset) for side in (0, 1))
        draw_into(envelope, _times(first, len(pairs), step_ms), low, high, (start_ms, end_ms))
    for piece in _young(device_id, code, start_ms, end_ms):
        envelope = _draw_piece(envelope, piece, (start_ms, end_ms))
    return envelope


def _from_samples(device_id: int, code: str, start_ms: int, end_ms: int, width: int) -> Envelope:
    envelope = blank("", width)
    for piece in pieces(device_id, code, start_ms, end_ms):
        envelope = _draw_piece(envelope, piece, (start_ms, end_ms))
    return envelope


def _draw_piece(envelope: Envelope, piece: Piece, span: tuple[int, int]) -> Envelope:
    envelope = Envelope(piece.unit, envelope.low, envelope.high)
    values = _physical(unpack(piece.data, piece.count), piece.scale, piece.offset)
    draw_into(envelope, _times(piece.start_ms, piece.count, 1000 / piece.rate_hz), values, values, span)
    return envelope


def _times(first_ms: int, count: int, step_ms: float) -> NDArray[np.float64]:
    return first_ms + np.arange(count, dtype=np.float64) * step_ms


def _physical(counts: NDArray[np.int16], scale: float, offset: float) -> NDArray[np.float64]:
    return np.where(counts == NO_SAMPLE, np.nan, counts * scale + offset)


def pieces(device_id: int, code: str, start_ms: int, end_ms: int) -> list[Piece]:
    """The samples of one channel that overlap the span, in order of time."""
    statement = select(WaveChunk).where(
        WaveChunk.device_id == device_id,
        WaveChunk.code == code,
        WaveChunk.end_ms > start_ms,
        WaveChunk.start_ms < end_ms,
    )
    kept = [
        Piece(c.code, c.unit, c.start_ms, c.rate_hz, c.scale, c.offset, c.count, c.payload)
        for c in db.session.scalars(statement)
    ]
    return sorted([*kept, *_young(device_id, code, start_ms, end_ms)], key=lambda piece: piece.start_ms)


def _young(device_id: int, code: str, start_ms: int, end_ms: int) -> Iterator[Piece]:
    """Pieces that are not compacted yet; all channels when `code` is blank."""
    statement = select(WaveSegment.payload).where(
        WaveSegment.device_id == device_id, WaveSegment.end_ms > start_ms, WaveSegment.start_ms < end_ms
    )
    for payload in db.session.scalars(statement):
        for piece in unpack_pieces(payload):
            if (not code or piece.code == code) and piece.end_ms > start_ms and piece.start_ms < end_ms:
                yield piece
