"""Gunicorn settings: one worker with many threads, because Socket.IO sessions live in the process."""

import contextlib
import ctypes
import os
from typing import Any

# glibc gives each of the many threads a heap of its own and returns little of it (mallopt's M_ARENA_MAX).
_M_ARENA_MAX, _ARENAS = -8, 2

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


def post_worker_init(worker: Any) -> None:
    """Keep memory small, and do now what the first person would wait for."""
    with contextlib.suppress(AttributeError, OSError):  # another C library has no such switch
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)
    worker.wsgi.extensions["mafei.warm"](worker.wsgi)
