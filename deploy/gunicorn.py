"""Gunicorn settings: one worker with many threads, because Socket.IO sessions live in the process."""

import contextlib
import ctypes
import os
from typing import Any

# glibc gives each of the many threads a heap of its own, and lets the size from which it borrows from the system (and
# gives back) grow with use. One heap is enough under one interpreter lock; the limits stay as they are set here.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_MALLOC = {_M_ARENA_MAX: 1, _M_MMAP_THRESHOLD: 128 * 1024, _M_TRIM_THRESHOLD: 256 * 1024}

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
    worker.wsgi.extensions["mafei.warm"](worker.wsgi)
