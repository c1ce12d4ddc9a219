"""One profile file, read and checked. Nothing is guessed: what is not understood is refused with its line."""

import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device_bridge.parameters import PARAMETERS, PUMPS, linear, units_for
from device_bridge.profiles.lines import SETTING, Curve, Line, ProfileError

AMBIENT = "ambient_mmhg"
PLACE = "{n}"
_TOP = frozenset({"title", "models", "source", "extends", "native", "settings", "units", "map", "waves"})
_CURVE_KEYS = frozenset({"unit", "factor", "zero", "source"})
_CURVE = re.compile(r"[A-Za-z0-9_]{1,20}")
_LONGEST_UNIT = 16
_KEYS = frozenset({"code", "unit", "factor", "divisor", "zero", "low", "high", "after", "also", "doubt", "source"})
_NUMBERS = ("factor", "divisor", "zero", "low", "high")
_TEXTS = ("code", "unit", "after", "source")
_HEADER = re.compile(r"\s*\[([^\[\]]+)\]")
_KEY = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*=""")
_LONGEST = 80
_LARGEST_FILE = 1_000_000


@dataclass(frozen=True, slots=True)
class ProfileFile:
    """What one file says by itself. A line that is None takes the item out."""

    path: str
    title: str
    models: str
    extends: str
    native: str
    lines: Mapping[str, Line | None]
    units: Mapping[str, str]
    settings: Mapping[str, str | float]
    curves: Mapping[str, Curve]
    places: Mapping[tuple[str, str], int]
    is_own: bool  # the hospital's, not one that comes with the bridge

    def fault(self, section: str, key: str, text: str) -> ProfileError:
        """An error at the line where the key stands."""
        return ProfileError(f"{self.path}{at_line(self.places.get((section, key)))}：{text}")


def at_line(number: int | None) -> str:
    """` 第 n 行`, blank when it is not known."""
    return f" 第 {number} 行" if number else ""


def read(path: Path, shown: str, *, is_own: bool) -> ProfileFile:
    """Read one file; `shown` is how messages call it. Raises `ProfileError`, `FileNotFoundError`."""
    data = path.read_bytes()
    if len(data) > _LARGEST_FILE:
        raise ProfileError(f"{shown}：文件超过 1 MB，不像是型号对照表，请检查")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ProfileError(f"{shown}：不是 UTF-8 编码（第 {error.start} 字节），请另存为 UTF-8") from None
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        place = at_line(int(found.group(1)) if found else None)
        raise ProfileError(
            f'{shown}{place}：TOML 写法有误（{error}）。每行写成 "原始代码" = {{ code = "HR", unit = "/min" }}，'
            "检查引号、花括号和重复的行"
        ) from None
    return _Reader(shown, text, content).file(is_own=is_own)


class _Reader:
    """Checks what one file says, as far as it can be checked without the files below it."""

    def __init__(self, shown: str, text: str, content: Mapping[str, Any]) -> None:
        self._shown, self._content = shown, content
        self._places = dict(_places(text))
        self._source = self._text("source")

    def file(self, *, is_own: bool) -> ProfileFile:
        """The file."""
        for key in self._content:
            if key not in _TOP:
                raise self._fault("", key, f"不认识“{key}”，可用：{'、'.join(sorted(_TOP))}")
        lines: dict[str, Line | None] = {}
        for native, entry in self._table("map").items():
            for name, line in self._lines(native, entry):
                if name in lines:
                    raise self._fault("map", native, f"原始代码“{name}”出现了两次，请只留一行")
                lines[name] = line
        return ProfileFile(
            self._shown, self._text("title"), self._text("models"), self._text("extends"), self._pattern(),
            lines, self._units(), self._settings(), self._curves(), self._places, is_own,
        )  # fmt: skip

    def _fault(self, section: str, key: str, text: str) -> ProfileError:
        return ProfileError(f"{self._shown}{at_line(self._places.get((section, key)))}：{text}")

    def _text(self, key: str) -> str:
        value = self._content.get(key, "")
        if not isinstance(value, str):
            raise self._fault("", key, f"“{key}”应是一段文字")
        return value

    def _pattern(self) -> str:
        pattern = self._text("native")
        try:
            re.compile(pattern)
        except re.error:
            raise self._fault("", "native", "“native”不是正确的正则表达式") from None
        return pattern

    def _table(self, key: str) -> Mapping[str, Any]:
        value = self._content.get(key, {})
        if not isinstance(value, dict):
            raise self._fault("", key, f"“{key}”应写成 [{key}] 小节")
        return value

    def _units(self) -> dict[str, str]:
        units: dict[str, str] = {}
        known = {unit for code in PARAMETERS for unit in units_for(code)}
        for spelling, unit in self._table("units").items():
            if not isinstance(unit, str) or unit not in known:
                raise self._fault("units", spelling, f"不认识单位“{unit}”，可用：{'、'.join(sorted(known))}")
            units[spelling] = unit
        return units

    def _settings(self) -> dict[str, str | float]:
        settings: dict[str, str | float] = {}
        for key, value in self._table("settings").items():
            if key == AMBIENT:
                if not _is_number(value) or not 400 <= value <= 820:
                    raise self._fault("settings", key, "大气压 ambient_mmhg 应为 400–820 之间的数（mmHg）")
                settings[key] = float(value)
            elif isinstance(value, str):
                settings[key] = value
            else:
                raise self._fault("settings", key, f'“{key}”应是单位的文字，如 "kPa"；不知道时写 ""')
        return settings

    def _curves(self) -> dict[str, Curve]:
        curves: dict[str, Curve] = {}
        for code, entry in self._table("waves").items():
            if not isinstance(entry, dict) or not _CURVE.fullmatch(code):
                raise self._fault("waves", code, f'波形“{code[:20]}”应写成 波形代码 = {{ unit = "mV", factor = 1.0 }}')
            for key, value in entry.items():
                if key not in _CURVE_KEYS:
                    raise self._fault("waves", code, f"“{code}”中不认识“{key}”，可用：{'、'.join(sorted(_CURVE_KEYS))}")
                wanted = _is_number(value) if key in _NUMBERS else isinstance(value, str)
                if not wanted or (key == "factor" and value == 0) or (key == "unit" and len(value) > _LONGEST_UNIT):
                    raise self._fault("waves", code, f"“{code}”的 {key} 不能是“{value}”")
            source = str(entry.get("source", "")) or self._source
            if not source or not entry.get("unit"):
                raise self._fault("waves", code, f"“{code}”须写 unit（物理单位）和 source（怎样核对的）")
            curves[code] = Curve(
                code, str(entry["unit"]), float(entry.get("factor", 1)), float(entry.get("zero", 0)), source,
                f"{self._shown}:{self._places.get(('waves', code), 0)}",
            )  # fmt: skip
        return curves

    def _lines(self, native: str, entry: Any) -> Iterator[tuple[str, Line | None]]:
        if not native or len(native) > _LONGEST:
            raise self._fault("map", native, f"原始代码不能为空，也不能超过 {_LONGEST} 个字符")
        if entry is False:
            yield from ((name, None) for name in _expanded(native))
            return
        if not isinstance(entry, dict):
            raise self._fault("map", native, f"“{native}”应写成 {{ code = …, unit = … }}，或写 false 表示不用")
        self._check(native, entry)
        line = self._line(native, entry)
        for name in (native, *self._also(native, entry)):
            if (PLACE in name) != (PLACE in line.code):
                raise self._fault("map", native, f"“{native}”：{PLACE} 要同时写在原始代码和 code 中（代表 1–{PUMPS}）")
            for place, one in enumerate(_expanded(name), 1):
                code = line.code.replace(PLACE, str(place))
                yield one, Line(one, code, line.unit, line.factor, line.divisor, line.zero, line.low, line.high,
                                line.after, line.doubt, line.source, line.where)  # fmt: skip

    def _check(self, native: str, entry: Mapping[str, Any]) -> None:
        for key, value in entry.items():
            if key not in _KEYS:
                raise self._fault("map", native, f"“{native}”中不认识“{key}”，可用：{'、'.join(sorted(_KEYS))}")
            if key in _NUMBERS and not _is_number(value):
                raise self._fault("map", native, f"“{native}”的 {key} 应是一个数，现在是“{value}”")
            if key in _TEXTS and not isinstance(value, str):
                raise self._fault("map", native, f"“{native}”的 {key} 应是一段文字，现在是“{value}”")
        if not isinstance(entry.get("doubt", False), bool):
            raise self._fault("map", native, f"“{native}”的 doubt 应写 true 或 false")
        for key in ("factor", "divisor"):
            if entry.get(key, 1) <= 0:
                raise self._fault("map", native, f"“{native}”的 {key} 应大于 0")
        if not entry.get("source") and not self._source:
            raise self._fault("map", native, f"“{native}”没有出处：请在文件开头写 source，或在这一行写 source")

    def _also(self, native: str, entry: Mapping[str, Any]) -> list[str]:
        also = entry.get("also", [])
        names = [also] if isinstance(also, str) else also
        if not isinstance(names, list) or not all(isinstance(one, str) and 0 < len(one) <= _LONGEST for one in names):
            raise self._fault("map", native, f"“{native}”的 also 应是文字或文字的列表")
        return names

    def _line(self, native: str, entry: Mapping[str, Any]) -> Line:
        line = Line(
            native=native,
            code=str(entry.get("code", "")),
            unit=str(entry.get("unit", "")),
            **{key: float(entry[key]) for key in _NUMBERS if key in entry},
            after=str(entry.get("after", "")),
            doubt=bool(entry.get("doubt", False)),
            source=str(entry.get("source", "")) or self._source,
            where=f"{self._shown}:{self._places.get(('map', native), 0)}",
        )
        parameter = PARAMETERS.get(line.code.replace(PLACE, "1"))
        if parameter is None:
            raise self._fault(
                "map",
                native,
                f"“{native}”的 code “{line.code}”不是系统代码。可用代码用 python -m device_bridge profiles --codes 列出",
            )
        possible = units_for(parameter.code)
        if line.unit and not line.unit.startswith(SETTING) and line.unit not in possible:
            raise self._fault(
                "map", native,
                f"“{native}”的单位“{line.unit}”不能换算成 {line.code} 的单位 {parameter.unit}。可用：{'、'.join(possible)}",
            )  # fmt: skip
        low = parameter.low if line.low is None else line.low
        high = parameter.high if line.high is None else line.high
        if not parameter.low <= low < high <= parameter.high:
            raise self._fault(
                "map", native,
                f"“{native}”的范围 {low:g}–{high:g} 不成立：low 应小于 high，并在 {line.code} 的合理范围 "
                f"{parameter.low:g}–{parameter.high:g} {parameter.unit} 之内",
            )  # fmt: skip
        return line


def can_become(code: str, unit: str, ambient: float | None) -> bool:
    """Whether a value in this unit can become the canonical one."""
    return linear(code, unit, ambient) is not None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _expanded(native: str) -> list[str]:
    return [native.replace(PLACE, str(n)) for n in range(1, PUMPS + 1)] if PLACE in native else [native]


def _places(text: str) -> Iterator[tuple[tuple[str, str], int]]:
    """(section, key) → line number."""
    section = ""
    for number, row in enumerate(text.splitlines(), 1):
        header = _HEADER.match(row)
        if header:
            section, _, rest = header.group(1).strip().partition(".")
            yield (section, rest.strip().strip("\"'")) if rest else ("", section), number
        elif (key := _KEY.match(row)) is not None:
            yield (section, next(one for one in key.groups() if one is not None)), number
