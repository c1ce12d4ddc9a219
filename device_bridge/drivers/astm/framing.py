"""E1381: ENQ, numbered frames with a checksum, EOT. The answer to each is one byte."""

import re
from dataclasses import dataclass

SOH, STX, ETX, EOT, ENQ, ACK, LF, CR, NAK, ETB = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0A, 0x0D, 0x15, 0x17
MAX_FRAME = 64 * 1024
MAX_MESSAGE = 1024 * 1024
_TRAILER = 2  # hexadecimal digits
_ENDS = re.compile(rb"[\x02\x03\x04\x05\x17]")
_STARTS = re.compile(rb"[\x01\x02\x04\x05]")


@dataclass(frozen=True, slots=True)
class Event:
    """`kind`: begin, text, end, or a word for a fault. `answer`: the byte the sender waits for, or nothing."""

    kind: str
    text: bytes = b""
    answer: int | None = None


def checksum(data: bytes) -> bytes:
    """Sum from the frame number to ETX or ETB, modulo 256, as two upper case hexadecimal digits."""
    return b"%02X" % (sum(data) & 0xFF)


def frame(number: int, text: bytes, *, last: bool = True) -> bytes:
    """One frame with its checksum."""
    body = b"%d" % (number % 8) + text + bytes((ETX if last else ETB,))
    return bytes((STX,)) + body + checksum(body) + b"\r\n"


class AstmFramer:
    """Cuts the line into events. A frame with the number of the last accepted one is a repetition."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._last: int | None = None
        self.right = 0
        self.wrong = 0

    @property
    def pending(self) -> int:
        """Bytes of something unfinished."""
        return len(self._buffer)

    def reset(self) -> None:
        """Forget what has begun."""
        self._buffer.clear()
        self._last = None

    def feed(self, data: bytes) -> list[Event]:
        """What `data` completes."""
        self._buffer += data
        events: list[Event] = []
        position = 0
        while position < len(self._buffer):
            used = self._step(position, events)
            if used == 0:
                break
            position += used
        del self._buffer[:position]
        if len(self._buffer) > MAX_FRAME:
            self._buffer.clear()
            events.append(Event("oversize", answer=NAK))
        return events

    def _step(self, position: int, events: list[Event]) -> int:
        """Handle what begins at `position`; gives the number of bytes used, 0 when more are needed."""
        buffer = self._buffer
        first = buffer[position]
        if first == ENQ:
            self._last = None
            events.append(Event("begin", answer=ACK))
            return 1
        if first == EOT:
            self._last = None
            events.append(Event("end"))
            return 1
        if first == STX:
            return self._frame(position, events)
        if first == SOH:
            return self._block(position, events)
        if first in (CR, LF, 0):
            return 1
        next_start = _STARTS.search(buffer, position)
        events.append(Event("garbage"))
        return (next_start.start() if next_start else len(buffer)) - position

    def _frame(self, position: int, events: list[Event]) -> int:
        buffer = self._buffer
        found = _ENDS.search(buffer, position + 1)
        if found is None:
            return 0
        end = found.start()
        if buffer[end] not in (ETX, ETB):
            self.wrong += 1
            events.append(Event("truncated", answer=None if buffer[end] == ENQ else NAK))
            return end - position
        if len(buffer) < end + 1 + _TRAILER:
            return 0
        body = bytes(buffer[position + 1 : end + 1])
        stated = bytes(buffer[end + 1 : end + 1 + _TRAILER])
        used = end + 1 + _TRAILER - position
        if checksum(body) != stated.upper():
            self.wrong += 1
            events.append(Event("checksum", answer=NAK))
        elif not 0x30 <= body[0] <= 0x37:
            self.wrong += 1
            events.append(Event("frame_number", answer=NAK))
        elif body[0] == self._last:
            self.right += 1
            events.append(Event("repeated", answer=ACK))
        else:
            self.right += 1
            self._last = body[0]
            events.append(Event("text", body[1:-1], ACK))
        return used

    def _block(self, position: int, events: list[Event]) -> int:
        """ABL9: SOH, records, EOT, without frames and checksums."""
        end = self._buffer.find(EOT, position)
        if end < 0:
            return 0
        events.append(Event("begin"))
        events.append(Event("text", bytes(self._buffer[position + 1 : end])))
        return end - position


def frame_text_file(data: bytes) -> bytes:
    """Captures kept as text: put each line into a frame again, with the checksum line where there is one."""
    if STX in data or SOH in data or ENQ in data:
        return data
    lines = data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    out = bytearray((ENQ,))
    number = 0
    index = 0
    while index < len(lines):
        line = lines[index].rstrip()
        index += 1
        if not line:
            continue
        following = lines[index].strip() if index < len(lines) else b""
        if line[:1].isdigit() and _is_checksum(following):
            out += bytes((STX,)) + line + bytes((CR, ETX)) + following + b"\r\n"
            index += 1
        else:
            number += 1
            out += frame(number, line + b"\r")
    out.append(EOT)
    return bytes(out)


def _is_checksum(line: bytes) -> bool:
    return len(line) == _TRAILER and all(one in b"0123456789ABCDEFabcdef" for one in line)
