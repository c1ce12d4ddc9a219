"""Objects of a poll result → observations and curves."""

from zoneinfo import ZoneInfo

from device_bridge.drivers.base import NO_SAMPLE, Fault, Observation, Output, Unmapped, Wave
from device_bridge.drivers.ihe_pcd01.codec import by_term
from device_bridge.drivers.ihe_pcd01.units import AS_IS
from device_bridge.drivers.intellivue import codes
from device_bridge.drivers.intellivue.messages import Cursor, Malformed, Polled, parse_absolute, parse_float
from device_bridge.parameters import EPISODIC, linear
from device_bridge.profiles.table import Entry, Table
from device_bridge.wire import Quality

NUMERIC, COMPOUND_NUMERIC, TIME_STAMP = 0x0950, 0x094B, 0x0990
ARRAY, COMPOUND_ARRAY, ARRAY_SPEC, SCALE, SAMPLE_PERIOD = 0x096E, 0x0967, 0x096D, 0x096F, 0x098D
METRIC_SPEC, LABEL = 0x093F, 0x0924
_SETTINGS = frozenset({3, 4})  # metric categories: automatic and manual settings
_INVALID, _QUESTIONABLE, _UNAVAILABLE, _CALIBRATING, _TEST, _DEMO = 0x8000, 0x4000, 0x2000, 0x1000, 0x0800, 0x0400
_TICKS_PER_S = 8000
_MAX_OBJECTS = 512
_REMEMBERED = frozenset({METRIC_SPEC, LABEL, ARRAY_SPEC, SCALE, SAMPLE_PERIOD})


class Objects:
    """Remembers what the monitor says about an object only now and then (label, scale, kind)."""

    def __init__(self, zone: ZoneInfo, table: Table) -> None:
        self._zone, self._table = zone, table
        self._known: dict[tuple[int, int], dict[int, bytes]] = {}

    def read(self, polled: Polled, time_ms: int | None) -> list[Output]:
        """The observations and curves of one object."""
        known = self._remember(polled)
        if _category(known) in _SETTINGS:
            return []
        out: list[Output] = []
        try:
            for number in _numeric_values(polled.attributes):
                out += self._numeric(number, polled, known, time_ms)
            for array in _array_values(polled.attributes):
                out += _wave(array, known, time_ms)
        except Malformed as error:
            return [Fault(f"object_{error}")]
        return out

    def _remember(self, polled: Polled) -> dict[int, bytes]:
        key = (polled.context, polled.handle)
        if key not in self._known and len(self._known) >= _MAX_OBJECTS:
            self._known.clear()
        known = self._known.setdefault(key, {})
        known.update((number, data) for number, data in polled.attributes.items() if number in _REMEMBERED)
        return known

    def _numeric(self, cursor: Cursor, polled: Polled, known: dict[int, bytes], time_ms: int | None) -> list[Output]:
        physio, state, unit, raw = cursor.u16(), cursor.u16(), cursor.u16(), cursor.u32()
        entry = self._entry(physio, known)
        if entry is None:
            named = (f"{physio:04X}", f"0x{physio:04X}")
            shown = parse_float(raw) if _quality(state)[1] else None
            name = self._table.unit(f"0x{unit:04X}") or f"{unit:04X}"
            stated = "" if shown is None else f"{shown:g}"
            return [Unmapped(named[0], name, stated)] if self._table.ignored.isdisjoint(named) else []
        stamp = polled.attributes.get(TIME_STAMP)
        episode = parse_absolute(stamp, self._zone) if stamp and entry.code in EPISODIC else None
        quality, there = _quality(state)
        value = parse_float(raw) if there else None
        if value is None:
            return [entry.observe(None, time_ms=time_ms, episode_ms=episode, quality=quality)]
        return [self._converted(entry, value, unit, time_ms, episode, quality)]

    def _entry(self, physio: int, known: dict[int, bytes]) -> Entry | None:
        mapped = self._table.get(f"{physio:04X}")
        if mapped is not None:
            return mapped
        suffix = codes.GENERAL_PRESSURE.get(physio)
        label = known.get(LABEL, b"")
        if suffix and len(label) == 4:
            site = codes.PRESSURE_LABELS.get(int.from_bytes(label[2:], "big"))
            if site:
                return self._table.get(f"label:{site}.{suffix}")
        return by_term(self._table, physio)

    def _converted(
        self, entry: Entry, value: float, unit: int, time_ms: int | None, episode: int | None, quality: Quality
    ) -> Observation:
        """In the canonical unit; indices and ratios come without dimension, an unknown unit is flagged."""
        stated = self._table.unit(f"0x{unit:04X}")
        if entry.stated or stated == "1" or (stated == "%" and entry.unit == "1"):
            way = AS_IS
        else:
            found = None if stated is None else linear(entry.code, stated)
            quality |= Quality.UNIT_SUSPECT if found is None else Quality.GOOD
            way = found or AS_IS
        return entry.observe(value, time_ms=time_ms, episode_ms=episode, quality=quality, way=way)


def _quality(state: int) -> tuple[Quality, bool]:
    """Flags of the measurement state, and whether there is a value at all."""
    quality = Quality.GOOD
    if state & _QUESTIONABLE:
        quality |= Quality.QUESTIONABLE
    if state & (_TEST | _DEMO):
        quality |= Quality.DEMO
    if state & _CALIBRATING:
        quality |= Quality.CALIBRATION
    return quality, not state & (_INVALID | _UNAVAILABLE)


def _category(known: dict[int, bytes]) -> int:
    spec = known.get(METRIC_SPEC, b"")
    return int.from_bytes(spec[4:6], "big") if len(spec) >= 6 else 0


def _numeric_values(attributes: dict[int, bytes]) -> list[Cursor]:
    values: list[Cursor] = []
    if NUMERIC in attributes:
        values.append(Cursor(attributes[NUMERIC]))
    if COMPOUND_NUMERIC in attributes:
        count, inner = Cursor(attributes[COMPOUND_NUMERIC]).items()
        values += [Cursor(inner.take(10)) for _ in range(count)]
    return values


def _array_values(attributes: dict[int, bytes]) -> list[tuple[int, int, bytes]]:
    values: list[tuple[int, int, bytes]] = []
    if ARRAY in attributes:
        values.append(_array(Cursor(attributes[ARRAY])))
    if COMPOUND_ARRAY in attributes:
        count, inner = Cursor(attributes[COMPOUND_ARRAY]).items()
        values += [_array(inner) for _ in range(count)]
    return values


def _array(cursor: Cursor) -> tuple[int, int, bytes]:
    physio, state = cursor.u16(), cursor.u16()
    inner = cursor.sized()
    return physio, state, inner.take(inner.left)


def _wave(value: tuple[int, int, bytes], known: dict[int, bytes], time_ms: int | None) -> list[Output]:
    physio, state, data = value
    period = int.from_bytes(known.get(SAMPLE_PERIOD, b""), "big")
    spec = known.get(ARRAY_SPEC, b"")
    if not period or len(spec) < 4 or spec[2] != 16:
        return [Fault("wave_without_rate")]
    mask = (1 << min(spec[3], 15)) - 1
    scale, offset = _scale(known.get(SCALE, b""))
    _, there = _quality(state)
    samples = tuple(
        (int.from_bytes(data[i : i + 2], "big") & mask) if there else NO_SAMPLE for i in range(0, len(data) - 1, 2)
    )
    code = codes.WAVES.get(physio, f"{physio:04X}")
    unit = "mV" if code.startswith("ECG") else ""
    return [Wave(code, unit, _TICKS_PER_S / period, scale, samples, offset, time_ms)]


def _scale(raw: bytes) -> tuple[float, float]:
    """Physical value per count and value of count 0; curves without absolute scale stay raw."""
    if len(raw) < 12:
        return 1.0, 0.0
    cursor = Cursor(raw)
    low, high = parse_float(cursor.u32()), parse_float(cursor.u32())
    low_count, high_count = cursor.u16(), cursor.u16()
    if low is None or high is None or high_count == low_count:
        return 1.0, 0.0
    scale = (high - low) / (high_count - low_count)
    return scale, low - low_count * scale
