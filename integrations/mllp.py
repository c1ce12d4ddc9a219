"""MLLP, the framing of HL7 v2 on TCP: a tolerant byte-level de-framer and a threaded server.

A frame is <VT> message <FS> <CR>. Framing works on bytes: in UTF-8, GBK and GB18030 no byte of a Chinese character
is 0x0B, 0x1C or 0x0D, so the text is decoded after the frame is cut, never before. What real peers do and this
reader accepts: no CR after FS, CR LF between frames, NUL bytes as keep-alive, empty frames, one byte at a time,
several frames in one packet, a truncated frame followed by a good one.
"""

import contextlib
import logging
import re
import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

VT = 0x0B
FS = 0x1C
START = b"\x0b"
END = b"\x1c\r"
#: A message with an embedded PDF easily has 10 MB; beyond this limit a frame is refused, not stored.
DEFAULT_LIMIT = 32 * 1024 * 1024
_HEAD_KEPT = 64 * 1024
_CHUNK = 64 * 1024
_RESTART = re.compile(rb"\x0b(?=(?:\xef\xbb\xbf)?(?:MSH|BHS|FHS))")
_IGNORED_BETWEEN = bytes(range(0x21))

log = logging.getLogger(__name__)


class FrameProblem(StrEnum):
    """Why a frame cannot be used as it came."""

    TOO_LARGE = "too_large"
    TRUNCATED = "truncated"


@dataclass(frozen=True, slots=True)
class Frame:
    """The bytes between VT and FS. With `problem` set, `body` is only the beginning (at most 64 KiB)."""

    body: bytes
    problem: FrameProblem | None = None


class Deframer:
    """Cut a byte stream into frames. It never raises: what is no frame is counted in `noise`."""

    def __init__(self, limit: int = DEFAULT_LIMIT) -> None:
        self.limit = limit
        self.noise = 0
        self._buffer = bytearray()
        self._inside = False
        self._overflow = False
        self._scanned = 0

    @property
    def is_inside_frame(self) -> bool:
        """True while a frame was begun and not ended."""
        return self._inside

    def feed(self, data: bytes) -> list[Frame]:
        """Take the next bytes, give the frames that they complete, in order."""
        self._buffer += data
        frames: list[Frame] = []
        while self._buffer:
            if not self._inside and not self._find_start():
                break
            if not self._take_body(frames):
                break
        return frames

    def _find_start(self) -> bool:
        position = self._buffer.find(START)
        skipped = self._buffer if position < 0 else self._buffer[:position]
        self.noise += sum(byte not in _IGNORED_BETWEEN and byte != FS for byte in skipped)
        if position < 0:
            self._buffer.clear()
            return False
        del self._buffer[: position + 1]
        self._inside, self._overflow, self._scanned = True, False, 0
        return True

    def _take_body(self, frames: list[Frame]) -> bool:
        end = self._buffer.find(FS, self._scanned)
        if end < 0:
            self._scanned = len(self._buffer)
            if self._scanned > self.limit:
                self._overflow = True
                del self._buffer[_HEAD_KEPT:]
                self._scanned = len(self._buffer)
            return False
        body = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        self._inside = False
        if self._overflow or len(body) > self.limit:
            frames.append(Frame(body[:_HEAD_KEPT], FrameProblem.TOO_LARGE))
        else:
            frames.extend(_split_restarts(body))
        return True


def _split_restarts(body: bytes) -> Iterable[Frame]:
    """A VT inside text is text (word processors use it), a VT before a header means the earlier frame broke off."""
    pieces = _RESTART.split(body)
    for broken in pieces[:-1]:
        if broken.strip():
            yield Frame(broken[:_HEAD_KEPT], FrameProblem.TRUNCATED)
    if pieces[-1].strip(b"\x00\r\n\t "):
        yield Frame(pieces[-1])


def frame(message: bytes) -> bytes:
    """The message as it goes on the wire."""
    return START + message + END


def deframe_all(data: bytes, limit: int = DEFAULT_LIMIT) -> list[Frame]:
    """All frames of a captured stream; an unfinished last one is given as truncated."""
    reader = Deframer(limit)
    frames = reader.feed(data)
    if reader.is_inside_frame:
        frames.extend(Frame(rest.body, FrameProblem.TRUNCATED) for rest in reader.feed(b"\x1c"))
    return frames


#: Gets a frame and the peer's address, gives the messages to send back (usually one acknowledgement).
Handler = Callable[[Frame, str], Iterable[bytes]]


class MllpServer:
    """Accept many connections, a thread each. A bad message or a failing handler never ends a connection."""

    def __init__(
        self,
        host: str,
        port: int,
        handler: Handler,
        *,
        limit: int = DEFAULT_LIMIT,
        max_connections: int = 64,
        stalled_after: float = 60.0,
        allowed: frozenset[str] = frozenset(),
    ) -> None:
        """`allowed`: addresses that may connect; empty lets everyone in. Raises `OSError` when the port is taken."""
        self._allowed = allowed
        self._handler = handler
        self._limit = limit
        self._stalled_after = stalled_after
        self._slots = threading.BoundedSemaphore(max_connections)
        self._stopping = threading.Event()
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=64)
        self._thread = threading.Thread(target=self._accept, name=f"mllp-{self.port}", daemon=True)

    @property
    def port(self) -> int:
        """The port in use, also when 0 was asked for."""
        return int(self._listener.getsockname()[1])

    @property
    def connection_count(self) -> int:
        """How many peers are connected now."""
        with self._lock:
            return len(self._connections)

    def start(self) -> "MllpServer":
        """Begin to accept; returns itself."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Close the listener and every connection."""
        self._stopping.set()
        # shutdown() wakes the accepting thread; close() alone would leave it blocked on Linux
        close_socket(self._listener)
        with self._lock:
            open_now = list(self._connections)
        for connection in open_now:
            close_socket(connection)
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def __enter__(self) -> "MllpServer":
        return self.start()

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, address = self._listener.accept()
            except OSError:
                if self._stopping.is_set():
                    return
                time.sleep(0.1)  # out of descriptors: wait for others to close
                continue
            if self._allowed and address[0] not in self._allowed:
                log.warning("mllp connection refused, address not allowed", extra={"peer": address[0]})
                close_socket(connection)
                continue
            if not self._slots.acquire(blocking=False):
                log.warning("mllp connection refused, too many", extra={"peer": address[0]})
                close_socket(connection)
                continue
            with self._lock:
                self._connections.add(connection)
            threading.Thread(target=self._serve, args=(connection, address[0]), daemon=True).start()

    def _serve(self, connection: socket.socket, peer: str) -> None:
        try:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._converse(connection, peer)
        except OSError as error:
            log.info("mllp connection ended", extra={"peer": peer, "error": type(error).__name__})
        finally:
            with self._lock:
                self._connections.discard(connection)
            close_socket(connection)
            self._slots.release()

    def _converse(self, connection: socket.socket, peer: str) -> None:
        reader = Deframer(self._limit)
        while not self._stopping.is_set():
            connection.settimeout(self._stalled_after if reader.is_inside_frame else None)
            try:
                data = connection.recv(_CHUNK)
            except TimeoutError:
                log.warning("mllp frame never finished", extra={"peer": peer})
                return
            if not data:
                return
            noise = reader.noise
            frames = reader.feed(data)
            if reader.noise > noise:
                log.warning("mllp bytes outside of a frame", extra={"peer": peer, "count": reader.noise - noise})
            connection.settimeout(self._stalled_after)
            for item in frames:
                self._answer(connection, item, peer)

    def _answer(self, connection: socket.socket, item: Frame, peer: str) -> None:
        try:
            replies = list(self._handler(item, peer))
        except Exception:
            # Without a reply the peer sends again; the connection and the other messages live on.
            log.exception("mllp handler failed", extra={"peer": peer})
            return
        for reply in replies:
            connection.sendall(frame(reply))


def close_socket(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
