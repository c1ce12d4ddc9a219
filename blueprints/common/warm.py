"""What the first person would wait for, done while the web process starts.

Templates are compiled, and kept for the next start; the queries of the first page are asked once.
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from flask import Flask
from jinja2 import FileSystemBytecodeCache, TemplateError
from sqlalchemy.exc import SQLAlchemyError

from app.core import unit_of_work

_log = logging.getLogger("mafei.warm")
_PATIENCE_S = 5.0  # a database that does not answer is told by our pages, so they must come


def init_app(app: Flask, folder: Path, first_reads: Callable[[], object]) -> None:
    """Leave `start` where the web process finds it; commands of the same application have no use for it.

    folder: of the instance, for what is compiled. It is as trusted as the database beside it: only we can write there.
    first_reads: asks what the first page asks; building a statement for the first time takes longer than running it.
    """

    def start() -> None:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if os.access(folder, os.W_OK):
                app.jinja_env.bytecode_cache = FileSystemBytecodeCache(str(folder))
        except OSError as error:
            _log.warning("compiled templates are not kept", extra={"reason": str(error)})
        warm_up(app)
        reading = threading.Thread(target=rehearse, args=(app, first_reads), name="rehearsal", daemon=True)
        reading.start()
        reading.join(_PATIENCE_S)

    app.extensions["mafei.warm"] = start


def warm_up(app: Flask) -> int:
    """Compile every template. Number of templates; a broken one is left to its own page."""
    began, count = time.monotonic(), 0
    for name in app.jinja_env.list_templates(extensions=["html"]):
        try:
            app.jinja_env.get_template(name)
            count += 1
        except TemplateError as error:
            _log.warning("template does not compile", extra={"template": name, "reason": str(error)})
    _log.info("warm", extra={"templates": count, "seconds": round(time.monotonic() - began, 2)})
    return count


def rehearse(app: Flask, first_reads: Callable[[], object]) -> None:
    """Read once. A database that cannot be read now is told by the first request and by `/readyz`."""
    with app.app_context():
        try:
            first_reads()
        except SQLAlchemyError as error:
            _log.warning("first page could not be rehearsed", extra={"reason": type(error).__name__})
        finally:
            unit_of_work.rollback()
