"""TCP, as client and as listener."""

import asyncio
import contextlib
import ipaddress

from device_bridge.outbound import ClearedBytes
from device_bridge.transports.base import Connection, TransportError, keep_alive

_CHUNK = 65_536
_CONNECT_TIMEOUT_S = 8.0
_WRITE_TIMEOUT_S = 5.0


class StreamConnection:
    """An asyncio stream pair."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        name = writer.get_extra_info("peername")
        self.peer = f"{name[0]}:{name[1]}" if name else "?"
        self.ended = asyncio.Event()
        line = writer.get_extra_info("socket")
        if line is not None:
            keep_alive(line)

    async def read(self) -> bytes:
        return await self._reader.read(_CHUNK)

    async def write(self, cleared: ClearedBytes) -> None:
        self._writer.write(cleared.payload)
        try:
            await asyncio.wait_for(self._writer.drain(), _WRITE_TIMEOUT_S)
        except TimeoutError as error:
            raise TransportError("设备不接收数据（写超时）") from error

    async def close(self) -> None:
        self.ended.set()
        self._writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            await asyncio.wait_for(self._writer.wait_closed(), 1.0)


class TcpClient:
    """The device listens, the bridge connects."""

    many = False

    def __init__(self, host: str, port: int, timeout_s: float = _CONNECT_TIMEOUT_S) -> None:
        self._host, self._port, self._timeout_s = host, port, timeout_s

    async def connect(self) -> Connection:
        try:
            reader, writer = await asyncio.wait_for(asyncio.open_connection(self._host, self._port), self._timeout_s)
        except TimeoutError as error:
            raise TransportError(f"连接 {self._host}:{self._port} 超时") from error
        return StreamConnection(reader, writer)

    async def close(self) -> None:
        return None


class TcpListener:
    """The bridge listens, devices and gateways connect; each connection is decoded on its own.

    `peers` are addresses or networks that may connect; empty means any address of the device network.
    """

    many = True

    def __init__(self, host: str, port: int, peers: tuple[str, ...] = ()) -> None:
        self._host, self._port = host, port
        self._peers = tuple(ipaddress.ip_network(peer, strict=False) for peer in peers)
        self._server: asyncio.Server | None = None
        self._waiting: asyncio.Queue[StreamConnection] = asyncio.Queue()

    async def connect(self) -> Connection:
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, self._host, self._port)
        return await self._waiting.get()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = StreamConnection(reader, writer)
        if not self._welcome(connection.peer):
            await connection.close()
            return
        await self._waiting.put(connection)

    def _welcome(self, peer: str) -> bool:
        if not self._peers:
            return True
        try:
            address = ipaddress.ip_address(peer.rsplit(":", 1)[0])
        except ValueError:
            return False
        return any(address in network for network in self._peers)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
