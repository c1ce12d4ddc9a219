"""Decoder of MDIBs and reports: descriptors are learnt, states become observations, alarms and curves.

Nothing is asked here: the subscription belongs to the transport, whose every request passes the outbound gate.
"""

from device_bridge.drivers.base import (
    NO_SAMPLE,
    Alarm,
    Clocks,
    CodecOptions,
    DeviceInfo,
    Fault,
    Output,
    Unmapped,
    Wave,
)
from device_bridge.drivers.ihe_pcd01.units import way_from
from device_bridge.drivers.mllp import parse_number
from device_bridge.drivers.sdc.descriptors import Descriptors
from device_bridge.drivers.sdc.xml_tree import Node, Refused, parse
from device_bridge.parameters import EPISODIC
from device_bridge.profiles.table import table_of
from device_bridge.wire import DeviceAlarm, Quality

END = b"\0"  # XML never contains it
MAX_MESSAGE = 16 * 1024 * 1024
_MOST_ACTIVE = 1000
_NUMERIC, _CURVE = "NumericMetricState", "RealTimeSampleArrayMetricState"
_ALERTS = frozenset({"AlertConditionState", "LimitAlertConditionState"})
_QUALITY = {"Vld": Quality.GOOD, "Vldated": Quality.GOOD, "Qst": Quality.QUESTIONABLE, "Calib": Quality.CALIBRATION}
_NOT_REAL = frozenset({"Demo", "Test"})
_FIRST_TIME, _LAST_TIME = 946_684_800_000, 4_102_444_800_000  # the years 2000 to 2099


class SdcCodec:
    """One device. Option `handles`: {"handle": "T2"} names metrics whose code alone does not say what they are."""

    def __init__(self, options: CodecOptions) -> None:
        handles = options.values.get("handles")
        named = {f"@{handle}": str(code) for handle, code in handles.items()} if isinstance(handles, dict) else {}
        self._table = table_of("sdc", options, named)
        self._buffer = bytearray()
        self._known = Descriptors(self._table)
        self._active: set[str] = set()

    def opened(self, now: Clocks) -> list[Output]:
        """The transport subscribes; what was known belongs to the connection before."""
        self._buffer.clear()
        self._known = Descriptors(self._table)
        return []

    def feed(self, data: bytes, received: Clocks) -> list[Output]:
        """Decode what arrived."""
        out: list[Output] = []
        messages: list[bytes] = []
        self._buffer += data
        if END in data:
            *messages, rest = bytes(self._buffer).split(END)
            self._buffer = bytearray(rest)
        for message in messages:
            if message.strip():
                out += self._message(message)
        if len(self._buffer) > MAX_MESSAGE:
            self._buffer.clear()
            out.append(Fault("oversize"))
        return out

    def poll(self, now: Clocks) -> list[Output]:
        """Nothing to do."""
        return []

    def closed(self, now: Clocks) -> list[Output]:
        """Half a message is nothing."""
        return []

    def _message(self, message: bytes) -> list[Output]:
        try:
            root = parse(message)
        except Refused as error:
            return [Fault(str(error))]
        states: list[Node] = []
        out: list[Output] = []
        for node in root.walk():
            if "Handle" in node.attributes:
                self._known.learn(node)
            if "DescriptorHandle" in node.attributes:
                states.append(node)
            if node.name == "LocationDetail":
                out += _place(node)
        for state in states:
            out += self._state(state)
        return out

    def _state(self, state: Node) -> list[Output]:
        kind, handle = state.kind, state.attributes["DescriptorHandle"]
        if kind == _NUMERIC:
            return self._numeric(state, handle)
        if kind == _CURVE:
            return self._curve(state, handle)
        if kind in _ALERTS:
            return self._alert(state, handle)
        return []

    def _numeric(self, state: Node, handle: str) -> list[Output]:
        metric = self._known.metrics.get(handle)
        if metric is None:
            return [Unmapped(handle[:60], "metric without description", "")]
        text, at, quality = _value(state)
        source = f"{metric.number}@{handle}"[:60]
        entry = self._table.get(f"@{handle}") or self._table.get(source) or metric.entry
        if entry is None:
            if not self._table.ignored.isdisjoint((f"@{handle}", source, metric.number)):
                return []
            return [Unmapped(source, metric.name or ("setting" if metric.setting else ""), text[:40])]
        episode = at if entry.code in EPISODIC else None
        number = parse_number(text)
        way = way_from(self._table, entry, metric.unit)
        if number is not None and way is None:
            quality |= Quality.UNIT_SUSPECT
        return [entry.observe(number, time_ms=at, episode_ms=episode, quality=quality, way=way)]

    def _curve(self, state: Node, handle: str) -> list[Output]:
        curve, value = self._known.curves.get(handle), state.child("MetricValue")
        if curve is None or value is None:
            return []
        samples = tuple(_sample(text, curve.scale) for text in value.attributes.get("Samples", "").split())
        if not samples:
            return []
        return [Wave(curve.code, curve.unit, curve.rate_hz, curve.scale, samples, time_ms=_time(value))]

    def _alert(self, state: Node, handle: str) -> list[Output]:
        condition = self._known.conditions.get(handle)
        present = state.attributes.get("Presence") == "true"
        if condition is None or (not present and handle not in self._active):
            return []
        phase = ("continue" if handle in self._active else "start") if present else "end"
        if present and len(self._active) < _MOST_ACTIVE:
            self._active.add(handle)
        elif not present:
            self._active.discard(handle)
        at = _moment(state.attributes.get("DeterminationTime", "")) or 0  # 0: the arrival counts
        return [Alarm(DeviceAlarm(at, condition.code, condition.text, condition.priority, phase))]


def end_file(data: bytes) -> bytes:
    """A capture kept as one bare document gets the end of a message."""
    return data if END in data else data + END


def _value(state: Node) -> tuple[str, int | None, Quality]:
    """Text, time and quality of a numeric state; the text is empty when there is no value."""
    value = state.child("MetricValue")
    if value is None or state.attributes.get("ActivationState", "On") != "On":
        return "", None if value is None else _time(value), Quality.GOOD
    judged = value.child("MetricQuality")
    validity = judged.attributes.get("Validity", "Vld") if judged else "Vld"
    quality = _QUALITY.get(validity)
    if judged is not None and judged.attributes.get("Mode", "Real") in _NOT_REAL:
        return value.attributes.get("Value", ""), _time(value), (quality or Quality.GOOD) | Quality.DEMO
    if quality is None:  # Ong, Inv, Oflw, Uflw, NA: the number, if there is one, is none
        return "", _time(value), Quality.GOOD
    return value.attributes.get("Value", ""), _time(value), quality


def _time(value: Node) -> int | None:
    return _moment(value.attributes.get("DeterminationTime", ""))


def _moment(text: str) -> int | None:
    """Milliseconds since 1970 as SDC writes them; a device that does not know the time gives none."""
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        return None
    moment = int(text)
    return moment if _FIRST_TIME <= moment <= _LAST_TIME else None


def _sample(text: str, scale: float) -> int:
    value = parse_number(text)
    count = None if value is None else round(value / scale)
    return NO_SAMPLE if count is None or not -32_768 < count < 32_768 else count


def _place(node: Node) -> list[Output]:
    bed = "^".join(node.attributes.get(key, "") for key in ("PoC", "Room", "Bed"))
    return [DeviceInfo({"bed": bed[:80]})] if bed.strip("^") else []
