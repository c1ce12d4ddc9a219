"""Build messages: fields by their position in the standard, escaped, empty tails cut."""

import itertools
import secrets
from collections.abc import Mapping, Sequence

from app.core import clock
from integrations.hl7.escaping import escape
from integrations.hl7.times import format_time

#: A component: text, or a tuple of subcomponents.
Component = str | tuple[str, ...]
#: A field: text, a tuple of components, or a list of repetitions of either.
Value = str | tuple[Component, ...] | list["str | tuple[Component, ...]"]
_serial = itertools.count(secrets.randbelow(0xFFFF))


def new_control_id() -> str:
    """A message number that does not come again: time, a counter of the process and chance; 20 characters."""
    stamp = clock.to_hospital(clock.now()).strftime("%y%m%d%H%M%S")
    return f"{stamp}{next(_serial) & 0xFFFF:04X}{secrets.randbelow(0x10000):04X}"


def segment(name: str, fields: Mapping[int, Value]) -> str:
    """One segment; the keys are field numbers of the standard. MSH counts its separator as field 1."""
    last = max((number for number, value in fields.items() if value), default=0)
    texts = [_field(fields.get(number, "")) for number in range(1, last + 1)]
    return "|".join([name, *texts])


def _field(value: Value) -> str:
    if isinstance(value, list):
        return "~".join(filter(None, (_field(item) for item in value)))
    if isinstance(value, tuple):
        return "^".join(_component(part) for part in value).rstrip("^")
    return escape(value)


def _component(value: Component) -> str:
    if isinstance(value, tuple):
        return "&".join(escape(part) for part in value).rstrip("&")
    return escape(value)


def header(
    kind: tuple[str, ...],
    control_id: str,
    *,
    sender: tuple[str, str],
    receiver: tuple[str, str],
    version: str,
    charset: str,
    processing_id: str = "P",
    wants_ack: bool = True,
) -> str:
    """MSH; sender and receiver are (application, facility), `charset` is the text of MSH-18."""
    fields: dict[int, Value] = {
        3: sender[0],
        4: sender[1],
        5: receiver[0],
        6: receiver[1],
        7: format_time(clock.now()),
        9: kind,
        10: control_id,
        11: processing_id,
        12: version,
        17: "CHN",
        18: charset,
    }
    if wants_ack:
        fields |= {15: "AL", 16: "NE"}
    rest = segment("MSH", fields).split("|", 3)[3]
    return f"MSH|^~\\&|{rest}"


def join(segments: Sequence[str]) -> str:
    """The message: every segment ends with CR."""
    return "".join(f"{text}\r" for text in segments)
