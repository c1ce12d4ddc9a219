"""Tells the web process what other processes have committed, so that open pages refetch at once.

The interface engine, the job loop and the demonstration change the database beside the web process. Their `changed`
signals travel as keys over loopback HTTP; when the web process is away they are dropped, because every page
refetches when it connects again.
"""

import json
import logging
import queue
import threading
import urllib.error
import urllib.request
from typing import Any

from app.core import signals
from app.core.settings import Settings

PATH = "/relay/changes"
_MOST_AT_ONCE = 200
_log = logging.getLogger("mafei.relay")


class Relay:
    """A queue and a thread that posts what is in it."""

    def __init__(self, settings: Settings) -> None:
        self._url = f"http://127.0.0.1:{settings.port}{PATH}"
        self._token = settings.relay_token
        self._queue: queue.Queue[dict[str, str]] = queue.Queue(maxsize=5000)

    def start(self) -> None:
        """Listen to the signals of this process from now on."""
        signals.changed.connect(self._note, weak=False)
        signals.devices_changed.connect(self._note_device, weak=False)
        threading.Thread(target=self._run, name="relay", daemon=True).start()

    def _note(self, sender: str, what: str = "", **_extra: Any) -> None:
        self._put({"topic": sender, "what": what})

    def _note_device(self, sender: str, **_extra: Any) -> None:
        self._put({"device": sender})

    def _put(self, change: dict[str, str]) -> None:
        try:
            self._queue.put_nowait(change)
        except queue.Full:  # pages refetch by themselves; a full queue means nobody listens
            _log.warning("relay queue is full")

    def _run(self) -> None:
        while True:
            changes = [self._queue.get()]
            while len(changes) < _MOST_AT_ONCE:
                try:
                    changes.append(self._queue.get_nowait())
                except queue.Empty:
                    break
            self._post(changes)

    def _post(self, changes: list[dict[str, str]]) -> None:
        body = json.dumps({"changes": changes}).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"}
        request = urllib.request.Request(self._url, body, headers, method="POST")  # noqa: S310 - loopback http
        try:
            with urllib.request.urlopen(request, timeout=3):  # noqa: S310
                pass
        except (urllib.error.URLError, OSError):
            _log.debug("web process is away; pages refetch when it is back")


def start_relay(settings: Settings) -> None:
    """For processes beside the web process. With Redis, Socket.IO's own queue does this."""
    Relay(settings).start()
