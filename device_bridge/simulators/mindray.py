"""A Mindray monitor: wants the query before it sends, and a heartbeat at least every three seconds."""

import asyncio
import time
from collections.abc import Mapping

from device_bridge.drivers.mindray_pds import codes, encoder
from device_bridge.drivers.mindray_pds.encoder import Numeric
from device_bridge.drivers.mllp import MllpFramer, component, field, split_segments
from device_bridge.profiles.table import natives_of
from device_bridge.simulators.base import SimulatedDevice
from device_bridge.simulators.curves import sample

_PATIENCE_S = 3.0
_IDS = natives_of("mindray_pds")
# What the patient model gives and this family can say; sevoflurane has no published id.
_SAID = frozenset(_IDS) - {"IE"}
# id, shape, bytes a sample, samples a second, counts a unit, count of zero
_CURVES = ((1114, "ECG", 2, 250, 800, 2048), (1152, "PLETH", 1, 60, 8, 20))


def numeric(code: str, value: float) -> Numeric:
    """A canonical value in the device's own terms."""
    shown = value / 10 if code.startswith("ST_") else value
    text = f"{shown:.2f}" if code.startswith("ST_") else f"{value:g}"
    return Numeric(_IDS[code], code, codes.MODULES.get(code, "2101"), text)


class MindrayMonitor(SimulatedDevice):
    """TCP server with the HL7 2.3.1 stream."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self.send(writer, encoder.connected(self.settings.name, self.settings.name))
        framer = MllpFramer()
        asked = wants_curves = False
        last_sign = time.monotonic()
        next_data = next_curves = time.monotonic()
        reading = asyncio.create_task(reader.read(4096))
        try:
            while time.monotonic() - last_sign < _PATIENCE_S:
                done, _ = await asyncio.wait({reading}, timeout=0.05)
                if done:
                    data = reading.result()
                    if not data:
                        return
                    reading = asyncio.create_task(reader.read(4096))
                    for message in framer.feed(data):
                        segments = split_segments(message)
                        last_sign = time.monotonic()
                        if field(segments[0], 9) == codes.QUERY:
                            asked = True
                            wants_curves = any(
                                component(field(one, 5), 4) == "1" for one in segments if one[0] == "QRF"
                            )
                if wants_curves and time.monotonic() >= next_curves:
                    next_curves = max(next_curves + 1.0, time.monotonic())
                    await self.send(writer, encoder.curves(self._curves(self.clock.second())))
                if time.monotonic() >= next_data:
                    next_data += self.settings.interval_s
                    await self._second(writer, asked)
        finally:
            reading.cancel()

    def _curves(self, second: int) -> list[tuple[int, int, list[int]]]:
        """One second of a lead and of the pleth, in counts."""
        values = self.patient.values(second)
        beat_hz = max(values.get("HR", 70.0), 1.0) / 60
        breath_hz = max(values.get("awRR", values.get("RR", 12.0)), 1.0) / 60
        out: list[tuple[int, int, list[int]]] = []
        for number, code, size, rate, scale, middle in _CURVES:
            moments = [second + n / rate for n in range(rate)]
            shape = [sample(code, at * beat_hz % 1, at * breath_hz % 1) for at in moments]
            out.append((number, size, [min(max(round(one * scale) + middle, 0), 256**size - 2) for one in shape]))
        return out

    async def _second(self, writer: asyncio.StreamWriter, asked: bool) -> None:
        await self.send(writer, encoder.heartbeat())
        if not asked:
            return
        second = self.clock.second()
        values = self.patient.values(second)
        if self.settings.arterial:
            values |= self.patient.arterial(second)
        await self._periodic(writer, {code: v for code, v in values.items() if code in _SAID})
        if self.clock.cuff_due(second):
            await self._cuff(writer, self.patient.cuff(second))

    async def _periodic(self, writer: asyncio.StreamWriter, values: Mapping[str, float]) -> None:
        rows = [numeric(code, value) for code, value in values.items()]
        data = encoder.periodic(rows) + encoder.states([(row.parameter, True) for row in rows])
        await self.send(writer, data, self.device_ms(), values)

    async def _cuff(self, writer: asyncio.StreamWriter, values: Mapping[str, float]) -> None:
        at = self.local_time()
        rows = [numeric(code, value) for code, value in values.items()]
        data = encoder.aperiodic(rows, at)
        await self.send(writer, data, round(at.timestamp() * 1000), values)
