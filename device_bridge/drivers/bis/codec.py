"""Decoder of the processed trend."""

import struct

from device_bridge.drivers.base import Clocks, CodecOptions, Fault, Output, Send
from device_bridge.drivers.bis.framing import BisFramer
from device_bridge.profiles.table import Table, table_of
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
    """One monitor. Option `hide_below_sqi`: a signal quality (%) under which the index is no value at all; without it
    such an index is kept and flagged questionable."""

    def __init__(self, options: CodecOptions) -> None:
        hidden = options.values.get("hide_below_sqi")
        self._hidden = float(hidden) if isinstance(hidden, int | float) else 0.0
        self._table = table_of("bis", options)
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
                out += trend(self._table, packet.data[: len(packet.data) - spectra], self._hidden)
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


def trend(table: Table, data: bytes, hidden_below: float = 0.0) -> list[Output]:
    """The combined trend, the third of three. BIS below a signal quality of 50 is questionable; below `hidden_below`
    it is no value."""
    size, rest = divmod(len(data) - FIRST_TREND, 3)
    if rest or size not in TREND_SIZES:
        return [Fault("trend_size")]
    at = FIRST_TREND + 2 * size
    suppression, edge, _, index = struct.unpack_from("<4h", data, at)
    (muscle,) = struct.unpack_from("<h", data, at + 14)
    (quality,) = struct.unpack_from("<i", data, at + 16)
    signal = None if quality <= _NO_VALUE else quality / 10
    doubt = Quality.QUESTIONABLE if signal is None or signal < _POOR_SIGNAL else Quality.GOOD
    shown = not hidden_below or (signal is not None and signal >= hidden_below)
    return [
        *table.tell("bis", _number(index) if shown else None, quality=doubt),
        *table.tell("sqi", _number(quality)),
        *table.tell("emg", _number(muscle)),
        *table.tell("bsr", _number(suppression)),
        *table.tell("sef95", _number(edge)),
    ]


def _number(raw: int) -> int | None:
    return None if raw <= _NO_VALUE else raw
