"""Decoder of NW9002S datagrams: `FF 01`, length, numbers at fixed places, EEG samples, `FE`.

The checksum of the last bytes is not published; a datagram is believed when its marks and length fit.
"""

from device_bridge.drivers.base import Clocks, CodecOptions, Fault, Output, observe

START = b"\xff\x01"
END = 0xFE
SIZE = 131
LENGTH = 0x7D
PLACES = (("CSI", 16), ("EMG", 17), ("BS", 18), ("SQI", 19))
_NO_VALUE = 255


class NuoheCodec:
    """One monitor."""

    def __init__(self, options: CodecOptions) -> None:
        del options  # nothing to set

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
            for code, place in PLACES:
                out.append(observe(code, None if record[place] == _NO_VALUE else record[place]))
            position += SIZE
        return out

    def poll(self, now: Clocks) -> list[Output]:
        """Nothing to do."""
        return []

    def closed(self, now: Clocks) -> list[Output]:
        """Nothing is held back."""
        return []
