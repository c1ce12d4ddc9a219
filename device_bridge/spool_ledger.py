"""What the spool writes down about the lines themselves: spans without data, and every byte that was sent or stopped."""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from device_bridge.outbound import Passage
from device_bridge.spool_pieces import pack_piece
from device_bridge.wire import SentDay

PENDING = "INSERT INTO pending (device, received_ms, count, body) VALUES (?, ?, ?, ?)"
_GAP = "INSERT INTO gap (device, from_ms, to_ms, reason) VALUES (?, ?, ?, ?)"
_SENT = "INSERT INTO sent (device, at_ms, reason, refused, data) VALUES (?, ?, ?, ?, ?)"
_SENT_DAY = """
INSERT INTO sent_day (device, day, messages, bytes, refused, reasons) VALUES (?1, ?2, ?3, ?4, ?5, json_object(?6, 1))
ON CONFLICT (device, day) DO UPDATE SET messages = messages + ?3, bytes = bytes + ?4, refused = refused + ?5,
reasons = json_set(reasons, '$."' || ?6 || '"', COALESCE(json_extract(reasons, '$."' || ?6 || '"'), 0) + 1)
"""
_KEPT_OF_A_MESSAGE = 4096


@dataclass(frozen=True, slots=True)
class Row:
    """A single row for one of the logs, written with the next commit."""

    sql: str
    values: tuple[str | int | bytes | None, ...]


def gap_rows(device: str, from_ms: int, to_ms: int, reason: str) -> Iterator[Row]:
    """A gap for the bridge's own log, and for the web process among the values."""
    yield Row(_GAP, (device, from_ms, to_ms, reason))
    yield Row(PENDING, (device, to_ms, 0, pack_piece([], [], [[from_ms, to_ms, reason]])))


def gaps(db: sqlite3.Connection, device: str) -> list[tuple[int, int, str]]:
    """All gaps of a device as (from, to, reason), oldest first."""
    rows = db.execute("SELECT from_ms, to_ms, reason FROM gap WHERE device = ? ORDER BY id", (device,))
    return [(int(a), int(b), str(c)) for a, b, c in rows]


def passage_rows(device: str, passage: Passage, now_ms: int) -> Iterator[Row]:
    """The bytes themselves, and the totals of the day by the bridge's own calendar."""
    yield Row(_SENT, (device, now_ms, passage.reason, passage.refused, passage.payload[:_KEPT_OF_A_MESSAGE]))
    left = 0 if passage.refused else len(passage.payload)
    day = datetime.fromtimestamp(now_ms / 1000).astimezone().strftime("%Y-%m-%d")
    sent, stopped = int(not passage.refused), int(bool(passage.refused))
    yield Row(_SENT_DAY, (device, day, sent, left, stopped, passage.reason))


def sent_days(db: sqlite3.Connection, since_day: str) -> list[SentDay]:
    """Totals of what was sent to each device on each day from `since_day` on."""
    rows = db.execute(
        "SELECT device, day, messages, bytes, refused, reasons FROM sent_day WHERE day >= ? ORDER BY day, device",
        (since_day,),
    )
    return [SentDay(a, b, int(c), int(d), int(e), json.loads(f)) for a, b, c, d, e, f in rows]
