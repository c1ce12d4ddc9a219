"""Decoder of `MNIR-P100:L=0.001;R=0.743;LHB=0.000;LHBO=0.000;RHB=585.000;RHBO=1639.000;`.

L and R are saturations as fractions. A side whose haemoglobin counts are both zero has no sensor on the head: what it
prints is not a saturation.
"""

import re

from device_bridge.drivers.base import Clocks, CodecOptions, Fault, Output
from device_bridge.drivers.lines import LineFramer
from device_bridge.drivers.mllp import parse_number
from device_bridge.profiles.table import Table, table_of

_LINE = re.compile(r"MNIR-P100:((?:[A-Z]{1,5}=[0-9.+-]{1,12};){2,12})")
SIDES = ("L", "R")


class MingxiCodec:
    """One oximeter."""

    def __init__(self, options: CodecOptions) -> None:
        self._table = table_of("mingxi", options)
        self._lines = LineFramer(limit=512)

    def opened(self, now: Clocks) -> list[Output]:
        """The oximeter prints by itself."""
        return []

    def feed(self, data: bytes, received: Clocks) -> list[Output]:
        """Decode what arrived."""
        out: list[Output] = []
        for line in self._lines.feed(data):
            out += _line(self._table, line.decode("latin-1").strip())
        out += [Fault(kind) for kind in self._lines.faults]
        self._lines.faults.clear()
        return out

    def poll(self, now: Clocks) -> list[Output]:
        """Nothing to do."""
        return []

    def closed(self, now: Clocks) -> list[Output]:
        """Half a line is nothing."""
        return []


def _line(table: Table, line: str) -> list[Output]:
    match = _LINE.fullmatch(line)
    if match is None:
        return [Fault("line")]
    fields = dict(part.split("=", 1) for part in match.group(1).rstrip(";").split(";"))
    out: list[Output] = []
    for side in SIDES:
        if side not in fields:
            continue
        value = parse_number(fields[side])
        counts = [parse_number(fields.get(f"{side}{kind}", "")) for kind in ("HB", "HBO")]
        bare = None in counts or not any(counts)
        absent = value is None or bare or not 0 < value <= 1
        out += table.tell(side, None if absent else value)
    return out
