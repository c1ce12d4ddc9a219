"""Gunicorn settings: one worker with many threads, because Socket.IO sessions live in the process."""

import contextlib
import ctypes
import os
import sys
from typing import Any

from app.core.errors import SettingsError
from app.core.settings import load_settings

# glibc gives each of the many threads a heap of its own, and lets the size from which it borrows from the system (and
# gives back) grow with use. One heap is enough under one interpreter lock; the limits stay as they are set here.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_MALLOC = {_M_ARENA_MAX: 1, _M_MMAP_THRESHOLD: 128 * 1024, _M_TRIM_THRESHOLD: 256 * 1024}


def _leave_out() -> None:
    """Leave out what the Socket.IO library loads whenever it finds it: 13 MB for clients, which the web process never
    is, and 4 MB for Redis where none is configured.
    """
    names = ["aiohttp", "requests", "websocket"]
    with contextlib.suppress(SettingsError):  # the application says it in a sentence
        if not load_settings().redis_url:
            names.append("redis")
    for name in names:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]


_leave_out()

bind = f"{os.environ.get('MAFEI_HOST', '127.0.0.1')}:{os.environ.get('MAFEI_PORT', '8080')}"
workers = 1
threads = 120  # a browser with a live page holds one
worker_class = "gthread"
timeout = 120
graceful_timeout = 5
keepalive = 65
accesslog = None
errorlog = "-"
loglevel = "warning"
control_socket_disable = True


def on_starting(server: Any) -> None:
    """Keep memory small, before anything is loaded; the worker inherits it."""
    with contextlib.suppress(AttributeError, OSError):  # another C library has no such switch
        library = ctypes.CDLL(None)
        for switch, value in _MALLOC.items():
            library.mallopt(switch, value)


def post_worker_init(worker: Any) -> None:
    """Do now what the first person would wait for."""
    worker.wsgi.extensions["mafei.warm"]()
