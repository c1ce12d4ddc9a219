"""Entry point of the web process: `gunicorn -w 1 --threads 100 wsgi:app`, and of the `flask` command."""

import os
import sys

from app.core.errors import SettingsError
from app.core.settings import load_settings
from app.factory import create_app

try:
    app = create_app(load_settings())
except SettingsError as error:
    sys.exit(f"麻沸没有启动：{error}")

# Set by the `flask` command itself. The web process stays without the commands: they bring Alembic, 12 MB.
if os.environ.get("FLASK_RUN_FROM_CLI") == "true":
    from app.commands import install

    install(app)
