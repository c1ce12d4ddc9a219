"""The oximeter's own record, for simulators and tests."""

import math
import struct
from collections.abc import Mapping

from device_bridge.drivers.egos.codec import END, LENGTH, PLACES, SIZE, START, TYPE

_CODES = {"toi": "rSO2", "thi": "THI"}


def record(values: Mapping[str, float | None]) -> bytes:
    """One record; None or a missing code is not-a-number."""
    data = bytearray(SIZE)
    data[:3], data[3], data[4], data[5] = START, LENGTH, TYPE, 0x26
    for item, place in PLACES:
        value = values.get(_CODES[item])
        struct.pack_into(">f", data, place, math.nan if value is None else value)
    data[-4] = sum(data[4:-4]) & 0xFF
    data[-3:] = END
    return bytes(data)
