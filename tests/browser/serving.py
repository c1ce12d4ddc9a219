"""A real server in a thread, gone with all that it began before the database under it goes."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from werkzeug.serving import make_server

# How werkzeug and python-socketio name the threads of a request and of a message from a page.
_WORKERS = ("process_request_thread", "_handle_event_internal")


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """The application on a free loopback port; yields its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(5)
        for worker in [one for one in threading.enumerate() if any(name in one.name for name in _WORKERS)]:
            worker.join(5)
        server.server_close()
