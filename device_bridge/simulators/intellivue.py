"""An IntelliVue monitor: silent until it is asked to associate. The serial one stands behind a TCP serial server."""

import asyncio
import time
from collections.abc import Mapping
from datetime import datetime

from device_bridge.drivers.intellivue import encoder
from device_bridge.drivers.intellivue.framing import SerialFramer, enframe
from device_bridge.parameters import PARAMETERS
from device_bridge.simulators.base import HOSPITAL_ZONE, SimulatedDevice, SimulatorSettings

_SAID = frozenset(encoder.identifiers())
_UNITS = frozenset({"/min", "%", "mmHg", "cmH2O", "°C", "mL", "mm", "1", "L/min"})
_PATIENCE_S = 10.0
_PERIOD_S = 1.024


class IntelliVueDialogue:
    """What the monitor says, whatever carries it."""

    def __init__(self, device: SimulatedDevice) -> None:
        self._device = device
        self._began_ms = 0
        self.is_polled = False

    def answers(self, payload: bytes) -> list[bytes]:
        """Accept an association and introduce itself; note a poll."""
        if payload[:1] == b"\x0d":
            self._began_ms, self.is_polled = self._device.device_ms(), False
            local = datetime.fromtimestamp(self._began_ms / 1000, HOSPITAL_ZONE)
            stamp = f"{local:%Y%m%d%H%M%S}{local.microsecond // 10_000:02d}"
            return [encoder.ACCEPT, encoder.creation(1, 0, stamp)]
        if payload[24:26] == b"\xf1\x3b":
            self.is_polled = True
        return []

    def numbers(self) -> tuple[bytes, int, Mapping[str, float]]:
        """One result of the poll: bytes, time in ms, values."""
        device, second = self._device, self._device.clock.second()
        now_ms = device.device_ms()
        values = device.patient.values(second)
        if device.settings.arterial:
            values |= device.patient.arterial(second)
        said = {
            code: (value, PARAMETERS[code].unit)
            for code, value in values.items()
            if code in _SAID and PARAMETERS[code].unit in _UNITS
        }
        data = encoder.numerics(said, relative=((now_ms - self._began_ms) * 8) & 0xFFFFFFFF)
        return data, now_ms, {code: round(value, 2) for code, (value, _) in said.items()}


class IntelliVueMonitor(SimulatedDevice):
    """TCP server with the MIB/RS-232 stream."""

    def __init__(self, settings: SimulatorSettings) -> None:
        super().__init__(settings)
        self._dialogue = IntelliVueDialogue(self)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        framer, self._dialogue = SerialFramer(), IntelliVueDialogue(self)
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
                        if replies := self._dialogue.answers(payload):
                            await self.send(writer, b"".join(map(enframe, replies)))
                if self._dialogue.is_polled and time.monotonic() >= next_data:
                    next_data = time.monotonic() + _PERIOD_S
                    data, at, values = self._dialogue.numbers()
                    await self.send(writer, enframe(data), at, values)
        finally:
            reading.cancel()
