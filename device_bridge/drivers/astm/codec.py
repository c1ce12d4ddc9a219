"""Decoder of E1394 messages: header, order, results."""

from zoneinfo import ZoneInfo

from device_bridge.drivers.astm.framing import MAX_MESSAGE, AstmFramer, Event
from device_bridge.drivers.base import Clocks, CodecOptions, DeviceInfo, Fault, Output, Send
from device_bridge.drivers.blood_gas import result
from device_bridge.drivers.mllp import decode_text, parse_number, parse_time
from device_bridge.profiles.table import Table, table_of
from device_bridge.wire import Quality

_SILENCE_S = 30.0  # LIS1-A: the receiver gives up after 30 s between frames
_FAULTS = frozenset({"garbage", "truncated", "checksum", "frame_number", "oversize", "repeated"})


class AstmCodec:
    """One connection of one analyser. Results are given with their last frame, before it is acknowledged."""

    def __init__(self, options: CodecOptions) -> None:
        self._table = table_of("astm", options)
        self._framer = AstmFramer()
        self._zone = ZoneInfo(options.timezone)
        self._text = bytearray()
        self._last_byte: float | None = None

    @property
    def checksums(self) -> tuple[int, int]:
        """Frames whose checksum was right, and wrong."""
        return self._framer.right, self._framer.wrong

    def opened(self, now: Clocks) -> list[Output]:
        """The analyser speaks first."""
        return []

    def feed(self, data: bytes, received: Clocks) -> list[Output]:
        """Decode what arrived."""
        self._last_byte = received.mono_s
        out: list[Output] = []
        for event in self._framer.feed(data):
            out += self._event(event, received)
        return out

    def poll(self, now: Clocks) -> list[Output]:
        """An analyser that stops in the middle of a message starts again from the beginning."""
        unfinished = self._text or self._framer.pending
        if unfinished and self._last_byte is not None and now.mono_s - self._last_byte > _SILENCE_S:
            self._forget()
            return [Fault("unfinished")]
        return []

    def closed(self, now: Clocks) -> list[Output]:
        """Half a message is no result; the raw bytes are kept by the session."""
        unfinished = bool(self._text)
        self._forget()
        return [Fault("unfinished")] if unfinished else []

    def _forget(self) -> None:
        self._text.clear()
        self._framer.reset()

    def _event(self, event: Event, received: Clocks) -> list[Output]:
        out: list[Output] = []
        if event.kind == "begin":
            if self._text:
                out.append(Fault("unfinished"))
            self._text.clear()
        elif event.kind == "text":
            self._text += event.text
            if len(self._text) > MAX_MESSAGE:
                self._text.clear()
                out.append(Fault("oversize"))
            out += self._complete(received)
        elif event.kind == "end":
            if self._text:
                out += [Fault("no_terminator"), *self._message(bytes(self._text), received)]
            self._text.clear()
        elif event.kind in _FAULTS:
            out.append(Fault(event.kind))
        if event.answer is not None:
            out.append(Send(bytes((event.answer,)), "frame answer", after_commit=True))
        return out

    def _complete(self, received: Clocks) -> list[Output]:
        """Decode as soon as the terminator record is there: its frame is acknowledged with the results safe."""
        begin = max(self._text.rfind(b"\rL|"), self._text.rfind(b"\nL|"))
        if begin < 0 or self._text.find(b"\r", begin + 1) < 0:
            return []
        message = bytes(self._text)
        self._text.clear()
        return self._message(message, received)

    def _message(self, message: bytes, received: Clocks) -> list[Output]:
        text = decode_text(message).replace("\r\n", "\r").replace("\n", "\r")
        reader = _Reader(self._table, self._zone, received)
        for line in text.split("\r"):
            reader.record(line)
        return reader.finish()


class _Reader:
    """Collects the records of one message; a sample's time may come after its first results."""

    def __init__(self, table: Table, zone: ZoneInfo, received: Clocks) -> None:
        self._table, self._zone, self._received = table, zone, received
        self._field, self._component = "|", "^"
        self._header_ms: int | None = None
        self._sample_ms: int | None = None
        self._rows: list[list[str]] = []
        self._control = False
        self._out: list[Output] = []

    def record(self, line: str) -> None:
        """Take one record; unknown types are left alone."""
        kind = line[:1]
        if kind == "H":
            self._header(line)
            return
        fields = line.split(self._field)
        if kind == "O":
            self._flush()
            self._sample_ms = parse_time(_at(fields, 7), self._zone)
            self._control = _at(fields, 11) == "Q"
            specimen = _at(fields, 15).split(self._component)[0]
            if specimen:
                self._out.append(DeviceInfo({"specimen": specimen[:40]}))
        elif kind == "R":
            self._rows.append(fields)
        elif kind == "Q":
            self._out.append(Fault("host_query"))  # answering would write into the analyser

    def finish(self) -> list[Output]:
        """All that the message says."""
        self._flush()
        return self._out

    def _header(self, line: str) -> None:
        if len(line) > 4:
            self._field, self._component = line[1], line[3]
        fields = line.split(self._field)
        self._header_ms = parse_time(_at(fields, 13), self._zone)
        if _at(fields, 4):
            self._out.append(DeviceInfo({"sender": _at(fields, 4)[:80]}))

    def _flush(self) -> None:
        rows, self._rows = self._rows, []
        lines = [_Line(row) for row in rows]
        times = [parse_time(line.time, self._zone) for line in lines]
        stated = next((one for one in times if one is not None), self._sample_ms)
        sample = next((one for one in (stated, self._header_ms) if one is not None), self._received.wall_ms)
        for line in lines:
            parts = line.test.split(self._component)
            one = result(
                self._table,
                next((part for part in parts[3:4] if part), parts[0]),
                line.value,
                line.unit,
                kind=parts[4] if len(parts) > 4 else "",
                sample_ms=sample,
                inferred=stated is None,
                message_ms=self._header_ms,
                quality=Quality.DEMO if self._control else Quality.GOOD,
            )
            if one is not None:
                self._out.append(one)
        self._sample_ms, self._control = None, False


class _Line:
    """The fields of a result. One family leaves R-4 empty and has everything one field later."""

    def __init__(self, fields: list[str]) -> None:
        shift = 1 if not _at(fields, 3).strip() and parse_number(_at(fields, 4).lstrip("?<> ")) is not None else 0
        self.test = _at(fields, 2)
        self.value = _at(fields, 3 + shift)
        self.unit = _at(fields, 4 + shift)
        self.time = _at(fields, 11 + shift)


def _at(fields: list[str], number: int) -> str:
    return fields[number] if number < len(fields) else ""
