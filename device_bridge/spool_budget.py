"""What is given up when the web process is away longer than the disk lasts: curves first, then raw bytes (which are
only for decoding again), and numerics last. Everything given up is announced as an alarm of its device, and numerics
leave a gap with the reason `disk` as well.
"""

import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from device_bridge.spool_waves import WaveLane

DEFAULT_LIMIT_BYTES = 20 * 1024**3
RESERVE_BYTES = 512 * 1024**2  # of the disk is never used, so that the computer itself goes on
_STEP = 500
WORDS = {"waves": "波形", "numerics": "数值"}


@dataclass(frozen=True, slots=True)
class GivenUp:
    """Undelivered data of a device that was deleted."""

    device: str
    what: str  # waves, numerics
    from_ms: int
    to_ms: int


@dataclass
class Sizes:
    """Bytes in the spool by class; raw bytes and numerics after compression."""

    raw: int
    pending: int


def effective_limit(limit_bytes: int, file: Path) -> int:
    """The configured limit, or what this disk can hold without touching the reserve, whichever is less.

    Deleted rows make room inside the file and not on the disk, so the file's own size counts as available.
    """
    try:
        free = shutil.disk_usage(file.parent).free
        own = file.stat().st_size
    except OSError:
        return limit_bytes
    return min(limit_bytes, max(own + free - RESERVE_BYTES, 0))


def make_room(db: sqlite3.Connection, waves: WaveLane, sizes: Sizes, limit_bytes: int) -> list[GivenUp]:
    """Delete oldest first, class by class, until everything fits. Under the spool's lock."""
    given_up: list[GivenUp] = []
    steps: tuple[Callable[[], bool], ...] = (
        lambda: _drop_waves(db, waves, given_up),
        lambda: drop_raw(db, sizes),
        lambda: _drop_numerics(db, sizes, given_up),
    )
    for step in steps:
        while waves.bytes + sizes.raw + sizes.pending > limit_bytes and step():
            pass
    return _merged(given_up)


def drop_raw(db: sqlite3.Connection, sizes: Sizes) -> bool:
    """Delete the oldest raw bytes; False when there are none."""
    rows = db.execute("SELECT id, LENGTH(data) FROM raw ORDER BY id LIMIT 200").fetchall()
    if not rows:
        return False
    db.execute("DELETE FROM raw WHERE id <= ?", (rows[-1][0],))
    sizes.raw -= sum(int(row[1]) for row in rows)
    return True


def _drop_waves(db: sqlite3.Connection, waves: WaveLane, given_up: list[GivenUp]) -> bool:
    given_up += _spans(db, "wave_pending", "waves")
    return waves.drop_oldest(_STEP) > 0


def _drop_numerics(db: sqlite3.Connection, sizes: Sizes, given_up: list[GivenUp]) -> bool:
    rows = db.execute(f"SELECT id, LENGTH(body) FROM pending ORDER BY id LIMIT {_STEP}").fetchall()  # noqa: S608 - a constant
    if not rows:
        return False
    given_up += _spans(db, "pending", "numerics")
    db.execute("DELETE FROM pending WHERE id <= ?", (rows[-1][0],))
    sizes.pending -= sum(int(row[1]) for row in rows)
    return True


def _spans(db: sqlite3.Connection, table: str, what: str) -> list[GivenUp]:
    found = db.execute(
        f"SELECT device, MIN(received_ms), MAX(received_ms) FROM "  # noqa: S608 - names of our own tables
        f"(SELECT device, received_ms FROM {table} ORDER BY id LIMIT {_STEP}) GROUP BY device"
    )
    return [GivenUp(str(device), what, int(first), int(last)) for device, first, last in found]


def _merged(given_up: list[GivenUp]) -> list[GivenUp]:
    """One entry a device and class."""
    spans: dict[tuple[str, str], GivenUp] = {}
    for one in given_up:
        before = spans.get((one.device, one.what), one)
        spans[(one.device, one.what)] = GivenUp(
            one.device, one.what, min(before.from_ms, one.from_ms), max(before.to_ms, one.to_ms)
        )
    return list(spans.values())
