"""Live channel: browsers join topics they may see; what changed travels as a key, numerics as values."""

import contextlib
import logging
from typing import Any

from flask_login import current_user
from flask_socketio import ConnectionRefusedError as SocketRefused
from flask_socketio import join_room, leave_room

from app.core import signals
from app.core.extensions import socketio
from app.core.permissions import Permission
from blueprints.common.figures import Figures

_log = logging.getLogger("mafei.sockets")
_topics: dict[str, Permission] = {}
_figures = Figures()


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


def _subscribe(data: Any) -> dict[str, list[str]]:
    """Join the topics; the answer lists those that were granted."""
    wanted = data.get("topics", []) if isinstance(data, dict) else []
    granted = [name for name in wanted if isinstance(name, str) and _may_join(name)]
    with contextlib.suppress(ValueError):  # the browser left while it was asking
        for name in granted:
            join_room(name)
    return {"granted": granted}


def _unsubscribe(data: Any) -> None:
    for name in data.get("topics", []) if isinstance(data, dict) else []:
        if isinstance(name, str):
            leave_room(name)


def _may_join(name: str) -> bool:
    permission = _topics.get(name.partition(":")[0])
    return permission is not None and current_user.is_authenticated and current_user.may(permission)


def _tell_changed(sender: str, what: str = "", **extra: Any) -> None:
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


def init_app() -> None:
    """Connect the handlers and the domain's signals."""
    socketio.on_event("connect", _connect)
    socketio.on_event("subscribe", _subscribe)
    socketio.on_event("unsubscribe", _unsubscribe)
    signals.changed.connect(_tell_changed)
    signals.numerics.connect(_tell_numerics)
