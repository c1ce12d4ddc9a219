"""Decoder of `MISCF`/`MISCA` reports: numbered fields of fixed width between STX and ETX."""

from device_bridge.drivers.base import Clocks, CodecOptions, Fault, Output, observe
from device_bridge.drivers.inquiry import Inquiry
from device_bridge.drivers.lines import LineFramer
from device_bridge.drivers.mllp import parse_number

FIRST_FIELD = 5
_EVERY_S = 2.0
# Field number → canonical code and factor (volumes come in litres).
FIELDS: dict[str, dict[int, tuple[str, float]]] = {
    "MISCF": {
        70: ("awRR", 1), 71: ("TVe", 1000), 72: ("MV", 1), 73: ("Ppeak", 1), 74: ("Pmean", 1), 75: ("IE", 1),
        77: ("FiO2", 1), 78: ("TVi", 1000), 87: ("PEEP", 1), 96: ("Compl", 1), 97: ("Raw", 1),
    },
    "MISCA": {
        34: ("awRR", 1), 35: ("TVe", 1000), 36: ("MV", 1), 38: ("Ppeak", 1), 39: ("Pmean", 1), 41: ("IE", 1),
        65: ("Compl", 1), 66: ("Raw", 1),
    },
}  # fmt: skip


class Pb840Codec:
    """One ventilator. Option `report`: "SNDF" (default) or "SNDA" for older software."""

    def __init__(self, options: CodecOptions) -> None:
        wanted = "SNDA" if str(options.values.get("report", "")) == "SNDA" else "SNDF"
        self._lines = LineFramer(ends=b"\r", limit=8192)
        self._inquiry = Inquiry([wanted.encode("ascii") + b"\r"], every_s=_EVERY_S)

    def opened(self, now: Clocks) -> list[Output]:
        """Ask for a report."""
        return self._inquiry.start(now)

    def feed(self, data: bytes, received: Clocks) -> list[Output]:
        """Decode what arrived."""
        out: list[Output] = []
        for line in self._lines.feed(data):
            out += report(line.decode("latin-1").strip("\n "))
            self._inquiry.answered(received)
        out += [Fault(kind) for kind in self._lines.faults]
        self._lines.faults.clear()
        return out

    def poll(self, now: Clocks) -> list[Output]:
        """Ask again."""
        return self._inquiry.poll(now)

    def closed(self, now: Clocks) -> list[Output]:
        """Half a report is nothing."""
        return []


def report(line: str) -> list[Output]:
    """The measured values of one report; a report whose fields are not as many as it says gives nothing."""
    head, found, rest = line.partition("\x02")
    body, ended, _ = rest.partition("\x03")
    names = head.split(",")
    table = FIELDS.get(names[0].strip())
    if not found or not ended or table is None or len(names) < 3:
        return [Fault("report")]
    fields = body.strip(",").split(",")
    if names[2].strip(" ") != str(len(fields)):
        return [Fault("field_count")]
    out: list[Output] = []
    for number, (code, factor) in table.items():
        place = number - FIRST_FIELD
        if place < len(fields):
            value = parse_number(fields[place])
            out.append(observe(code, None if value is None else value * factor))
    return out
