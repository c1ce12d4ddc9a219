"""Which family of devices do these bytes come from? Every codec is asked; the one that understands most wins.

Pure: bytes in, verdicts out. Decoding sends nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from device_bridge.drivers.base import Alarm, Clocks, CodecOptions, Driver, Fault, Observation, Output, Unmapped, Wave
from device_bridge.parameters import PARAMETERS
from device_bridge.wire import Quality

SILENT_FAMILY = "passive"  # takes anything and understands nothing: never a candidate
_DOUBTFUL = Quality.OUT_OF_RANGE | Quality.UNIT_SUSPECT
_ENOUGH = 1.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """How well a driver understood the bytes."""

    driver: str
    score: float
    values: int  # believable values
    parameters: int  # different ones
    doubtful: int
    faults: int

    @property
    def is_recognised(self) -> bool:
        """Good enough to propose."""
        return self.score >= _ENOUGH


def judge(driver: Driver, pieces: Sequence[bytes], at: Clocks) -> Verdict:
    """Decode with one driver and count."""
    codec = driver.codec(CodecOptions())
    values = doubtful = faults = other = 0
    seen: set[str] = set()
    outputs: list[Output] = codec.opened(at)  # a dialogue knows an answer by its question; nothing of it is sent here
    for piece in pieces:
        outputs += codec.feed(piece, at)
    outputs += codec.closed(at)
    for one in outputs:
        if isinstance(one, Observation):
            if one.quality & _DOUBTFUL:
                doubtful += 1
            elif one.value is not None:
                values += 1
                seen.add(one.code)
            else:
                other += 1  # "no value" is understood as well
        elif isinstance(one, Fault):
            faults += 1
        elif isinstance(one, Alarm | Wave | Unmapped):
            other += 1
    # many different parameters are strong evidence; one number again and again is weak
    score = 2.0 * len(seen) + 0.05 * min(values, 100) + 0.1 * min(other, 20) - 0.5 * min(doubtful, 40)
    score -= 0.5 * min(faults, 40)
    return Verdict(driver.name, round(score, 2), values, len(seen), doubtful, faults)


def recognise(drivers: Iterable[Driver], pieces: Sequence[bytes], at: Clocks) -> list[Verdict]:
    """All drivers, the best one first."""
    verdicts = [judge(driver, pieces, at) for driver in drivers if driver.name != SILENT_FAMILY]
    return sorted(verdicts, key=lambda verdict: (-verdict.score, verdict.driver))


def beside(driver: Driver, pieces: Sequence[bytes], at: Clocks, width: int = 24) -> list[str]:
    """Raw bytes on the left, what they mean on the right; at most a line a piece."""
    codec = driver.codec(CodecOptions())
    codec.opened(at)
    lines: list[str] = []
    for piece in pieces:
        shown = piece[:width].hex(" ") + (" …" if len(piece) > width else "")
        lines.append(f"{shown:<{width * 3 + 2}}| {meaning(codec.feed(piece, at))}")
    return lines


def meaning(outputs: Iterable[Output]) -> str:
    """What a codec made of a piece, in words: values, faults, codes that no table knows."""
    words = []
    for one in outputs:
        if isinstance(one, Observation) and one.value is not None:
            unit = "" if one.unit == "1" else f" {one.unit}"
            words.append(f"{PARAMETERS[one.code].name}({one.code})={one.value:g}{unit}")
        elif isinstance(one, Fault):
            words.append(f"异常:{one.kind}")
        elif isinstance(one, Unmapped):
            words.append(f"未对照:{one.source_code}")
    return "，".join(words)
