"""The monitor's own datagram, for simulators and tests."""

from collections.abc import Mapping

from device_bridge.drivers.puke.codec import PLACES, SHORTEST, START
from device_bridge.profiles.table import natives_of

_CODES = {native: code for code, native in natives_of("puke").items()}


def datagram(values: Mapping[str, int]) -> bytes:
    """One record; missing codes are 255."""
    record = bytearray(SHORTEST)
    record[0] = START
    for item, place in PLACES:
        record[place] = values.get(_CODES[item], 255)
    return bytes(record)
