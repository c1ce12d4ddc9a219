"""The symbols of the record as vector paths, one registry for screen and paper.

Symbols differ from hospital to hospital, and a font that lacks one prints a box; so they are paths, chosen by key, and
the choice is frozen with the record (``RecordView.symbols``). Defaults follow the WS 329 sheet: ∨ systolic,
∧ diastolic, ● pulse, ○ spontaneous breathing, wave controlled breathing, × anesthesia, ⊙/⊗ surgery, φ tube.
Coordinates are in units of the symbol's size, y downward, the origin on the charted value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import pi, sin
from types import MappingProxyType

Point = tuple[float, float]


class Fill(StrEnum):
    """How the closed parts of a symbol are filled."""

    NONE = "none"
    SOLID = "solid"
    HOLLOW = "hollow"  # paper colour, so that the fine line does not run through it


@dataclass(frozen=True, slots=True)
class Stroke:
    """A polyline of a symbol."""

    points: tuple[Point, ...]
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Circle:
    """A circle of a symbol."""

    cx: float
    cy: float
    r: float


@dataclass(frozen=True, slots=True)
class Symbol:
    """A named drawing; ``half_width`` says how near a neighbour may come."""

    name: str
    strokes: tuple[Stroke, ...] = ()
    circles: tuple[Circle, ...] = ()
    fill: Fill = Fill.NONE

    @property
    def half_width(self) -> float:
        """Largest horizontal reach from the origin, in units of the size."""
        reach = [abs(x) for stroke in self.strokes for x, _ in stroke.points]
        reach += [abs(circle.cx) + circle.r for circle in self.circles]
        return max(reach, default=0.0)


def _wave() -> Stroke:
    """One period of a sine, fine enough to look round at print size."""
    steps = 8
    return Stroke(tuple((i / steps - 0.5, round(-0.28 * sin(2 * pi * i / steps), 3)) for i in range(steps + 1)))


_RING = (Circle(0, 0, 0.4),)
_PHI_STEM = Stroke(((0, -0.62), (0, 0.62)))
_TRIANGLE = (Stroke(((0, -0.5), (0.5, 0.4), (-0.5, 0.4)), closed=True),)
_CROSS = (Stroke(((-0.4, -0.4), (0.4, 0.4))), Stroke(((-0.4, 0.4), (0.4, -0.4))))
_ARM = 0.28  # half diagonal of the cross within ⊗

_ALL = (
    Symbol("vee", (Stroke(((-0.42, -0.72), (0, 0), (0.42, -0.72))),)),
    Symbol("wedge", (Stroke(((-0.42, 0.72), (0, 0), (0.42, 0.72))),)),
    Symbol("disc", circles=(Circle(0, 0, 0.33),), fill=Fill.SOLID),
    Symbol("ring", circles=(Circle(0, 0, 0.34),), fill=Fill.HOLLOW),
    Symbol("wave", (_wave(),)),
    Symbol("bar", (Stroke(((-0.4, 0), (0.4, 0))),)),
    Symbol("triangle", _TRIANGLE, fill=Fill.HOLLOW),
    Symbol("triangle-solid", _TRIANGLE, fill=Fill.SOLID),
    Symbol("cross", _CROSS),
    Symbol("circle-dot", circles=(Circle(0, 0, 0.42), Circle(0, 0, 0.1)), fill=Fill.HOLLOW),
    Symbol(
        "circle-cross",
        (Stroke(((-_ARM, -_ARM), (_ARM, _ARM))), Stroke(((-_ARM, _ARM), (_ARM, -_ARM)))),
        (Circle(0, 0, 0.42),),
        Fill.HOLLOW,
    ),
    Symbol("phi", (_PHI_STEM,), _RING, Fill.HOLLOW),
    Symbol("phi-slash", (_PHI_STEM, Stroke(((-0.5, 0.5), (0.5, -0.5)))), _RING, Fill.HOLLOW),
    Symbol(
        "arrow-up",
        (Stroke(((0, 0.5), (0, -0.5))), Stroke(((-0.28, -0.18), (0, -0.5), (0.28, -0.18)))),
    ),
    Symbol(
        "arrow-down",
        (Stroke(((0, -0.5), (0, 0.5))), Stroke(((-0.28, 0.18), (0, 0.5), (0.28, 0.18)))),
    ),
    Symbol("arrow-right", (Stroke(((-0.5, -0.3), (0, 0), (-0.5, 0.3))),)),
    Symbol("diamond", (Stroke(((0, -0.5), (0.4, 0), (0, 0.5), (-0.4, 0)), closed=True),), fill=Fill.HOLLOW),
    Symbol("badge", circles=(Circle(0, 0, 0.5),), fill=Fill.HOLLOW),
)

#: Every drawing by name; a hospital chooses among these.
DRAWINGS: Mapping[str, Symbol] = MappingProxyType({symbol.name: symbol for symbol in _ALL})

#: Which drawing stands for which series or case mark unless the record says otherwise.
DEFAULTS: Mapping[str, str] = MappingProxyType(
    {
        "sbp": "vee",
        "dbp": "wedge",
        "map": "bar",
        "abp_sys": "vee",
        "abp_dia": "wedge",
        "abp_map": "bar",
        "hr": "disc",
        "rr": "ring",
        "rr_vent": "wave",
        "temp": "triangle",
        "in_room": "triangle",
        "anesthesia_start": "cross",
        "intubation": "phi",
        "surgery_start": "circle-dot",
        "surgery_end": "circle-cross",
        "extubation": "phi-slash",
        "anesthesia_end": "cross",
        "out_of_room": "triangle-solid",
        "tourniquet_up": "arrow-up",
        "tourniquet_down": "arrow-down",
        "other": "diamond",
    }
)

#: What an unknown series is drawn with, so that nothing charted stays invisible.
NEUTRAL = "diamond"


class SymbolRegistry:
    """The drawings in force for one record: the defaults plus the record's own choices."""

    def __init__(self, overrides: tuple[tuple[str, str], ...] = ()) -> None:
        """Raise ``ValueError`` for a drawing that does not exist, before anything is drawn."""
        for key, name in overrides:
            if name not in DRAWINGS:
                raise ValueError(f"symbol {name!r} for {key!r} is not in the registry")
        self._names = {**DEFAULTS, **dict(overrides)}

    def __getitem__(self, key: str) -> Symbol:
        return DRAWINGS[self._names.get(key, NEUTRAL)]
