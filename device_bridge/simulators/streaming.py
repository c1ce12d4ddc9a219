"""Devices that print by themselves on a serial line (behind a TCP serial server), or after one request."""

import asyncio
from collections.abc import Mapping
from typing import NamedTuple

from device_bridge.drivers.bis import encoder as bis
from device_bridge.drivers.bis.codec import START_STREAM
from device_bridge.drivers.edan_xml import encoder as edan
from device_bridge.drivers.egos import encoder as egos
from device_bridge.drivers.masimo import encoder as masimo
from device_bridge.drivers.mingxi import encoder as mingxi
from device_bridge.drivers.nellcor import encoder as nellcor
from device_bridge.profiles.table import natives_of
from device_bridge.simulators.base import SimulatedDevice

_EDAN_SAID = frozenset(natives_of("edan_xml"))


class Telegram(NamedTuple):
    """Bytes of one second, and the canonical values that a decoder must find in them."""

    data: bytes
    values: Mapping[str, float]
    has_time: bool = True


class StreamingDevice(SimulatedDevice):
    """TCP server; a telegram every `interval_s`, once `starts_with` has been heard (empty: at once)."""

    starts_with = b""
    greeting = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.greeting:
            await self.send(writer, self.greeting)
        heard = asyncio.create_task(self._hear(reader))
        try:
            while not reader.at_eof():
                if not self.starts_with or heard.done():
                    telegram = self.telegram(self.clock.second())
                    at = self.local_time().timestamp() * 1000 if telegram.has_time else self.device_ms()
                    await self.send(writer, telegram.data, round(at), telegram.values)
                await asyncio.sleep(self.settings.interval_s)
        finally:
            heard.cancel()

    async def _hear(self, reader: asyncio.StreamReader) -> None:
        if self.starts_with:
            await reader.readuntil(self.starts_with)

    def telegram(self, second: int) -> Telegram:
        """What the device says in this second of the case."""
        raise NotImplementedError


class EdanMonitor(StreamingDevice):
    """Prints XML; the cuff only when it was taken."""

    def telegram(self, second: int) -> Telegram:
        values = {code: value for code, value in self.patient.values(second).items() if code in _EDAN_SAID}
        if self.clock.cuff_due(second):
            values |= self.patient.cuff(second)
        printed = {code: f"{value:g}" for code, value in values.items()}
        at = f"{self.local_time():%Y%m%d%H%M%S}"
        return Telegram(edan.message(printed, at=at, bed=self.settings.name), values)


class BisMonitor(StreamingDevice):
    """Sends its trend after the stream was asked for."""

    starts_with = START_STREAM

    def telegram(self, second: int) -> Telegram:
        values = {
            code: v for code, v in self.patient.brain(second).items() if code in ("BIS", "SQI", "EMG", "SR", "SEF")
        }
        return Telegram(bis.processed(values), values, has_time=False)


class CerebralOximeter(StreamingDevice):
    """EGOS: one index."""

    def telegram(self, second: int) -> Telegram:
        values = {"rSO2": self.patient.brain(second)["rSO2"]}
        return Telegram(egos.record(values), values, has_time=False)


class MingxiOximeter(StreamingDevice):
    """Both sides, in thousandths."""

    def telegram(self, second: int) -> Telegram:
        brain = self.patient.brain(second)
        values = {code: brain[code] for code in ("rSO2_L", "rSO2_R")}
        return Telegram(mingxi.line(values["rSO2_L"], values["rSO2_R"]), values, has_time=False)


class MasimoOximeter(StreamingDevice):
    """Prints a line a second."""

    def telegram(self, second: int) -> Telegram:
        values = {code: value for code, value in self.patient.values(second).items() if code in ("SpO2", "PR", "PI")}
        printed = {"SPO2": f"{values['SpO2']:03.0f}", "BPM": f"{values['PR']:03.0f}", "PI": f"{values['PI']:05.2f}"}
        return Telegram(masimo.line(printed, self.local_time()), values)


class NellcorOximeter(StreamingDevice):
    """Prints a heading, then a line a second."""

    greeting = nellcor.HEADING

    def telegram(self, second: int) -> Telegram:
        values = {code: value for code, value in self.patient.values(second).items() if code in ("SpO2", "PR")}
        line = nellcor.line(f"{values['SpO2']:.0f}", f"{values['PR']:.0f}", self.local_time())
        return Telegram(line, values)
