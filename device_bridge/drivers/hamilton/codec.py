"""Asks `STX code ETX CR` and reads `STX code value ETX CR`, the value in five characters."""

from device_bridge.drivers.base import Clocks, CodecOptions, Fault, Output
from device_bridge.drivers.inquiry import Inquiry
from device_bridge.drivers.lines import LineFramer
from device_bridge.drivers.mllp import parse_number
from device_bridge.profiles.table import table_of

STX, ETX, CR = 0x02, 0x03, 0x0D
_NO_VALUES = frozenset({9999.0, 999.9})
_WIDTH = 5


def question(code: int) -> bytes:
    """The request for one value."""
    return bytes((STX, code, ETX, CR))


class HamiltonCodec:
    """One ventilator."""

    def __init__(self, options: CodecOptions) -> None:
        self._table = table_of("hamilton", options)
        self._lines = LineFramer(ends=b"\r", limit=256)
        self._inquiry = Inquiry([question(int(entry.native)) for entry in self._table if entry.native.isdecimal()])

    def opened(self, now: Clocks) -> list[Output]:
        """Ask for the first value."""
        return self._inquiry.start(now)

    def feed(self, data: bytes, received: Clocks) -> list[Output]:
        """Decode what arrived."""
        out: list[Output] = []
        for line in self._lines.feed(data):
            entry = self._table.get(str(line[1])) if len(line) == _WIDTH + 3 else None
            if entry is None or line[0] != STX or line[-1] != ETX:
                out.append(Fault("reply"))
                continue
            value = parse_number(line[2:-1].decode("latin-1"))
            out.append(entry.observe(None if value in _NO_VALUES else value))
            self._inquiry.answered(received)
        out += [Fault(kind) for kind in self._lines.faults]
        self._lines.faults.clear()
        return out

    def poll(self, now: Clocks) -> list[Output]:
        """The next question."""
        return self._inquiry.poll(now, patience_s=1.0)

    def closed(self, now: Clocks) -> list[Output]:
        """Nothing is held back."""
        return []
