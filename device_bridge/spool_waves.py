"""The lane of the curves in the spool: kept with everything else, delivered after the numerics."""

import json
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from device_bridge.wire_waves import WaveBatch, WaveBlock, WavePiece, piece_to_row, row_to_piece

BATCH_BYTES = 1_500_000


@dataclass(frozen=True, slots=True)
class FrozenBatch:
    """A numbered batch; `payload` is the JSON text exactly as it is sent every time."""

    seq: int
    payload: str


class WaveLane:
    """Works on the spool's own connection under the spool's own lock."""

    def __init__(self, db: sqlite3.Connection, lock: threading.RLock, bridge: str, stream: str) -> None:
        self._db, self._lock, self._bridge = db, lock, bridge
        self.stream = f"{stream}-w"
        self.bytes = int(db.execute("SELECT COALESCE(SUM(size), 0) FROM wave_pending").fetchone()[0])

    def insert(self, device: str, received_ms: int, pieces: Sequence[WavePiece]) -> None:
        """Within the transaction of the spool's writer."""
        body = json.dumps([piece_to_row(piece) for piece in pieces], separators=(",", ":"))
        self._db.execute(
            "INSERT INTO wave_pending (device, received_ms, size, body) VALUES (?, ?, ?, ?)",
            (device, received_ms, len(body), body),
        )
        self.bytes += len(body)

    def mark(self) -> int:
        """The number of the newest undelivered piece."""
        with self._lock:
            return int(self._db.execute("SELECT COALESCE(MAX(id), 0) FROM wave_pending").fetchone()[0])

    def in_flight(self) -> FrozenBatch | None:
        """The batch that has been frozen and not yet acknowledged."""
        with self._lock:
            row = self._db.execute("SELECT seq, payload FROM wave_batch ORDER BY seq LIMIT 1").fetchone()
        return FrozenBatch(int(row[0]), str(row[1])) if row else None

    def freeze(self, now_ms: int, *, after: int = 0, up_to: int | None = None) -> FrozenBatch | None:
        """Number and freeze the next pieces with `after < id <= up_to`, oldest first; None when there are none."""
        with self._lock:
            waiting = self.in_flight()
            if waiting is not None:
                return waiting
            rows, size = self._rows(after, up_to)
            if not rows:
                return None
            last = self._db.execute("SELECT value FROM meta WHERE key = 'last_wave_seq'").fetchone()
            seq = int(last[0]) + 1 if last else 1
            blocks: dict[str, list[WavePiece]] = {}
            for _, device, body in rows:
                blocks.setdefault(device, []).extend(row_to_piece(row) for row in json.loads(body))
            batch = WaveBatch(
                self._bridge,
                self.stream,
                seq,
                seq - 1,
                now_ms,
                tuple(WaveBlock(device, tuple(pieces)) for device, pieces in blocks.items()),
            )
            payload = json.dumps(batch.to_json(), separators=(",", ":"))
            self._store(seq, now_ms, payload, [(row[0],) for row in rows])
            self.bytes -= size
            return FrozenBatch(seq, payload)

    def _rows(self, after: int, up_to: int | None) -> tuple[list[tuple[int, str, str]], int]:
        found = self._db.execute(
            "SELECT id, device, body, size FROM wave_pending WHERE id > ? AND id <= ? ORDER BY id LIMIT 2000",
            (after, up_to if up_to is not None else 1 << 62),
        )
        rows: list[tuple[int, str, str]] = []
        total = 0
        for number, device, body, size in found:
            if rows and total + size > BATCH_BYTES:
                break
            rows.append((number, device, body))
            total += size
        return rows, total

    def _store(self, seq: int, now_ms: int, payload: str, ids: list[tuple[int]]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._db.execute(
                "INSERT INTO wave_batch (seq, created_ms, payload) VALUES (?, ?, ?)", (seq, now_ms, payload)
            )
            self._db.executemany("DELETE FROM wave_pending WHERE id = ?", ids)
            self._db.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('last_wave_seq', ?)", (str(seq),))
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise

    def acknowledge(self, seq: int) -> None:
        """The web process has committed this batch."""
        with self._lock:
            self._db.execute("DELETE FROM wave_batch WHERE seq = ?", (seq,))

    def dead_letter(self, seq: int, code: str, message: str, now_ms: int) -> None:
        """Set a batch aside that the web process will never take."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute(
                "INSERT INTO wave_dead (seq, died_ms, code, message, payload) "
                "SELECT seq, ?, ?, ?, payload FROM wave_batch WHERE seq = ?",
                (now_ms, code[:80], message[:500], seq),
            )
            self._db.execute("DELETE FROM wave_batch WHERE seq = ?", (seq,))
            self._db.execute("COMMIT")

    def drop_oldest(self, count: int) -> int:
        """Give up the oldest undelivered curves because the disk is full. Bytes that became free."""
        rows = self._db.execute("SELECT id, size FROM wave_pending ORDER BY id LIMIT ?", (count,)).fetchall()
        if not rows:
            return 0
        self._db.execute("DELETE FROM wave_pending WHERE id <= ?", (rows[-1][0],))
        freed = sum(int(row[1]) for row in rows)
        self.bytes -= freed
        return freed

    def dead(self) -> int:
        """Number of batches that were set aside."""
        with self._lock:
            return int(self._db.execute("SELECT COUNT(*) FROM wave_dead").fetchone()[0])
