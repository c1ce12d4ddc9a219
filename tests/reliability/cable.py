"""A network cable that can be pulled: a TCP relay on the loopback between the bridge and the web process."""

import contextlib
import socket
import threading

_CHUNK = 65_536


class Cable:
    """Relays every connection to `target_port`; while it is pulled, connections break and new ones are refused."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._pulled = threading.Event()
        self._closed = threading.Event()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def pull(self) -> None:
        """Break all connections and refuse new ones."""
        self._pulled.set()
        with self._lock:
            ends = list(self._open)
        for end in ends:
            _close(end)

    def plug_in(self) -> None:
        """Let connections through again."""
        self._pulled.clear()

    def close(self) -> None:
        """End the relay."""
        self._closed.set()
        self.pull()
        _close(self._listener)

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                near, _address = self._listener.accept()
            except OSError:
                return
            if self._pulled.is_set():
                _close(near)
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self._target_port), timeout=5)
            except OSError:
                _close(near)
                continue
            far.settimeout(None)
            with self._lock:
                self._open |= {near, far}
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(_CHUNK):
                sink.sendall(data)
        _close(source)
        _close(sink)
        with self._lock:
            self._open -= {source, sink}


def _close(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(OSError):
        end.close()
