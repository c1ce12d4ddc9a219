"""Defines the lists of breath data and of settings once and reads them; values are four characters, 9999 is no value.

`SDADB` and `SDADS` set nothing on the ventilator but what `RADAB` and `RADAS` will answer to this interface.
"""

from device_bridge.drivers.base import Clocks, CodecOptions, Fault, Output
from device_bridge.drivers.inquiry import Inquiry
from device_bridge.drivers.lines import LineFramer
from device_bridge.drivers.mllp import parse_number
from device_bridge.profiles.table import Table, table_of

EOT = 0x04
# The channels that are asked for, in the order of the reply. What each one means is in the profile.
CHANNELS = (201, 200, 204, 205, 207, 206, 209, 241, 233)
# What the ventilator is set to: rate, SIMV rate, minute volume, PC, PS, PEEP, oxygen, tidal volume. By what the numbers
# have to be divided is not published, so none of them is mapped until somebody has compared it with the screen.
SETTINGS = (300, 303, 305, 306, 307, 308, 323, 334)
_WIDTH = 4
_NO_VALUE = "9999"


def checksum(text: bytes) -> bytes:
    """Exclusive or of all characters as two upper case hexadecimal digits."""
    value = 0
    for byte in text:
        value ^= byte
    return b"%02X" % value


def command(text: bytes) -> bytes:
    """An extended command with its checksum."""
    return text + checksum(text) + bytes((EOT,))


_LISTS = {_WIDTH * len(channels): channels for channels in (CHANNELS, SETTINGS)}
HELLO = b"HO" + bytes((EOT,))
TYPE = command(b"RCTY")
DEFINE = command(b"SDADB" + b"".join(b"%d" % channel for channel in CHANNELS))
READ = command(b"RADAB")
DEFINE_SETTINGS = command(b"SDADS" + b"".join(b"%d" % channel for channel in SETTINGS))
READ_SETTINGS = command(b"RADAS")


class ServoCodec:
    """One ventilator. Option `settings`: ask for what it is set to as well."""

    def __init__(self, options: CodecOptions) -> None:
        settings = options.values.get("settings") is True
        first = [HELLO, TYPE, DEFINE, *([DEFINE_SETTINGS] if settings else [])]
        questions = [READ, *([READ_SETTINGS] if settings else [])]
        self._table = table_of("servo_cie", options)
        self._lines = LineFramer(ends=bytes((EOT,)), limit=1024)
        self._inquiry = Inquiry(questions, first=first, every_s=2.0)

    def opened(self, now: Clocks) -> list[Output]:
        """Begin the dialogue."""
        return self._inquiry.start(now)

    def feed(self, data: bytes, received: Clocks) -> list[Output]:
        """Decode what arrived."""
        out: list[Output] = []
        for line in self._lines.feed(data):
            self._inquiry.answered(received)
            out += reply(self._table, line)
        out += [Fault(kind) for kind in self._lines.faults]
        self._lines.faults.clear()
        return out

    def poll(self, now: Clocks) -> list[Output]:
        """The next question."""
        return self._inquiry.poll(now)

    def closed(self, now: Clocks) -> list[Output]:
        """Nothing is held back."""
        return []


def reply(table: Table, line: bytes) -> list[Output]:
    """The values of a reply to the reading of a list, told apart by its length; other replies say nothing."""
    if line[:2] == b"ER":
        return [Fault("error_answer", line[2:4].decode("latin-1"))]
    text, stated = line[:-2], line[-2:]
    channels = _LISTS.get(len(text))
    if channels is None:
        return []
    if checksum(text) != stated.upper():
        return [Fault("checksum")]
    out: list[Output] = []
    for place, channel in enumerate(channels):
        digits = text[place * _WIDTH : (place + 1) * _WIDTH].decode("latin-1")
        out += table.tell(str(channel), None if digits == _NO_VALUE else parse_number(digits))
    return out
