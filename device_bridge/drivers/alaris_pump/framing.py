"""`!COMMAND^field^field|CRC CR`; CRC-16/CCITT-FALSE of what stands between `!` and `|`, four upper case digits."""

from dataclasses import dataclass

_POLYNOMIAL = 0x1021


def crc(text: bytes) -> bytes:
    """The check characters: `457D` for `INST_SERIALNO`."""
    register = 0xFFFF
    for byte in text:
        register ^= byte << 8
        for _ in range(8):
            register = (register << 1) ^ _POLYNOMIAL if register & 0x8000 else register << 1
            register &= 0xFFFF
    return b"%04X" % register


def frame(text: bytes) -> bytes:
    """One message as both sides write it."""
    return b"!" + text + b"|" + crc(text) + b"\r"


@dataclass(frozen=True, slots=True)
class Message:
    """Name of the command and its fields."""

    name: str
    fields: tuple[str, ...]


def parse(line: bytes) -> Message | None:
    """A line without its CR; None when it is damaged. An ESC means that the pump began again."""
    text, found, stated = line.rpartition(b"\x1b")[2].partition(b"|")
    if not found or text[:1] != b"!" or crc(text[1:]) != stated:
        return None
    name, *fields = text[1:].decode("latin-1").split("^")
    return Message(name, tuple(fields))
