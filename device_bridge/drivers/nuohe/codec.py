"""Decoder of NW9002S datagrams: `FF 01`, length, numbers at fixed places, EEG samples, `FE`.

The checksum of the last bytes is not published; a datagram is believed when its marks and length fit.
"""

from device_bridge.drivers.base import Clocks, CodecOptions, Fault, Output
from device_bridge.profiles.table import table_of

START = b"\xff\x01"
END = 0xFE
SIZE = 131
LENGTH = 0x7D
PLACES = (("index", 16), ("emg", 17), ("bs", 18), ("sqi", 19))
_NO_VALUE = 255


class NuoheCodec:
    """One monitor."""

    def __init__(self, options: CodecOptions) -> None:
        self._table = table_of("nuohe", options)

    def opened(self, now: Clocks) -> list[Output]:
        """The monitor pushes."""
        return []

    def feed(self, data: bytes, received: Clocks) -> list[Output]:
        """Decode the records of one datagram."""
        out: list[Output] = []
        position = 0
        while position < len(data):
            record = data[position : position + SIZE]
            if record[:2] != START or record[2:3] != bytes((LENGTH,)) or len(record) < SIZE or record[-1] != END:
                out.append(Fault("frame"))
                following = data.find(START, position + 1)
                if following < 0:
                    break
                position = following
                continue
            for item, place in PLACES:
                out += self._table.tell(item, None if record[place] == _NO_VALUE else record[place])
            position += SIZE
        return out

    def poll(self, now: Clocks) -> list[Output]:
        """Nothing to do."""
        return []

    def closed(self, now: Clocks) -> list[Output]:
        """Nothing is held back."""
        return []
