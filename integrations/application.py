"""The engine's own small application: database and signals, no web. `app.factory` stands above this package."""

import importlib
import importlib.util
import pkgutil
from typing import Any

from flask import Flask
from flask_socketio import SocketIO

import app as domain
from app.core import signals
from app.core.db import db, tune_sqlite
from app.core.relay import start_relay
from app.core.settings import Settings
from app.core.types import field_cipher


def make_application(settings: Settings) -> Flask:
    """Compose database access for a process without pages."""
    load_models()
    application = Flask("mafei-interfaces", instance_path=str(settings.instance_dir))
    application.config.update(
        SQLALCHEMY_DATABASE_URI=settings.database_url, SQLALCHEMY_ENGINE_OPTIONS=_engine_options(settings.database_url)
    )
    field_cipher.use_key(settings.column_key)
    db.init_app(application)
    with application.app_context():
        tune_sqlite(db.engine)
    if settings.redis_url:
        _tell_screens(settings.redis_url)
    elif not settings.testing:
        start_relay(settings)
    return application


def load_models() -> None:
    """Import the tables of every room: a merge of patients moves pointers in all of them, also in rooms that this
    process does not otherwise use."""
    for room in pkgutil.iter_modules(domain.__path__, "app."):
        if room.ispkg and importlib.util.find_spec(f"{room.name}.models") is not None:
            importlib.import_module(f"{room.name}.models")


def _engine_options(url: str) -> dict[str, Any]:
    if url.startswith("sqlite"):
        return {"connect_args": {"check_same_thread": False, "timeout": 15}, "pool_size": 10, "max_overflow": 70}
    return {"pool_size": 5, "max_overflow": 70, "pool_pre_ping": True}


def _tell_screens(redis_url: str) -> None:
    """With Redis, changes made here reach the screens of the web process at once."""
    writer = SocketIO(message_queue=redis_url)

    def _changed(sender: str, what: str = "", **extra: Any) -> None:
        writer.emit("changed", {"topic": sender, "what": what, **extra}, to=sender)

    signals.changed.connect(_changed, weak=False)
