"""Devices that speak in datagrams: some send to the bridge by themselves, some answer whoever asks."""

import asyncio
from collections.abc import Mapping
from typing import cast

from device_bridge.drivers.aeonmed import encoder as aeonmed
from device_bridge.drivers.biolight import encoder as biolight
from device_bridge.drivers.biolight.codec import REQUEST
from device_bridge.drivers.nuohe import encoder as nuohe
from device_bridge.drivers.puke import encoder as puke
from device_bridge.profiles.table import natives_of
from device_bridge.simulators.base import SimulatedDevice
from device_bridge.simulators.intellivue import IntelliVueDialogue

Address = tuple[str, int]
_AEONMED_SAID = frozenset(natives_of("aeonmed"))
_NUOHE_SAID, _PUKE_SAID = natives_of("nuohe"), natives_of("puke")
_PATIENCE_S = 30.0


class DatagramDevice(SimulatedDevice, asyncio.DatagramProtocol):
    """UDP. `is_server`: waits at `settings.port` and sends to the last who asked; otherwise sends to that address."""

    is_server = False

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self._transport: asyncio.DatagramTransport | None = None
        self._asker: Address | None = None
        self._asked_at = 0.0
        self._sending: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Open the socket and begin."""
        here = (self.settings.host, self.settings.port) if self.is_server else (self.settings.host, 0)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=here)
        self._transport = transport
        if self.is_server:
            self.port = transport.get_extra_info("sockname")[1]
        self._sending = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Close the socket."""
        if self._sending is not None:
            self._sending.cancel()
        if self._transport is not None:
            self._transport.close()
        self.counted.close()

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """Somebody asks."""
        if self.asked(data):
            self._asker, self._asked_at = addr, asyncio.get_running_loop().time()

    def asked(self, data: bytes) -> bool:
        """Whether these bytes ask for data."""
        return False

    async def _run(self) -> None:
        while True:
            if self._receiver() is not None:
                self.second(self.clock.second())
            await asyncio.sleep(self.settings.interval_s)

    def _receiver(self) -> Address | None:
        if not self.is_server:
            return self.settings.host, self.settings.port
        silent = asyncio.get_running_loop().time() - self._asked_at
        return self._asker if silent < _PATIENCE_S else None

    def second(self, second: int) -> None:
        """Send what there is to say in this second."""
        raise NotImplementedError

    def transmit(self, data: bytes, time_ms: int = 0, values: Mapping[str, float] | None = None) -> None:
        """One datagram, then its values are counted."""
        receiver = self._receiver()
        if receiver is None or self._transport is None:
            return
        damaged = self.line.damage(data)
        if damaged:
            self._transport.sendto(damaged, receiver)
        if values:
            self.counted.add(time_ms, values)


class AeonmedMachine(DatagramDevice):
    """An anesthesia machine that sends its figures."""

    def second(self, second: int) -> None:
        measured = self.patient.values(second) | self.patient.lungs(second)
        values = {code: value for code, value in measured.items() if code in _AEONMED_SAID}
        at = self.local_time()
        data = aeonmed.datagram({code: f"{value:g}" for code, value in values.items()}, at)
        self.transmit(data, round(at.timestamp() * 1000), values)


class NuoheMonitor(DatagramDevice):
    """Depth of anesthesia."""

    def second(self, second: int) -> None:
        values = {code: int(v) for code, v in self.patient.brain(second).items() if code in _NUOHE_SAID}
        self.transmit(nuohe.datagram(cast("Mapping[str, int | None]", values)), self.device_ms(), values)


class PukeMonitor(DatagramDevice):
    """Depth of anesthesia, another make."""

    def second(self, second: int) -> None:
        values = {code: int(v) for code, v in self.patient.brain(second).items() if code in _PUKE_SAID}
        self.transmit(puke.datagram(values), self.device_ms(), values)


class BiolightMonitor(DatagramDevice):
    """A monitor that sends for a while to whoever asks."""

    is_server = True
    _cuff: Mapping[str, float] = {}
    _number = 0

    def asked(self, data: bytes) -> bool:
        return data == REQUEST

    def second(self, second: int) -> None:
        if self.clock.cuff_due(second) or not self._cuff:
            self._cuff = self.patient.cuff(second)
        said = {code: v for code, v in self.patient.values(second).items() if code in ("HR", "SpO2", "PR", "RR", "T1")}
        self._number = (self._number + 1) & 0xFF
        self.transmit(biolight.frame({**said, **self._cuff}, self._number), self.device_ms(), {**said, **self._cuff})


class IntelliVueUdpMonitor(DatagramDevice):
    """An IntelliVue monitor on the network: associates, then answers polls."""

    is_server = True

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)
        self._dialogue = IntelliVueDialogue(self)

    def asked(self, data: bytes) -> bool:
        return True

    def datagram_received(self, data: bytes, addr: Address) -> None:
        super().datagram_received(data, addr)
        for reply in self._dialogue.answers(data):
            self.transmit(reply)

    def second(self, second: int) -> None:
        if self._dialogue.is_polled:
            data, at, values = self._dialogue.numbers()
            self.transmit(data, at, values)
