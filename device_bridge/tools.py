"""Small network tools of the command line: play a capture, record a line, run a simulator."""

import asyncio
import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from device_bridge.simulators.base import SimulatedDevice
from device_bridge.transports.factory import make_endpoint


def address(text: str) -> tuple[str, int]:
    """`HOST:PORT`. Raises `ValueError`."""
    host, separator, port = text.rpartition(":")
    if not separator or not port.isdigit() or not 0 <= int(port) < 65_536:
        raise ValueError(f"地址应为 HOST:PORT，而不是 {text!r}")
    return host.strip("[]") or "127.0.0.1", int(port)


async def play(data: bytes, writer: asyncio.StreamWriter, bytes_per_s: float, chunk: int = 256) -> None:
    """Send a capture at the pace of the line."""
    for position in range(0, len(data), chunk):
        piece = data[position : position + chunk]
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(len(piece) / bytes_per_s)


async def replay_listening(
    data: bytes, where: tuple[str, int], bytes_per_s: float, announce: Callable[[int], None], stop: asyncio.Event
) -> None:
    """Be the device: play the capture to whoever connects, from the beginning each time."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        swallow = asyncio.create_task(_swallow(reader))
        try:
            with contextlib.suppress(OSError):
                await play(data, writer, bytes_per_s)
                await stop.wait()
        finally:
            swallow.cancel()
            writer.close()

    server = await asyncio.start_server(serve, *where)
    announce(server.sockets[0].getsockname()[1])
    await stop.wait()
    server.close()


async def _swallow(reader: asyncio.StreamReader) -> None:
    while await reader.read(4096):
        pass


async def replay_connecting(data: bytes, where: tuple[str, int], bytes_per_s: float) -> None:
    """Be a gateway: connect and play the capture once, reading the answers."""
    reader, writer = await asyncio.open_connection(*where)
    swallow = asyncio.create_task(_swallow(reader))
    try:
        await play(data, writer, bytes_per_s)
        await asyncio.sleep(0.5)
    finally:
        swallow.cancel()
        writer.close()


async def capture(transport: dict[str, Any], out: BinaryIO, seconds: float, stop: asyncio.Event) -> int:
    """Record what a line sends, byte for byte, sending nothing. Gives the number of bytes."""
    endpoint = make_endpoint(transport)
    loop = asyncio.get_running_loop()
    ends = loop.time() + seconds if seconds > 0 else float("inf")
    count = 0
    connection = await endpoint.connect()
    reading = asyncio.create_task(connection.read())
    try:
        while not stop.is_set() and loop.time() < ends:
            done, _ = await asyncio.wait({reading}, timeout=0.2)
            if not done:
                continue
            data = reading.result()
            if not data:
                break
            out.write(data)
            out.flush()
            count += len(data)
            reading = asyncio.create_task(connection.read())
    finally:
        reading.cancel()
        await connection.close()
        await endpoint.close()
    return count


async def simulate(device: SimulatedDevice, announce: Callable[[int], None], stop: asyncio.Event) -> None:
    """Run a simulated device until told to stop."""
    await device.start()
    announce(device.port)
    await stop.wait()
    await device.stop()


def transport_argument(text: str) -> dict[str, Any]:
    """`HOST:PORT`, or a JSON object with a transport entry. Raises `ValueError`."""
    if text.lstrip().startswith("{"):
        entry = json.loads(text)
        if not isinstance(entry, dict):
            raise ValueError("连接参数应为 JSON 对象")
        return entry
    host, port = address(text)
    return {"kind": "tcp_client", "host": host, "port": port}


def read_file(path: str) -> bytes:
    """A capture from disk."""
    return Path(path).read_bytes()
