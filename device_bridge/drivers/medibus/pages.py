"""The contents of the response pages → observations, alarms, device information."""

import re
from collections.abc import Mapping
from datetime import datetime

from device_bridge.drivers.base import Alarm, DeviceInfo, Fault, Output, Unmapped, observe
from device_bridge.drivers.medibus import tables
from device_bridge.drivers.medibus.tables import Dialect
from device_bridge.drivers.mllp import parse_number
from device_bridge.wire import DeviceAlarm, Quality

_MEASURED, _SETTING, _ALARM = 6, 7, 15
_CLOCK = re.compile(r"\s*(\d{1,2}):(\d\d)(?::(\d\d))?\s*(\d{1,2})-([A-Z]{3})-(\d\d)")
_ETX = 0x03
_KNOWN_IDLE = frozenset({tables.AMBIENT, tables.INSPIRATORY_PART, tables.EXPIRATORY_PART, *tables.PARTIAL_PRESSURES})
_SEA_LEVEL_MBAR = 1013.25
_MBAR_MMHG = 0.750062


class Pages:
    """Reads the pages of one machine; the text page says how far its numbers can be trusted."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
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
        out = self._page(values, self._dialect.first)
        done = {name for code, (name, _) in self._dialect.first.items() if values.get(code) is not None}
        for code, (name, factor) in self._dialect.first_stand_ins.items():
            value = values.get(code)
            if value is not None and name not in done:
                done.add(name)
                out = [one for one in out if getattr(one, "code", None) != name]
                out.append(self._one(name, value * factor))
        out += self._by_ambient(values, done)
        inspiration, expiration = values.get(tables.INSPIRATORY_PART), values.get(tables.EXPIRATORY_PART)
        if inspiration and expiration is not None:
            out.append(self._one("IE", expiration / inspiration))
        known = _KNOWN_IDLE | set(self._dialect.first) | set(self._dialect.first_stand_ins)
        out += [Unmapped(f"1:{code:02X}", "", "") for code in values if code not in known]
        return out

    def second(self, data: bytes) -> list[Output]:
        """Measured data, code page 2."""
        values = split_measured(data)
        if values is None:
            return [Fault("page_length")]
        out = self._page(values, self._dialect.second)
        return out + [Unmapped(f"2:{code:02X}", "", "") for code in values if code not in self._dialect.second]

    def settings(self, data: bytes) -> list[Output]:
        """What the machine is set to; a setting that has no meaning in the current mode is blank."""
        values = split_records(data, _SETTING)
        if values is None:
            return [Fault("page_length")]
        table = {**self._dialect.settings, **self._dialect.setting_stand_ins}
        return self._page(values, table)

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

    def _page(self, values: dict[int, float | None], table: Mapping[int, tables.Entry]) -> list[Output]:
        out: list[Output] = []
        for code, (name, factor) in table.items():
            if code in values:
                value = values[code]
                out.append(self._one(name, None if value is None else value * factor))
        return _one_of_each(out)

    def _by_ambient(self, values: dict[int, float | None], done: set[str]) -> list[Output]:
        out: list[Output] = []
        for code, name in tables.PARTIAL_PRESSURES.items():
            value = values.get(code)
            if value is not None and name not in done:
                out.append(self._one(name, value * 10 / self._ambient_mbar * 100))
        for name in ("EtCO2", "FiCO2"):
            percent = values.get(0xDB if name == "EtCO2" else 0xDA)
            if percent is not None and name not in done:
                out.append(self._one(name, percent / 100 * self._ambient_mbar * _MBAR_MMHG))
        return out

    def _one(self, name: str, value: float | None) -> Output:
        quality = Quality.GOOD
        if self._texts & self._dialect.simulated:
            quality |= Quality.DEMO
        if name in tables.VENTILATION and self._texts & self._dialect.doubtful:
            quality |= Quality.QUESTIONABLE
        return observe(name, value, quality=quality)


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


def _one_of_each(outputs: list[Output]) -> list[Output]:
    """Two codes of a table can mean the same (compliance 06 and 07): the filled one counts."""
    kept: dict[str, Output] = {}
    for one in outputs:
        name = str(getattr(one, "code", id(one)))
        if name not in kept or getattr(kept[name], "value", None) is None:
            kept[name] = one
    return list(kept.values())
