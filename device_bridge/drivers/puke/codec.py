"""Decoder of YY106 datagrams: `FF`, two bytes of unknown use, then index, suppression, EMG, signal quality.

Known from one public reader, without a capture and without a checksum: a record is believed only when every number
is either 0-100 or the 255 that means "none".
"""

from device_bridge.drivers.base import Clocks, CodecOptions, Fault, Output, observe

START = 0xFF
_OTHERS = (b"\xff\x01\x7d", b"\xff\xd1")  # Nuohe and Biolight datagrams begin with FF as well
PLACES = (("CSI", 3), ("BS", 4), ("EMG", 5), ("SQI", 6))
SHORTEST = 7
_NO_VALUE, _TOP = 255, 100


class PukeCodec:
    """One monitor."""

    def __init__(self, options: CodecOptions) -> None:
        del options  # nothing to set

    def opened(self, now: Clocks) -> list[Output]:
        """The monitor pushes."""
        return []

    def feed(self, data: bytes, received: Clocks) -> list[Output]:
        """Decode one datagram."""
        if len(data) < SHORTEST or data[0] != START or data.startswith(_OTHERS):
            return [Fault("frame")]
        numbers = [(code, data[place]) for code, place in PLACES]
        if any(_TOP < number < _NO_VALUE for _, number in numbers):
            return [Fault("range")]
        return [observe(code, None if number == _NO_VALUE else number) for code, number in numbers]

    def poll(self, now: Clocks) -> list[Output]:
        """Nothing to do."""
        return []

    def closed(self, now: Clocks) -> list[Output]:
        """Nothing is held back."""
        return []
