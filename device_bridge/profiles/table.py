"""A profile compiled for one device.

Over the lines of the profile lie the device's options (units of its settings) and, last, what people of the hospital
mapped on the page: `options["map"] = {"<native>": ["HR", 1.0]}`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from device_bridge.drivers.base import BEYOND_ALL, GOOD, INVALID, Observation, Output, Unmapped, Wave
from device_bridge.parameters import PARAMETERS, Linear, judge, linear
from device_bridge.profiles.lines import SETTING, Line, Profile
from device_bridge.profiles.reader import AMBIENT
from device_bridge.profiles.store import shipped
from device_bridge.wire import Quality

if TYPE_CHECKING:
    from device_bridge.drivers.base import CodecOptions

_ALIASES = {"C": "°C", "F": "°F"}  # how options of devices call them
_Settings = tuple[tuple[str, str | float], ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One native item of one device. `stated` is blank when the message says the unit of each value."""

    native: str
    code: str
    unit: str  # the canonical one
    stated: str
    zero: float
    factor: float
    divisor: float
    low: float
    high: float
    narrowed: bool  # the range is narrower than what is physically believable
    flags: Quality
    unsure: bool  # nobody has said in which unit the device is set: kept and flagged
    after: str = ""
    local: bool = False  # mapped by people of the hospital on the page

    def observe(
        self,
        raw: float | None,
        *,
        time_ms: int | None = None,
        episode_ms: int | None = None,
        episode_inferred: bool = False,
        quality: Quality = GOOD,
        way: Linear | None = None,
    ) -> Observation:
        """What the device stated as a judged observation in the canonical unit; `way` leads there from the unit that
        the message stated. `None` and what is no number become absent and INVALID."""
        if self.flags is not GOOD:
            quality |= self.flags
        if raw is not None:
            value = (raw - self.zero) * self.factor / self.divisor
            if way is not None:
                value = (value - way[0]) * way[1] / way[2]
            value = round(value, 4)
            if self.unsure and value:
                quality |= Quality.UNIT_SUSPECT
            if self.low <= value <= self.high:
                return Observation(self.code, value, self.unit, quality, time_ms, episode_ms, episode_inferred)
            if -BEYOND_ALL < value < BEYOND_ALL:
                judged = quality | judge(self.code, value) | Quality.OUT_OF_RANGE
                return Observation(self.code, value, self.unit, judged, time_ms, episode_ms, episode_inferred)
        invalid = INVALID if quality is GOOD else quality | INVALID
        return Observation(self.code, None, self.unit, invalid, time_ms, episode_ms, episode_inferred)

    @property
    def exact(self) -> bool:
        """Only a division: gives the nearest number to the decimal, so that nothing needs to be rounded."""
        return self.zero == 0.0 and self.factor == 1.0 and not self.narrowed and not self.flags and not self.unsure


class Table:
    """Entries by native name. `unit` translates spellings of messages."""

    def __init__(self, profile: Profile, entries: Mapping[str, Entry], settings: Mapping[str, str | float]) -> None:
        self.profile, self._entries, self.settings = profile, entries, settings
        self.get = entries.get
        self.unit = profile.units.get
        self.ignored = profile.ignored
        self.ambient = float(settings[AMBIENT]) if AMBIENT in settings else None

    def __contains__(self, native: str) -> bool:
        return native in self._entries

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def tell(
        self, native: str, raw: float | None, *, time_ms: int | None = None, quality: Quality = GOOD
    ) -> list[Output]:
        """What a native item says: an observation, a measurement that no line knows, or nothing when it is left out."""
        entry = self.get(native)
        if entry is not None:
            return [entry.observe(raw, time_ms=time_ms, quality=quality)]
        if native in self.ignored:
            return []
        return [Unmapped(native, "", "" if raw is None else f"{raw:g}")]

    def beginning(self, prefix: str) -> list[Entry]:
        """Entries whose native name begins so, in the order of the files."""
        return [one for one in self if one.native.startswith(prefix)]


def table_of(driver: str, options: "CodecOptions", named: Mapping[str, str] | None = None) -> Table:
    """The table of a device; `named` are natives that its own options name ("@handle" → code)."""
    profile = options.profile or shipped(driver)
    settings = _settings(profile, options.values)
    table = _compiled(profile, tuple(sorted(settings.items())))
    mapped = {native: Line(native, code) for native, code in (named or {}).items() if code in PARAMETERS}
    mapped |= _mapped(options.values.get("map"))
    if not mapped:
        return table
    local = {native: compile_line(line, table.settings, local=True) for native, line in mapped.items()}
    return Table(profile, {one.native: one for one in table} | local, table.settings)


def calibrated(wave: Wave, profile: Profile | None) -> Wave:
    """A curve in the unit and scale that the hospital's profile declares for it."""
    curve = profile.curves.get(wave.code) if profile is not None else None
    if curve is None:
        return wave
    offset = (wave.offset - curve.zero) * curve.factor
    return replace(wave, unit=curve.unit, scale=wave.scale * curve.factor, offset=offset)


def natives_of(driver: str) -> dict[str, str]:
    """Canonical code → the native name it has in the shipped default (the first, no stand-in); for simulators."""
    found: dict[str, str] = {}
    for native, line in shipped(driver).lines.items():
        if not line.after:
            found.setdefault(line.code, native)
    return found


def _mapped(entries: Any) -> dict[str, Line]:
    """What the page says; an unusable entry is ignored."""
    lines: dict[str, Line] = {}
    for native, entry in entries.items() if isinstance(entries, Mapping) else ():
        if isinstance(entry, list | tuple) and len(entry) == 2 and entry[0] in PARAMETERS:
            factor = entry[1]
            if isinstance(factor, int | float) and factor:
                code = str(entry[0])
                lines[str(native)] = Line(str(native), code, PARAMETERS[code].unit, float(factor), where="设备页的对照")
    return lines


def _settings(profile: Profile, options: Mapping[str, Any]) -> dict[str, str | float]:
    settings = dict(profile.settings)
    for key in settings:
        given = options.get(key)
        if key == AMBIENT:
            if isinstance(given, int | float) and given > 0:
                settings[key] = float(given)
        elif given:
            settings[key] = _ALIASES.get(str(given), str(given))
    return settings


@lru_cache(maxsize=256)
def _compiled(profile: Profile, settings: _Settings) -> Table:
    chosen = dict(settings)
    return Table(profile, {name: compile_line(line, chosen) for name, line in profile.lines.items()}, chosen)


def compile_line(line: Line, settings: Mapping[str, str | float], *, local: bool = False) -> Entry:
    """The entry of a line for a device with these settings."""
    parameter = PARAMETERS[line.code]
    stated, unsure = line.unit, False
    ambient = float(settings[AMBIENT]) if AMBIENT in settings else None
    way: Linear | None = (0.0, 1.0, 1.0)
    if stated.startswith(SETTING):
        stated = str(settings[stated.removeprefix(SETTING)])
        way = linear(line.code, stated, ambient) if stated else None
        unsure, stated = way is None, stated or parameter.unit
    elif stated:
        way = linear(line.code, stated, ambient)
    zero, factor, divisor = way or (0.0, 1.0, 1.0)
    low = parameter.low if line.low is None else line.low
    high = parameter.high if line.high is None else line.high
    return Entry(
        line.native,
        line.code,
        parameter.unit,
        stated,
        line.zero + zero * line.divisor / line.factor,
        line.factor * factor,
        line.divisor * divisor,
        low,
        high,
        (low, high) != (parameter.low, parameter.high),
        Quality.QUESTIONABLE if line.doubt else Quality.GOOD,
        unsure,
        line.after,
        local,
    )
