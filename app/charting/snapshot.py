"""Freezing a record: canonical JSON of a sheet, its digest, and the way back.

A print is drawn from the frozen sheet, never from live rows; the same sheet gives the same digest on any machine.
"""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from hashlib import sha256
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from app.charting.record import RecordSheet

FORMAT = 1


def dump_sheet(sheet: RecordSheet) -> str:
    """The sheet as canonical JSON: sorted keys, no spaces, UTC times, decimals as text."""
    body = {"format": FORMAT, "sheet": _plain(sheet)}
    return json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def load_sheet(text: str) -> RecordSheet:
    """The sheet a snapshot holds. Raise ``ValueError`` for another format or a damaged text."""
    body = json.loads(text)
    if not isinstance(body, dict) or body.get("format") != FORMAT:
        raise ValueError("not a record snapshot of a known format")
    sheet = _shaped(RecordSheet, body["sheet"])
    if not isinstance(sheet, RecordSheet):
        raise ValueError("the snapshot does not hold a record sheet")
    return sheet


def digest(sheet: RecordSheet) -> str:
    """SHA-256 of the canonical JSON, hex; the footer of a print shows the first 8."""
    return sha256(dump_sheet(sheet).encode()).hexdigest()


def _plain(value: object) -> object:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Enum):
        return value.value
    return value


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _shaped(kind: Any, value: Any) -> object:
    """``value`` as the annotated ``kind``; unknown keys raise, missing ones take the default of the class."""
    origin = get_origin(kind)
    if origin in (UnionType, Union):
        if value is None:
            return None
        return _shaped(next(part for part in get_args(kind) if part is not NoneType), value)
    if origin is tuple:
        parts = get_args(kind)
        if len(parts) == 2 and parts[1] is Ellipsis:
            return tuple(_shaped(parts[0], item) for item in value)
        return tuple(_shaped(part, item) for part, item in zip(parts, value, strict=True))
    if is_dataclass(kind) and isinstance(kind, type):
        hints = _hints(kind)
        try:
            return kind(**{name: _shaped(hints[name], item) for name, item in value.items()})
        except (KeyError, TypeError) as error:
            raise ValueError(f"snapshot does not fit {kind.__name__}: {error}") from error
    if kind is datetime:
        return datetime.fromisoformat(value)
    if kind is Decimal:
        return Decimal(value)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(value)
    return value
