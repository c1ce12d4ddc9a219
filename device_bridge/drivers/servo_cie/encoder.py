"""The ventilator's own reply, for simulators and tests."""

from collections.abc import Mapping

from device_bridge.drivers.servo_cie.codec import CHANNELS, command


def breath(values: Mapping[str, float]) -> bytes:
    """One reply to the reading of breath data; missing codes are 9999."""
    text = b""
    for _, code, divisor in CHANNELS:
        text += b"%04d" % round(values[code] * divisor) if code is not None and code in values else b"9999"
    return command(text)
