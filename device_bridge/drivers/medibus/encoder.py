"""The machine's own responses, for simulators and tests."""

from collections.abc import Mapping, Sequence

from device_bridge.drivers.base import CodecOptions
from device_bridge.drivers.medibus.framing import RESPONSE, build
from device_bridge.drivers.medibus.tables import Dialect
from device_bridge.profiles.table import table_of


def measured(values: Mapping[int, str], page: int = 0x24) -> bytes:
    """A page of measured data; the texts of at most four characters are padded with blanks."""
    return build(RESPONSE, page, "".join(f"{code:02X}{text:<4}"[:6] for code, text in values.items()).encode("latin-1"))


def texts(entries: Sequence[tuple[int, str]]) -> bytes:
    """The page of text messages."""
    data = "".join(f"{code:02X}{chr(0x30 + len(text))}{text}\x03" for code, text in entries)
    return build(RESPONSE, 0x2A, data.encode("latin-1"))


def alarms(entries: Sequence[tuple[str, int, str]], page: int = 0x27) -> bytes:
    """A page of alarms as (priority character, code, text)."""
    return build(RESPONSE, page, "".join(f"{p}{code:02X}{text:<12.12}" for p, code, text in entries).encode("latin-1"))


def identity(number: str, name: str, revision: str) -> bytes:
    """Who the machine is."""
    return build(RESPONSE, 0x52, f"{number}'{name}'{revision}".encode("latin-1"))


def from_canonical(values: Mapping[str, float], dialect: Dialect) -> tuple[bytes, dict[str, float]]:
    """Page 1 with canonical values, and what a decoder must find in it exactly."""
    by_name: dict[str, tuple[int, float]] = {}
    for entry in table_of(dialect.name, CodecOptions()).beginning("1:"):
        digits = entry.native.removeprefix("1:")
        if len(digits) == 2 and not entry.after:
            by_name.setdefault(entry.code, (int(digits, 16), entry.factor / entry.divisor))
    page: dict[int, str] = {}
    sent: dict[str, float] = {}
    for name, value in values.items():
        if name not in by_name:
            continue
        code, factor = by_name[name]
        text = number_text(value / factor)
        page[code] = text
        sent[name] = round(float(text) * factor, 4)
    return measured(page), sent


def number_text(value: float) -> str:
    """A number in four characters."""
    for places in (2, 1, 0):
        text = f"{value:.{places}f}"
        if len(text) <= 4:
            return text
    return f"{value:.0f}"[:4]
