"""Decoder of YY106 datagrams: `FF`, two bytes of unknown use, then index, suppression, EMG, signal quality.

Known from one public reader, without a capture and without a checksum: a record is believed only when every number
is either 0-100 or the 255 that means "none".
"""

from device_bridge.drivers.base import Clocks, CodecOptions, Fault, Output
from device_bridge.profiles.table import table_of

START = 0xFF
_OTHERS = (b"\xff\x01\x7d", b"\xff\xd1")  # Nuohe and Biolight datagrams begin with FF as well
PLACES = (("index", 3), ("bs", 4), ("emg", 5), ("sqi", 6))
SHORTEST = 7
_NO_VALUE, _TOP = 255, 100


class PukeCodec:
    """One monitor."""

    def __init__(self, options: CodecOptions) -> None:
        self._table = table_of("puke", options)

    def opened(self, now: Clocks) -> list[Output]:
        """The monitor pushes."""
        return []

    def feed(self, data: bytes, received: Clocks) -> list[Output]:
        """Decode one datagram."""
        if len(data) < SHORTEST or data[0] != START or data.startswith(_OTHERS):
            return [Fault("frame")]
        numbers = [(item, data[place]) for item, place in PLACES]
        if any(_TOP < number < _NO_VALUE for _, number in numbers):
            return [Fault("range")]
        told = [self._table.tell(item, None if number == _NO_VALUE else number) for item, number in numbers]
        return [one for outputs in told for one in outputs]

    def poll(self, now: Clocks) -> list[Output]:
        """Nothing to do."""
        return []

    def closed(self, now: Clocks) -> list[Output]:
        """Nothing is held back."""
        return []
