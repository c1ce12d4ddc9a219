"""Decoder of ASCII 1 lines. `---` is no value; what is not in a line is not known."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from device_bridge.drivers.base import Clocks, CodecOptions, Fault, Output
from device_bridge.drivers.lines import LineFramer
from device_bridge.drivers.mllp import parse_number
from device_bridge.profiles.table import table_of

_LINE = re.compile(r"^(\d\d)/(\d\d)/(\d\d) (\d\d):(\d\d):(\d\d)\s+SN=")
_FIELD = re.compile(r"([A-Z0-9]+)=(\S+?)%?(?=\s|$)")


class MasimoCodec:
    """One oximeter."""

    def __init__(self, options: CodecOptions) -> None:
        self._zone = ZoneInfo(options.timezone)
        self._table = table_of("masimo", options)
        self._lines = LineFramer()

    def opened(self, now: Clocks) -> list[Output]:
        """The oximeter prints by itself."""
        return []

    def feed(self, data: bytes, received: Clocks) -> list[Output]:
        """Decode what arrived."""
        out: list[Output] = []
        for line in self._lines.feed(data):
            out += self._line(line.decode("latin-1").strip())
        out += [Fault(kind) for kind in self._lines.faults]
        self._lines.faults.clear()
        return out

    def poll(self, now: Clocks) -> list[Output]:
        """Nothing to do."""
        return []

    def closed(self, now: Clocks) -> list[Output]:
        """Half a line is nothing."""
        return []

    def _line(self, line: str) -> list[Output]:
        match = _LINE.match(line)
        if match is None or "ALARM=" not in line:  # the last fields prove that the line is whole
            return [Fault("line")]
        month, day, year, hour, minute, second = (int(one) for one in match.groups())
        try:
            local = datetime(2000 + year, month, day, hour, minute, second, tzinfo=self._zone)
        except ValueError:
            return [Fault("time")]
        at = round(local.astimezone(UTC).timestamp() * 1000)
        fields = dict(_FIELD.findall(line))
        return [
            entry.observe(parse_number(fields[entry.native]), time_ms=at)
            for entry in self._table
            if entry.native in fields
        ]
