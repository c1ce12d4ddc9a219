"""Keeps everything, understands nothing: the session stores the raw bytes of every feed."""

from device_bridge.drivers.base import Clocks, CodecOptions, DeviceInfo, Output

_TELL_EVERY_S = 60.0


class PassiveCodec:
    """Counts what went by, so that an engineer sees that the line is alive."""

    def __init__(self, options: CodecOptions) -> None:
        del options  # nothing to set
        self._bytes = 0
        self._next = 0.0

    def opened(self, now: Clocks) -> list[Output]:
        """Only listen."""
        return []

    def feed(self, data: bytes, received: Clocks) -> list[Output]:
        """Count the bytes; tell the count now and then."""
        self._bytes += len(data)
        if received.mono_s < self._next:
            return []
        self._next = received.mono_s + _TELL_EVERY_S
        return [DeviceInfo({"recorded_bytes": str(self._bytes)})]

    def poll(self, now: Clocks) -> list[Output]:
        """Nothing to do."""
        return []

    def closed(self, now: Clocks) -> list[Output]:
        """Nothing is held back."""
        return []
