"""Devices that print lines of text: cuts the stream and forgets what never ends."""


class LineFramer:
    """Lines between end characters (CR and LF by default), as text."""

    def __init__(self, ends: bytes = b"\r\n", limit: int = 4096) -> None:
        self._ends = ends
        self._limit = limit
        self._buffer = bytearray()
        self.faults: list[str] = []

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that `data` completes, without their ends; empty ones are left out."""
        lines: list[bytes] = []
        for byte in data:
            if byte in self._ends:
                if self._buffer:
                    lines.append(bytes(self._buffer))
                self._buffer.clear()
                continue
            self._buffer.append(byte)
            if len(self._buffer) > self._limit:
                self._buffer.clear()
                self.faults.append("oversize")
        return lines
