"""Ventilators and pumps that speak only when they are asked, behind a TCP serial server. What would change something
they refuse, as the real ones would not."""

import asyncio
from collections.abc import Mapping

from device_bridge.drivers.alaris_pump import encoder as alaris
from device_bridge.drivers.fresenius_pump import encoder as fresenius
from device_bridge.drivers.hamilton import encoder as hamilton
from device_bridge.drivers.hamilton.codec import ETX as HAMILTON_ETX
from device_bridge.drivers.hamilton.codec import STX as HAMILTON_STX
from device_bridge.drivers.pb840 import encoder as pb840
from device_bridge.drivers.servo_cie import encoder as servo
from device_bridge.drivers.servo_cie.codec import EOT, command
from device_bridge.profiles.store import shipped
from device_bridge.simulators.base import SimulatedDevice

Answer = tuple[bytes, Mapping[str, float]]
NOTHING: Answer = (b"", {})
_LONGEST = 256


class AnsweringDevice(SimulatedDevice):
    """TCP server; a question ends with `end`."""

    end = b"\r"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pending = b""
        while data := await reader.read(1024):
            pending = (pending + data)[-_LONGEST:]
            while self.end in pending:
                question, _, pending = pending.partition(self.end)
                reply, values = self.answer(question + self.end)
                if reply:
                    await self.send(writer, reply, self.device_ms(), values)

    def answer(self, question: bytes) -> Answer:
        """What the device says to a question, and the canonical values in it."""
        raise NotImplementedError

    def breathing(self) -> dict[str, float]:
        """What the ventilator measures now."""
        second = self.clock.second()
        return self.patient.values(second) | self.patient.lungs(second)


class ServoVentilator(AnsweringDevice):
    """CIE: greeting, type, list of breath data, breath data."""

    end = bytes((EOT,))

    def answer(self, question: bytes) -> Answer:
        if question == b"HO\x04":
            return command(b"900PCI"), {}
        if question.startswith(b"RCTY"):
            return command(b"100"), {}
        if question.startswith(b"SDADB"):
            return command(b"*"), {}
        if not question.startswith(b"RADAB"):
            return b"ER10\x04", {}
        measured = self.breathing()
        said = {line.code for line in shipped("servo_cie").lines.values()}
        values = {code: value for code, value in measured.items() if code in said}
        return servo.breath(values), values


class HamiltonVentilator(AnsweringDevice):
    """One value a question."""

    def answer(self, question: bytes) -> Answer:
        if len(question) != 4 or question[0] != HAMILTON_STX or question[2] != HAMILTON_ETX:
            return NOTHING
        line = shipped("hamilton").lines.get(str(question[1]))
        code = line.code if line else ""
        value = self.breathing().get(code)
        if value is None:
            return (hamilton.reply(code, "9999"), {}) if code else NOTHING
        return hamilton.reply(code, f"{value:g}"), {code: value}


class Pb840Ventilator(AnsweringDevice):
    """One report a question."""

    def answer(self, question: bytes) -> Answer:
        kind = {b"SNDF\r": "MISCF", b"SNDA\r": "MISCA"}.get(question)
        if kind is None:
            return NOTHING
        known = {line.code for line in shipped("pb840").lines.values() if line.native.startswith(kind)}
        values = {code: value for code, value in self.breathing().items() if code in known}
        return pb840.report(values, kind), values


class AlarisPump(AnsweringDevice):
    """Propofol at a rate that follows the depth of anesthesia."""

    def answer(self, question: bytes) -> Answer:
        rate, volume = infusion(self)
        reply = alaris.answer(question, rate, volume)
        if reply is None:
            return NOTHING
        said = {b"INF_RATE": {"PUMP1_RATE": rate}, b"INF_VI": {"PUMP1_VOL": volume}}
        return reply, next((values for name, values in said.items() if name in question), {})


class FreseniusRack(AnsweringDevice):
    """A rack with modules 1 and 3. It waits for no acknowledgement."""

    end = b"\x03"

    def answer(self, question: bytes) -> Answer:
        start = question.rfind(b"\x02")
        text = question[start + 1 : -3]  # two check digits and the end character
        rate, volume = infusion(self)
        pumps = {1: (rate, volume), 3: (round(rate / 4, 1), round(volume / 4, 3))}
        values: dict[str, float] = {}
        if text[1:].startswith(b"LE;d") and text[:1] in (b"1", b"3"):
            number = int(text[:1])
            values = {f"PUMP{number}_RATE": pumps[number][0], f"PUMP{number}_VOL": pumps[number][1]}
        return fresenius.answer(text, pumps), values


def infusion(device: SimulatedDevice) -> tuple[float, float]:
    """Rate in mL/h and volume in mL of a syringe that has run since induction."""
    second = device.clock.second()
    return round(4 + 16 * device.patient.depth(second), 1), round(second * 12 / 3600, 3)
