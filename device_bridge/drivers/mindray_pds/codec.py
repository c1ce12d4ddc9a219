"""Decoder of the Mindray 2.3.1 stream."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from device_bridge.drivers.base import (
    Alarm,
    Clocks,
    CodecOptions,
    DeviceInfo,
    Fault,
    Observation,
    Output,
    Send,
    Unmapped,
)
from device_bridge.drivers.mindray_pds import codes, encoder
from device_bridge.drivers.mindray_pds.waves import curves
from device_bridge.drivers.mllp import MllpFramer, component, field, parse_number, parse_time, split_segments
from device_bridge.profiles.table import Entry, Table, table_of
from device_bridge.wire import DeviceAlarm, Quality

_HEARTBEAT_EVERY_S = 1.0
_QUERY_AFTER_S = 1.0
_QUERY_AGAIN_AFTER_S = 10.0
_HOLD_S = 0.4
_STAND_IN_AFTER_S = 5.0
_UNCLOSED_AFTER_S = 10.0
_MAX_HELD = 2000

_LEVELS = {"1": "high", "2": "medium", "3": "low"}


class MindrayCodec:
    """One connection to one monitor.

    Values (204) come before their states (205), so they are held until the next message or 0.4 s: a value
    the monitor then calls invalid never shows as a good one.
    """

    def __init__(self, options: CodecOptions) -> None:
        self._framer = MllpFramer()
        self._zone = ZoneInfo(options.timezone)
        self._table = table_of("mindray_pds", options)
        self._wanted = _wanted(options.values, self._table)
        self._states: dict[str, bool] = {}
        self._last_valid: dict[str, float] = {}
        self._held: list[tuple[Entry, Observation]] = []
        self._held_since = 0.0
        self._next_heartbeat = 0.0
        self._next_query: float | None = None
        self._queries = 0
        self._frame_began: float | None = None

    def opened(self, now: Clocks) -> list[Output]:
        """The first heartbeat at once, the query one second later."""
        self._next_heartbeat = now.mono_s + _HEARTBEAT_EVERY_S
        self._next_query = now.mono_s + _QUERY_AFTER_S
        return [Send(encoder.heartbeat(), "heartbeat")]

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
        """Heartbeat each second, the query again when nothing comes, and values held too long."""
        out: list[Output] = []
        if self._held and now.mono_s - self._held_since >= _HOLD_S:
            out += self._release(now)
        if self._frame_began is not None and now.mono_s - self._frame_began > _UNCLOSED_AFTER_S:
            self._framer.reset()
            self._frame_began = None
            out.append(Fault("unclosed"))
        if self._next_query is not None and now.mono_s >= self._next_query:
            self._queries += 1
            local = datetime.fromtimestamp(now.wall_ms / 1000, self._zone)
            out.append(Send(encoder.query(local, self._queries, self._wanted), "data query"))
            self._next_query = now.mono_s + _QUERY_AGAIN_AFTER_S
        if self._next_query is not None and now.mono_s >= self._next_heartbeat:
            out.append(Send(encoder.heartbeat(), "heartbeat"))
            self._next_heartbeat = now.mono_s + _HEARTBEAT_EVERY_S
        return out

    def closed(self, now: Clocks) -> list[Output]:
        """Give what was held back."""
        return self._release(now)

    # -- messages ------------------------------------------------------------------------------------

    def _message(self, message: bytes, received: Clocks) -> list[Output]:
        segments = split_segments(message)
        if not segments or segments[0][0] != "MSH":
            return [Fault("no_msh")]
        number = field(segments[0], 9)
        rows = [segment for segment in segments if segment[0] == "OBX"]
        out: list[Output] = []
        if number == codes.STATES:
            self._apply_states(rows)
            return self._release(received)
        out += self._release(received)
        if number == codes.PERIODIC:
            if self._next_query is not None:
                self._next_query = received.mono_s + _QUERY_AGAIN_AFTER_S
            out += self._periodic(rows, received)
        elif number == codes.APERIODIC:
            out += self._aperiodic(rows)
        elif number == codes.PHYSIOLOGICAL_ALARMS:
            out += self._alarms(rows, technical=False)
        elif number == codes.TECHNICAL_ALARMS:
            out += self._alarms(rows, technical=True)
        elif number == codes.WAVEFORMS:
            out += curves(message)
        elif number == codes.CONNECTED:
            out += _device_info(rows)
        return out

    def _periodic(self, rows: list[list[str]], received: Clocks) -> list[Output]:
        out: list[Output] = []
        observations: list[tuple[Entry, Observation]] = []
        for row in rows:
            if field(row, 2) != "NM":
                continue
            parameter = component(field(row, 3), 1)
            entry = self._table.get(parameter)
            if entry is not None:
                observations.append((entry, _observation(entry, field(row, 5), None)))
            elif parameter not in self._table.ignored:
                out.append(Unmapped(parameter, component(field(row, 3), 2)[:40], field(row, 5)[:40]))
        room = _MAX_HELD - len(self._held)
        self._held += _same_gas_unit(observations)[: max(room, 0)]
        self._held_since = received.mono_s
        return out

    def _aperiodic(self, rows: list[list[str]]) -> list[Output]:
        out: list[Output] = []
        for row in rows:
            entry = self._table.get(component(field(row, 3), 1))
            if entry is None or field(row, 2) != "NM":
                continue
            measured = parse_time(field(row, 14), self._zone)
            out.append(_observation(entry, field(row, 5), measured))
        return out

    def _apply_states(self, rows: list[list[str]]) -> None:
        for row in rows:
            parameter = field(row, 4)
            if component(field(row, 3), 1) == codes.STATE_ID and parameter in self._table:
                self._states[parameter] = component(field(row, 5), 1) != codes.STATE_INVALID

    def _release(self, now: Clocks) -> list[Output]:
        held, self._held = self._held, []
        out: list[Output] = []
        for entry, observation in held:
            if not self._states.get(entry.native, True) and observation.value is not None:
                observation = entry.observe(None)
            if observation.value is not None:
                self._last_valid[entry.native] = now.mono_s
            if entry.after and now.mono_s - self._last_valid.get(entry.after, -1e9) < _STAND_IN_AFTER_S:
                continue
            out.append(observation)
        return out

    def _alarms(self, rows: list[list[str]], *, technical: bool) -> list[Output]:
        out: list[Output] = []
        for row in rows:
            text = field(row, 5)
            if component(field(row, 3), 1) not in ("2", "4") or not component(text, 2):
                continue
            priority = "technical" if technical else _LEVELS.get(field(row, 4), "low")
            at = parse_time(field(row, 14), self._zone) or 0  # 0: the arrival counts
            words = component(text, 2).strip().lstrip("*").strip()
            out.append(Alarm(DeviceAlarm(at, component(text, 1), words[:200], priority, "continue")))
        return out


def _observation(entry: Entry, text: str, measured: int | None) -> Observation:
    value = parse_number(text.split(":")[-1] if entry.code == "IE" else text)
    return entry.observe(None if value in codes.SENTINELS else value, time_ms=measured, episode_ms=measured)


def _same_gas_unit(pairs: list[tuple[Entry, Observation]]) -> list[tuple[Entry, Observation]]:
    """The module has one unit setting: when oxygen is obviously in mmHg, nitrous oxide is as well."""
    if not any(Quality.UNIT_SUSPECT in one.quality and one.code in codes.GAS_PARTIAL_PRESSURE for _, one in pairs):
        return pairs
    return [
        (
            entry,
            Observation(one.code, one.value, one.unit, one.quality | Quality.UNIT_SUSPECT)
            if one.code in codes.GAS_PARTIAL_PRESSURE and one.value is not None
            else one,
        )
        for entry, one in pairs
    ]


def _device_info(rows: list[list[str]]) -> list[Output]:
    names = {"2304": "monitor", "2308": "bed", "4528": "type", "4529": "version"}
    items = {
        names[number]: field(row, 5)[:80]
        for row in rows
        if (number := component(field(row, 3), 1)) in names and field(row, 5)
    }
    return [DeviceInfo(items)] if items else []


def _wanted(options: Mapping[str, Any], table: Table) -> str:
    """QRF-5. `{"query": "parameters"}` asks for the known numbers only and leaves the curves out."""
    if options.get("query") == "parameters":
        return "0&0^1^1^0^" + "&".join(entry.native for entry in table)
    return "0&0^1^1^1^"
