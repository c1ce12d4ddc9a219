"""What the device session expects of a transport."""

import contextlib
import errno
import socket
from typing import Protocol, runtime_checkable

from device_bridge.outbound import ClearedBytes, OutboundGate


class TransportError(OSError):
    """The device cannot be reached or the settings make no sense; the text is for people (Chinese)."""


_WORDS = {
    errno.ECONNREFUSED: "设备拒绝连接：端口未开放或已被占用",
    errno.ECONNRESET: "设备中断了连接",
    errno.EPIPE: "设备中断了连接",
    errno.ETIMEDOUT: "设备没有回应",
    errno.EHOSTUNREACH: "网络不通：核对地址和网线",
    errno.ENETUNREACH: "网络不通：核对地址和网线",
    errno.EADDRINUSE: "本机端口已被其他程序占用",
    errno.EADDRNOTAVAIL: "本机没有这个地址",
    errno.EACCES: "没有打开它的权限",
    errno.ENOENT: "没有这个端口",
}


def explain(error: OSError) -> str:
    """What went wrong on a line, for people; the words of the system where there are no better ones."""
    if isinstance(error, TransportError):
        return str(error)
    if isinstance(error, socket.gaierror):
        return "找不到这个主机名"
    return _WORDS.get(error.errno or 0) or str(error) or type(error).__name__


def keep_alive(line: socket.socket) -> None:
    """Notice a dead peer on a TCP line: after 30 s of silence, every 10 s, three times; and when nothing that was sent
    is acknowledged for a minute. Where the system has no such setting, its own patience counts."""
    with contextlib.suppress(OSError):
        line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in (
            ("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3), ("TCP_USER_TIMEOUT", 60_000),
        ):  # fmt: skip
            option = getattr(socket, name, None)
            if option is not None:
                line.setsockopt(socket.IPPROTO_TCP, option, value)


class Connection(Protocol):
    """One established line to one device."""

    peer: str

    async def read(self) -> bytes:
        """Whatever has arrived; empty when the line ended. Raises `OSError` when it broke."""

    async def write(self, cleared: ClearedBytes) -> None:
        """Send bytes that the outbound gate has let pass. Raises `OSError` when the line broke."""

    async def close(self) -> None:
        """End the line; safe to call more than once."""


class Endpoint(Protocol):
    """The place of a device. `many`: several devices or gateways may be connected at the same time."""

    many: bool

    async def connect(self) -> Connection:
        """Reach the device, or wait until it reaches us. Raises `OSError`."""

    async def close(self) -> None:
        """Stop listening."""


@runtime_checkable
class GatedEndpoint(Protocol):
    """An endpoint whose protocol makes requests by itself: it gets the gate of the session and asks it each time."""

    def use_gate(self, gate: OutboundGate) -> None:
        """Clear every request with this gate before it leaves."""
