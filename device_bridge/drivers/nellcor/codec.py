"""Decoder of the printed columns: date, time, %SpO2, BPM, pulse amplitude, status letters."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from device_bridge.drivers.base import Clocks, CodecOptions, Fault, Output
from device_bridge.drivers.lines import LineFramer
from device_bridge.drivers.mllp import parse_number
from device_bridge.profiles.table import table_of
from device_bridge.wire import Quality

_LINE = re.compile(
    r"(\d\d)-([A-Za-z]{3})-(\d\d) (\d\d):(\d\d):(\d\d)\s+([0-9-]{1,3})\*?\s+([0-9-]{1,3})\*?\s+([0-9-]{1,3})\*?(.*)"
)
_HEADING = ("N-595", "TIME", "ADULT", "NEO", "NELLCOR", "VERSION", "OUTPUT")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
STATUS = frozenset(["AO", "AS", "LB", "LM", "LP", "MO", "PH", "PL", "PS", "SH", "SL", "SD", "SO"])
_ABSENT = frozenset({"SD", "SO"})  # sensor disconnected, sensor off
_DOUBTFUL = frozenset({"PS", "MO", "LP", "LM"})  # searching, motion, low perfusion, loss of pulse with motion


class NellcorCodec:
    """One oximeter."""

    def __init__(self, options: CodecOptions) -> None:
        self._zone = ZoneInfo(options.timezone)
        self._table = table_of("nellcor", options)
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
        if not line or line.upper().startswith(_HEADING):
            return []
        match = _LINE.fullmatch(line)
        letters = set(match.group(10).split()) if match else set()
        if match is None or match.group(2).upper() not in _MONTHS or letters - STATUS:
            return [Fault("line")]
        day, year, hour, minute, second = (int(match.group(n)) for n in (1, 3, 4, 5, 6))
        try:
            month = _MONTHS.index(match.group(2).upper()) + 1
            local = datetime(2000 + year, month, day, hour, minute, second, tzinfo=self._zone)
        except ValueError:
            return [Fault("time")]
        at = round(local.astimezone(UTC).timestamp() * 1000)
        quality = Quality.QUESTIONABLE if letters & _DOUBTFUL else Quality.GOOD
        values = [None if letters & _ABSENT else parse_number(match.group(n)) for n in (7, 8)]
        told = zip(("SPO2", "BPM"), values, strict=True)
        return [one for item, value in told for one in self._table.tell(item, value, time_ms=at, quality=quality)]
