"""The sending side of MLLP: one connection, one message in flight, its own acknowledgement or none."""

import re
import socket
import time
from dataclasses import dataclass

from integrations.mllp import DEFAULT_LIMIT, Deframer, close_socket, frame

_CHUNK = 64 * 1024


class MllpError(Exception):
    """Sending failed; the socket is closed. The message is Chinese, for the interface log."""


class PeerDown(MllpError):
    """The peer cannot be reached; the message did not arrive."""


class NoAcknowledgement(MllpError):
    """Sent, but no usable acknowledgement in time: the peer may or may not have it."""


class WrongAcknowledgement(MllpError):
    """The acknowledgement names another message."""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """MSA of the reply: `code` AA/AE/AR or CA/CE/CR, the id it answers, and the whole reply."""

    code: str
    control_id: str
    raw: bytes

    @property
    def is_accepted(self) -> bool:
        """The peer took the message."""
        return self.code in ("AA", "CA")

    @property
    def is_final_refusal(self) -> bool:
        """The peer will never take this message (AR, CR); AE and CE may be tried again."""
        return self.code in ("AR", "CR")


def read_acknowledgement(raw: bytes) -> Acknowledgement:
    """Find MSA in a reply of any charset. Raises `NoAcknowledgement` when there is none."""
    start = raw.find(b"MSH")
    separator = raw[start + 3 : start + 4] if start >= 0 else b""
    for line in re.split(rb"[\r\n]+", raw):
        if separator and line.startswith(b"MSA" + separator):
            fields = [*line.split(separator), b"", b""]
            return Acknowledgement(_ascii(fields[1]).upper(), _ascii(fields[2]), raw)
    raise NoAcknowledgement("对方的应答中没有 MSA 段。")


def _ascii(data: bytes) -> str:
    return data.decode("ascii", "replace").strip()


class MllpClient:
    """One connection, kept open; one message in flight. Not for use by several threads at once."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        connect_timeout: float = 3.0,
        reply_timeout: float = 15.0,
        limit: int = DEFAULT_LIMIT,
    ) -> None:
        self._address = (host, port)
        self._connect_timeout = connect_timeout
        self._reply_timeout = reply_timeout
        self._limit = limit
        self._socket: socket.socket | None = None

    def close(self) -> None:
        """Close the connection; the next `send` opens a new one."""
        if self._socket is not None:
            close_socket(self._socket)
            self._socket = None

    def __enter__(self) -> "MllpClient":
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def send(self, message: bytes, control_id: str) -> Acknowledgement:
        """Send one message and read its whole acknowledgement.

        After any failure the socket is closed, so that a late acknowledgement can never be taken for that of the
        next message. Raises `PeerDown`, `NoAcknowledgement` or `WrongAcknowledgement`.
        """
        connection = self._ready()
        try:
            connection.sendall(frame(message))
            reply = self._read_reply(connection)
            acknowledgement = read_acknowledgement(reply)
            if acknowledgement.control_id != control_id:
                raise WrongAcknowledgement(
                    f"应答对应的消息号是 {acknowledgement.control_id or '（空）'}，发送的是 {control_id}。"
                )
        except TimeoutError:
            self.close()
            raise NoAcknowledgement(f"{self._reply_timeout:g} 秒内没有收到应答。") from None
        except OSError as error:
            self.close()
            raise NoAcknowledgement(f"等待应答时连接中断（{type(error).__name__}）。") from None
        except MllpError:
            self.close()
            raise
        return acknowledgement

    def _ready(self) -> socket.socket:
        if self._socket is not None and _has_news(self._socket):
            self.close()  # closed by the peer, or an acknowledgement nobody waits for any more
        if self._socket is None:
            try:
                self._socket = socket.create_connection(self._address, timeout=self._connect_timeout)
            except OSError as error:
                host, port = self._address
                raise PeerDown(f"连不上 {host}:{port}（{error.strerror or type(error).__name__}）。") from None
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._socket.settimeout(self._reply_timeout)
        return self._socket

    def _read_reply(self, connection: socket.socket) -> bytes:
        reader = Deframer(self._limit)
        deadline = time.monotonic() + self._reply_timeout
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            connection.settimeout(left)
            data = connection.recv(_CHUNK)
            if not data:
                raise NoAcknowledgement("对方在应答之前关闭了连接。")
            for item in reader.feed(data):
                if item.problem is None:
                    return item.body


def _has_news(connection: socket.socket) -> bool:
    """True when the idle connection was closed by the peer or holds unexpected bytes."""
    connection.settimeout(0.0)
    try:
        connection.recv(1, socket.MSG_PEEK)
    except (BlockingIOError, InterruptedError):
        return False
    except OSError:
        return True
    return True
