"""The commands of an installation. They and the migrations stand on libraries that the web process need not hold."""

from typing import Any

from flask import Flask
from flask.cli import AppGroup
from flask_migrate import Migrate

from app.cli import audit_group, demo_group, device_data_group, doctor_command, setup_group
from app.core.db import db
from app.core.settings import PROJECT_ROOT, Settings
from app.documents import ports
from app.documents.cli import documents_group
from app.jobs.cli import jobs_group
from integrations.time_stamps import TimeStampAuthority

COMMANDS: tuple[AppGroup | Any, ...] = (
    audit_group,
    demo_group,
    setup_group,
    jobs_group,
    doctor_command,
    device_data_group,
    documents_group,
)
_migrate = Migrate(render_as_batch=True, compare_type=True)


def install(app: Flask) -> None:
    """Give a composed application its commands, with `flask db`."""
    _migrate.init_app(app, db, directory=str(PROJECT_ROOT / "migrations"))
    settings: Settings = app.extensions["mafei.settings"]
    ports.plug_stamper(TimeStampAuthority.of(settings.tsa_url, settings.tsa_roots) if settings.tsa_url else None)
    for command in COMMANDS:
        app.cli.add_command(command)
