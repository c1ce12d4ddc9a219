"""The monitor's own datagram, for simulators and tests."""

from collections.abc import Mapping

from device_bridge.drivers.puke.codec import PLACES, SHORTEST, START


def datagram(values: Mapping[str, int]) -> bytes:
    """One record; missing codes are 255."""
    record = bytearray(SHORTEST)
    record[0] = START
    for code, place in PLACES:
        record[place] = values.get(code, 255)
    return bytes(record)
