"""Gateways and analysers that come to the bridge: connect, send a message, wait for its acknowledgement."""

import asyncio
import contextlib
from collections.abc import Mapping
from datetime import timedelta

from device_bridge.drivers.hl7_bloodgas import encoder as hl7
from device_bridge.drivers.ihe_pcd01 import encoder as pcd
from device_bridge.drivers.mllp import MllpFramer
from device_bridge.simulators.base import SimulatedDevice
from device_bridge.simulators.blood_gas import sample

_PATIENCE_S = 10.0
_PAUSE_S = 1.0
_ANALYSIS = timedelta(seconds=90)


class ConnectingDevice(SimulatedDevice):
    """TCP client of `settings.host:port`; comes again when the line breaks, and repeats what was not acknowledged."""

    is_server = False
    every_s = 1.0

    async def start(self) -> None:
        """Begin to connect."""
        self._running = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Hang up."""
        self._running.cancel()
        self.counted.close()

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
                reader, writer = await asyncio.open_connection(self.settings.host, self.settings.port)
                try:
                    await self.serve(reader, writer)
                finally:
                    writer.close()
            await asyncio.sleep(_PAUSE_S)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Message after message; returns when the bridge hangs up or does not acknowledge."""
        while True:
            data, at, values = self.message()
            await self.send(writer, data)
            if not await self._acknowledged(reader):
                return
            self.counted.add(at, values)
            await asyncio.sleep(self.every_s)

    async def _acknowledged(self, reader: asyncio.StreamReader) -> bool:
        framer = MllpFramer()
        async with asyncio.timeout(_PATIENCE_S):
            while data := await reader.read(4096):
                if any(b"MSA|AA" in message for message in framer.feed(data)):
                    return True
        return False

    def message(self) -> tuple[bytes, int, Mapping[str, float]]:
        """Bytes, the device's time in ms, and the canonical values in them."""
        raise NotImplementedError


class PcdGateway(ConnectingDevice):
    """A gateway with one bed."""

    _number = 0

    def message(self) -> tuple[bytes, int, Mapping[str, float]]:
        self.every_s = self.settings.interval_s
        second, at = self.clock.second(), self.local_time()
        values = {code: v for code, v in self.patient.values(second).items() if code in pcd.SAID}
        cuff = self.patient.cuff(second) if self.clock.cuff_due(second) else {}
        self._number += 1
        data = pcd.message(values, cuff, at=at, bed=self.settings.name, control=str(self._number))
        return data, round(at.timestamp() * 1000), {**values, **cuff}


class Hl7Analyser(ConnectingDevice):
    """A blood gas analyser with middleware; a sample every `nibp_every_s`."""

    def message(self) -> tuple[bytes, int, Mapping[str, float]]:
        self.every_s = self.settings.nibp_every_s
        sent = self.local_time()
        drawn = sent - _ANALYSIS
        results = sample(self.settings.seed + self.counted.sent)
        rows = [(name, f"{value:g}", unit, "N") for name, (_, value, unit) in results.items()]
        data = hl7.message(
            rows, at=f"{drawn:%Y%m%d%H%M%S}", sent=f"{sent:%Y%m%d%H%M%S}", control=str(self.counted.sent)
        )
        return data, round(drawn.timestamp() * 1000), {code: value for code, value, _ in results.values()}
