"""Tables of the spool file."""

import sqlite3

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS raw (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    device TEXT NOT NULL,
    received_ms INTEGER NOT NULL,   -- wall clock of the bridge, ms since 1970 UTC
    size INTEGER NOT NULL,          -- bytes before compression
    data BLOB NOT NULL,             -- zlib
    pieces TEXT                     -- JSON [[received_ms, bytes, connection]…] as read; -1 bytes: it began
);
CREATE INDEX IF NOT EXISTS raw_device ON raw (device, id);
CREATE TABLE IF NOT EXISTS pending (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    device TEXT NOT NULL,
    received_ms INTEGER NOT NULL,
    count INTEGER NOT NULL,
    body BLOB NOT NULL              -- zlib of JSON [[code, time_ms, value, quality]…], [alarm…], [[from, to, reason]…]
);
CREATE TABLE IF NOT EXISTS batch (
    seq INTEGER PRIMARY KEY,
    created_ms INTEGER NOT NULL,
    count INTEGER NOT NULL,
    payload BLOB NOT NULL           -- zlib of the JSON text that is sent
);
CREATE TABLE IF NOT EXISTS dead (
    seq INTEGER PRIMARY KEY,
    died_ms INTEGER NOT NULL,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    payload BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS gap (
    id INTEGER PRIMARY KEY,
    device TEXT NOT NULL,
    from_ms INTEGER NOT NULL,
    to_ms INTEGER NOT NULL,
    reason TEXT NOT NULL            -- connect, disconnect, silent, restart, config
);
CREATE TABLE IF NOT EXISTS memory (device TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS sent (
    id INTEGER PRIMARY KEY,
    device TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    reason TEXT NOT NULL,
    refused TEXT,                   -- NULL: it left
    data BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS sent_day (
    device TEXT NOT NULL,
    day TEXT NOT NULL,              -- YYYY-MM-DD of the bridge's own calendar
    messages INTEGER NOT NULL,
    bytes INTEGER NOT NULL,         -- that really left
    refused INTEGER NOT NULL,       -- messages that were stopped
    reasons TEXT NOT NULL,          -- JSON {reason: messages}
    PRIMARY KEY (device, day)
);
CREATE TABLE IF NOT EXISTS wave_pending (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    device TEXT NOT NULL,
    received_ms INTEGER NOT NULL,
    size INTEGER NOT NULL,
    body TEXT NOT NULL              -- JSON rows of wire_waves
);
CREATE TABLE IF NOT EXISTS wave_batch (seq INTEGER PRIMARY KEY, created_ms INTEGER NOT NULL, payload TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS wave_dead (
    seq INTEGER PRIMARY KEY,
    died_ms INTEGER NOT NULL,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    payload TEXT NOT NULL
);
"""


def bring_up_to_date(db: sqlite3.Connection) -> None:
    """Add what a file of an earlier version lacks."""
    known = {row[1] for row in db.execute("PRAGMA table_info(raw)")}
    if "pieces" not in known:
        db.execute("ALTER TABLE raw ADD COLUMN pieces TEXT")
