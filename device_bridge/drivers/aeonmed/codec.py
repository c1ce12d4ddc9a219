"""Decoder of Aeonmed messages."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from device_bridge.drivers.base import Clocks, CodecOptions, Fault, Output, Unmapped
from device_bridge.drivers.mllp import MllpFramer, component, field, parse_number, parse_time, split_segments
from device_bridge.profiles.table import Entry, table_of

NUMERICS = "58"
WAVES = "61"
_US_TIME = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4}) (\d{1,2}):(\d{2}):(\d{2}) ([AP])M")


class AeonmedCodec:
    """One machine. The protocol states no units; settings `flow_unit` and `co2_unit` of its profile, or the options of
    these names, say how it is set. Without them a flow or a CO2 other than zero is kept and flagged."""

    def __init__(self, options: CodecOptions) -> None:
        self._zone = ZoneInfo(options.timezone)
        self._table = table_of("aeonmed", options)

    def opened(self, now: Clocks) -> list[Output]:
        """The machine pushes."""
        return []

    def feed(self, data: bytes, received: Clocks) -> list[Output]:
        """Decode one datagram; a message never goes over two."""
        framer = MllpFramer()
        out: list[Output] = []
        for message in framer.feed(data):
            out += self._message(message)
        out += [Fault(kind) for kind in framer.faults]
        if framer.pending:
            out.append(Fault("truncated"))
        return out

    def poll(self, now: Clocks) -> list[Output]:
        """Nothing to do."""
        return []

    def closed(self, now: Clocks) -> list[Output]:
        """Nothing is held back."""
        return []

    def _message(self, message: bytes) -> list[Output]:
        segments = split_segments(message)
        if not segments or segments[0][0] != "MSH":
            return [Fault("no_msh")]
        if field(segments[0], 9) != NUMERICS:
            return []
        at = parse_us_time(field(segments[0], 6), self._zone)
        out: list[Output] = []
        for row in segments:
            if row[0] != "OBX" or field(row, 2) != "NM":
                continue
            number = component(field(row, 3), 1)
            entry = self._table.get(number)
            if entry is None:
                out.append(Unmapped(number[:20], component(field(row, 3), 2)[:40], field(row, 5)[:40]))
            else:
                out.append(_value(entry, field(row, 5), at))
        return out


def _value(entry: Entry, text: str, at: int | None) -> Output:
    value = parse_number(text)
    if value is not None and value < 0 <= entry.low:
        value = None
    return entry.observe(value, time_ms=at)


def parse_us_time(text: str, zone: ZoneInfo) -> int | None:
    """`9/26/2019 1:35:18 PM` in the machine's zone, or any HL7 time, as UTC milliseconds."""
    match = _US_TIME.fullmatch(text.strip())
    if match is None:
        return parse_time(text, zone)
    month, day, year, hour, minute, second = (int(one) for one in match.groups()[:6])
    hour = hour % 12 + (12 if match.group(7) == "P" else 0)
    try:
        local = datetime(year, month, day, hour, minute, second, tzinfo=zone)
        return round(local.astimezone(UTC).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None
