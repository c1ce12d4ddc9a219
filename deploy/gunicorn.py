"""Gunicorn settings: one worker with many threads, because Socket.IO sessions live in the process."""

import os
from typing import Any

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
    """Do now what the first person would wait for."""
    worker.wsgi.extensions["mafei.warm"](worker.wsgi)
