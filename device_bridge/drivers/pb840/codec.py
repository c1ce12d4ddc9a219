"""Decoder of `MISCF`/`MISCA` reports: numbered fields of fixed width between STX and ETX."""

from device_bridge.drivers.base import Clocks, CodecOptions, Fault, Output
from device_bridge.drivers.inquiry import Inquiry
from device_bridge.drivers.lines import LineFramer
from device_bridge.drivers.mllp import parse_number
from device_bridge.profiles.table import Table, table_of

FIRST_FIELD = 5
_EVERY_S = 2.0
KINDS = ("MISCF", "MISCA")
# A setting → the field that names the kind of breath, and how that must begin for the setting to be in use.
IN_USE: dict[str, tuple[int, str]] = {"MISCF.14": (10, "VC"), "MISCF.46": (10, "PC"), "MISCF.31": (11, "PS")}


class Pb840Codec:
    """One ventilator. Option `report`: "SNDF" (default) or "SNDA" for older software."""

    def __init__(self, options: CodecOptions) -> None:
        wanted = "SNDA" if str(options.values.get("report", "")) == "SNDA" else "SNDF"
        self._table = table_of("pb840", options)
        self._lines = LineFramer(ends=b"\r", limit=8192)
        self._inquiry = Inquiry([wanted.encode("ascii") + b"\r"], every_s=_EVERY_S)

    def opened(self, now: Clocks) -> list[Output]:
        """Ask for a report."""
        return self._inquiry.start(now)

    def feed(self, data: bytes, received: Clocks) -> list[Output]:
        """Decode what arrived."""
        out: list[Output] = []
        for line in self._lines.feed(data):
            out += report(self._table, line.decode("latin-1").strip("\n "))
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


def report(table: Table, line: str) -> list[Output]:
    """The measured values and the settings of one report; a report whose fields are not as many as it says gives nothing."""
    head, found, rest = line.partition("\x02")
    body, ended, _ = rest.partition("\x03")
    names = head.split(",")
    kind = names[0].strip()
    if not found or not ended or kind not in KINDS or len(names) < 3:
        return [Fault("report")]
    fields = body.strip(",").split(",")
    if names[2].strip(" ") != str(len(fields)):
        return [Fault("field_count")]
    out: list[Output] = []
    for entry in table.beginning(f"{kind}."):
        place = int(entry.native.removeprefix(f"{kind}.")) - FIRST_FIELD
        if not 0 <= place < len(fields):
            continue
        decider, kinds = IN_USE.get(entry.native, (FIRST_FIELD, ""))
        used = fields[decider - FIRST_FIELD].strip().upper().startswith(kinds)
        out.append(entry.observe(parse_number(fields[place]) if used else None))
    return out
