"""The composition root: the one module of `app` that knows the web, the edges and how they are plugged together."""

from typing import Any

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

import blueprints.account
import blueprints.admin
import blueprints.bridge_gateway
import blueprints.devices
import blueprints.documents
import blueprints.home
import blueprints.interfaces
import blueprints.ops
import blueprints.printers
import blueprints.schedule
import blueprints.theatre
from app.accounts.queries import load_session_user
from app.core import clock
from app.core.db import db, tune_sqlite
from app.core.extensions import csrf, htmx, limiter, login_manager, socketio
from app.core.logging import configure_logging
from app.core.settings import PROJECT_ROOT, Settings
from app.core.types import field_cipher
from app.documents import lab_facts, ports, record_facts
from app.documents.batch_work import DOCUMENT_JOBS
from app.documents.facts import contribute
from app.jobs.tasks import BASIC_JOBS
from app.scheduling.queries import day_board
from blueprints.common import access, assets, banner, edge, errors, filters, headers, nav, shell, sockets, warm
from printing.press import Press

BLUEPRINTS = (
    blueprints.account.blueprint,
    blueprints.admin.blueprint,
    blueprints.bridge_gateway.blueprint,
    blueprints.devices.blueprint,
    blueprints.documents.blueprint,
    blueprints.home.blueprint,
    blueprints.interfaces.blueprint,
    blueprints.ops.blueprint,
    blueprints.ops.styleguide,
    blueprints.printers.blueprint,
    blueprints.printers.station_blueprint,
    blueprints.schedule.blueprint,
    blueprints.theatre.blueprint,
)


def create_app(settings: Settings) -> Flask:
    """Compose the application. Raises `SettingsError` when a secret or setting is unusable."""
    configure_logging(settings.log_level)
    settings.make_secrets()
    app = Flask(
        "mafei",
        root_path=str(PROJECT_ROOT),
        template_folder=str(PROJECT_ROOT / "templates"),
        static_folder=None,
        instance_path=str(settings.instance_dir),
    )
    _configure(app, settings)
    _bind_extensions(app, settings)
    if settings.behind_proxy:  # one proxy of ours: its X-Forwarded-For names the workstation
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)  # type: ignore[method-assign]
    # The order is the order of work before a request: mark of the live channel, transaction, access.
    sockets.init_app(app, is_alone=not settings.redis_url)
    edge.init_app(app)
    access.init_app(app)
    headers.init_app(app)
    errors.init_app(app)
    assets.init_app(app)
    filters.init_app(app)
    banner.init_app(app)
    nav.init_app(app)
    shell.init_app(app, settings)
    warm.init_app(app, settings.instance_dir / "cache" / "templates", _first_reads)
    contribute(record_facts.tell_records)
    contribute(lab_facts.tell_labs)
    press = Press(settings.instance_dir / "fonts")
    app.extensions["mafei.press"] = press
    ports.plug(press, with_sm3=settings.sm3)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    blueprints.bridge_gateway.init_app()
    return app


def _configure(app: Flask, settings: Settings) -> None:
    app.extensions["mafei.settings"] = settings
    app.extensions["mafei.jobs"] = (*BASIC_JOBS, *DOCUMENT_JOBS)
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=_engine_options(settings.database_url),
        SESSION_COOKIE_NAME="mafei",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.secure_cookies,
        WTF_CSRF_TIME_LIMIT=12 * 3600,
        WTF_CSRF_SSL_STRICT=False,
        MAX_CONTENT_LENGTH=16 * 1024 * 1024,
        TESTING=settings.testing,
        RATELIMIT_STORAGE_URI=settings.redis_url or "memory://",
        RATELIMIT_ENABLED=not settings.testing,
        PROPAGATE_EXCEPTIONS=False,
    )
    field_cipher.use_key(settings.column_key)


def _engine_options(url: str) -> dict[str, Any]:
    if url.startswith("sqlite"):
        return {"connect_args": {"check_same_thread": False, "timeout": 15}, "pool_size": 20, "max_overflow": 100}
    return {"pool_size": 20, "max_overflow": 80, "pool_pre_ping": True}


def _bind_extensions(app: Flask, settings: Settings) -> None:
    db.init_app(app)
    with app.app_context():
        tune_sqlite(db.engine)
    csrf.init_app(app)
    htmx.init_app(app)
    limiter.init_app(app)
    login_manager.init_app(app)
    login_manager.user_loader(load_session_user)
    socketio.init_app(
        app,
        async_mode="threading",
        transports=["websocket"],
        message_queue=settings.redis_url or None,
        max_http_buffer_size=8 * 1024 * 1024,
    )


def _first_reads() -> None:
    """What is read for somebody who signs in: who he is, and the board of the day."""
    load_session_user("")
    day_board(clock.today())
