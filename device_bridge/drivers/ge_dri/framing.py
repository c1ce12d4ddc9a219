"""DRI frames: `7E body checksum 7E`, with 7E and 7D in the body escaped as `7D (byte ^ 20)`."""

import struct
import zlib
from dataclasses import dataclass

from device_bridge.drivers.ge_dri import layout

FLAG = 0x7E
ESCAPE = 0x7D
_FLAG = bytes((FLAG,))
_ESCAPE = bytes((ESCAPE,))
MAX_FRAME = 16 * 1024
_HEAD = struct.Struct("<hBBHIIh" + 8 * "hB")  # length … main type, then the list of eight sub-records


def checksum(body: bytes) -> int:
    """The sum of all bytes, modulo 256.

    The low half of Adler-32 is 1 + the sum of the bytes; over 256 bytes it cannot wrap at its modulus of 65521.
    Three times as fast as `sum`.
    """
    return sum([(zlib.adler32(body[at : at + 256]) & 0xFFFF) - 1 for at in range(0, len(body), 256)]) & 0xFF


def enframe(body: bytes) -> bytes:
    """A body with checksum and escapes between its flags."""
    whole = body + bytes((checksum(body),))
    escaped = whole.replace(_ESCAPE, b"\x7d\x5d").replace(_FLAG, b"\x7d\x5e")
    return _FLAG + escaped + _FLAG


def unescape(data: bytes) -> bytes | None:
    """Undo the escapes; None when an escape stands at the end or before another."""
    if ESCAPE not in data:
        return data
    first, *rest = data.split(_ESCAPE)
    pieces = [first]
    for piece in rest:
        if not piece:
            return None
        pieces.append(bytes((piece[0] ^ 0x20,)))
        pieces.append(piece[1:])
    return b"".join(pieces)


class DriFramer:
    """Cuts the line into checked bodies. `faults` collects words for frames that had to be thrown away."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._synchronised = False
        self.faults: list[str] = []

    def feed(self, data: bytes) -> list[bytes]:
        """The bodies (without checksum) that `data` completes."""
        self._buffer += data
        *parts, rest = bytes(self._buffer).split(_FLAG)
        self._buffer = bytearray(rest)
        bodies: list[bytes] = []
        for part in parts:
            if not part:
                self._synchronised = True
                continue
            body = self._check(part)
            if body is not None:
                bodies.append(body)
            elif self._synchronised:
                self.faults.append("checksum")
            self._synchronised = True
        if len(self._buffer) > MAX_FRAME:
            self._buffer.clear()
            self.faults.append("oversize")
        return bodies

    @staticmethod
    def _check(part: bytes) -> bytes | None:
        whole = unescape(part)
        if whole is None or len(whole) < 2:
            return None
        body = whole[:-1]
        return body if checksum(body) == whole[-1] else None


@dataclass(frozen=True, slots=True)
class Subrecord:
    """A piece of a record: its type byte and the position of its data in the body."""

    kind: int
    start: int


@dataclass(frozen=True, slots=True)
class Header:
    """The 40 bytes every record begins with."""

    length: int
    number: int
    level: int
    plug_id: int
    time: int
    maintype: int
    subrecords: tuple[Subrecord, ...]


def parse_header(body: bytes) -> Header | None:
    """The header, or None when the record cannot be what it claims.

    The checksum is a plain sum and weak: damaged frames pass it and would give phantom pressures. So the
    stated length must be the real one and every sub-record must lie inside.
    """
    if len(body) < layout.HEADER_SIZE:
        return None
    length, number, level, plug_id, time, _, maintype, *entries = _HEAD.unpack_from(body)
    if length != len(body):
        return None
    subrecords: list[Subrecord] = []
    for offset, kind in zip(entries[::2], entries[1::2], strict=True):
        if kind == layout.END_OF_LIST:
            break
        if offset < 0 or layout.HEADER_SIZE + offset >= length:
            return None
        subrecords.append(Subrecord(kind, layout.HEADER_SIZE + offset))
    return Header(length, number, level, plug_id, time, maintype, tuple(subrecords))


def frame_bare_records(data: bytes) -> bytes:
    """Captures may hold records without flags and checksum: put them on the line. Others stay as they are."""
    records: list[bytes] = []
    position = 0
    while position < len(data):
        if position + layout.HEADER_SIZE > len(data):
            return data
        (length,) = struct.unpack_from("<h", data, position)
        body = data[position : position + max(length, 0)]
        if parse_header(body) is None:
            return data
        records.append(body)
        position += length
    return b"".join(enframe(record) for record in records)
