"""The contents of the response pages → observations, alarms, device information."""

import re
from datetime import datetime

from device_bridge.drivers.base import Alarm, DeviceInfo, Fault, Observation, Output, Unmapped
from device_bridge.drivers.medibus import tables
from device_bridge.drivers.medibus.tables import Dialect
from device_bridge.drivers.mllp import parse_number
from device_bridge.profiles.table import Entry, Table
from device_bridge.wire import DeviceAlarm, Quality

_MEASURED, _SETTING, _ALARM = 6, 7, 15
_CLOCK = re.compile(r"\s*(\d{1,2}):(\d\d)(?::(\d\d))?\s*(\d{1,2})-([A-Z]{3})-(\d\d)")
_ETX = 0x03
_KNOWN_IDLE = frozenset({tables.AMBIENT, tables.INSPIRATORY_PART, tables.EXPIRATORY_PART, *tables.PARTIAL_PRESSURES})
_SEA_LEVEL_MBAR = 1013.25
_MBAR_MMHG = 0.750062
# Native names: page and code. Derived ones name the codes they are made of.
_FIRST, _SECOND, _SETTINGS = "1:", "2:", "29:"
_CODE = re.compile(r"(?:1|2|29):[0-9A-F]{2}")
_PARTIAL_CO2 = (("1:DB*6B", 0xDB), ("1:DA*6B", 0xDA))
_RATIO = "1:E8/E7"


class Pages:
    """Reads the pages of one machine; the text page says how far its numbers can be trusted."""

    def __init__(self, dialect: Dialect, table: Table) -> None:
        self._dialect, self._table = dialect, table
        # the codes of a page, those that stand in for others last
        self._firsts = [one for one in table.beginning(_FIRST) if not one.after and _is_code(one)]
        self._stand_ins = [one for one in table.beginning(_FIRST) if one.after and _is_code(one)]
        self._seconds = [one for one in table.beginning(_SECOND) if _is_code(one)]
        self._settings = [one for one in table.beginning(_SETTINGS) if _is_code(one)]
        self._ambient_mbar = _SEA_LEVEL_MBAR
        self._texts: frozenset[int] = frozenset()

    def first(self, data: bytes) -> list[Output]:
        """Measured data, code page 1."""
        values = split_measured(data)
        if values is None:
            return [Fault("page_length")]
        ambient = values.get(tables.AMBIENT)
        if ambient is not None and 400 <= ambient <= 1200:
            self._ambient_mbar = ambient
        out = self._page(values, self._firsts)
        done = {one.code for one in self._firsts if values.get(_number(one)) is not None}
        for entry in self._stand_ins:
            value = self._in_percent(values, entry)
            if value is not None and entry.code not in done:
                done.add(entry.code)
                out = [one for one in out if getattr(one, "code", None) != entry.code]
                out.append(self._one(entry, value))
        out += self._derived(values, done)
        known = _KNOWN_IDLE | {_number(one) for one in (*self._firsts, *self._stand_ins)}
        return out + self._unmapped(_FIRST, values, known)

    def second(self, data: bytes) -> list[Output]:
        """Measured data, code page 2."""
        values = split_measured(data)
        if values is None:
            return [Fault("page_length")]
        known = {_number(one) for one in self._seconds}
        out = self._page(values, self._seconds)
        return out + self._unmapped(_SECOND, values, known)

    def settings(self, data: bytes) -> list[Output]:
        """What the machine is set to; a setting that has no meaning in the current mode is blank."""
        values = split_records(data, _SETTING)
        if values is None:
            return [Fault("page_length")]
        return self._page(values, self._settings)

    def clock(self, data: bytes) -> list[Output]:
        """The machine's own time of day, for people to compare: nothing is dated by it and it is never set."""
        match = _CLOCK.fullmatch(data.decode("latin-1").upper().rstrip())
        if match is None:
            return [Fault("clock")]
        hour, minute, second, day, month, year = match.groups()
        name = tables.ENGLISH_MONTHS.get(month, month)
        try:
            number = tables.MONTHS.index(name) + 1
            moment = datetime(2000 + int(year), number, int(day), int(hour), int(minute), int(second or 0))  # noqa: DTZ001 - the machine's local time
        except ValueError:
            return [Fault("clock")]
        return [DeviceInfo({"device_clock": f"{moment:%Y-%m-%d %H:%M:%S}"})]

    def texts(self, data: bytes) -> list[Output]:
        """Text messages: modes and states. Texts with a person's name are left out."""
        found: set[int] = set()
        position = 0
        while position + 3 <= len(data):
            code = _hex(data[position : position + 2])
            length = data[position + 2] - 0x30
            end = position + 3 + length
            if code is None or length < 0 or data[end : end + 1] != bytes((_ETX,)):
                return [Fault("page_length")]
            found.add(code)
            position = end + 1
        self._texts = frozenset(found)
        modes = [tables.MODES[code] for code in sorted(found) if code in tables.MODES]
        return [DeviceInfo({"vent_mode": "，".join(modes)})] if modes else []

    def alarms(self, data: bytes) -> list[Output]:
        """Current alarms. What the priority character is worth is not published, so all are medium."""
        if len(data) % _ALARM:
            return [Fault("page_length")]
        out: list[Output] = []
        for position in range(0, len(data), _ALARM):
            code = _hex(data[position + 1 : position + 3])
            if code is not None:
                text = data[position + 3 : position + _ALARM].decode("latin-1").strip()
                out.append(Alarm(DeviceAlarm(0, f"{code:02X}", text, "medium", "continue")))
        return out

    def identity(self, data: bytes) -> list[Output]:
        """`<id>'<name>'<revision>`."""
        number, _, rest = data.decode("latin-1").partition("'")
        name, _, revision = rest.partition("'")
        items = {"device_id": number.strip(), "model": name.strip(), "revision": revision.strip()}
        return [DeviceInfo({key: value[:60] for key, value in items.items() if value})]

    def _page(self, values: dict[int, float | None], entries: list[Entry]) -> list[Output]:
        """What the entries say; of two codes with the same meaning (compliance 06 and 07) the filled one counts."""
        kept: dict[str, Output] = {}
        for entry in entries:
            code = _number(entry)
            if code in values and (entry.code not in kept or getattr(kept[entry.code], "value", None) is None):
                kept[entry.code] = self._one(entry, values[code])
        return list(kept.values())

    def _in_percent(self, values: dict[int, float | None], entry: Entry) -> float | None:
        """The number of a stand-in; the partial pressure of an agent (kPa) as per cent of the ambient pressure."""
        code = _number(entry)
        value = values.get(code)
        if value is None or code not in tables.PARTIAL_PRESSURES:
            return value
        return value * 10 / self._ambient_mbar * 100

    def _derived(self, values: dict[int, float | None], done: set[str]) -> list[Output]:
        """CO2 as partial pressure when only its concentration is told, and I:E from its two parts."""
        out: list[Output] = []
        for native, code in _PARTIAL_CO2:
            entry, percent = self._table.get(native), values.get(code)
            if percent is not None and entry is not None and entry.code not in done:
                out.append(self._one(entry, percent / 100 * self._ambient_mbar * _MBAR_MMHG))
        inspiration, expiration = values.get(tables.INSPIRATORY_PART), values.get(tables.EXPIRATORY_PART)
        entry = self._table.get(_RATIO)
        if inspiration and expiration is not None and entry is not None:
            out.append(self._one(entry, expiration / inspiration))
        return out

    def _unmapped(self, page: str, values: dict[int, float | None], known: set[int] | frozenset[int]) -> list[Output]:
        """What no line knows, with its number, so that people can find it on the machine's screen."""
        out: list[Output] = []
        for code, value in values.items():
            native = f"{page}{code:02X}"
            if code not in known and native not in self._table.ignored:
                out.append(Unmapped(native, "", "" if value is None else f"{value:g}"))
        return out

    def _one(self, entry: Entry, value: float | None) -> Observation:
        quality = Quality.GOOD
        if self._texts & self._dialect.simulated:
            quality |= Quality.DEMO
        if entry.code in tables.VENTILATION and self._texts & self._dialect.doubtful:
            quality |= Quality.QUESTIONABLE
        return entry.observe(value, quality=quality)


def _is_code(entry: Entry) -> bool:
    return _CODE.fullmatch(entry.native) is not None


def _number(entry: Entry) -> int:
    return int(entry.native.rpartition(":")[2], 16)


def split_measured(data: bytes) -> dict[int, float | None] | None:
    """Records of two hexadecimal digits and four characters; blanks are no value. None: not such a page."""
    return split_records(data, _MEASURED)


def split_records(data: bytes, size: int) -> dict[int, float | None] | None:
    """Records of two hexadecimal digits and a number, `size` characters together. None: not such a page."""
    if len(data) % size:
        return None
    values: dict[int, float | None] = {}
    for position in range(0, len(data), size):
        code = _hex(data[position : position + 2])
        if code is None:
            return None
        values[code] = parse_number(data[position + 2 : position + size].decode("latin-1"))
    return values


def _hex(digits: bytes) -> int | None:
    if len(digits) != 2 or any(one not in b"0123456789ABCDEFabcdef" for one in digits):
        return None
    return int(digits, 16)
