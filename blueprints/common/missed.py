"""What changed lately, so that a page can ask what it missed between its drawing and its subscription.

A page is drawn, its scripts are loaded, its socket connects: on a slow ward network that takes seconds, and a change of
that time reaches nobody. Every page therefore carries the mark of the moment its request began; subscribing with this
mark is answered with what changed since.
"""

import secrets
import threading
from collections import deque
from collections.abc import Collection

_KEPT = 4000  # changes; a busy house makes some dozens a minute


class ChangeLog:
    """The last changes of this process in their order; safe to use from several threads."""

    def __init__(self, *, is_whole: bool = True) -> None:
        self._run = secrets.token_hex(4)  # marks of another process or of an earlier start are unknown here
        self._is_whole = is_whole
        self._last = 0
        self._changes: deque[tuple[int, str, str]] = deque(maxlen=_KEPT)
        self._lock = threading.Lock()

    def mark(self) -> str:
        """The present moment; taken before anything is read, so that what is read later is never older."""
        return f"{self._run}.{self._last}"

    def note(self, topic: str, what: str) -> None:
        """Something has changed; to be called before the pages are told."""
        with self._lock:
            self._last += 1
            self._changes.append((self._last, topic, what))

    def since(self, mark: str, topics: Collection[str]) -> list[list[str]] | None:
        """[topic, what] of what changed after the mark, each once; None when that is not known any more."""
        run, _, number = mark.partition(".")
        if not self._is_whole or run != self._run or not number.isdigit():
            return None
        with self._lock:
            first = self._last - len(self._changes)
            found = [(topic, what) for count, topic, what in self._changes if count > int(number) and topic in topics]
        if int(number) < first:
            return None
        return [list(pair) for pair in dict.fromkeys(found)]
