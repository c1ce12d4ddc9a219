"""Reading of mappings with every fault noted, so that one run tells all that is wrong with a definition."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, DecimalException
from typing import Any, TypeVar

from app.core.errors import InvalidInput
from app.documents.definition import Scale
from app.documents.expressions import Expression, ExpressionError, parse

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a definition: where, and what to do about it."""

    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}：{self.message}"


class DefinitionError(InvalidInput):
    """A definition cannot be used; `faults` lists all that is wrong with it."""

    code = "bad_definition"

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        super().__init__("；".join(str(fault) for fault in faults[:20]))


@dataclass(slots=True)
class Library:
    """What kinds refer to: scales and value sets (key → code → label)."""

    scales: dict[str, Scale] = field(default_factory=dict)
    value_sets: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass(slots=True)
class Reader:
    """Collects faults while reading, so that one run tells them all."""

    library: Library
    faults: list[Fault] = field(default_factory=list)

    def fault(self, place: str, message: str) -> None:
        self.faults.append(Fault(place, message))

    def mapping(self, raw: Any, place: str, allowed: frozenset[str]) -> dict[str, Any]:
        if not isinstance(raw, Mapping):
            self.fault(place, "应为键值对")
            return {}
        for key in raw:
            if key not in allowed:
                self.fault(place, f"不认识的键 {key!r}")
        return dict(raw)

    def rows(self, raw: Any, place: str) -> list[Any]:
        if raw is None:
            return []
        if not isinstance(raw, list | tuple):
            self.fault(place, "应为列表")
            return []
        return list(raw)

    def key(self, raw: Mapping[str, Any], name: str, place: str) -> str:
        value = raw.get(name)
        if not isinstance(value, str) or not value.isascii() or not value.replace("_", "a").isalnum():
            self.fault(place, f"{name} 应为小写字母、数字和下划线")
            return ""
        if not value[0].isalpha() or value.lower() != value or len(value) > 48:
            self.fault(place, f"{name} {value!r} 应以小写字母开头，不超过 48 个字符")
        return value

    def text(self, raw: Mapping[str, Any], name: str, place: str, default: str = "", limit: int = 4000) -> str:
        value = raw.get(name, default)
        if not isinstance(value, str) or len(value) > limit:
            self.fault(place, f"{name} 应为不超过 {limit} 字的文字")
            return default
        return value.strip()

    def flag(self, raw: Mapping[str, Any], name: str, place: str, default: bool = False) -> bool:
        value = raw.get(name, default)
        if not isinstance(value, bool):
            self.fault(place, f"{name} 只能是 true 或 false")
            return default
        return value

    def whole(self, raw: Mapping[str, Any], name: str, place: str, default: int, low: int, high: int) -> int:
        value = raw.get(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            self.fault(place, f"{name} 应为 {low}–{high} 的整数")
            return default
        return value

    def decimal(self, raw: Mapping[str, Any], name: str, place: str) -> Decimal | None:
        value = raw.get(name)
        if value is None:
            return None
        try:
            number = Decimal(str(value))
        except DecimalException:
            number = Decimal("NaN")
        if isinstance(value, bool) or not number.is_finite():
            self.fault(place, f"{name} 应为数值")
            return None
        return number

    def expression(self, raw: Mapping[str, Any], name: str, place: str) -> Expression | None:
        value = raw.get(name)
        if value is None:
            return None
        try:
            return parse(value if isinstance(value, str) else str(value))
        except ExpressionError as error:
            self.fault(place, f"{name}：{error}")
            return None

    def one_of(self, value: Any, known: Callable[[str], T], place: str, name: str) -> T | None:
        try:
            return known(value)
        except (ValueError, KeyError, TypeError):
            self.fault(place, f"{name} 不认识 {value!r}")
            return None
