"""An IntelliVue monitor behind a TCP serial server: silent until it is asked to associate."""

import asyncio
import time
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from device_bridge.clocks import wall_ms
from device_bridge.drivers.intellivue import encoder
from device_bridge.drivers.intellivue.codes import PHYSIO
from device_bridge.drivers.intellivue.framing import SerialFramer, enframe
from device_bridge.parameters import PARAMETERS
from device_bridge.simulators.base import SimulatedDevice, SimulatorSettings

_ZONE = ZoneInfo("Asia/Shanghai")
_SAID = frozenset(PHYSIO.values())
_UNITS = frozenset({"/min", "%", "mmHg", "cmH2O", "°C", "mL", "mm", "1", "L/min"})
_PATIENCE_S = 10.0


class IntelliVueMonitor(SimulatedDevice):
    """TCP server with the MIB/RS-232 stream."""

    def __init__(self, settings: SimulatorSettings) -> None:
        super().__init__(settings)
        self._polled = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        framer = SerialFramer()
        began_ms, self._polled = wall_ms(), False
        last_sign = next_data = time.monotonic()
        reading = asyncio.create_task(reader.read(4096))
        try:
            while time.monotonic() - last_sign < _PATIENCE_S:
                done, _ = await asyncio.wait({reading}, timeout=0.05)
                if done:
                    data = reading.result()
                    if not data:
                        return
                    reading = asyncio.create_task(reader.read(4096))
                    for payload in framer.feed(data):
                        last_sign = time.monotonic()
                        await self._answer(writer, payload, began_ms)
                if self._polled and time.monotonic() >= next_data:
                    next_data = time.monotonic() + 1.024
                    await self._numbers(writer, began_ms)
        finally:
            reading.cancel()

    async def _answer(self, writer: asyncio.StreamWriter, payload: bytes, began_ms: int) -> None:
        if payload[:1] == b"\x0d":
            local = datetime.fromtimestamp(began_ms / 1000, UTC).astimezone(_ZONE)
            stamp = f"{local:%Y%m%d%H%M%S}{local.microsecond // 10_000:02d}"
            await self.send(writer, enframe(encoder.ACCEPT) + enframe(encoder.creation(1, 0, stamp)))
        elif payload[24:26] == b"\xf1\x3b":
            self._polled = True

    async def _numbers(self, writer: asyncio.StreamWriter, began_ms: int) -> None:
        now_ms = wall_ms()
        values = self.patient.values(self.clock.second())
        if self.settings.arterial:
            values |= self.patient.arterial(self.clock.second())
        said = {
            code: (value, PARAMETERS[code].unit)
            for code, value in values.items()
            if code in _SAID and PARAMETERS[code].unit in _UNITS
        }
        data = enframe(encoder.numerics(said, relative=((now_ms - began_ms) * 8) & 0xFFFFFFFF))
        await self.send(writer, data, now_ms, {code: round(value, 2) for code, (value, _) in said.items()})
