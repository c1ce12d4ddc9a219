"""A Draeger anaesthesia machine behind a TCP serial server."""

import asyncio
import time

from device_bridge.drivers.medibus import encoder
from device_bridge.drivers.medibus.framing import COMMAND, RESPONSE, MedibusFramer, Telegram, build
from device_bridge.drivers.medibus.tables import MEDIBUS, MEDIBUS_X, Dialect
from device_bridge.simulators.base import SimulatedDevice

_PATIENCE_S = 5.0


class MedibusMachine(SimulatedDevice):
    """Waits for the initialisation, wants to know who asks, and answers the pages."""

    dialect: Dialect = MEDIBUS

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        framer = MedibusFramer()
        identified = False
        last_sign = time.monotonic()
        while time.monotonic() - last_sign < _PATIENCE_S:
            try:
                data = await asyncio.wait_for(reader.read(4096), 0.5)
            except TimeoutError:
                continue
            if not data:
                return
            for telegram in framer.feed(data):
                last_sign = time.monotonic()
                if telegram.is_command:
                    await self._answer(writer, telegram, identified)
                elif telegram.code == 0x52:
                    identified = telegram.data.count(b"'") == 2

    async def _answer(self, writer: asyncio.StreamWriter, telegram: Telegram, identified: bool) -> None:
        code = telegram.code
        if code == 0x51:
            await self.send(writer, build(RESPONSE, code) + build(COMMAND, 0x52))
        elif code == 0x52:
            await self.send(writer, encoder.identity("8603", "SIMULATED", "01.00:04.00"))
        elif code == 0x24 and identified:
            page, sent = encoder.from_canonical(self.patient.values(self.clock.second()), self.dialect)
            await self.send(writer, page, self.device_ms(), sent)
        elif code == 0x2A and identified:
            await self.send(writer, encoder.texts([(0x59, "VOLUME MODE")]))
        else:
            await self.send(writer, build(RESPONSE, code))


class MedibusXMachine(MedibusMachine):
    """The newer dialect."""

    dialect = MEDIBUS_X
