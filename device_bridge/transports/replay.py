"""A capture file played as if the device were there; for training and for checking a driver on site."""

import asyncio
import contextlib
from pathlib import Path

from device_bridge.outbound import ClearedBytes
from device_bridge.transports.base import Connection, TransportError


class ReplayConnection:
    """Gives the file in pieces of `chunk` bytes, `bytes_per_s` of them a second, once or again and again."""

    def __init__(self, data: bytes, chunk: int, bytes_per_s: float, loop: bool, name: str) -> None:
        self._data, self._chunk, self._rate, self._again = data, chunk, bytes_per_s, loop
        self._position = 0
        self._ended = asyncio.Event()
        self.peer = name

    async def read(self) -> bytes:
        if self._position >= len(self._data):
            if not self._again:
                await self._ended.wait()  # a quiet device, not a broken line
                return b""
            self._position = 0
        piece = self._data[self._position : self._position + self._chunk]
        self._position += len(piece)
        if self._rate > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), len(piece) / self._rate)
        return b"" if self._ended.is_set() else piece

    async def write(self, cleared: ClearedBytes) -> None:
        """A file does not listen."""

    async def close(self) -> None:
        self._ended.set()


class Replay:
    """A file on the bridge's own disk."""

    many = False

    def __init__(self, path: str, chunk: int = 512, bytes_per_s: float = 2000.0, loop: bool = False) -> None:
        self._path, self._chunk, self._rate, self._loop = Path(path), max(chunk, 1), bytes_per_s, loop

    async def connect(self) -> Connection:
        try:
            data = await asyncio.to_thread(self._path.read_bytes)
        except OSError as error:
            raise TransportError(f"无法读取回放文件 {self._path.name}") from error
        return ReplayConnection(data, self._chunk, self._rate, self._loop and bool(data), self._path.name)

    async def close(self) -> None:
        return None
