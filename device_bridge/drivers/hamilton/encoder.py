"""The ventilator's own reply, for simulators and tests."""

from device_bridge.drivers.hamilton.codec import CODES, CR, ETX, STX

_NUMBERS = {code: number for number, code in CODES.items()}


def reply(code: str, text: str) -> bytes:
    """The value of a canonical code as printed (`  500`)."""
    return bytes((STX, _NUMBERS[code])) + f"{text:>5.5}".encode("ascii") + bytes((ETX, CR))
