"""What a chart is made of: a handful of shapes in abstract units, y downward, drawn alike on screen and paper.

Shapes carry a ``role`` (what they are), never a colour: the palette (``palette.py``) and the style sheet decide how a
role looks. Layers follow from the kind of shape, so that back-ends may merge shapes of one role.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Ref:
    """What a shape stands for, so that a pointer can find it again."""

    kind: str  # bolus, infusion, bag, output, event, mark, gap
    id: str | None = None
    at: datetime | None = None
    title: str = ""


@dataclass(frozen=True, slots=True)
class Band:
    """A filled area without outline: a gap, a shaded row."""

    role: str
    x: float
    y: float
    width: float
    height: float
    ref: Ref | None = None


@dataclass(frozen=True, slots=True)
class Rect:
    """A box with an outline: a bag of fluid, the frame."""

    role: str
    x: float
    y: float
    width: float
    height: float
    ref: Ref | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A straight line."""

    role: str
    x1: float
    y1: float
    x2: float
    y2: float
    ref: Ref | None = None


@dataclass(frozen=True, slots=True)
class Polyline:
    """A connected run of points; breaks are separate polylines."""

    role: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One symbol of the registry at one or many points."""

    role: str
    symbol: str
    size: float
    points: tuple[Point, ...]
    ref: Ref | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """A run of text; ``y`` is the base line, ``anchor`` is start, middle or end."""

    role: str
    x: float
    y: float
    text: str
    size: float
    anchor: str = "start"
    bold: bool = False
    ref: Ref | None = None


Primitive = Band | Rect | Line | Polyline | Glyphs | Text


@dataclass(frozen=True, slots=True)
class LaneBox:
    """Where a lane lies; the screen maps a pointer to (lane, time) with it."""

    kind: str  # drug, gas, fluid, output, vitals, numeric, events, marks
    id: str
    label: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class SeriesTrace:
    """The values behind the symbols, thinned or not, for reading and editing by pointer."""

    code: str
    label: str
    unit: str
    minutes: tuple[float, ...]  # from the start of the window
    values: tuple[str, ...]
    ids: tuple[str, ...]
    edited: tuple[int, ...]  # indices of values changed by hand


@dataclass(frozen=True, slots=True)
class Chart:
    """A laid-out window of a record."""

    width: float
    height: float
    plot_left: float
    plot_right: float
    plot_top: float
    plot_bottom: float
    start: datetime
    end: datetime
    slot_minutes: int
    title: str
    primitives: tuple[Primitive, ...]
    lanes: tuple[LaneBox, ...] = ()
    traces: tuple[SeriesTrace, ...] = ()
    value_low: float = 0.0
    value_high: float = 240.0

    def layered(self) -> tuple[Primitive, ...]:
        """The shapes from back to front: areas, boxes, lines, curves, symbols, text."""
        return tuple(sorted(self.primitives, key=lambda shape: _LAYER[type(shape)]))


_LAYER: dict[type[Primitive], int] = {Band: 0, Line: 1, Rect: 2, Polyline: 3, Glyphs: 4, Text: 5}
