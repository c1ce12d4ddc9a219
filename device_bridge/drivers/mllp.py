"""MLLP framing on bytes and the splitting of HL7 version 2 text, shared by every HL7 driver.

The state machine tolerates what real senders do: garbage or line feeds between messages, a missing carriage
return after the end mark, NUL keep-alives, several messages in one segment and one over many. It works on
bytes because the character set is known only after MSH-18 has been read.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

START = 0x0B
END = 0x1C
CR = 0x0D
DEFAULT_LIMIT = 8 * 1024 * 1024
_LONGEST_NUMBER = 32  # kept in memory
_LONGEST_TIME = 48  # no sender has more than 29 characters

_CHARSETS = {
    "UNICODE UTF-8": "utf-8",
    "UNICODE": "utf-8",
    "8859/1": "latin-1",
    "GB 18030-2000": "gb18030",
    "GB18030": "gb18030",
    "GBK": "gb18030",
    "GB2312": "gb18030",
}


def frame(payload: bytes) -> bytes:
    """A message between its MLLP marks."""
    return bytes((START,)) + payload + bytes((END, CR))


class MllpFramer:
    """Cuts a byte stream into messages. `faults` collects words for what had to be skipped."""

    def __init__(self, limit: int = DEFAULT_LIMIT) -> None:
        self._buffer = bytearray()
        self._inside = False
        self._limit = limit
        self._scanned = 0
        self.faults: list[str] = []

    @property
    def pending(self) -> int:
        """Bytes of a message that has begun and not ended."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that `data` completes, without their marks."""
        messages: list[bytes] = []
        buffer = self._buffer
        buffer += data
        position = 0
        while True:
            if not self._inside:
                start = buffer.find(START, position)
                skipped = buffer[position : len(buffer) if start < 0 else start]
                if skipped.strip(b"\r\n\x00 "):
                    self.faults.append("garbage")
                if start < 0:
                    position = len(buffer)
                    break
                position = start + 1
                self._inside = True
                self._scanned = position
            end = buffer.find(END, max(position, self._scanned))
            restart = buffer.rfind(START, position, end if end >= 0 else len(buffer))
            if restart >= 0:
                self.faults.append("truncated")
                position = restart + 1
            if end < 0:
                break
            messages.append(bytes(buffer[position:end]))
            position = end + 1
            self._inside = False
        del buffer[:position]
        self._scanned = len(buffer)
        if len(buffer) > self._limit:
            self.faults.append("oversize")
            self.reset()
        return messages

    def reset(self) -> None:
        """Forget a message that never ended."""
        self._buffer.clear()
        self._inside = False
        self._scanned = 0


def split_segments(message: bytes) -> list[list[str]]:
    """Segments and fields of a message in its own character set; never raises.

    Field n of a segment is `fields[n]`, except in MSH where HL7 counts the separator itself: MSH-n is
    `fields[n - 1]`.
    """
    text = decode_text(message)
    lines = text.replace("\r\n", "\r").replace("\n", "\r").split("\r")
    return [line.split("|") for line in lines if line.strip("\x00 ")]


def decode_text(message: bytes) -> str:
    """The message as text: the declared character set, else UTF-8, GB 18030 and Latin-1 in this order."""
    declared = _declared_charset(message)
    for charset in (declared, "utf-8", "gb18030"):
        if charset is None:
            continue
        try:
            return message.decode(charset)
        except UnicodeDecodeError:
            continue
    return message.decode("latin-1")


def _declared_charset(message: bytes) -> str | None:
    if not message.lstrip(b"\r\n").startswith(b"MSH|"):
        return None
    fields = message.split(b"\r", 1)[0].split(b"|")
    if len(fields) < 18:
        return None
    return _CHARSETS.get(fields[17].split(b"~")[0].decode("ascii", "replace").strip().upper())


def field(fields: list[str], number: int) -> str:
    """Field `number` of a split segment, empty when the segment ends before it."""
    return fields[number] if number < len(fields) else ""


def component(text: str, number: int) -> str:
    """Component `number` (from 1) of a field."""
    parts = text.split("^")
    return parts[number - 1] if number <= len(parts) else ""


def parse_time(text: str, zone: ZoneInfo) -> int | None:
    """HL7 time to UTC milliseconds, or None when there is none.

    Accepts `YYYYMMDD[HHMM[SS[.f…]]][±ZZZZ]` and the form without a dot before the milliseconds that one
    manufacturer sends (`20260124131540000+0800`). Without an offset the device's zone is assumed.
    """
    return _parse_time_known(text, zone) if len(text) <= _LONGEST_TIME else None


@lru_cache(maxsize=512)  # all values of a message carry the same few times
def _parse_time_known(text: str, zone: ZoneInfo) -> int | None:
    text = text.strip()
    offset: timezone | None = None
    for sign in "+-":
        head, found, tail = text.partition(sign)
        if found:
            if len(tail) != 4 or not _digits(tail):
                return None
            minutes = int(tail[:2]) * 60 + int(tail[2:])
            if minutes >= 24 * 60:
                return None
            offset = timezone(timedelta(minutes=minutes if sign == "+" else -minutes))
            text = head
            break
    whole, _, fraction = text.partition(".")
    if not _digits(whole) or (fraction and not _digits(fraction)):
        return None
    if len(whole) > 14:
        whole, fraction = whole[:14], whole[14:]
    if len(whole) not in (8, 10, 12, 14) or not whole.strip("0"):
        return None
    padded = whole.ljust(14, "0")
    try:
        local = datetime(
            int(padded[:4]), int(padded[4:6]), int(padded[6:8]),
            int(padded[8:10]), int(padded[10:12]), int(padded[12:14]),
            int(fraction[:6].ljust(6, "0")) if fraction else 0,
            tzinfo=offset or zone,
        )  # fmt: skip
        return round(local.astimezone(UTC).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def parse_number(text: str) -> float | None:
    """A decimal number with a point, independent of any locale; None for everything else."""
    return _parse_number_known(text) if len(text) <= _LONGEST_NUMBER else _parse_number(text)


def _parse_number(text: str) -> float | None:
    text = text.strip()
    if not text or len(text) > 24 or not text.isascii() or "_" in text:
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) < 1e12 else None  # also refuses nan and inf


# Monitors say the same few thousand numbers all day.
_parse_number_known = lru_cache(maxsize=8192)(_parse_number)


def frame_text_file(data: bytes) -> bytes:
    """Captures are often kept as text: put each `MSH` message of such a file between MLLP marks.

    A file that already has marks is returned unchanged.
    """
    if START in data:
        return data
    lines = data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\r").replace(b"\n", b"\r").split(b"\r")
    return b"".join(frame(message) for message in _messages(lines))


def _messages(lines: Iterable[bytes]) -> Iterable[bytes]:
    current: list[bytes] = []
    for line in lines:
        if line.startswith(b"MSH|"):
            if current:
                yield b"\r".join(current) + b"\r"
            current = [line]
        elif current and line.strip():
            current.append(line)
    if current:
        yield b"\r".join(current) + b"\r"
