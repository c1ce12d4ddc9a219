"""Decoder of blood gas ORU messages of any HL7 2.x version."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from device_bridge.drivers.base import Clocks, CodecOptions, DeviceInfo, Fault, Output, Send
from device_bridge.drivers.blood_gas import analyte, result
from device_bridge.drivers.mllp import MllpFramer, component, field, frame, parse_time, split_segments
from device_bridge.profiles.table import table_of
from device_bridge.wire import Quality

_UNCLOSED_AFTER_S = 10.0
_LONGEST_VERSION = 8
_NOT_RESULTS = frozenset({"X", "N", "D", "I"})
_BEYOND = frozenset({"<", ">"})


class BloodGasCodec:
    """One connection. Every message is acknowledged after it is safe on disk."""

    def __init__(self, options: CodecOptions) -> None:
        self._table = table_of("hl7_bloodgas", options)
        self._framer = MllpFramer()
        self._zone = ZoneInfo(options.timezone)
        self._began: float | None = None
        self._acknowledged = 0

    def opened(self, now: Clocks) -> list[Output]:
        """A listener waits."""
        return []

    def feed(self, data: bytes, received: Clocks) -> list[Output]:
        """Decode what arrived."""
        out: list[Output] = []
        for message in self._framer.feed(data):
            out += self._message(message, received)
        out += [Fault(kind) for kind in self._framer.faults]
        self._framer.faults.clear()
        if not self._framer.pending:
            self._began = None
        elif self._began is None:
            self._began = received.mono_s
        return out

    def poll(self, now: Clocks) -> list[Output]:
        """Give up on a message that never ends."""
        if self._began is not None and now.mono_s - self._began > _UNCLOSED_AFTER_S:
            self._framer.reset()
            self._began = None
            return [Fault("unclosed")]
        return []

    def closed(self, now: Clocks) -> list[Output]:
        """Nothing is held back."""
        return []

    def _message(self, message: bytes, received: Clocks) -> list[Output]:
        segments = split_segments(message)
        if not segments or segments[0][0].lstrip("\ufeff") != "MSH":
            return [Fault("no_msh")]
        header = segments[0]
        out: list[Output] = [DeviceInfo({"sender": field(header, 2)[:80]})]
        if field(header, 8).startswith("ORU"):
            out += self._results(segments, parse_time(field(header, 6), self._zone), received)
        acknowledgement = self._acknowledge(header, received)
        return [*out, acknowledgement] if acknowledgement else out

    def _results(self, segments: list[list[str]], sent: int | None, received: Clocks) -> list[Output]:
        out: list[Output] = []
        sample: int | None = None
        for segment in segments:
            if segment[0] == "OBR":
                sample = parse_time(field(segment, 7), self._zone)
            elif segment[0] == "OBX" and field(segment, 2) in ("NM", "SN", "ST", ""):
                own = parse_time(field(segment, 14), self._zone)
                stated = sample if sample is not None else own
                moment = next((one for one in (stated, sent) if one is not None), received.wall_ms)
                one = self._result(segment, moment, inferred=stated is None, sent=sent)
                if one is not None:
                    out.append(one)
        return out

    def _result(self, row: list[str], moment: int, *, inferred: bool, sent: int | None) -> Output | None:
        identifier = field(row, 3)
        parts = [component(identifier, number) for number in range(1, 6)]
        name = next((part for part in parts if part and analyte(self._table, part)), next(filter(None, parts), ""))
        if not name:
            return None
        text = "" if field(row, 11) in _NOT_RESULTS else field(row, 5)
        if field(row, 2) == "SN":
            text = component(text, 1) + component(text, 2)
        flags = set(field(row, 8).replace("^", "~").split("~"))
        quality = Quality.OUT_OF_RANGE if flags & _BEYOND else Quality.GOOD
        kind = parts[2] if not parts[0] else ""  # `^pH^M`: the type is the third component
        return result(
            self._table,
            name,
            text,
            component(field(row, 6), 1),
            kind=kind,
            sample_ms=moment,
            inferred=inferred,
            message_ms=sent,
            quality=quality,
        )

    def _acknowledge(self, header: list[str], received: Clocks) -> Send | None:
        if field(header, 14) == "NE" and field(header, 15) == "NE":
            return None
        control = field(header, 9)[:199]
        version = component(field(header, 11), 1)
        if len(version) > _LONGEST_VERSION or not version.isascii() or not version.replace(".", "").isdigit():
            version = "2.3.1"
        if not control:
            return None
        self._acknowledged += 1
        stamp = datetime.fromtimestamp(received.wall_ms / 1000, UTC)
        text = (
            f"MSH|^~\\&|MAFEI|BRIDGE|||{stamp:%Y%m%d%H%M%S}+0000||ACK^R01^ACK|{self._acknowledged}|P|{version}\r"
            f"MSA|AA|{control}\r"
        )
        return Send(frame(text.encode("utf-8")), "acknowledgement", after_commit=True)
