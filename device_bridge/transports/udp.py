"""UDP: every datagram is one message. No recovery of losses; the codec counts gaps."""

import asyncio

from device_bridge.outbound import ClearedBytes
from device_bridge.transports.base import Connection, TransportError

_QUEUE = 2000


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, remote_host: str | None) -> None:
        self.queue: asyncio.Queue[bytes | OSError | None] = asyncio.Queue(_QUEUE)
        self.dropped = 0
        self._remote_host = remote_host

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self._remote_host and addr[0] != self._remote_host:
            return
        try:
            self.queue.put_nowait(data)
        except asyncio.QueueFull:
            self.dropped += 1

    def error_received(self, exc: Exception) -> None:
        """Nobody listens there yet, or the network is down: end the line, so that it is made again.

        Going on would be deaf on Windows: its loop reads no more after such an error (CPython 3.11, gh-91227).
        """
        if isinstance(exc, OSError) and not self.queue.full():
            self.queue.put_nowait(exc)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.queue.full():
            self.queue.put_nowait(None)


class UdpConnection:
    """A bound socket, with the device's address when the bridge has to ask."""

    def __init__(
        self, transport: asyncio.DatagramTransport, protocol: _Datagrams, remote: tuple[str, int] | None
    ) -> None:
        self._transport, self._protocol, self._remote = transport, protocol, remote
        self.peer = f"{remote[0]}:{remote[1]}" if remote else "udp"

    async def read(self) -> bytes:
        item = await self._protocol.queue.get()
        if isinstance(item, OSError):
            raise item
        return item or b""

    async def write(self, cleared: ClearedBytes) -> None:
        if self._remote is None:
            raise TransportError("未配置设备的 UDP 地址，无法发送请求")
        self._transport.sendto(cleared.payload, self._remote)

    async def close(self) -> None:
        self._transport.close()
        await asyncio.sleep(0.01)  # the loop frees the port a moment later; a restart wants it at once


class Udp:
    """Receives on `host:port`; `remote` is where requests go and, if given, the only accepted sender."""

    many = False

    def __init__(self, host: str, port: int, remote: tuple[str, int] | None = None) -> None:
        self._local = (host, port)
        self._remote = remote

    async def connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        remote_host = self._remote[0] if self._remote else None
        transport, protocol = await loop.create_datagram_endpoint(
            lambda: _Datagrams(remote_host), local_addr=self._local
        )
        return UdpConnection(transport, protocol, self._remote)

    async def close(self) -> None:
        return None
