"""What the first person would wait for, done while the web process starts: templates compiled."""

import logging
import threading
import time

from flask import Flask
from jinja2 import TemplateError

_log = logging.getLogger("mafei.warm")


def init_app(app: Flask) -> None:
    """Leave `start` where the web process finds it; commands of the same application have no use for it."""
    app.extensions["mafei.warm"] = start


def start(app: Flask) -> threading.Thread:
    """Warm up in a thread of its own; requests are served meanwhile."""
    thread = threading.Thread(target=warm_up, args=(app,), name="warm-up", daemon=True)
    thread.start()
    return thread


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
