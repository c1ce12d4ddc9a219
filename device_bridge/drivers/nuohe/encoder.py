"""The monitor's own datagram, for simulators and tests."""

from collections.abc import Mapping

from device_bridge.drivers.nuohe.codec import END, LENGTH, PLACES, SIZE, START


def datagram(values: Mapping[str, int | None]) -> bytes:
    """One record; None or a missing code is the monitor's sentinel 255."""
    record = bytearray(SIZE)
    record[:2] = START
    record[2] = LENGTH
    record[-1] = END
    for code, place in PLACES:
        value = values.get(code)
        record[place] = 255 if value is None else value
    return bytes(record)
