"""The bridge's own disk: everything received is here before anybody is told that it was.

One SQLite file in WAL mode with `synchronous=FULL`. Received bytes and the values decoded from them go in
together and at once when the disk is idle; what arrives while it writes goes with the next commit, and under load
commits keep `REST_S` between them. Batches for the web process are frozen here: once a batch has its number its
bytes never change, so it can be sent again after any accident.
"""

import json
import logging
import queue
import sqlite3
import threading
import time
import uuid
import zlib
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from pathlib import Path

from device_bridge import spool_ledger
from device_bridge.normaliser import Reading
from device_bridge.outbound import Passage
from device_bridge.spool_budget import (
    DEFAULT_LIMIT_BYTES,
    WORDS,
    Sizes,
    drop_raw,
    effective_limit,
    make_room,
)
from device_bridge.spool_ledger import PENDING, Row
from device_bridge.spool_pieces import merge_pieces, pack_piece, unpack_block
from device_bridge.spool_raw import insert_raw
from device_bridge.spool_schema import SCHEMA, bring_up_to_date
from device_bridge.spool_waves import FrozenBatch, WaveLane
from device_bridge.wire import Batch, DeviceAlarm, SentDay
from device_bridge.wire_waves import WavePiece

REST_S = 0.004
BATCH_VALUES = 8_000
RAW_LIMIT_BYTES = 2 * 1024**3
_SENT_KEPT = 20_000
_PRUNE_EVERY_S = 30.0

log = logging.getLogger("device_bridge.spool")


@dataclass(frozen=True, slots=True)
class Received:
    """What one device contributed at one moment; `raw` are the bytes as they came."""

    device: str
    received_ms: int
    raw: bytes
    readings: Sequence[Reading] = ()
    alarms: Sequence[DeviceAlarm] = ()
    waves: Sequence[WavePiece] = ()
    memory: str | None = None  # what the device's normaliser must know after a restart
    line: int = 0  # number of the connection by which `raw` came
    opened: bool = False  # a connection begins here: what is decoded again starts with a fresh codec


_Item = tuple[Received | Row, "Future[None]"]


class Spool:
    """Thread-safe. `add` returns at once; the future it gives is done when the data is on disk."""

    def __init__(
        self,
        directory: Path,
        bridge: str,
        raw_limit_bytes: int = RAW_LIMIT_BYTES,
        limit_bytes: int = DEFAULT_LIMIT_BYTES,
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.path = directory / "spool.sqlite"
        self._bridge = bridge
        self._raw_limit, self._limit = raw_limit_bytes, limit_bytes
        self._lock = threading.RLock()
        self._db = sqlite3.connect(self.path, check_same_thread=False, isolation_level=None, timeout=30)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.executescript(SCHEMA)
        bring_up_to_date(self._db)
        self.stream = self._stream()
        self.waves = WaveLane(self._db, self._lock, bridge, self.stream)
        self._sizes = Sizes(
            self._one("SELECT COALESCE(SUM(LENGTH(data)), 0) FROM raw"),
            self._one("SELECT COALESCE(SUM(LENGTH(body)), 0) FROM pending"),
        )
        self._queue: queue.Queue[_Item | None] = queue.Queue()
        self._next_prune = 0.0
        self._closed = False
        self.errors = 0
        self._writer = threading.Thread(target=self._write_loop, name="spool", daemon=True)
        self._writer.start()

    # -- receiving -----------------------------------------------------------------------------------

    def add(self, item: Received) -> "Future[None]":
        """Queue for the next commit."""
        return self._put(item)

    def _put(self, item: Received | Row) -> "Future[None]":
        done: Future[None] = Future()
        if self._closed:
            done.set_exception(RuntimeError("the spool is closed"))
            return done
        self._queue.put((item, done))
        return done

    def _write_loop(self) -> None:
        rested_at = 0.0
        while True:
            first = self._queue.get()
            if first is None:
                return
            time.sleep(max(0.0, rested_at - time.monotonic()))
            items, last = [first], False
            while not self._queue.empty():
                item = self._queue.get()
                if item is None:
                    last = True
                    break
                items.append(item)
            self._commit(items)
            rested_at = time.monotonic() + REST_S
            if last:
                return

    def _commit(self, items: list[_Item]) -> None:
        try:
            with self._lock:
                self._db.execute("BEGIN IMMEDIATE")
                try:
                    self._insert([item for item, _ in items if isinstance(item, Received)])
                    for row, _ in items:
                        if isinstance(row, Row):
                            self._db.execute(row.sql, row.values)
                    self._db.execute("COMMIT")
                except BaseException:
                    self._db.execute("ROLLBACK")
                    raise
        except sqlite3.Error as error:
            self.errors += 1
            for _, done in items:
                done.set_exception(error)
            return
        for _, done in items:
            done.set_result(None)
        if time.monotonic() >= self._next_prune:
            self._next_prune = time.monotonic() + _PRUNE_EVERY_S
            self._prune()

    def _insert(self, items: list[Received]) -> None:
        merged: dict[str, list[Received]] = {}
        for item in items:
            merged.setdefault(item.device, []).append(item)
        for device, parts in merged.items():
            memory = [part.memory for part in parts if part.memory is not None]
            if memory:
                self._db.execute("INSERT OR REPLACE INTO memory VALUES (?, ?)", (device, memory[-1]))
            self._sizes.raw += insert_raw(
                self._db, device, [(part.received_ms, part.raw, part.line, part.opened) for part in parts]
            )
            readings = [[r.code, r.time_ms, r.value, r.quality] for part in parts for r in part.readings]
            alarms = [asdict(alarm) for part in parts for alarm in part.alarms]
            if readings or alarms:
                body = pack_piece(readings, alarms, [])
                self._db.execute(PENDING, (device, parts[0].received_ms, len(readings), body))
                self._sizes.pending += len(body)
            waves = [piece for part in parts for piece in part.waves]
            if waves:
                self.waves.insert(device, parts[0].received_ms, waves)

    # -- delivering ----------------------------------------------------------------------------------

    def mark(self) -> int:
        """The number of the newest undelivered piece: what is newer is live, what is older is backlog."""
        return int(self._one("SELECT COALESCE(MAX(id), 0) FROM pending"))

    def in_flight(self) -> FrozenBatch | None:
        """The batch that has been frozen and not yet acknowledged."""
        with self._lock:
            row = self._db.execute("SELECT seq, payload FROM batch ORDER BY seq LIMIT 1").fetchone()
        return FrozenBatch(int(row[0]), zlib.decompress(row[1]).decode()) if row else None

    def freeze(self, now_ms: int, *, after: int = 0, up_to: int | None = None) -> FrozenBatch | None:
        """Number and freeze the next pieces with `after < id <= up_to`, oldest first; None when there are none.

        Only one batch may be in flight: a second call before `acknowledge` returns the first one again.
        """
        with self._lock:
            waiting = self.in_flight()
            if waiting is not None:
                return waiting
            pieces = self._pieces(after, up_to)
            if not pieces:
                return None
            seq = int(self._meta("last_seq", "0")) + 1
            batch = Batch(
                bridge=self._bridge,
                stream=self.stream,
                seq=seq,
                floor=seq - 1,
                sent_at_ms=now_ms,
                blocks=merge_pieces(pieces, now_ms),
            )
            payload = json.dumps(batch.to_json(), ensure_ascii=False, separators=(",", ":"))
            ids = [(piece[0],) for piece in pieces]
            self._db.execute("BEGIN IMMEDIATE")
            try:
                self._db.execute(
                    "INSERT INTO batch (seq, created_ms, count, payload) VALUES (?, ?, ?, ?)",
                    (seq, now_ms, batch.count, zlib.compress(payload.encode(), 3)),
                )
                self._db.executemany("DELETE FROM pending WHERE id = ?", ids)
                self._set_meta("last_seq", str(seq))
                self._db.execute("COMMIT")
                self._sizes.pending -= sum(len(piece[2]) for piece in pieces)
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            return FrozenBatch(seq, payload)

    def _pieces(self, after: int, up_to: int | None) -> list[tuple[int, str, bytes]]:
        rows = self._db.execute(
            "SELECT id, device, body, count FROM pending WHERE id > ? AND id <= ? ORDER BY id LIMIT 2000",
            (after, up_to if up_to is not None else 1 << 62),
        )
        pieces: list[tuple[int, str, bytes]] = []
        total = 0
        for number, device, body, count in rows:
            if pieces and total + count > BATCH_VALUES:
                break
            pieces.append((number, device, body))
            total += count
        return pieces

    def acknowledge(self, seq: int) -> None:
        """The web process has committed this batch."""
        with self._lock:
            self._db.execute("DELETE FROM batch WHERE seq = ?", (seq,))

    def dead_letter(self, seq: int, code: str, message: str, now_ms: int) -> None:
        """The web process will never take this batch: set it aside so that the queue moves on."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                self._db.execute(
                    "INSERT INTO dead (seq, died_ms, code, message, payload) "
                    "SELECT seq, ?, ?, ?, payload FROM batch WHERE seq = ?",
                    (now_ms, code[:80], message[:500], seq),
                )
                self._db.execute("DELETE FROM batch WHERE seq = ?", (seq,))
                self._db.execute("COMMIT")
            except BaseException:
                self._db.execute("ROLLBACK")
                raise

    def requeue_dead(self, now_ms: int) -> int:
        """Everything set aside as refused goes back into the queue, as new batches. Number of old batches.

        The web process keeps batches apart by their number, so content that it did store after all would be stored
        again: batches without any answer (`no_answer`) stay set aside, because nobody knows.
        """
        with self._lock:
            rows = self._db.execute("SELECT seq, payload FROM dead WHERE code <> 'no_answer' ORDER BY seq").fetchall()
            self._db.execute("BEGIN IMMEDIATE")
            try:
                for seq, payload in rows:
                    batch = Batch.from_json(json.loads(zlib.decompress(payload)))
                    for block in batch.blocks:
                        count, body = unpack_block(block)
                        self._db.execute(PENDING, (block.device, now_ms, count, body))
                    self._db.execute("DELETE FROM dead WHERE seq = ?", (seq,))
                self._db.execute("COMMIT")
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
        return len(rows)

    # -- records about the line ----------------------------------------------------------------------

    def gap(self, device: str, from_ms: int, to_ms: int, reason: str) -> None:
        """A span without data of a device, and why."""
        for row in spool_ledger.gap_rows(device, from_ms, to_ms, reason):
            self._put(row)

    def gaps(self, device: str) -> list[tuple[int, int, str]]:
        """All gaps of a device as (from, to, reason), oldest first."""
        with self._lock:
            return spool_ledger.gaps(self._db, device)

    def log_passage(self, device: str, passage: Passage, now_ms: int) -> None:
        """What was sent to a device, or stopped."""
        for row in spool_ledger.passage_rows(device, passage, now_ms):
            self._put(row)

    def sent_days(self, since_day: str) -> list[SentDay]:
        """Totals of what was sent to each device on each day from `since_day` (YYYY-MM-DD) on."""
        with self._lock:
            return spool_ledger.sent_days(self._db, since_day)

    def last_received_ms(self, device: str) -> int | None:
        """When the last bytes of a device were kept, over all runs."""
        with self._lock:
            row = self._db.execute(
                "SELECT received_ms FROM raw WHERE device = ? AND size > 0 ORDER BY id DESC LIMIT 1", (device,)
            ).fetchone()
        return int(row[0]) if row else None

    def memory(self, device: str) -> str | None:
        """What `Received.memory` last was for this device."""
        with self._lock:
            row = self._db.execute("SELECT body FROM memory WHERE device = ?", (device,)).fetchone()
        return str(row[0]) if row else None

    def opened(self, device: str, now_ms: int, line: int) -> None:
        """A connection to the device begins now."""
        self._put(Received(device, now_ms, b"", line=line, opened=True))

    def raw(self, device: str) -> list[bytes]:
        """The kept bytes of a device in order."""
        with self._lock:
            rows = self._db.execute(
                "SELECT data FROM raw WHERE device = ? AND size > 0 ORDER BY id", (device,)
            ).fetchall()
        return [zlib.decompress(row[0]) for row in rows]

    def backlog(self) -> tuple[int, int]:
        """Values not yet delivered, and values set aside as undeliverable batches."""
        waiting = int(self._one("SELECT COALESCE(SUM(count), 0) FROM pending"))
        waiting += int(self._one("SELECT COALESCE(SUM(count), 0) FROM batch"))
        return waiting, int(self._one("SELECT COUNT(*) FROM dead"))

    def close(self) -> None:
        """Commit what is queued and close the file."""
        if self._closed:
            return
        self._closed = True
        self._queue.put(None)
        self._writer.join(10)
        with self._lock:
            self._db.close()

    # -- inside --------------------------------------------------------------------------------------

    def _prune(self) -> None:
        """Rolling retention of raw bytes and of the sending log; and the disk must never become full."""
        with self._lock:
            while self._sizes.raw > self._raw_limit and drop_raw(self._db, self._sizes):
                pass
            self._db.execute("DELETE FROM sent WHERE id <= (SELECT MAX(id) FROM sent) - ?", (_SENT_KEPT,))
            given_up = make_room(self._db, self.waves, self._sizes, effective_limit(self._limit, self.path))
        for one in given_up:
            log.error("disk budget", extra={"device": one.device, "what": one.what})
            text = f"本地缓存空间不足，已放弃最早的未上传{WORDS[one.what]}"
            now_ms = time.time_ns() // 1_000_000
            self._put(
                Received(one.device, now_ms, b"", (), [DeviceAlarm(now_ms, "BRIDGE_DISK", text, "high", "start")])
            )
            if one.what == "numerics":
                self.gap(one.device, one.from_ms, one.to_ms, "disk")

    def _stream(self) -> str:
        known = self._meta("stream", "")
        if known:
            return known
        fresh = uuid.uuid4().hex
        self._set_meta("stream", fresh)
        return fresh

    def _meta(self, key: str, default: str) -> str:
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return str(row[0]) if row else default

    def _set_meta(self, key: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (key, value))

    def _one(self, sql: str) -> int:
        with self._lock:
            return int(self._db.execute(sql).fetchone()[0])
