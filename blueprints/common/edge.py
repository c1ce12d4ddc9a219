"""The transaction edge: a mutating request is one transaction; success commits, anything else rolls back."""

from flask import Flask, Response, g, request

from app.core import unit_of_work
from app.core.db import db

_MUTATING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def init_app(app: Flask) -> None:
    """Open and close the unit of work around each request."""
    app.before_request(_open)
    app.after_request(_commit)
    app.teardown_request(_close)


def _open() -> None:
    if request.method in _MUTATING:
        g.write_intent = unit_of_work.open_for_writing()  # before the sign-in check reads anything


def _commit(response: Response) -> Response:
    if request.method in _MUTATING:
        if response.status_code < 400:
            unit_of_work.commit()
        else:
            unit_of_work.rollback()
        _let_the_next_write()
    return response


def _close(_error: BaseException | None) -> None:
    if db.session.registry.has():
        unit_of_work.rollback()
    _let_the_next_write()


def _let_the_next_write() -> None:
    intent: unit_of_work.WriteIntent | None = g.pop("write_intent", None)
    if intent is not None:
        intent.close()
