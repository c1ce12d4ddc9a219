"""What every blood gas driver shares: the way analysers name an analyte and write a result.

An analyser's name for an analyte is a convention of its maker; `profiles/shared/blood_gas.toml` lists the spellings of
Radiometer ABL, GEM Premier, cobas b and i-STAT, and LOINC codes of middleware. Names that are not listed are
reported as unmapped, never guessed.
"""

from device_bridge.drivers.base import Observation, Output, Unmapped, observe_as_stated
from device_bridge.drivers.mllp import parse_number
from device_bridge.parameters import PARAMETERS, conversion
from device_bridge.profiles.table import Entry, Table
from device_bridge.wire import Quality

# Quantities without dimension: no unit printed means a fraction of one, and pH needs none.
_FRACTIONS = frozenset({"sO2", "COHb", "MetHb", "RHb", "O2Hb", "Hct"})
_LONGEST_NAME = 40
_INPUT_TYPES = frozenset({"I", "D"})


def analyte(table: Table, name: str) -> Entry | None:
    """The line of an analyte by the analyser's name or a LOINC code; None when it is not in the profile."""
    return table.get(name[:_LONGEST_NAME]) or table.get(name.replace(" ", "").lower())


def parse_result(text: str) -> tuple[float | None, Quality]:
    """A printed result: `?` questionable, `<` and `>` outside of what can be reported, dots = no result."""
    text = text.strip()
    quality = Quality.GOOD
    while text[:1] in ("?", "<", ">", "↑", "↓") and text:
        quality |= Quality.QUESTIONABLE if text[0] == "?" else Quality.OUT_OF_RANGE
        text = text[1:].strip()
    value = parse_number(text)
    return (None, Quality.INVALID) if value is None else (value, quality)


def result(
    table: Table,
    name: str,
    text: str,
    unit: str,
    *,
    kind: str = "",
    sample_ms: int,
    inferred: bool,
    message_ms: int | None,
    quality: Quality = Quality.GOOD,
) -> Output | None:
    """One result line as an observation, None for what a person typed in (type I or D).

    `sample_ms` is the moment of the sample, `message_ms` the analyser's clock when it sent the message; the
    difference to the arrival shows how wrong that clock is.
    """
    if kind in _INPUT_TYPES:
        return None
    entry = analyte(table, name)
    if entry is None:
        left_out = name.replace(" ", "").lower() in table.ignored
        return None if left_out else Unmapped(name[:_LONGEST_NAME], "blood gas", text[:40])
    code = entry.code
    value, flags = parse_result(text)
    times = {"time_ms": message_ms, "episode_ms": sample_ms}
    if value is None:
        return Observation(code, None, PARAMETERS[code].unit, quality | flags, **times, episode_inferred=inferred)
    if entry.stated:  # the profile knows the unit better than the slip
        return entry.observe(
            value, time_ms=message_ms, episode_ms=sample_ms, episode_inferred=inferred, quality=quality | flags
        )
    stated = unit.strip()
    value = (value - entry.zero) * entry.factor / entry.divisor
    if not stated:
        stated = "%" if code in _FRACTIONS else PARAMETERS[code].unit if code.startswith("pH") else ""
        if code in _FRACTIONS and value <= 1:
            value *= 100
    known = table.unit(stated.lower()) or stated
    one = observe_as_stated(code, value, known, **times, episode_inferred=inferred, quality=quality | flags)
    canonical = value * (conversion(code, known) or 1.0)
    if entry.narrowed and not entry.low <= canonical <= entry.high:
        one.quality |= Quality.OUT_OF_RANGE
    return one
