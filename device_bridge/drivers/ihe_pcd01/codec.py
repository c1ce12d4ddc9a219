"""Decoder of PCD-01 messages and PCD-04 alarms."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import blake2b
from zoneinfo import ZoneInfo

from device_bridge.drivers.base import (
    NO_SAMPLE,
    Alarm,
    Clocks,
    CodecOptions,
    DeviceInfo,
    Fault,
    MessageBegins,
    Observation,
    Output,
    Routed,
    Send,
    Unmapped,
    Wave,
)
from device_bridge.drivers.ihe_pcd01 import codes
from device_bridge.drivers.ihe_pcd01.units import is_sentinel, way_from
from device_bridge.drivers.mllp import (
    MllpFramer,
    component,
    field,
    frame,
    parse_number,
    parse_time,
    split_segments,
)
from device_bridge.drivers.pumps import permitted
from device_bridge.parameters import EPISODIC, PUMPS, Linear
from device_bridge.profiles.table import Entry, Table, table_of
from device_bridge.wire import DeviceAlarm, Quality

_UNCLOSED_AFTER_S = 10.0
_LONGEST_VERSION = 8
_MAX_BEDS = 500
_LONGEST_KEPT = 200
_MOST_KEPT = 4096
_LONGEST_SOURCE = 60
_OBX_NAME = 3
# A monitor that asks for a patient or for the time: an answer would write into it.
_QUESTIONS = ("QRY", "QBP", "QCN", "QVR")
_NO_SUCCESS = frozenset({"NE", "ER"})  # never, and only on error
_PLACES = frozenset(str(number) for number in range(1, PUMPS + 1))
_MDIL_CODE = re.compile(r"0002-([0-9a-fA-F]{4})")
_ABSENT_STATUS = frozenset({"X", "N", "D"})
_ABSENT_FLAGS = frozenset({"INV", "NAV", "OFF"})
_QUALITY_FLAGS = {
    "DEMO": Quality.DEMO,
    "TEST": Quality.DEMO,
    "QUES": Quality.QUESTIONABLE,
    "CALI": Quality.CALIBRATION,
}


_Meaning = tuple[Entry | None, Quality, Linear | None]


class PcdCodec:
    """One connection of a gateway or monitor. Every message is acknowledged after it is safe on disk.

    Options: `bed` keeps the messages of one bed only; `beds` {"HDU^507^3": "OR3-MON", …} hands the messages of a
    gateway to the devices of its beds. Keys are PV1-3 or parts of it, or a device id; the most exact one wins.
    A bed that is not in the table is counted and stays in the raw store. `read_pump` lets the numbers of infusion
    pumps through; without it they are only counted.
    """

    def __init__(self, options: CodecOptions) -> None:
        self._framer = MllpFramer()
        self._zone = ZoneInfo(options.timezone)
        self._bed = str(options.values.get("bed", ""))
        self._pumps = permitted(options)
        self._table = table_of("ihe_pcd01", options)
        self._seen: dict[tuple[str, str, str], _Meaning] = {}
        self._frame_began: float | None = None
        self._acknowledged = 0
        beds = options.values.get("beds")
        self._beds = {str(k): str(v) for k, v in beds.items()} if isinstance(beds, Mapping) else {}
        self._cuffs: dict[str, tuple[tuple[tuple[str, float], ...], int | None]] = {}

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
            self._frame_began = None
        elif self._frame_began is None:
            self._frame_began = received.mono_s
        return out

    def poll(self, now: Clocks) -> list[Output]:
        """Give up on a message that never ends."""
        if self._frame_began is not None and now.mono_s - self._frame_began > _UNCLOSED_AFTER_S:
            self._framer.reset()
            self._frame_began = None
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
        kind = field(header, 8)
        if kind.startswith(_QUESTIONS):
            return [Fault("query", kind[:20])]
        out: list[Output] = []
        if kind.startswith(("ORU^R01", "ORU^R40")):
            out = self._content(segments, MessageBegins(identity_of(message, header)))
        acknowledgement = self._acknowledge(header, received)
        return [*out, acknowledgement] if acknowledgement else out

    def _content(self, segments: list[list[str]], begins: MessageBegins) -> list[Output]:
        """What the message says, under the device it belongs to."""
        bed = next((field(s, 3) for s in segments if s[0] == "PV1"), "")
        device = _route(self._beds, segments, bed) if self._beds else None
        if (self._bed and self._bed not in bed.split("^")) or (self._beds and device is None):
            return [Unmapped(f"bed {bed[:40]}", "bed", "")]
        if field(segments[0], 8).startswith("ORU^R40"):
            out = [begins, *self._alarms(segments)]
        else:
            out = [begins, *self._results(segments, bed)]
        return out if device is None else [Routed(device, tuple(out))]

    def _results(self, segments: list[list[str]], bed: str) -> list[Output]:
        header = segments[0]
        fallback = parse_time(field(header, 6), self._zone)
        out: list[Output] = []
        if bed.strip("^"):
            out.append(DeviceInfo({"bed": bed[:80], "sender": field(header, 2)[:80]}))
        at = fallback
        rows: list[list[str]] = []
        for segment in segments:
            if segment[0] == "OBX" and len(segment) > _OBX_NAME:
                if segment[2] == "NA":
                    rows.append(segment)
                elif codes.MDIL_ALERT in segment[3] and component(segment[3], 3) == codes.MDIL_ALERT:
                    out += _announced(segment, at)
                else:
                    out += self._numeric(segment, at)
            elif segment[0] == "OBR":
                at = parse_time(field(segment, 7), self._zone) or fallback
        if rows:
            out += _waves(self._table, rows, [s for s in segments if s[0] == "OBX"], at)
        return self._date_cuff(_first_of_each(out), at, bed[:80])

    def _date_cuff(self, outputs: list[Output], at: int | None, bed: str) -> list[Output]:
        """Some gateways repeat a cuff reading without its time: it is dated by the message it first came in.

        The reading that is already there when the connection begins is of unknown age and gets no moment.
        """
        cuff = [
            one
            for one in outputs
            if isinstance(one, Observation)
            and one.code in EPISODIC
            and one.value is not None
            and one.episode_ms is None
        ]
        if not cuff:
            return outputs
        reading = tuple(sorted((one.code, one.value or 0.0) for one in cuff))
        before, since = self._cuffs.get(bed, (None, None))
        if reading != before:
            since = None if before is None else at
            if len(self._cuffs) >= _MAX_BEDS:
                self._cuffs.clear()
            self._cuffs[bed] = (reading, since)
        if since is None:
            return outputs
        dated = {one: replace(one, episode_ms=since, episode_inferred=True) for one in cuff}
        return [dated.get(one, one) if isinstance(one, Observation) else one for one in outputs]

    def _numeric(self, row: list[str], at: int | None) -> list[Output]:
        size = len(row)
        if size < 6 or row[2] not in ("NM", "SN"):
            return []
        entry, quality, way = self._meaning(row[3], row[4], row[6] if size > 6 else "")
        if entry is None:
            return self._unknown(row)
        own = parse_time(row[14], self._zone) if size > 14 and row[14] else None
        episode = own if entry.code in EPISODIC else None
        absent = size > 11 and row[11] in _ABSENT_STATUS
        if size > 8 and row[8]:
            flags = set(row[8].replace("^", "~").split("~"))
            absent = absent or not flags.isdisjoint(_ABSENT_FLAGS)
            for flag, meaning in _QUALITY_FLAGS.items():
                if flag in flags:
                    quality |= meaning
        stated = parse_number(row[5])
        if stated is None or absent or is_sentinel(entry.code, stated):
            return [entry.observe(None, time_ms=own or at, episode_ms=episode, quality=quality)]
        if way is None:
            quality |= Quality.UNIT_SUSPECT
        return [entry.observe(stated, time_ms=own or at, episode_ms=episode, quality=quality, way=way)]

    def _meaning(self, identifier: str, containment: str, unit: str) -> _Meaning:
        """Which line it is, how sure that is, and the way from its unit. Remembered: a device names the same few again
        and again."""
        key = (identifier, containment, unit)
        known = self._seen.get(key)
        if known is not None:
            return known
        entry, quality = identify(self._table, identifier, containment)
        if entry is None and self._pumps:
            entry = _pump(self._table, identifier, containment)
        way = None
        if entry is not None:
            way = way_from(self._table, entry, component(unit, 1), component(unit, 2))
        if len(identifier) + len(containment) + len(unit) <= _LONGEST_KEPT:
            if len(self._seen) >= _MOST_KEPT:  # nothing a line invents may fill the memory
                self._seen.clear()
            self._seen[key] = (entry, quality, way)
        return entry, quality, way

    def _unknown(self, row: list[str]) -> list[Output]:
        number, name = component(row[3], 1), component(row[3], 2)
        if "MDC_ATTR" in name or "MDC_EVT" in name or not self._table.ignored.isdisjoint((number, name)):
            return []
        return [Unmapped((number or name)[:_LONGEST_SOURCE], name[:60], row[5][:40])]

    def _alarms(self, segments: list[list[str]]) -> list[Output]:
        event, text, phase, priority, technical = "", "", "continue", "low", False
        at: int | None = parse_time(field(segments[0], 6), self._zone)
        for row in segments:
            if row[0] != "OBX":
                continue
            name, value = component(field(row, 3), 2), field(row, 5)
            if name == "MDC_EVT_ALARM":
                event, text = component(value, 1), component(value, 2)
                at = parse_time(field(row, 14), self._zone) or at
            elif name == "MDC_ATTR_EVENT_PHASE":
                phase = codes.PHASES.get(value, "continue")
            elif name == "MDC_ATTR_ALARM_PRIORITY":
                priority = codes.PRIORITIES.get(value, "low")
            elif name == "MDC_ATTR_ALERT_TYPE":
                technical = value == "ST"
        if not event:
            return [Fault("alarm_without_event")]
        return [Alarm(DeviceAlarm(at or 0, event, text[:200], "technical" if technical else priority, phase))]

    def _acknowledge(self, header: list[str], received: Clocks) -> Send | None:
        """AA once the message is on disk; nothing when the sender declares that it wants none."""
        accept, application = field(header, 14), field(header, 15)
        if accept in _NO_SUCCESS and application in _NO_SUCCESS:
            return None
        control = field(header, 9)[:199]
        version = component(field(header, 11), 1)
        if len(version) > _LONGEST_VERSION or not version.isascii() or not version.replace(".", "").isdigit():
            version = "2.6"
        if not control:
            return None
        self._acknowledged += 1
        stamp = datetime.fromtimestamp(received.wall_ms / 1000, UTC)
        text = (
            f"MSH|^~\\&|MAFEI|BRIDGE|||{stamp:%Y%m%d%H%M%S}+0000||ACK^R01^ACK|{self._acknowledged}|P|{version}\r"
            f"MSA|AA|{control}\r"
        )
        return Send(frame(text.encode("utf-8")), "acknowledgement", after_commit=True)


def identity_of(message: bytes, header: list[str]) -> str:
    """What a repeated message has in common with the first; blank when it states neither time nor number."""
    if not field(header, 6) or not field(header, 9):
        return ""
    return blake2b(message, digest_size=8).hexdigest()


def _route(beds: Mapping[str, str], segments: list[list[str]], bed: str) -> str | None:
    """The device of this message: by its bed, else by a device id in OBX-18, else by a location that an OBX states,
    else by the sender."""
    parts = [part.strip("& ") for part in bed.split("^")]
    places = [bed, "^".join(parts[1:3]), *reversed(parts[:3])]
    devices = [token for row in segments if row[0] == "OBX" for token in field(row, 18).split("^")[:2]]
    located = [
        token.strip()
        for row in segments
        if row[0] == "OBX" and component(field(row, 3), 2) == "MDC_ATTR_LOCATION"
        for token in re.split(r"[~^&]", field(row, 5))
    ]
    sender = field(segments[0], 2).split("^")
    for token in (*places, *devices, *reversed(located), *reversed(sender[:2])):
        if token and token in beds:
            return beds[token]
    return None


def identify(table: Table, identifier: str, containment: str) -> tuple[Entry | None, Quality]:
    """The line of an OBX-3. A number that contradicts its name is mapped by name and flagged."""
    tail = containment.rsplit(".", 1)[-1]
    number, name, system = (component(identifier, n) for n in (1, 2, 3))
    own = table.get((number or name)[:_LONGEST_SOURCE])
    if own is not None and own.local:
        return own, Quality.GOOD
    if system == codes.MDIL:
        match = _MDIL_CODE.fullmatch(number)
        return (by_term(table, int(match.group(1), 16)) if match else table.get(f"MDIL:{name}")), Quality.GOOD
    private = table.get(f"{system}:{number}")
    if private is not None:
        return private, Quality.GOOD
    by_name = table.get(name)
    by_number = table.get(number) if system in codes.MDC_SYSTEMS else None
    if by_name and by_number and by_name.code != by_number.code:
        return by_name, Quality.QUESTIONABLE
    if by_name or by_number:
        return by_number or by_name, Quality.GOOD
    if tail.isdigit() and system in codes.MDC_SYSTEMS and not name:
        return table.get(tail), Quality.GOOD
    return None, Quality.GOOD


def by_term(table: Table, term: int) -> Entry | None:
    """The line of a 16-bit term: the manufacturer's own lines first, then the standard's."""
    return table.get(f"0x{term:04X}") or table.get(str(term + codes.SCADA))


def _pump(table: Table, identifier: str, containment: str) -> Entry | None:
    """The line of a pump by its place among the devices of the rack; None when it is no pump or has no place."""
    place = containment.split(".")[1:2]
    if not place or place[0] not in _PLACES:
        return None
    number, name = component(identifier, 1), component(identifier, 2)
    return table.get(f"pump{place[0]}:{name}") or table.get(f"pump{place[0]}:{number}")


def _announced(row: list[str], at: int | None) -> list[Output]:
    """An alarm of a Philips information centre, sent beside the values."""
    number, level = component(field(row, 3), 1), component(field(row, 3), 2)
    text = field(row, 5).strip()
    if not text:
        return []
    priority = "technical" if "Inop" in level else codes.MDIL_LEVELS.get(level, "medium")
    return [Alarm(DeviceAlarm(at or 0, f"MDIL{number}"[:20], text[:200], priority, "continue"))]


def _first_of_each(outputs: list[Output]) -> list[Output]:
    """One message can carry a parameter twice (two sensors); the first valid one is the patient's."""
    chosen: dict[str, Observation] = {}
    for one in outputs:
        if isinstance(one, Observation):
            before = chosen.get(one.code)
            if before is None or (before.value is None and one.value is not None):
                chosen[one.code] = one
    return [one for one in outputs if not isinstance(one, Observation) or chosen[one.code] is one]


def _waves(table: Table, rows: list[list[str]], every: list[list[str]], at: int | None) -> list[Output]:
    """Curves with their rate and resolution, bound by the containment prefix and not by position."""
    attributes: dict[tuple[str, str], list[str]] = {}
    for row in every:
        prefix, _, _ = field(row, 4).rpartition(".")
        attributes[(prefix, component(field(row, 3), 2))] = row
    out: list[Output] = []
    for row in rows:
        number, name = component(field(row, 3), 1), component(field(row, 3), 2)
        rate = attributes.get((field(row, 4), codes.RATE))
        resolution = attributes.get((field(row, 4), codes.RESOLUTION))
        hertz = parse_number(field(rate, 5)) if rate else None
        scale = parse_number(field(resolution, 5)) if resolution else None
        if hertz is None or hertz <= 0 or scale is None:
            out.append(Fault("wave_without_rate"))
            continue
        samples = tuple(_sample(text) for text in field(row, 5).split("^"))
        stated = field(resolution, 6) if resolution else ""
        name = component(stated, 2)
        unit = table.unit(component(stated, 1)) or table.unit(name) or name
        out.append(Wave(codes.WAVES.get(number, name[:40]), unit, hertz, scale, samples, time_ms=at))
    return out


def _sample(text: str) -> int:
    value = parse_number(text)
    if value is None or value == codes.NO_SAMPLE_RAW or not -32_768 < value < 32_768:
        return NO_SAMPLE
    return int(value)
