"""Decoder of Edan's XML messages. Entities and document types are refused before anything is parsed."""

from collections.abc import Mapping
from xml.parsers import expat
from zoneinfo import ZoneInfo

from device_bridge.drivers.base import Clocks, CodecOptions, DeviceInfo, Fault, Output, Unmapped
from device_bridge.drivers.cuff import CuffWatch
from device_bridge.drivers.mllp import START, MllpFramer, frame, parse_number, parse_time
from device_bridge.parameters import EPISODIC, linear
from device_bridge.profiles.table import table_of
from device_bridge.wire import Quality

_MAX_DEPTH, _MAX_ROWS, _MAX_TEXT = 8, 500, 1000
_UNCLOSED_AFTER_S = 10.0
_SENTINELS = frozenset({-100.0, -1.0, -999.0, 65535.0, 32767.0})
_SIGNED = ("ART", "PAP", "CVP", "LAP", "RAP", "ICP", "P1", "P2", "P3", "P4")


class Refused(ValueError):
    """The XML is not one of Edan's messages; the text is a short word for counting."""


class EdanCodec:
    """One monitor. It gives one message a connection; the cuff reading it repeats is remembered over connections."""

    def __init__(self, options: CodecOptions) -> None:
        self._framer = MllpFramer(limit=1024 * 1024)
        self._zone = ZoneInfo(options.timezone)
        self._table = table_of("edan_xml", options)
        self._cuff = CuffWatch()
        self._began: float | None = None

    def opened(self, now: Clocks) -> list[Output]:
        """The monitor speaks without being asked. What the last connection left unfinished is forgotten."""
        self._framer.reset()
        self._began = None
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
        try:
            rows = read_rows(message)
        except Refused as error:
            return [Fault(str(error))]
        out: list[Output] = []
        at: int | None = None
        for name, fields in rows:
            if name == "MSH":
                at = parse_time(fields.get("MSH.7", ""), self._zone)
            elif name == "OBR":
                at = parse_time(fields.get("OBR.7", ""), self._zone) or at
            elif name == "PV1" and fields.get("PV1.3.3"):
                out.append(DeviceInfo({"bed": fields["PV1.3.3"][:80]}))
            elif name == "OBX":
                out += self._row(fields, at)
        return self._cuff.date(out, received.wall_ms if at is None else at)

    def _row(self, fields: Mapping[str, str], at: int | None) -> list[Output]:
        label = fields.get("OBX.3", "") or fields.get("OBX.3.1", "")
        if fields.get("OBX.2") != "NM":
            return []
        entry = self._table.get(label)
        if entry is None:
            return [] if label in self._table.ignored else [Unmapped(label[:40], "", fields.get("OBX.5", "")[:40])]
        value = parse_number(fields.get("OBX.5", ""))
        own = parse_time(fields.get("OBX.14", ""), self._zone) if entry.code in EPISODIC else None
        if value in _SENTINELS and not (value == -1.0 and entry.code.startswith(_SIGNED)):
            value = None
        stated = "" if entry.stated else self._table.unit(fields.get("OBX.6", "").strip())
        way = linear(entry.code, stated) if stated else None
        doubt = Quality.UNIT_SUSPECT if stated and way is None else Quality.GOOD
        return [entry.observe(value, time_ms=at, episode_ms=own, quality=doubt, way=way)]


def read_rows(message: bytes) -> list[tuple[str, dict[str, str]]]:
    """Segments with the texts of their fields, in order. Raises `Refused`."""
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = reader.doctype
    parser.EntityDeclHandler = reader.entity
    try:
        parser.Parse(message, True)
    except expat.ExpatError as error:
        raise Refused("xml") from error
    except (ValueError, LookupError) as error:
        raise error if isinstance(error, Refused) else Refused("xml") from error
    return reader.rows


class _Reader:
    """Flattens `<OBX><OBX.3>HR</OBX.3>…</OBX>` to ("OBX", {"OBX.3": "HR"})."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, dict[str, str]]] = []
        self._path: list[str] = []

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """An element opens."""
        self._path.append(name)
        if len(self._path) > _MAX_DEPTH or len(self.rows) > _MAX_ROWS:
            raise Refused("xml_size")
        if len(self._path) == 1 and name != "ORU_R01":
            raise Refused("message_type")
        if len(self._path) == 2:
            self.rows.append((name, {}))

    def end(self, name: str) -> None:
        """An element closes."""
        self._path.pop()

    def text(self, text: str) -> None:
        """Text between elements."""
        if len(self._path) >= 3 and text.strip():
            fields = self.rows[-1][1]
            fields[self._path[-1]] = (fields.get(self._path[-1], "") + text.strip())[:_MAX_TEXT]

    def doctype(self, *parts: object) -> None:
        """No document types."""
        raise Refused("doctype")

    def entity(self, *parts: object) -> None:
        """No entities."""
        raise Refused("doctype")


def frame_file(data: bytes) -> bytes:
    """A capture kept as bare XML gets its MLLP marks back."""
    return data if START in data else frame(data.removeprefix(b"\xef\xbb\xbf").strip())
