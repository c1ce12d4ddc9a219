"""How each role looks on paper and, where no style sheet applies, on screen.

Colours are those of the light theme (pressures magenta, arterial red, pulse green, temperature brown), dark enough
to survive a black-and-white laser printer. The screen themes override them by class (``static/css/chart.css``); an
SVG attribute is only the fallback.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Paint:
    """Stroke and fill of a role; widths and dashes are in points."""

    stroke: str = "none"
    width: float = 0.0
    fill: str = "none"
    dash: tuple[float, ...] = ()


INK = "#1a1a1a"
GREY = "#5f6368"
RED = "#b3261e"
MAGENTA = "#7a1070"
ARTERIAL = "#9a0f18"
GREEN = "#07572a"
BLUE = "#1a4fb4"
SLATE = "#44515d"
BROWN = "#7d3300"

PAPER_COLOUR = "#ffffff"

PAINTS: Mapping[str, Paint] = MappingProxyType(
    {
        "frame": Paint(stroke=INK, width=0.5),
        "rule": Paint(stroke="#9aa0a6", width=0.25),
        "rule-strong": Paint(stroke=INK, width=0.5),
        "grid": Paint(stroke="#dfe3e6", width=0.25),
        "grid-half": Paint(stroke="#c3c8cd", width=0.25),
        "grid-hour": Paint(stroke="#8a9096", width=0.5),
        "limit": Paint(stroke=RED, width=0.25, dash=(1.5, 1.5)),
        "mark-line": Paint(stroke="#9aa0a6", width=0.25, dash=(1, 2)),
        "now": Paint(stroke=RED, width=1.0),
        "gap": Paint(fill="#eceff1"),
        "head": Paint(fill="#f4f6f7"),
        "sbp": Paint(stroke=MAGENTA, width=0.8),
        "dbp": Paint(stroke=MAGENTA, width=0.8),
        "map": Paint(stroke=MAGENTA, width=0.8),
        "abp_sys": Paint(stroke=ARTERIAL, width=0.45),
        "abp_dia": Paint(stroke=ARTERIAL, width=0.45),
        "abp_map": Paint(stroke=ARTERIAL, width=0.45),
        "hr": Paint(stroke=GREEN, width=0.6),
        "rr": Paint(stroke=SLATE, width=0.6),
        "rr_vent": Paint(stroke=SLATE, width=0.6),
        "temp": Paint(stroke=BROWN, width=0.6),
        "other": Paint(stroke=INK, width=0.6),
        "breach": Paint(stroke=RED, width=1.1),  # drawn over the symbol of a value beyond its limits
        "infusion": Paint(stroke=INK, width=0.8),
        "infusion-open": Paint(stroke=INK, width=0.8),
        "leader": Paint(stroke=GREY, width=0.25),
        "bolus": Paint(stroke=INK, width=0.8),
        "bag": Paint(stroke=BLUE, width=0.5, fill="#e8f0fe"),
        "bag-blood": Paint(stroke=RED, width=0.5, fill="#fdecea"),
        "mark": Paint(stroke=INK, width=0.7),
        "event": Paint(stroke=INK, width=0.5),
        "text": Paint(fill=INK),
        "text-muted": Paint(fill=GREY),
        "text-note": Paint(fill=RED),
        "text-warn": Paint(fill=RED),
        "text-now": Paint(fill=RED),
    }
)

_CURVE_SUFFIX = "-line"


def paint(role: str) -> Paint:
    """The paint of a role. ``<series>-line`` is the fine line under a series, ``text-<series>`` its figures."""
    known = PAINTS.get(role)
    if known is not None:
        return known
    if role.endswith(_CURVE_SUFFIX):
        return Paint(stroke=paint(role.removesuffix(_CURVE_SUFFIX)).stroke, width=0.3)
    if role.startswith("text-"):
        return Paint(fill=paint(role.removeprefix("text-")).stroke)
    return PAINTS["other"]
