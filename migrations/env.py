"""Alembic environment: the same migrations on SQLite and PostgreSQL, inside one transaction each."""

from typing import Any

from alembic import context
from flask import current_app

from app.core.db import db, write_intent


def run() -> None:
    """Bring the database of the running application to the wanted revision."""
    configuration: dict[str, Any] = current_app.extensions["migrate"].configure_args
    token = write_intent.set(True)
    try:
        with db.engine.connect() as connection:
            context.configure(
                connection=connection,
                target_metadata=db.metadata,
                process_revision_directives=_no_empty_revision,
                **configuration,
            )
            with context.begin_transaction():
                context.run_migrations()
    finally:
        write_intent.reset(token)


def _no_empty_revision(_context: Any, _revision: Any, directives: list[Any]) -> None:
    if directives and getattr(context.config.cmd_opts, "autogenerate", False) and directives[0].upgrade_ops.is_empty():
        directives[:] = []


if context.is_offline_mode():
    raise SystemExit("offline migrations are not supported")
run()
