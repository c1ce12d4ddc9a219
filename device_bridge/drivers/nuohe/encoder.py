"""The monitor's own datagram, for simulators and tests."""

from collections.abc import Mapping

from device_bridge.drivers.nuohe.codec import END, LENGTH, PLACES, SIZE, START
from device_bridge.profiles.table import natives_of

_CODES = {native: code for code, native in natives_of("nuohe").items()}


def datagram(values: Mapping[str, int | None]) -> bytes:
    """One record; None or a missing code is the monitor's sentinel 255."""
    record = bytearray(SIZE)
    record[:2] = START
    record[2] = LENGTH
    record[-1] = END
    for item, place in PLACES:
        value = values.get(_CODES[item])
        record[place] = 255 if value is None else value
    return bytes(record)
