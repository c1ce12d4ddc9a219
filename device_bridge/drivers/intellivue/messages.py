"""Reads the structures of the data export protocol. Every reading beyond the end raises `Malformed`."""

import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

ROIV, RORS, ROER, RORLS = 1, 2, 3, 5
EVENT_REPORT, GET, SET, CONFIRMED_SET, ACTION = 1, 3, 4, 5, 7
MDS_CREATE, CONNECT_INDICATION = 0x0D06, 0x0D17
POLL_SINGLE, POLL_EXTENDED = 0x0C16, 0xF13B
ATTR_TIME_ABS, ATTR_TIME_REL = 0x0987, 0x098F
_MAX_ITEMS = 2000


class Malformed(ValueError):
    """The bytes are not what the protocol says."""


class Cursor:
    """Takes numbers off the front of some bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        """Bytes not read yet."""
        return len(self._data) - self._at

    def take(self, count: int) -> bytes:
        """The next bytes."""
        if count > self.left:
            raise Malformed("short")
        self._at += count
        return self._data[self._at - count : self._at]

    def u8(self) -> int:
        """One byte."""
        return self.take(1)[0]

    def u16(self) -> int:
        """Two bytes."""
        return int.from_bytes(self.take(2), "big")

    def u32(self) -> int:
        """Four bytes."""
        return int.from_bytes(self.take(4), "big")

    def sized(self) -> "Cursor":
        """The part whose length comes first."""
        return Cursor(self.take(self.u16()))

    def items(self) -> tuple[int, "Cursor"]:
        """A list: its count, and its bytes."""
        count = self.u16()
        if count > _MAX_ITEMS:
            raise Malformed("count")
        return count, self.sized()


@dataclass(frozen=True, slots=True)
class Message:
    """One remote operation: kind, invocation, command and the bytes of its argument."""

    operation: int
    invoke: int
    command: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Event:
    """An event report of the monitor."""

    relative: int
    kind: int
    attributes: dict[int, bytes]


@dataclass(frozen=True, slots=True)
class Polled:
    """One object of a poll result."""

    context: int
    handle: int
    attributes: dict[int, bytes]


@dataclass(frozen=True, slots=True)
class PollResult:
    """What a poll (or an extended poll, again and again) gives."""

    number: int
    relative: int
    absolute: bytes
    object_class: int
    objects: list[Polled] = field(default_factory=list)


def parse_message(payload: bytes) -> Message:
    """The remote operation in a payload that begins with `E1 00`."""
    cursor = Cursor(payload)
    cursor.take(4)
    operation = cursor.u16()
    inner = cursor.sized()
    if operation == RORLS:
        inner.take(2)
    if operation not in (ROIV, RORS, ROER, RORLS):
        raise Malformed("operation")
    invoke, command = inner.u16(), inner.u16()
    return Message(operation, invoke, command, take_rest(inner.sized()))


def take_rest(cursor: Cursor) -> bytes:
    """All that is left."""
    return cursor.take(cursor.left)


def parse_event(body: bytes) -> Event:
    """The argument of an event report."""
    cursor = Cursor(body)
    cursor.take(6)
    relative, kind = cursor.u32(), cursor.u16()
    information = cursor.sized()
    if kind == MDS_CREATE:
        information.take(6)
    return Event(relative, kind, parse_attributes(information))


def parse_attributes(cursor: Cursor) -> dict[int, bytes]:
    """A list of attributes by their ids."""
    count, inner = cursor.items()
    return {inner.u16(): take_rest(inner.sized()) for _ in range(count)}


def parse_poll(body: bytes) -> PollResult:
    """The result of a single or extended poll."""
    cursor = Cursor(body)
    cursor.take(6)
    action = cursor.u16()
    if action not in (POLL_SINGLE, POLL_EXTENDED):
        raise Malformed("action")
    reply = cursor.sized()
    number = reply.u16()
    if action == POLL_EXTENDED:
        reply.u16()
    relative, absolute = reply.u32(), reply.take(8)
    reply.u16()
    object_class = reply.u16()
    reply.u16()
    result = PollResult(number, relative, absolute, object_class)
    contexts, inner = reply.items()
    for _ in range(contexts):
        context = inner.u16()
        count, objects = inner.items()
        for _ in range(count):
            handle = objects.u16()
            result.objects.append(Polled(context, handle, parse_attributes(objects)))
    return result


def parse_float(raw: int) -> float | None:
    """FLOAT-Type: signed 8-bit exponent, signed 24-bit mantissa; the special values are None."""
    mantissa = raw & 0xFFFFFF
    if mantissa in (0x7FFFFF, 0x800000, 0x7FFFFE, 0x800002, 0x800001):
        return None
    if mantissa & 0x800000:
        mantissa -= 0x1000000
    (exponent,) = struct.unpack(">b", bytes(((raw >> 24) & 0xFF,)))
    if not -20 <= exponent <= 20:
        return None
    power: int = 10 ** abs(exponent)
    return float(mantissa * power) if exponent > 0 else mantissa / power


def make_float(value: float | None, places: int = 1) -> int:
    """The FLOAT-Type of a value with so many decimal places; None is not-a-number."""
    if value is None:
        return 0x007FFFFF
    power: int = 10 ** abs(places)
    return ((-places & 0xFF) << 24) | (round(value * power) & 0xFFFFFF)


def parse_absolute(raw: bytes, zone: ZoneInfo) -> int | None:
    """Eight BCD bytes `YYYYMMDDhhmmssff` in the monitor's zone as UTC milliseconds; None when not set."""
    text = raw.hex()
    if len(text) != 16 or not text.isdigit() or not text.strip("0"):
        return None
    try:
        local = datetime(
            int(text[:4]), int(text[4:6]), int(text[6:8]), int(text[8:10]), int(text[10:12]), int(text[12:14]),
            int(text[14:]) * 10_000, tzinfo=zone,
        )  # fmt: skip
        return round(local.astimezone(UTC).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None
