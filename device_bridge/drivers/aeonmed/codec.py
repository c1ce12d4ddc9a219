"""Decoder of Aeonmed messages."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from device_bridge.drivers.base import Clocks, CodecOptions, Fault, Output, Unmapped, observe
from device_bridge.drivers.mllp import MllpFramer, component, field, parse_number, parse_time, split_segments
from device_bridge.parameters import PARAMETERS
from device_bridge.wire import Quality

NUMERICS = "58"
WAVES = "61"
PARAMETERS_BY_ID: dict[str, str] = {
    "101": "Ppeak",
    "102": "Pplat",
    "103": "Pmean",
    "104": "PEEP",
    "105": "MV",
    "106": "TVe",
    "107": "awRR",
    "108": "FiO2",
    "120": "EtCO2",
    "121": "FiCO2",
    "122": "FiN2O",
    "123": "EtN2O",
    "134": "MAC",
    "150": "FG_N2O",
    "151": "FG_Air",
    "152": "FG_O2",
}
_FLOWS = frozenset({"FG_N2O", "FG_Air", "FG_O2"})
_CARBON_DIOXIDE = frozenset({"EtCO2", "FiCO2"})
_US_TIME = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4}) (\d{1,2}):(\d{2}):(\d{2}) ([AP])M")
_FLOW_FACTORS = {"mL/min": 1.0, "L/min": 1000.0}
_CO2_FACTORS = {"mmHg": 1.0, "kPa": 7.50062, "%": 7.6}


class AeonmedCodec:
    """One machine. The protocol states no units; options `flow_unit` (mL/min or L/min) and `co2_unit`
    (mmHg, kPa or %) say how it is set. Without them a flow or a CO2 other than zero is kept and flagged."""

    def __init__(self, options: CodecOptions) -> None:
        self._zone = ZoneInfo(options.timezone)
        self._flow = _FLOW_FACTORS.get(str(options.values.get("flow_unit", "")))
        self._co2 = _CO2_FACTORS.get(str(options.values.get("co2_unit", "")))

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
            code = PARAMETERS_BY_ID.get(number)
            if code is None:
                out.append(Unmapped(number[:20], component(field(row, 3), 2)[:40], ""))
            else:
                out.append(self._value(code, field(row, 5), at))
        return out

    def _value(self, code: str, text: str, at: int | None) -> Output:
        value = parse_number(text)
        if value is None or (value < 0 and PARAMETERS[code].low >= 0):
            return observe(code, None, time_ms=at)
        if code not in _FLOWS | _CARBON_DIOXIDE:
            return observe(code, value, time_ms=at)
        factor = self._flow if code in _FLOWS else self._co2
        unsure = Quality.UNIT_SUSPECT if factor is None and value else Quality.GOOD
        return observe(code, value * (factor or 1.0), time_ms=at, quality=unsure)


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
