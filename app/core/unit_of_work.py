"""One transaction at the edge: success commits and then fires the queued signals; an exception rolls back."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from blinker import Signal

from app.core.db import db, write_intent

_QUEUE = "after_commit"
Effect = Callable[[], None]


def after_commit(signal: Signal, sender: Any, **payload: Any) -> None:
    """Queue a signal for after the commit; the same signal with the same payload fires once."""
    queue: dict[tuple[Any, ...], Effect] = db.session.info.setdefault(_QUEUE, {})
    key = (id(signal), sender, repr(sorted(payload.items(), key=lambda item: item[0])))
    queue[key] = lambda: _fire(signal, sender, payload)


def _fire(signal: Signal, sender: Any, payload: dict[str, Any]) -> None:
    signal.send(sender, **payload)


def commit() -> None:
    """Commit the session and fire what was queued. Only edges call this, never a service."""
    try:
        db.session.commit()
    except BaseException:
        rollback()
        raise
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
    token = write_intent.set(True)
    try:
        yield
        commit()
    except BaseException:
        rollback()
        raise
    finally:
        write_intent.reset(token)
