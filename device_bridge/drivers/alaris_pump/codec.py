"""Asks for the serial number once, then for rate and volume infused in turn.

Remote control is never enabled: the three queries are answered without it. A rate is only believed when the pump
states its unit.
"""

from device_bridge.drivers.alaris_pump.framing import Message, frame, parse
from device_bridge.drivers.base import Clocks, CodecOptions, DeviceInfo, Fault, Output
from device_bridge.drivers.inquiry import Inquiry
from device_bridge.drivers.lines import LineFramer
from device_bridge.drivers.mllp import parse_number
from device_bridge.drivers.pumps import permitted, pump_number
from device_bridge.parameters import linear
from device_bridge.profiles.table import table_of
from device_bridge.wire import Quality

SERIAL, RATE, VOLUME = b"INST_SERIALNO", b"INF_RATE", b"INF_VI"
_EVERY_S = 2.0


class AlarisCodec:
    """One pump. Option `pump` says which pair of codes it fills; nothing is asked without option `read_pump`."""

    def __init__(self, options: CodecOptions) -> None:
        self._number = pump_number(options)
        self._table = table_of("alaris_pump", options)
        self._permitted = permitted(options)
        self._lines = LineFramer(ends=b"\r", limit=512)
        self._inquiry = Inquiry([frame(RATE), frame(VOLUME)], first=[frame(SERIAL)], every_s=_EVERY_S)

    def opened(self, now: Clocks) -> list[Output]:
        """Ask, when it is permitted."""
        return self._inquiry.start(now) if self._permitted else []

    def feed(self, data: bytes, received: Clocks) -> list[Output]:
        """Decode what arrived."""
        out: list[Output] = []
        for line in self._lines.feed(data):
            message = parse(line.strip(b"\n"))
            if message is None:
                out.append(Fault("checksum"))
                continue
            out += self._answer(message)
            self._inquiry.answered(received)
        out += [Fault(kind) for kind in self._lines.faults]
        self._lines.faults.clear()
        return out

    def poll(self, now: Clocks) -> list[Output]:
        """The next question."""
        return self._inquiry.poll(now, patience_s=1.0) if self._permitted else []

    def closed(self, now: Clocks) -> list[Output]:
        """Half a line is nothing."""
        return []

    def _answer(self, message: Message) -> list[Output]:
        if message.name == "INST_SERIALNO":
            return [DeviceInfo({"serial": message.fields[0][:40]})] if message.fields else []
        ending = {"INF_RATE": "rate", "INF_VI": "volume"}.get(message.name)
        if ending is None:
            return [Fault("unexpected_answer", message.name[:20])]
        entry = self._table.get(f"{self._number}.{ending}")
        if entry is None:
            return []
        value = parse_number(message.fields[0]) if message.fields else None
        unit = message.fields[1].strip() if len(message.fields) > 1 else ""
        stated = self._table.unit(unit.lower())
        way = linear(entry.code, stated) if stated else None
        doubt = Quality.UNIT_SUSPECT if value is not None and way is None else Quality.GOOD
        return [entry.observe(value, quality=doubt, way=way)]
