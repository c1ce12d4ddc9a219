"""The monitor's own packet, for simulators and tests."""

import struct
from collections.abc import Mapping

from device_bridge.drivers.bis.codec import FIRST_TREND, PROCESSED
from device_bridge.drivers.bis.framing import build


def processed(values: Mapping[str, float | None], *, size: int = 24) -> bytes:
    """One processed message with the combined trend; None or a missing code is the monitor's sentinel."""

    def raw(code: str, factor: int) -> int:
        value = values.get(code)
        return -3277 if value is None else round(value * factor)

    data = bytearray(FIRST_TREND + 3 * size)
    at = FIRST_TREND + 2 * size
    struct.pack_into("<4h", data, at, raw("SR", 10), raw("SEF", 100), 0, raw("BIS", 10))
    struct.pack_into("<h", data, at + 14, raw("EMG", 100))
    struct.pack_into("<i", data, at + 16, raw("SQI", 10))
    return build(PROCESSED, bytes(data))
