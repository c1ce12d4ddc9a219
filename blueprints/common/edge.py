"""The transaction edge: a mutating request is one transaction; success commits, anything else rolls back."""

from flask import Flask, Response, g, request

from app.core import unit_of_work
from app.core.db import db, write_intent

_MUTATING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def init_app(app: Flask) -> None:
    """Open and close the unit of work around each request."""
    app.before_request(_open)
    app.after_request(_commit)
    app.teardown_request(_close)


def _open() -> None:
    if request.method in _MUTATING:
        # What the sign-in check has read so far ends here: a writer must hold the lock from its first statement.
        g.write_token = write_intent.set(True)


def _commit(response: Response) -> Response:
    if request.method in _MUTATING:
        if response.status_code < 400:
            unit_of_work.commit()
        else:
            unit_of_work.rollback()
    return response


def _close(_error: BaseException | None) -> None:
    token = g.pop("write_token", None)
    if token is not None:
        write_intent.reset(token)
    if db.session.registry.has():
        unit_of_work.rollback()
