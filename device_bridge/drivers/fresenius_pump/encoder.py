"""The rack's own messages, for simulators and tests."""

from collections.abc import Mapping

from device_bridge.drivers.fresenius_pump.framing import frame


def values(rate: float, volume: float, address: int | None = 1, *, alarm: int = 0, mode: str = "0") -> bytes:
    """The answer of one module to the reading of its variables."""
    head = "" if address is None else str(address)
    text = f"{head}C;d{round(rate * 10):04X};r{round(volume * 1000):06X};a{alarm:04X};e0000;m{mode}"
    return frame(text.encode("ascii"))


def modules(present: list[int]) -> bytes:
    """The answer of the base: which modules are plugged in."""
    bits = sum(1 << (one - 1) for one in present)
    return frame(b"0C;b%02X" % bits)


def done(address: int | None = None) -> bytes:
    """The answer to a command that has no values."""
    return frame((b"" if address is None else b"%d" % address) + b"C")


def answer(text: bytes, pumps: Mapping[int, tuple[float, float]]) -> bytes:
    """What a rack with these (rate, volume) says to the text of a command."""
    address = int(text[:1]) if text[:1].isdigit() else None
    command = text[1:] if address is not None else text
    if command == b"LE;b" and address == 0:
        return modules(sorted(pumps))
    if command == b"DC":
        return done(address)
    if command.startswith(b"LE;") and (address or 1) in pumps:
        return values(*pumps[address or 1], address)
    return frame((b"" if address is None else b"%d" % address) + b"I;01")
