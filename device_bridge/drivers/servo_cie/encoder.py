"""The ventilator's own reply, for simulators and tests."""

from collections.abc import Mapping

from device_bridge.drivers.servo_cie.codec import CHANNELS, command
from device_bridge.profiles.store import shipped

_LINES = shipped("servo_cie").lines


def breath(values: Mapping[str, float]) -> bytes:
    """One reply to the reading of breath data; missing codes are 9999."""
    text = b""
    for channel in CHANNELS:
        line = _LINES.get(str(channel))
        known = line is not None and line.code in values
        text += b"%04d" % round(values[line.code] * line.divisor) if line is not None and known else b"9999"
    return command(text)
