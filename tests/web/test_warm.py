"""The web process does at its start what the first person would wait for."""

import threading
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError

from blueprints.common import warm


def test_every_template_compiles(app: Flask) -> None:
    names = app.jinja_env.list_templates(extensions=["html"])
    assert len(names) > 50
    assert warm.warm_up(app) == len(names)


def test_a_second_start_finds_what_the_first_compiled(app: Flask, tmp_path: Path) -> None:
    reads: list[int] = []
    warm.init_app(app, tmp_path / "cache", lambda: reads.append(1))
    app.extensions["mafei.warm"]()
    assert reads == [1]
    assert len(list((tmp_path / "cache").iterdir())) > 50
    assert (tmp_path / "cache").stat().st_mode & 0o077 == 0


def test_a_database_that_cannot_be_read_does_not_stop_the_start(app: Flask, tmp_path: Path) -> None:
    def fail() -> None:
        raise OperationalError("select", {}, Exception("no such table"))

    warm.init_app(app, tmp_path, fail)
    app.extensions["mafei.warm"]()


def test_a_database_that_does_not_answer_does_not_keep_the_pages_back(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warm, "_PATIENCE_S", 0.05)
    answer = threading.Event()
    warm.init_app(app, tmp_path, answer.wait)
    app.extensions["mafei.warm"]()
    assert not answer.is_set()
    answer.set()


def test_the_first_page_is_rehearsed_on_a_real_database(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    app.extensions["mafei.warm"]()
    assert "rehearsed" not in caplog.text
