"""A relay on the loopback that counts what the server sends: every byte on the wire, headers and frames included."""

import contextlib
import socket
import threading
from collections.abc import Callable


class CountingRelay:
    """Between browser and server. `received` is what has gone to the browser since the last `reset`."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._lock = threading.Lock()
        self._down = self._up = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def received(self) -> int:
        """Bytes that went to the browser."""
        return self._down

    @property
    def sent(self) -> int:
        """Bytes that came from the browser."""
        return self._up

    def reset(self) -> None:
        """Count from zero."""
        with self._lock:
            self._down = self._up = 0

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _address = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target_port), timeout=5)
            except OSError:
                return
            far.settimeout(None)
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._pump, args=(near, far, self._count_up), daemon=True).start()
            threading.Thread(target=self._pump, args=(far, near, self._count_down), daemon=True).start()

    def _count_up(self, number: int) -> None:
        with self._lock:
            self._up += number

    def _count_down(self, number: int) -> None:
        with self._lock:
            self._down += number

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket, count: Callable[[int], None]) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(65_536):
                count(len(chunk))
                sink.sendall(chunk)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
