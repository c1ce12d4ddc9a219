"""Decoder of EGOS records: `EF EF EF`, length, type 23, …, checksum, `FE FE FE`; numbers are float32 big endian.

The tissue oxygenation index and the tissue haemoglobin index are at fixed places; not-a-number is no value.
"""

import math
import struct

from device_bridge.drivers.base import Clocks, CodecOptions, Fault, Output
from device_bridge.profiles.table import table_of

START, END = b"\xef\xef\xef", b"\xfe\xfe\xfe"
TYPE = 0x23
LENGTH = 101  # of the only record that is known
SIZE = LENGTH + 7
PLACES = (("toi", 64), ("thi", 68))
_LIMIT = 4096
_LARGEST = 1e6  # anything beyond is no index


class EgosCodec:
    """One oximeter. Option `side`: "L" or "R" when the sensor is on a known side."""

    def __init__(self, options: CodecOptions) -> None:
        side = str(options.values.get("side", ""))
        self._index = f"toi.{side}" if side in ("L", "R") else "toi"
        self._table = table_of("egos", options)
        self._buffer = bytearray()

    def opened(self, now: Clocks) -> list[Output]:
        """The oximeter pushes."""
        return []

    def feed(self, data: bytes, received: Clocks) -> list[Output]:
        """Decode what arrived."""
        self._buffer += data
        out: list[Output] = []
        while True:
            start = self._buffer.find(START)
            if start < 0:
                if len(self._buffer) > len(START):
                    out.append(Fault("garbage"))
                    del self._buffer[: -len(START) + 1]
                break
            if start:
                out.append(Fault("garbage"))
                del self._buffer[:start]
            while self._buffer[3:4] == START[:1]:  # a stray mark before the real beginning
                del self._buffer[:1]
            if len(self._buffer) < 5:
                break
            size = self._buffer[3] + 7
            if len(self._buffer) < size:
                break
            out += self._record(bytes(self._buffer[:size]))
        if len(self._buffer) > _LIMIT:
            self._buffer.clear()
        return out

    def poll(self, now: Clocks) -> list[Output]:
        """Nothing to do."""
        return []

    def closed(self, now: Clocks) -> list[Output]:
        """Nothing is held back."""
        return []

    def _record(self, record: bytes) -> list[Output]:
        if record[-3:] != END or sum(record[4:-4]) & 0xFF != record[-4]:
            del self._buffer[: len(START)]  # what looked like a beginning was none
            return [Fault("checksum")]
        del self._buffer[: len(record)]
        if record[4] != TYPE or len(record) != SIZE:
            return []
        out: list[Output] = []
        for item, place in PLACES:
            (value,) = struct.unpack_from(">f", record, place)
            missing = math.isnan(value) or abs(value) > _LARGEST
            native = self._index if item == "toi" else item
            out += self._table.tell(native, None if missing else round(value, 3))
        return out
