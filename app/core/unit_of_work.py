"""One transaction at the edge: success commits and then fires the queued signals; an exception rolls back."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Token
from typing import Any

from blinker import Signal

from app.core.db import db, write_intent

_QUEUE = "after_commit"
Effect = Callable[[], None]
# SQLite has one writer. Threads that wait here are served in turn and at once; threads that wait inside SQLite sleep
# in growing steps (measured with 20 clients: 342 writes/s and p95 186 ms without, 462/s and 81 ms with this lock).
_one_writer = threading.RLock()


class WriteIntent:
    """From `open_for_writing` to `close`: this thread writes. Closing twice is harmless."""

    def __init__(self) -> None:
        self._has_lock = db.engine.dialect.name == "sqlite"
        if self._has_lock:
            _one_writer.acquire()
        self._token: Token[bool] | None = write_intent.set(True)

    def close(self) -> None:
        """Let the next writer go on."""
        if self._token is None:
            return
        write_intent.reset(self._token)
        self._token = None
        if self._has_lock:
            _one_writer.release()


def open_for_writing() -> WriteIntent:
    """Announce that this thread writes, before its first statement. Only edges call this."""
    return WriteIntent()


def after_commit(signal: Signal, sender: Any, **payload: Any) -> None:
    """Queue a signal for after the commit; the same signal with the same payload fires once."""
    queue: dict[tuple[Any, ...], Effect] = db.session.info.setdefault(_QUEUE, {})
    key = (id(signal), sender, repr(sorted(payload.items(), key=lambda item: item[0])))
    queue[key] = lambda: _fire(signal, sender, payload)


def _fire(signal: Signal, sender: Any, payload: dict[str, Any]) -> None:
    signal.send(sender, **payload)


def commit() -> None:
    """Commit the session and fire what was queued. Only edges call this, never a service."""
    _commit_session()
    _fire_queued()


def _commit_session() -> None:
    try:
        db.session.commit()
    except BaseException:
        rollback()
        raise


def _fire_queued() -> None:
    for effect in _take():
        effect()


def rollback() -> None:
    """Undo the session and forget what was queued."""
    _take()
    db.session.rollback()


def _take() -> list[Effect]:
    return list(db.session.info.pop(_QUEUE, {}).values())


@contextmanager
def writing() -> Iterator[None]:
    """A writing transaction for edges without a request: command line, jobs, sockets, interface engine.

    Ends a transaction that was only read in, so that the write lock is taken at its start.
    """
    if db.session.info.get(_QUEUE) or db.session.new or db.session.dirty or db.session.deleted:
        raise RuntimeError("a unit of work is already open")
    db.session.rollback()
    intent = open_for_writing()
    try:
        yield
        _commit_session()
    except BaseException:
        rollback()
        raise
    finally:
        intent.close()
    _fire_queued()
