"""`STX [address] command [;arguments] check ETX`; the check is FF minus the low byte of the sum, two digits."""

from dataclasses import dataclass

STX, ETX, ENQ, ACK, NAK, DC4 = 0x02, 0x03, 0x05, 0x06, 0x15, 0x14
MAX_FRAME = 96  # a message has at most 80 characters


def check_digits(text: bytes) -> bytes:
    """Two upper case hexadecimal digits."""
    return b"%02X" % (0xFF - (sum(text) & 0xFF))


def frame(text: bytes) -> bytes:
    """One message as both sides write it."""
    return bytes((STX,)) + text + check_digits(text) + bytes((ETX,))


@dataclass(frozen=True, slots=True)
class Event:
    """`kind`: enquiry, message, refused (with the reason character), or a word for a fault."""

    kind: str
    address: int | None = None
    status: str = ""
    fields: tuple[str, ...] = ()


class FreseniusFramer:
    """Cuts the line into events. The enquiry of the line monitor may stand anywhere, also inside a message."""

    def __init__(self) -> None:
        self._buffer: bytearray | None = None
        self._refused = False

    def feed(self, data: bytes) -> list[Event]:
        """What `data` completes."""
        events: list[Event] = []
        for byte in data:
            if byte == ENQ:
                events.append(Event("enquiry"))
            elif self._refused:
                self._refused = False
                events.append(Event("refused", status=chr(byte)))
            elif byte == STX:
                self._buffer = bytearray()
            elif byte == ETX and self._buffer is not None:
                events.append(_message(bytes(self._buffer)))
                self._buffer = None
            elif byte == NAK:
                self._refused = True
            elif self._buffer is not None:
                self._buffer.append(byte)
                if len(self._buffer) > MAX_FRAME:
                    self._buffer = None
                    events.append(Event("oversize"))
        return events


def _message(body: bytes) -> Event:
    text, stated = body[:-2], body[-2:]
    if len(text) < 1 or check_digits(text) != stated:
        return Event("checksum")
    head, *fields = text.decode("latin-1").split(";")
    address = int(head[0]) if head[:1].isascii() and head[:1].isdigit() else None
    status = head[1:] if address is not None else head
    return Event("message", address, status, tuple(fields))
