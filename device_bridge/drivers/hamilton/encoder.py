"""The ventilator's own reply, for simulators and tests."""

from device_bridge.drivers.hamilton.codec import CR, ETX, STX
from device_bridge.profiles.table import natives_of

_NUMBERS = {code: int(native) for code, native in natives_of("hamilton").items()}


def reply(code: str, text: str) -> bytes:
    """The value of a canonical code as printed (`  500`)."""
    return bytes((STX, _NUMBERS[code])) + f"{text:>5.5}".encode("ascii") + bytes((ETX, CR))
