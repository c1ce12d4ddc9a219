"""The migrations make the schema that the models declare, on both databases, with the guards of the audit trail."""

from collections.abc import Iterator
from pathlib import Path

import flask_migrate
import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.commands import install
from app.core import audit
from app.core.audit import SystemActor
from app.core.db import db, write_intent
from app.factory import create_app
from tests.conftest import POSTGRESQL, _PostgresqlTemplate, make_settings


@pytest.fixture
def empty_app(tmp_path: Path) -> Iterator[Flask]:
    """An application on an empty database."""
    server = _PostgresqlTemplate(POSTGRESQL) if POSTGRESQL else None
    app = create_app(make_settings(tmp_path, server.url() if server else f"sqlite:///{tmp_path / 'empty.db'}"))
    install(app)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()
    if server:
        server.drop(server.url())


def test_an_empty_database_becomes_what_the_models_say(empty_app: Flask) -> None:
    flask_migrate.upgrade()
    flask_migrate.check()  # raises SystemExit when a model and the schema differ


def test_the_audit_trail_cannot_be_changed_or_emptied(empty_app: Flask) -> None:
    flask_migrate.upgrade()
    token = write_intent.set(True)
    audit.record(SystemActor("job:test", "测试"), "test.write")
    db.session.commit()
    for statement in ("UPDATE audit_entry SET actor = 'x'", "DELETE FROM audit_entry"):
        with pytest.raises(DBAPIError, match="append-only"):
            db.session.execute(text(statement))
        db.session.rollback()
    assert audit.verify_chain().entries == 1
    write_intent.reset(token)


def test_the_way_back_leaves_nothing(empty_app: Flask) -> None:
    flask_migrate.upgrade()
    flask_migrate.downgrade(revision="base")
    tables = set(db.inspect(db.engine).get_table_names())
    assert tables <= {"alembic_version", "sqlite_sequence"}
