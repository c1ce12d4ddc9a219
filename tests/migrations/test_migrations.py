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


def test_a_house_that_is_in_use_is_upgraded_from_the_first_schema(empty_app: Flask) -> None:
    flask_migrate.upgrade(revision="01a607d20d24")
    now = "'2026-01-01 00:00:00'"
    for statement in (
        """INSERT INTO "user" (id, username, display_name, password_hash, password_changed_at, password_history, pin_hash,
           must_change_password, failed_attempts, session_epoch, theme, enabled, created_at)
           VALUES (1, 'lim', '李明', 'x', %(now)s, '[]', '', false, 0, 1, 'dark', true, %(now)s)""",
        "INSERT INTO role (id, name, label, permissions) VALUES (1, 'chief', '主任', '[]')",
        "INSERT INTO user_role (user_id, role_id) VALUES (1, 1)",
    ):
        db.session.execute(text(statement.replace("%(now)s", now)))
    db.session.commit()
    flask_migrate.upgrade()
    assert db.session.execute(text('SELECT theme FROM "user"')).scalar() == "dark"
    assert db.session.execute(text("SELECT count(*) FROM user_role")).scalar() == 1


def test_the_way_back_leaves_nothing(empty_app: Flask) -> None:
    flask_migrate.upgrade()
    flask_migrate.downgrade(revision="base")
    tables = set(db.inspect(db.engine).get_table_names())
    assert tables <= {"alembic_version", "sqlite_sequence"}
