"""Decoder of the processed trend."""

import struct

from device_bridge.drivers.base import Clocks, CodecOptions, Fault, Output, Send, observe
from device_bridge.drivers.bis.framing import BisFramer
from device_bridge.wire import Quality

START_STREAM = bytes.fromhex("baab00000d000100040000007300000000000100008600")
PROCESSED, PROCESSED_AND_SPECTRA = 0x34, 0x35
FIRST_TREND = 48
TREND_SIZES = (24, 36, 44)
_SPECTRA = 120
_NO_VALUE = -3277
_ASK_AGAIN_AFTER_S = 10.0
_POOR_SIGNAL = 50.0


class BisCodec:
    """One monitor."""

    def __init__(self, options: CodecOptions) -> None:
        del options  # nothing to set
        self._framer = BisFramer()
        self._next_request: float | None = None

    def opened(self, now: Clocks) -> list[Output]:
        """Start the stream."""
        return self._request(now)

    def feed(self, data: bytes, received: Clocks) -> list[Output]:
        """Decode what arrived."""
        out: list[Output] = []
        for packet in self._framer.feed(data):
            if packet.message in (PROCESSED, PROCESSED_AND_SPECTRA):
                spectra = _SPECTRA if packet.message == PROCESSED_AND_SPECTRA else 0
                out += trend(packet.data[: len(packet.data) - spectra])
                if self._next_request is not None:
                    self._next_request = received.mono_s + _ASK_AGAIN_AFTER_S
        out += [Fault(kind) for kind in self._framer.faults]
        self._framer.faults.clear()
        return out

    def poll(self, now: Clocks) -> list[Output]:
        """Ask again when nothing comes: the monitor may have been restarted."""
        if self._next_request is not None and now.mono_s >= self._next_request:
            return self._request(now)
        return []

    def closed(self, now: Clocks) -> list[Output]:
        """Nothing is held back."""
        return []

    def _request(self, now: Clocks) -> list[Output]:
        self._next_request = now.mono_s + _ASK_AGAIN_AFTER_S
        return [Send(START_STREAM, "start of the stream")]


def trend(data: bytes) -> list[Output]:
    """The combined trend, the third of three. BIS below a signal quality of 50 is questionable."""
    size, rest = divmod(len(data) - FIRST_TREND, 3)
    if rest or size not in TREND_SIZES:
        return [Fault("trend_size")]
    at = FIRST_TREND + 2 * size
    suppression, edge, _, index = struct.unpack_from("<4h", data, at)
    (muscle,) = struct.unpack_from("<h", data, at + 14)
    (quality,) = struct.unpack_from("<i", data, at + 16)
    signal = None if quality <= _NO_VALUE else quality / 10
    doubt = Quality.QUESTIONABLE if signal is None or signal < _POOR_SIGNAL else Quality.GOOD
    return [
        observe("BIS", _scaled(index, 10), quality=doubt),
        observe("SQI", signal),
        observe("EMG", _scaled(muscle, 100)),
        observe("SR", _scaled(suppression, 10)),
        observe("SEF", _scaled(edge, 100)),
    ]


def _scaled(raw: int, divisor: int) -> float | None:
    return None if raw <= _NO_VALUE else raw / divisor
