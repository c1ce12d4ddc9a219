"""Live channel: browsers join topics they may see; what changed travels as a key, numerics as values."""

import contextlib
import logging
from typing import Any, cast

from flask import Flask, current_app, g
from flask_login import current_user
from flask_socketio import ConnectionRefusedError as SocketRefused
from flask_socketio import emit, join_room, leave_room

from app.core import signals
from app.core.extensions import socketio
from app.core.permissions import Permission
from blueprints.common.figures import Figures
from blueprints.common.missed import ChangeLog

_log = logging.getLogger("mafei.sockets")
_topics: dict[str, Permission] = {}
_figures = Figures()
_CHANGES = "mafei.changes"


def topic(prefix: str, permission: Permission) -> None:
    """Declare that topics `prefix:<key>` may be joined with this right."""
    _topics[prefix] = permission


topic("schedule", Permission.VIEW_SCHEDULE)
topic("case", Permission.VIEW_CASE)
topic("rooms", Permission.VIEW_CASE)
topic("devices", Permission.VIEW_DEVICES)
topic("device", Permission.VIEW_DEVICES)


def _connect(_auth: Any = None) -> None:
    if not current_user.is_authenticated:
        raise SocketRefused("sign in first")
    with contextlib.suppress(ValueError, KeyError):  # the browser left at once
        join_room(_room_of(current_user.session_id))


def _room_of(session_id: str) -> str:
    return f"session:{session_id}"  # no declared topic, so nobody can ask for it


def _leave(session_id: str) -> None:
    """The pages of an ended session go to the sign-in, and hear nothing more."""
    room = _room_of(session_id)
    socketio.emit("ended", to=room)
    for sid, _ in list(socketio.server.manager.get_participants("/", room)):
        socketio.server.disconnect(sid)


def _subscribe(data: Any) -> dict[str, Any]:
    """Join the topics. The answer lists those that were granted and what the page missed since it was drawn.

    First joined, then looked up: what changes meanwhile is told twice and never not at all.
    """
    data = data if isinstance(data, dict) else {}
    wanted = data.get("topics", [])
    granted = [name for name in wanted if isinstance(name, str) and _may_join(name)]
    with contextlib.suppress(ValueError, KeyError):  # the browser left while it was asking
        for name in granted:
            join_room(name)
            _tell_known(name)
    return {"granted": granted, "missed": _changes().since(str(data.get("mark", "")), granted)}


def _tell_known(name: str) -> None:
    kind, _, number = name.partition(":")
    known = _figures.known(name) if kind == "case" else []
    if known:
        emit("n", (int(number), *known))


def _changes() -> ChangeLog:
    return cast(ChangeLog, current_app.extensions[_CHANGES])


def _mark_request() -> None:
    g.live_mark = _changes().mark()


def _unsubscribe(data: Any) -> None:
    for name in data.get("topics", []) if isinstance(data, dict) else []:
        if isinstance(name, str):
            leave_room(name)


def _may_join(name: str) -> bool:
    permission = _topics.get(name.partition(":")[0])
    return permission is not None and current_user.is_authenticated and current_user.may(permission)


def _tell_changed(sender: str, what: str = "", **extra: Any) -> None:
    if current_app and _CHANGES in current_app.extensions:  # an application without pages has nobody who missed it
        _changes().note(sender, what)
    socketio.emit("changed", {"topic": sender, "what": what, **extra}, to=sender)


def _tell_numerics(sender: str, values: Any, **extra: Any) -> None:
    """To the pages of a case only what they show and do not know; to the page of a device everything."""
    kind, _, number = sender.partition(":")
    if kind == "case":
        message = _figures.message(sender, values)
        if message:
            socketio.emit("n", (int(number), *message), to=sender)
        return
    socketio.emit("numeric", {"topic": sender, "values": values, **extra}, to=sender)


def init_app(app: Flask, *, is_alone: bool = True) -> None:
    """Connect the handlers and the domain's signals. Beside other web processes nobody knows all changes."""
    app.extensions[_CHANGES] = ChangeLog(is_whole=is_alone)
    app.before_request(_mark_request)
    socketio.on_event("connect", _connect)
    socketio.on_event("subscribe", _subscribe)
    socketio.on_event("unsubscribe", _unsubscribe)
    signals.changed.connect(_tell_changed)
    signals.numerics.connect(_tell_numerics)
    signals.session_ended.connect(_leave)
