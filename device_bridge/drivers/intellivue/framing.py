"""The serial line (MIB/RS-232): `C0`, header, payload, FCS-16, `C1`; `7D` escapes."""

from fastcrc import crc16

BEGIN, END, ESCAPE = 0xC0, 0xC1, 0x7D
HEADER = b"\x11\x01"  # data export protocol, message type
MAX_FRAME = 16 * 1024


class SerialFramer:
    """Cuts a line into payloads whose check sequence is right."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.right = 0
        self.wrong = 0
        self.faults: list[str] = []

    def feed(self, data: bytes) -> list[bytes]:
        """The payloads that `data` completes."""
        self._buffer += data
        payloads: list[bytes] = []
        while True:
            start = self._buffer.find(BEGIN)
            if start < 0:
                self._drop(len(self._buffer))
                break
            self._drop(start)
            end = self._buffer.find(END, 1)
            restart = self._buffer.find(BEGIN, 1, end if end >= 0 else len(self._buffer))
            if restart >= 0:  # a beginning cannot occur inside a frame: the end mark was lost
                self.faults.append("truncated")
                del self._buffer[:restart]
                continue
            if end < 0:
                if len(self._buffer) > MAX_FRAME:
                    self.faults.append("oversize")
                    self._buffer.clear()
                break
            payload = self._open(bytes(self._buffer[1:end]))
            if payload is not None:
                payloads.append(payload)
            del self._buffer[: end + 1]
        return payloads

    def _drop(self, count: int) -> None:
        if count:
            self.faults.append("garbage")
            del self._buffer[:count]

    def _open(self, escaped: bytes) -> bytes | None:
        if escaped.endswith(bytes((ESCAPE,))):
            self.faults.append("aborted")
            return None
        body = unescape(escaped)
        if len(body) < 6 or crc16.ibm_sdlc(body[:-2]) != int.from_bytes(body[-2:], "little"):
            self.wrong += 1
            self.faults.append("fcs")
            return None
        self.right += 1
        if body[:2] != HEADER or int.from_bytes(body[2:4], "big") != len(body) - 6:
            self.faults.append("header")
            return None
        return body[4:-2]


def unescape(body: bytes) -> bytes:
    """Take the escapes out."""
    first, *others = body.split(bytes((ESCAPE,)))
    out = bytearray(first)
    for part in others:
        if part:
            out.append(part[0] ^ 0x20)
            out += part[1:]
    return bytes(out)


def enframe(payload: bytes) -> bytes:
    """A payload as it goes over the line."""
    body = HEADER + len(payload).to_bytes(2, "big") + payload
    body += crc16.ibm_sdlc(body).to_bytes(2, "little")
    out = bytearray((BEGIN,))
    for byte in body:
        if byte in (BEGIN, END, ESCAPE):
            out += bytes((ESCAPE, byte ^ 0x20))
        else:
            out.append(byte)
    out.append(END)
    return bytes(out)
