"""Sizes of paper forms."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PaperForm:
    """Size and margins of a form in millimetres; head and foot frames lie inside the top and bottom margins."""

    width_mm: float
    height_mm: float
    top_mm: float = 12
    bottom_mm: float = 14
    side_mm: float = 15
    head_mm: float = 0
    foot_mm: float = 6

    @property
    def inner_width_mm(self) -> float:
        """Width of the text."""
        return self.width_mm - 2 * self.side_mm


A4 = PaperForm(210, 297, top_mm=15, bottom_mm=16)
A4_WITH_HEAD = PaperForm(210, 297, top_mm=24, bottom_mm=16, head_mm=14)
A5 = PaperForm(148, 210, side_mm=10)
WRISTBAND = PaperForm(250, 25, top_mm=2, bottom_mm=2, side_mm=3, foot_mm=0)
LABEL = PaperForm(60, 40, top_mm=2, bottom_mm=2, side_mm=2, foot_mm=0)
