"""The binary packet: `BA AB`, sequence, length, type, then routing, message, sequence, length, data, sum."""

import struct
from dataclasses import dataclass

START = b"\xba\xab"
DATA = 1
_LINK = struct.Struct("<HHH")
_MESSAGE = struct.Struct("<IIHH")
MAX_LENGTH = 4096


@dataclass(frozen=True, slots=True)
class Packet:
    """One data packet: message id and contents."""

    message: int
    data: bytes


def build(message: int, data: bytes, *, sequence: int = 0, kind: int = DATA, routing: int = 4) -> bytes:
    """One packet."""
    body = _LINK.pack(sequence, _MESSAGE.size + len(data), kind)
    body += _MESSAGE.pack(routing, message, sequence, len(data)) + data
    return START + body + struct.pack("<H", sum(body) & 0xFFFF)


class BisFramer:
    """Cuts the line into packets whose sum is right."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.faults: list[str] = []

    def feed(self, data: bytes) -> list[Packet]:
        """The packets that `data` completes."""
        self._buffer += data
        packets: list[Packet] = []
        while True:
            start = self._buffer.find(START)
            if start < 0:
                if len(self._buffer) > 1:
                    self.faults.append("garbage")
                    del self._buffer[:-1]
                return packets
            if start:
                self.faults.append("garbage")
                del self._buffer[:start]
            if len(self._buffer) < 8:
                return packets
            _, length, kind = _LINK.unpack_from(self._buffer, 2)
            if length > MAX_LENGTH:
                self.faults.append("length")
                del self._buffer[:2]
                continue
            end = 8 + length
            if len(self._buffer) < end + 2:
                return packets
            body = bytes(self._buffer[2:end])
            if sum(body) & 0xFFFF != int.from_bytes(self._buffer[end : end + 2], "little"):
                self.faults.append("checksum")
                del self._buffer[:2]
                continue
            del self._buffer[: end + 2]
            if kind == DATA and length >= _MESSAGE.size:
                _, message, _, size = _MESSAGE.unpack_from(body, 6)
                if size == length - _MESSAGE.size:
                    packets.append(Packet(message, body[6 + _MESSAGE.size :]))
