"""Lines for tests: a session with its own spool, a serial cable that can be pulled, a socket that can be spoiled."""

import asyncio
import contextlib
import json
import os
import socket
import tty
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from device_bridge.drivers.registry import get_driver
from device_bridge.session import DeviceSession
from device_bridge.simulators.base import SimulatedDevice, SimulatorSettings
from device_bridge.simulators.registry import SIMULATORS
from device_bridge.spool import Spool
from device_bridge.transports.factory import make_endpoint
from device_bridge.wire import Batch, DeviceConfig, Gap

LOOPBACK = "127.0.0.1"
PATIENCE_S = 8.0


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    """A port of the loopback that nobody uses."""
    with socket.socket(socket.AF_INET, kind) as one:
        one.bind((LOOPBACK, 0))
        return int(one.getsockname()[1])


async def until(condition: Callable[[], Any], what: str) -> None:
    """Wait for something, but not for ever."""
    async with asyncio.timeout(PATIENCE_S):
        try:
            while not condition():
                await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"it did not come to {what}") from None


class Bench:
    """One device under a real session: what it delivered so far, and how it fares."""

    def __init__(self, folder: Path, driver: str, transport: dict[str, Any], **config: Any) -> None:
        entry = DeviceConfig("D", driver, transport, **{"expected_period_s": 0.1, "stale_after_s": 0.5, **config})
        found = get_driver(driver)
        self.spool = Spool(folder, "bench")
        self.session = DeviceSession(entry, found, make_endpoint({**found.default_transport, **transport}), self.spool)
        self.values: list[tuple[str, int, float]] = []
        self.gaps: list[Gap] = []

    @property
    def state(self) -> str:
        """What the engineers' page says."""
        return self.session.health().state

    @property
    def detail(self) -> str:
        """And why."""
        return self.session.health().detail

    def take(self) -> list[tuple[str, int, float]]:
        """(code, ms, value) of everything in the spool so far."""
        while (frozen := self.spool.freeze(0)) is not None:
            batch = Batch.from_json(json.loads(frozen.payload))
            self.spool.acknowledge(frozen.seq)
            for block in batch.blocks:
                self.gaps += block.gaps
                for series in block.series:
                    self.values += zip([series.code] * len(series.values), series.times_ms, series.values, strict=True)
        return self.values

    def codes(self) -> set[str]:
        """Parameters seen so far."""
        return {code for code, _, _ in self.take()}


@contextlib.asynccontextmanager
async def bench(folder: Path, driver: str, transport: dict[str, Any], **config: Any) -> AsyncIterator[Bench]:
    """A session that runs."""
    one = Bench(folder, driver, transport, **config)
    task = asyncio.create_task(one.session.run())
    try:
        yield one
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        one.spool.close()


@contextlib.asynccontextmanager
async def simulated(driver: str, **settings: Any) -> AsyncIterator[SimulatedDevice]:
    """A simulated device, quick for a test."""
    given = {"interval_s": 0.05, "case_clock_s": 1000, "nibp_every_s": 1.0, "port": 0, **settings}
    device = SIMULATORS[driver](SimulatorSettings(LOOPBACK, **given))
    await device.start()
    try:
        yield device
    finally:
        await device.stop()


class Cable:
    """A serial line between a name in the file system, which lasts as `/dev/serial/by-id` does, and TCP ports of
    simulated devices. Needs pseudo terminals."""

    def __init__(self, name: Path) -> None:
        self.name = name
        self.heard = bytearray()  # what the bridge wrote
        self._master = self._slave = -1
        self._devices: list[asyncio.StreamWriter] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def plug(self, *ports: int) -> None:
        """Put the adapter in; more than one port: several devices on one line."""
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.name.symlink_to(os.ttyname(self._slave))
        asyncio.get_running_loop().add_reader(self._master, self._from_bridge)
        for port in ports:
            reader, writer = await asyncio.open_connection(LOOPBACK, port)
            self._devices.append(writer)
            self._tasks.append(asyncio.create_task(self._from_device(reader)))

    def _from_bridge(self) -> None:
        data = os.read(self._master, 4096)
        self.heard += data
        for writer in self._devices:
            writer.write(data)

    async def _from_device(self, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(512):
            os.write(self._master, data)

    def say(self, data: bytes) -> None:
        """Bytes from the device's side."""
        os.write(self._master, data)

    async def pull(self) -> None:
        """Take the adapter out: the name is gone as well."""
        asyncio.get_running_loop().remove_reader(self._master)
        for task in self._tasks:
            task.cancel()
        for writer in self._devices:
            writer.close()
        self._tasks, self._devices = [], []
        os.close(self._master)
        os.close(self._slave)
        self.name.unlink()
