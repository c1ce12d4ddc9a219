"""A parsed message with accessors that cannot fail: normalise, parse with python-hl7, read by position.

Positions are the standard's: `segment.text(3, 1)` is component 1 of field 3. A missing thing is an empty string.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import hl7

from integrations.hl7 import charset
from integrations.hl7.errors import MessageError
from integrations.hl7.escaping import unescape
from integrations.hl7.times import parse_time

_HEADERS = ("MSH", "BHS", "FHS")
_SEGMENT = re.compile(r"^[A-Z][A-Z0-9]{2}(?=[^A-Za-z0-9\s]|$)")


class Repetition:
    """One repetition of a field."""

    def __init__(self, raw: Any, separators: str) -> None:
        self._raw = raw
        self._separators = separators

    def text(self, component: int = 1, subcomponent: int = 1) -> str:
        """The unescaped, trimmed text; HL7's explicit null `""` counts as empty."""
        part = _nth(_parts(self._raw), component)
        text = _nth(_parts(part), subcomponent)
        return _clean(str(text), self._separators)

    @property
    def component_count(self) -> int:
        """How many components it has."""
        return len(_parts(self._raw))


class Segment:
    """One segment; fields are counted from 1 as in the standard (MSH-1 is the separator itself)."""

    def __init__(self, raw: Any, separators: str) -> None:
        self._raw = raw
        self._separators = separators
        self.name = str(raw[0])[:3]

    def repetitions(self, field: int) -> list[Repetition]:
        """All repetitions of a field that are not blank."""
        raw = self._field(field)
        parts = _parts(raw) if raw is not None else []
        return [Repetition(part, self._separators) for part in parts if str(part).strip()]

    def text(self, field: int, component: int = 1, subcomponent: int = 1) -> str:
        """Text of the first repetition that has any."""
        for repetition in self.repetitions(field):
            return repetition.text(component, subcomponent)
        return ""

    def free_text(self, field: int) -> str:
        """A whole field as one text: separators that were not escaped stay, repetitions become lines."""
        raw = self._field(field)
        if raw is None:
            return ""
        repeat = self._separators[2]
        lines = [_clean(line, self._separators) for line in str(raw).split(repeat)]
        return "\n".join(line for line in lines if line)

    def time(self, field: int, component: int = 1) -> datetime | None:
        """A timestamp as aware UTC; `None` when blank or no time."""
        return parse_time(self.text(field, component))

    def _field(self, field: int) -> Any:
        return self._raw[field] if 0 < field < len(self._raw) else None

    def __str__(self) -> str:
        return str(self._raw)


def _parts(raw: Any) -> Sequence[Any]:
    return [raw] if isinstance(raw, str) else list(raw)


def _nth(parts: Sequence[Any], number: int) -> Any:
    return parts[number - 1] if 0 < number <= len(parts) else ""


def _clean(text: str, separators: str) -> str:
    text = text.strip()
    return "" if text == '""' else unescape(text, separators).strip()


@dataclass(frozen=True, slots=True)
class Header:
    """What an acknowledgement needs of MSH."""

    sending_application: str = ""
    sending_facility: str = ""
    receiving_application: str = ""
    receiving_facility: str = ""
    message_type: str = ""
    trigger: str = ""
    control_id: str = ""
    processing_id: str = "P"
    version: str = "2.4"
    sent_at: datetime | None = None
    accept_ack: str = ""

    @property
    def kind(self) -> str:
        """Such as ADT^A01."""
        return f"{self.message_type}^{self.trigger}" if self.trigger else self.message_type


class Message:
    """A parsed message. Build with `parse_message`."""

    def __init__(self, text: str, notes: Sequence[str] = ()) -> None:
        self.source = text
        self.notes = tuple(notes)
        self.separators = _separators(text)
        try:
            parsed = hl7.parse(text)
        except Exception as error:  # the library raises several unrelated kinds
            raise MessageError(
                f"消息结构无法解析（{type(error).__name__}）。", where="MSH", advice="请检查分段与分隔符。"
            ) from None
        self.segments = [Segment(raw, self.separators) for raw in parsed if len(raw)]

    def all(self, name: str) -> list[Segment]:
        """All segments of a name."""
        return [segment for segment in self.segments if segment.name == name]

    def first(self, name: str) -> Segment | None:
        """The first segment of a name."""
        return next((segment for segment in self.segments if segment.name == name), None)

    @cached_property
    def header(self) -> Header:
        """MSH, read once."""
        return read_header(self.segments[0])


def read_header(msh: Segment) -> Header:
    """MSH fields 3 to 15."""
    message_type, trigger = msh.text(9), msh.text(9, 2)
    if not trigger and "_" in message_type:  # `ADT_A01` of home-made senders
        message_type, _, trigger = message_type.partition("_")
    return Header(
        sending_application=msh.text(3),
        sending_facility=msh.text(4),
        receiving_application=msh.text(5),
        receiving_facility=msh.text(6),
        message_type=message_type.upper(),
        trigger=trigger.upper(),
        control_id=msh.text(10),
        processing_id=msh.text(11) or "P",
        version=msh.text(12) or "2.4",
        sent_at=msh.time(7),
        accept_ack=msh.text(15).upper(),
    )


def _separators(text: str) -> str:
    field = text[3:4]
    others = text[4:].split(field, 1)[0].split("\r", 1)[0] if field else ""
    every = field + others
    if (
        not 4 <= len(others) <= 5
        or len(set(every)) != len(every)
        or any(char.isalnum() or char.isspace() for char in every)
    ):
        raise MessageError(
            f"分隔符 {every!r} 不可用。", where="MSH-2", advice="MSH 应以 MSH|^~\\&| 开头。", code="hl7_separators"
        )
    return every[:5]


def normalise(text: str) -> tuple[list[str], list[str]]:
    """Lines (segments) of a decoded text, and notes on what was mended.

    Removes byte order marks and blank lines, accepts CR, LF and CR LF, and joins a line that is no segment to the
    one before it (a line break typed into a note).
    """
    notes: list[str] = []
    if "\ufeff" in text:
        text = text.replace("\ufeff", "")
        notes.append("去掉了字节序标记")
    text = text.replace("\x00", "")
    if "\n" in text:
        notes.append("换行符不是 CR，已统一")
        text = text.replace("\r\n", "\r").replace("\n", "\r")
    lines: list[str] = []
    for line in text.split("\r"):
        line = line.strip(" \t\v\f")
        if not line:
            continue
        if _SEGMENT.match(line):
            lines.append(line)
        elif lines:
            lines[-1] += "\\.br\\" + line
            notes.append(f"{lines[-1][:3]} 段内有换行，已并入该段")
        else:
            lines.append(line)
    return lines, list(dict.fromkeys(notes))


def split_messages(text: str) -> Iterator[tuple[str, list[str]]]:
    """Every message of a text that may be a batch or a file (FHS, BHS, BTS, FTS are left out), with notes.

    Raises `MessageError` when the text does not begin like HL7.
    """
    lines, notes = normalise(text)
    if not lines:
        raise MessageError("内容是空的。", where="MSH", advice="请检查发送方。")
    if lines[0][:3] not in _HEADERS:
        raise MessageError(
            f"内容不是 HL7 消息：开头是“{lines[0][:12]}”。",
            where="MSH",
            advice="消息应以 MSH| 开头。",
            code="hl7_not_hl7",
        )
    current: list[str] = []
    for line in lines:
        name = line[:3]
        if name in ("FHS", "BHS", "BTS", "FTS"):
            continue
        if name == "MSH" and current:
            yield "\r".join(current), notes
            current = []
        if name != "MSH" and not current:
            raise MessageError(f"{name} 段出现在 MSH 之前。", where=name, advice="请检查分段顺序。")
        current.append(line)
    if current:
        yield "\r".join(current), notes


def parse_message(raw: bytes | str, peer_charset: str = "") -> Message:
    """Parse exactly one message. Raises `MessageError`."""
    text = raw if isinstance(raw, str) else charset.decode(raw, peer_charset)[0]
    messages = list(split_messages(text))
    if len(messages) != 1:
        raise MessageError(f"应为一条消息，实际有 {len(messages)} 条。", where="MSH")
    return Message(*messages[0])
