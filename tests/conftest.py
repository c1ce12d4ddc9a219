"""Fixtures of all tests: an application on a fresh database, the cast, signed-in clients, page checks."""

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine, text

from app.accounts.models import User
from app.accounts.queries import user_by_name
from app.commands import install
from app.core.db import db, write_intent
from app.core.settings import Settings
from app.factory import create_app
from tests import economy
from tests.cast import PASSWORD, Person
from tests.pages import Page, read_page
from tests.seed import seed_basics

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
POSTGRESQL = os.environ.get("MAFEI_TEST_POSTGRESQL", "")
economy.begin()


def pytest_report_header() -> list[str]:
    """Say loudly what this run cannot check."""
    lines = [f"database: {'PostgreSQL' if POSTGRESQL else 'SQLite'}"]
    if not SHARED_DATA.exists():
        lines.append("WARNING: ../shared/data is absent: tests with captures of real devices are skipped")
    return lines


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real captures; the test is skipped, and says so, where it is absent."""
    if not SHARED_DATA.exists():
        pytest.skip("../shared/data is absent")
    return SHARED_DATA


@pytest.fixture(scope="session")
def instance_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Instance directory of the run, with its secrets."""
    return tmp_path_factory.mktemp("instance")


class _SqliteTemplate:
    """A seeded database file that each test copies."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.file = folder, folder / "template.db"

    def url(self) -> str:
        return f"sqlite:///{self.file}"

    def copy(self) -> str:
        target = self.folder / f"{uuid.uuid4().hex}.db"
        shutil.copyfile(self.file, target)
        return f"sqlite:///{target}"

    def drop(self, url: str) -> None:
        path = url.removeprefix("sqlite:///")
        for suffix in ("", "-wal", "-shm"):
            Path(path + suffix).unlink(missing_ok=True)


class _PostgresqlTemplate:
    """A seeded database that each test copies by CREATE DATABASE … TEMPLATE, as files: the log would take 10 MB each."""

    def __init__(self, server: str) -> None:
        self.server = server.rstrip("/")
        self._engine = create_engine(f"{self.server}/postgres", isolation_level="AUTOCOMMIT")
        self.name = f"mafei_template_{uuid.uuid4().hex[:8]}"
        self._execute(f'CREATE DATABASE "{self.name}"')

    def _execute(self, statement: str) -> None:
        with self._engine.connect() as connection:
            connection.execute(text(statement))

    def url(self) -> str:
        return f"{self.server}/{self.name}"

    def copy(self) -> str:
        name = f"mafei_test_{uuid.uuid4().hex[:12]}"
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{self.name}" STRATEGY FILE_COPY')
        return f"{self.server}/{name}"

    def drop(self, url: str) -> None:
        self._execute(f'DROP DATABASE IF EXISTS "{url.rsplit("/", 1)[1]}" WITH (FORCE)')


def new_template(folder: Path) -> _SqliteTemplate | _PostgresqlTemplate:
    """An empty database of the kind of this run, to be filled once and copied for each test."""
    return _PostgresqlTemplate(POSTGRESQL) if POSTGRESQL else _SqliteTemplate(folder)


def make_settings(instance: Path, url: str) -> Settings:
    """Settings of a test application."""
    return Settings(instance_dir=instance, database_url=url, testing=True, log_level="ERROR")


@pytest.fixture(scope="session")
def database_template(instance_dir: Path) -> Iterator[_SqliteTemplate | _PostgresqlTemplate]:
    """A database with schema, roles, dictionaries, rooms and the cast."""
    template = new_template(instance_dir)
    app = create_app(make_settings(instance_dir, template.url()))
    with app.app_context():
        token = write_intent.set(True)
        db.create_all()
        seed_basics()
        db.session.commit()
        write_intent.reset(token)
        db.session.remove()
        db.engine.dispose()
    yield template
    template.drop(template.url())


@pytest.fixture
def app(instance_dir: Path, database_template: _SqliteTemplate | _PostgresqlTemplate) -> Iterator[Flask]:
    """A composed application on its own copy of the seeded database."""
    url = database_template.copy()
    application = create_app(make_settings(instance_dir, url))
    economy.share_templates(application)
    install(application)
    yield application
    with application.app_context():
        db.session.remove()
        db.engine.dispose()
    database_template.drop(url)


@pytest.fixture
def context(app: Flask) -> Iterator[None]:
    """An application context with the write lock wanted, for tests of services."""
    with app.app_context():
        token = write_intent.set(True)
        yield
        db.session.rollback()
        write_intent.reset(token)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser that is not signed in. CSRF tokens are not asked for; tests/web/test_csrf.py asks for them."""
    app.config["WTF_CSRF_ENABLED"] = False
    return app.test_client()


@pytest.fixture
def sign_in(client: FlaskClient) -> Callable[[Person], FlaskClient]:
    """Sign a person of the cast in: `sign_in(LI_MING)` gives the client."""

    def enter(person: Person) -> FlaskClient:
        answer = client.post("/sign-in", data={"username": person.username, "password": PASSWORD})
        assert answer.status_code == 302, answer.get_data(as_text=True)
        return client

    return enter


@pytest.fixture
def as_user(context: None) -> Callable[[Person], User]:
    """The account of a person of the cast, as the actor of a service."""

    def find(person: Person) -> User:
        user = user_by_name(person.username)
        assert user is not None
        return user

    return find


@pytest.fixture
def open_page(client: FlaskClient) -> Callable[[str], Page]:
    """Open a URL and check what every page must keep: HTML5, one h1, title, unique ids, CSP, no outside host."""

    def read(url: str, status: int = 200) -> Page:
        return read_page(client, url, status)

    return read
