"""Undelivered pieces as bytes in the spool, and the blocks of a batch that are made from them."""

import json
import zlib
from dataclasses import asdict
from typing import Any

from device_bridge.parameters import EPISODIC, PARAMETERS
from device_bridge.wire import DeviceAlarm, DeviceBlock, Gap, Quality, Series

LATE_AFTER_MS = 60_000


def pack_piece(readings: list[list[Any]], alarms: list[dict[str, Any]], gaps: list[list[Any]]) -> bytes:
    """The body of a pending row: [code, time_ms, value, quality] rows, alarms, [from_ms, to_ms, reason] rows."""
    text = json.dumps([readings, alarms, gaps], ensure_ascii=False, separators=(",", ":"))
    return zlib.compress(text.encode(), 3)


def merge_pieces(pieces: list[tuple[int, str, bytes]], now_ms: int) -> tuple[DeviceBlock, ...]:
    """Merge pieces into one block a device with columns ascending in time."""
    columns: dict[str, dict[str, list[tuple[int, float, int]]]] = {}
    alarms: dict[str, list[DeviceAlarm]] = {}
    gaps: dict[str, list[Gap]] = {}
    for _, device, packed in pieces:
        readings, announced, *more = json.loads(zlib.decompress(packed))
        gaps.setdefault(device, []).extend(Gap(*gap) for gap in (more[0] if more else ()))
        by_code = columns.setdefault(device, {})
        for code, time_ms, value, quality in readings:
            if now_ms - time_ms > LATE_AFTER_MS and code not in EPISODIC:
                quality |= int(Quality.LATE)
            by_code.setdefault(code, []).append((time_ms, value, quality))
        alarms.setdefault(device, []).extend(DeviceAlarm(**alarm) for alarm in announced)
    return tuple(
        DeviceBlock(
            device,
            tuple(_series(code, rows) for code, rows in by_code.items()),
            tuple(alarms[device]),
            tuple(gaps[device]),
        )
        for device, by_code in columns.items()
    )


def _series(code: str, rows: list[tuple[int, float, int]]) -> Series:
    rows.sort(key=lambda row: row[0])
    return Series(
        code=code,
        unit=PARAMETERS[code].unit,
        times_ms=tuple(row[0] for row in rows),
        values=tuple(row[1] for row in rows),
        qualities=tuple(row[2] for row in rows),
    )


def unpack_block(block: DeviceBlock) -> tuple[int, bytes]:
    """A block of an old batch as a pending body again, with its number of values."""
    readings = [
        [s.code, at, value, quality]
        for s in block.series
        for at, value, quality in zip(s.times_ms, s.values, s.qualities, strict=True)
    ]
    gaps = [[gap.from_ms, gap.to_ms, gap.reason] for gap in block.gaps]
    return len(readings), pack_piece(readings, [asdict(alarm) for alarm in block.alarms], gaps)
