"""The web process loads nothing that only commands and the press need: it has 150 MB and serves everybody."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import ROOT

DRAWING = ("fontTools", "html5lib", "PIL", "pypdf", "reportlab", "svglib", "xhtml2pdf")
CLIENTS = ("multidict", "urllib3", "yarl")
COMMANDS = ("alembic", "flask_migrate", "mako", "pygments")

_LOAD = (
    "import runpy, sys; runpy.run_path('deploy/gunicorn.py'); import wsgi; "
    "print(*{name.partition('.')[0] for name in sys.modules})"
)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The top-level modules after a fresh interpreter imported `wsgi` as gunicorn does, its settings read before."""
    environment = {
        **os.environ,
        "MAFEI_INSTANCE_DIR": str(tmp_path_factory.mktemp("light")),
        "MAFEI_LOG_LEVEL": "ERROR",
    }
    told = subprocess.run(
        [sys.executable, "-c", _LOAD],
        cwd=Path(ROOT), env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(told.stdout.split())


def test_the_application_was_loaded(loaded: set[str]) -> None:
    assert {"app", "blueprints", "flask", "printing", "sqlalchemy"} <= loaded


@pytest.mark.parametrize("name", DRAWING)
def test_what_draws_stays_outside(loaded: set[str], name: str) -> None:
    assert name not in loaded


@pytest.mark.parametrize("name", CLIENTS)
def test_what_only_clients_need_stays_outside(loaded: set[str], name: str) -> None:
    assert name not in loaded


@pytest.mark.parametrize("name", COMMANDS)
def test_what_only_commands_need_stays_outside(loaded: set[str], name: str) -> None:
    assert name not in loaded
