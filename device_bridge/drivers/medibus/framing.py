"""Commands `1B code data cc cc 0D` and responses `01 code data cc cc 0D`.

`cc` is the low byte of the sum of everything before it, as two hexadecimal digits. Bytes from 80 up are
real-time data that run through a slow response; DC1 suspends and DC3 resumes what the receiver may send.
"""

from dataclasses import dataclass

COMMAND, RESPONSE, END = 0x1B, 0x01, 0x0D
SUSPEND, RESUME, ABORT, NAK = 0x11, 0x13, 0x18, 0x15
MAX_FRAME = 3845
_NO_DATA = bytes(range(0x80, 0x100))


@dataclass(frozen=True, slots=True)
class Telegram:
    """One command or response of the machine; `code` is the command it belongs to."""

    start: int
    code: int
    data: bytes

    @property
    def is_command(self) -> bool:
        """Does the machine want an answer?"""
        return self.start == COMMAND


def build(start: int, code: int, data: bytes = b"") -> bytes:
    """One telegram with its checksum."""
    body = bytes((start, code)) + data
    return body + b"%02X" % (sum(body) & 0xFF) + bytes((END,))


class MedibusFramer:
    """Cuts the line into telegrams; `suspended` tells whether the machine wants silence."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.suspended = False
        self.aborted = False
        self.right = 0
        self.faults: list[str] = []

    def feed(self, data: bytes) -> list[Telegram]:
        """The telegrams that `data` completes."""
        telegrams: list[Telegram] = []
        for byte in data.translate(None, _NO_DATA):
            if byte == SUSPEND:
                self.suspended = True
            elif byte == RESUME:
                self.suspended = False
            elif byte == ABORT:
                self.aborted = True
                self._buffer.clear()
            elif byte in (COMMAND, RESPONSE):
                if self._buffer:
                    self.faults.append("truncated")
                self._buffer = bytearray((byte,))
            elif not self._buffer:
                if byte not in (END, 0x0A, 0x00) and "garbage" not in self.faults:
                    self.faults.append("garbage")
            elif byte == END:
                self._close(telegrams)
            else:
                self._buffer.append(byte)
                if len(self._buffer) > MAX_FRAME:
                    self.faults.append("oversize")
                    self._buffer.clear()
        return telegrams

    def _close(self, telegrams: list[Telegram]) -> None:
        body, stated = bytes(self._buffer[:-2]), bytes(self._buffer[-2:])
        self._buffer.clear()
        if len(body) < 2 or b"%02X" % (sum(body) & 0xFF) != stated:
            self.faults.append("checksum")
            return
        self.right += 1
        telegrams.append(Telegram(body[0], body[1], body[2:]))
