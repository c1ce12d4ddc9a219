"""Code tables and field paths: data files that a site may extend, looked up and never evaluated."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from integrations.hl7.errors import MessageError
from integrations.hl7.message import Repetition, Segment

DATA = Path(__file__).with_name("data")
_UNMAPPED_KEPT = 1000
_PATH = re.compile(r"^([A-Z][A-Z0-9]{2})-(\d{1,3})(?:\[(\d{1,2})=([^\]]*)\])?(?:\.(\d{1,2}))?(?:\.(\d{1,2}))?$")


class CodeTables:
    """Sender's code → our value, in named tables. What was not found is remembered in `unmapped`."""

    def __init__(self, tables: Mapping[str, Mapping[str, str]]) -> None:
        self._tables = {name: {_key(key): str(value) for key, value in rows.items()} for name, rows in tables.items()}
        self.unmapped: dict[tuple[str, str], int] = {}

    def find(self, table: str, *candidates: str) -> str | None:
        """The value of the first candidate (code, then name) that the table has."""
        rows = self._tables.get(table, {})
        told = [text for text in candidates if text]
        for text in told:
            if _key(text) in rows:
                return rows[_key(text)]
        if told:
            key = (table, told[0])
            if key in self.unmapped or len(self.unmapped) < _UNMAPPED_KEPT:
                self.unmapped[key] = self.unmapped.get(key, 0) + 1
        return None

    def has(self, table: str, code: str) -> bool:
        """Whether the table lists this code; a code that it does not list is nothing to remember."""
        return _key(code) in self._tables.get(table, {})

    def merged(self, tables: Mapping[str, Mapping[str, str]]) -> "CodeTables":
        """A copy with rows added or replaced."""
        result = CodeTables(self._tables)
        for name, rows in tables.items():
            result._tables.setdefault(name, {}).update({_key(key): str(value) for key, value in rows.items()})
        return result


def _key(text: Any) -> str:
    return re.sub(r"\s+", "", str(text)).upper()


@dataclass(frozen=True, slots=True)
class FieldPath:
    """A place in a message, parsed once. Raises `ValueError` on a wrong text."""

    segment: str
    number: int
    component: int
    subcomponent: int
    filter_component: int = 0
    filter_value: str = ""

    @classmethod
    def parse(cls, text: str) -> "FieldPath":
        """From the notation of fields.yaml."""
        match = _PATH.match(text.strip())
        if match is None:
            raise ValueError(f"字段路径 {text!r} 不正确，应如 PID-3[5=PI].1")
        segment, number, where, value, component, subcomponent = match.groups()
        return cls(segment, int(number), int(component or 1), int(subcomponent or 1), int(where or 0), value or "")

    def read(self, segments: Iterable[Segment]) -> str:
        """The first text found at this place."""
        for segment in segments:
            if segment.name != self.segment:
                continue
            for repetition in segment.repetitions(self.number):
                if self._fits(repetition) and (text := repetition.text(self.component, self.subcomponent)):
                    return text
        return ""

    def _fits(self, repetition: Repetition) -> bool:
        if not self.filter_component:
            return True
        return repetition.text(self.filter_component).upper() == self.filter_value.upper()


def _load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8")) or {}


def _paths(told: Mapping[str, Any]) -> Mapping[str, tuple[FieldPath, ...]]:
    return {name: tuple(FieldPath.parse(text) for text in str(texts).split()) for name, texts in told.items()}


@lru_cache(maxsize=1)
def default_codes() -> CodeTables:
    """The tables that come with the product."""
    return CodeTables(_load(DATA / "codes.yaml"))


@lru_cache(maxsize=1)
def default_paths() -> Mapping[str, tuple[FieldPath, ...]]:
    """The field paths that come with the product."""
    return _paths(_load(DATA / "fields.yaml"))


@dataclass(frozen=True)
class PeerProfile:
    """How one peer speaks: charset, codes, places of fields, and whom it says it talks to."""

    name: str = "HIS"
    charset: str = ""
    version: str = "2.4"
    codes: CodeTables = field(default_factory=default_codes)
    paths: Mapping[str, tuple[FieldPath, ...]] = field(default_factory=default_paths)

    def read(self, name: str, segments: Iterable[Segment]) -> str:
        """The text of a mapped field; empty when no path leads to one."""
        listed = list(segments)
        for path in self.paths.get(name, ()):
            if text := path.read(listed):
                return text
        return ""


def load_profile(path: Path) -> PeerProfile:
    """A site's profile: YAML with any of `name`, `charset`, `version`, `codes`, `fields`. Raises `MessageError`."""
    try:
        told = _load(path)
        return PeerProfile(
            name=str(told.get("name", "HIS")),
            charset=str(told.get("charset", "")),
            version=str(told.get("version", "2.4")),
            codes=default_codes().merged(told.get("codes", {})),
            paths={**default_paths(), **_paths(told.get("fields", {}))},
        )
    except (OSError, ValueError, AttributeError, TypeError, yaml.YAMLError) as error:
        raise MessageError(f"对照文件 {path} 不能使用：{error}") from None
