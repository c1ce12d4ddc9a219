"""Pieces shared by the tests of the driver families."""

from device_bridge.drivers.base import Clocks, CodecOptions, Observation, Send
from device_bridge.drivers.registry import get_driver

AT = Clocks(1_790_000_000_000, 1000.0)


def in_pieces(driver, data, size, **options):
    """Decode bytes that arrive `size` at a time."""
    codec = get_driver(driver).codec(CodecOptions(values=options))
    out = []
    for position in range(0, len(data), size):
        out += codec.feed(data[position : position + size], AT)
    return out + codec.closed(AT)


def found(outputs):
    """Code → value of what is really there."""
    return {one.code: one.value for one in outputs if isinstance(one, Observation) and one.value is not None}


def by_code(outputs):
    """Code → observation, the last one."""
    return {one.code: one for one in outputs if isinstance(one, Observation)}


def sends(outputs):
    """What the codec would like to send."""
    return [one.payload for one in outputs if isinstance(one, Send)]
