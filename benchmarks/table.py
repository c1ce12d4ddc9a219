"""The table that every benchmark prints: what, measured, figure to hold, verdict; baselines carry no verdict."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """One measured number. `most` or `least` is the figure to hold; a baseline has neither."""

    name: str
    value: float
    unit: str
    most: float | None = None
    least: float | None = None

    @property
    def passes(self) -> bool:
        """Whether the figure is held; a baseline always passes."""
        return (self.most is None or self.value <= self.most) and (self.least is None or self.value >= self.least)

    @property
    def figure(self) -> str:
        """The figure to hold, as text."""
        if self.most is not None:
            return f"≤ {self.most:g}"
        return f"≥ {self.least:g}" if self.least is not None else ""

    @property
    def verdict(self) -> str:
        """pass, FAIL or baseline."""
        if not self.figure:
            return "baseline"
        return "pass" if self.passes else "FAIL"


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0-1) of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def show(lines: Sequence[Line]) -> int:
    """Print the table; the exit code: 1 when a figure is missed."""
    for line in lines:
        room = 64 - sum(unicodedata.east_asian_width(char) in "WF" for char in line.name)
        print(f"{line.name:{room}}{line.value:12.1f} {line.unit:8}{line.figure:>10}  {line.verdict}", flush=True)
    return 0 if all(line.passes for line in lines) else 1
