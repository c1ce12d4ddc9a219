"""Raw bytes of the spool as they came: in the pieces in which they were read, with their moments and the beginnings
of connections, so that they can be decoded again exactly as they were decoded first.
"""

import json
import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

OPENED = -1  # in place of a size


@dataclass(frozen=True, slots=True)
class RawPiece:
    """What one read of connection `line` gave; `opened`: the connection began at this moment, without bytes."""

    device: str
    received_ms: int
    data: bytes
    line: int = 0
    opened: bool = False


def insert_raw(db: sqlite3.Connection, device: str, parts: Sequence[tuple[int, bytes, int, bool]]) -> int:
    """Write the (received_ms, bytes, line, opened) of one commit as a row; gives its bytes on disk, 0: nothing there."""
    pieces: list[list[int]] = []
    for received_ms, raw, line, opened in parts:
        if opened:
            pieces.append([received_ms, OPENED, line])
        if raw:
            pieces.append([received_ms, len(raw), line])
    if not pieces:
        return 0
    raw = b"".join(part[1] for part in parts)
    packed = zlib.compress(raw, 3)
    db.execute(
        "INSERT INTO raw (device, received_ms, size, data, pieces) VALUES (?, ?, ?, ?, ?)",
        (device, pieces[0][0], len(raw), packed, json.dumps(pieces, separators=(",", ":"))),
    )
    return len(packed)


def read_raw(path: Path, devices: Sequence[str], from_ms: int, to_ms: int) -> Iterator[RawPiece]:
    """Pieces of the devices with from <= received < to, in order. Reads beside a bridge that is writing."""
    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=30)
    try:
        has_pieces = any(row[1] == "pieces" for row in db.execute("PRAGMA table_info(raw)"))
        marks = ",".join("?" * len(devices))
        rows = db.execute(
            f"SELECT device, received_ms, data, {'pieces' if has_pieces else 'NULL'} FROM raw "  # noqa: S608 - own names
            f"WHERE device IN ({marks}) AND received_ms >= ? AND received_ms < ? ORDER BY id",
            (*devices, from_ms, to_ms),
        )
        for device, received_ms, data, pieces in rows:
            yield from _cut(str(device), int(received_ms), zlib.decompress(data), pieces)
    finally:
        db.close()


def _cut(device: str, received_ms: int, data: bytes, pieces: str | None) -> Iterator[RawPiece]:
    at = 0
    for moment, size, line in json.loads(pieces) if pieces else [[received_ms, len(data), 0]]:
        if size == OPENED:
            yield RawPiece(device, moment, b"", line, opened=True)
            continue
        yield RawPiece(device, moment, data[at : at + size], line)
        at += size
