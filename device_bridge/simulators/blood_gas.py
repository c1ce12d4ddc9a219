"""A blood gas analyser that listens, as a GEM does: whoever connects gets the next sample."""

import asyncio
from datetime import timedelta

from device_bridge.clocks import wall_ms
from device_bridge.drivers.astm import encoder
from device_bridge.simulators.base import SimulatedDevice

_ANALYSIS_S = 90
_ACK = b"\x06"
_PATIENCE_S = 15.0  # LIS1-A: the sender waits 15 s for an answer
_TRIES = 6


class BloodGasAnalyser(SimulatedDevice):
    """TCP server; a new sample every `nibp_every_s` seconds, each frame repeated until it is acknowledged."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            moment = self.local_time()
            drawn = moment - timedelta(seconds=_ANALYSIS_S)
            values = sample(self.settings.seed + self.counted.sent)
            printed = [(name, f"{value:g}", unit) for name, (_, value, unit) in values.items()]
            records = encoder.sample(printed, at=f"{drawn:%Y%m%d%H%M%S}", sent=f"{moment:%Y%m%d%H%M%S}")
            if not await self._session(reader, writer, encoder.session(records)):
                return
            at = round(drawn.timestamp() * 1000)
            self.counted.add(at, {code: value for code, value, _ in values.values()})
            started = wall_ms()
            while wall_ms() - started < self.settings.nibp_every_s * 1000:
                if reader.at_eof():
                    return
                await asyncio.sleep(0.2)

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, frames: list[bytes]) -> bool:
        for data in frames[:-1]:
            for _ in range(_TRIES):
                await self.send(writer, data)
                answer = await asyncio.wait_for(reader.read(1), _PATIENCE_S)
                if not answer:
                    return False
                if answer == _ACK:
                    break
            else:
                return False
        await self.send(writer, frames[-1])
        return True


def sample(seed: int) -> dict[str, tuple[str, float, str]]:
    """Printed name → canonical code, value and unit of a believable arterial sample; the same for a seed."""
    swing = (seed * 37 % 21 - 10) / 10  # -1 … 1
    return {
        "pH": ("pH", round(7.40 + 0.03 * swing, 3), ""),
        "pCO2": ("pCO2", round(40 - 3 * swing, 1), "mmHg"),
        "pO2": ("pO2", round(180 + 40 * swing), "mmHg"),
        "Na+": ("Na", round(140 + 2 * swing), "mmol/L"),
        "K+": ("K", round(4.0 + 0.3 * swing, 1), "mmol/L"),
        "Ca++": ("Ca", round(1.18 + 0.05 * swing, 2), "mmol/L"),
        "Glu": ("Glu", round(6.2 + swing, 1), "mmol/L"),
        "Lac": ("Lac", round(1.1 + 0.4 * swing, 1), "mmol/L"),
        "tHb": ("tHb", round(118 + 8 * swing), "g/L"),
    }
