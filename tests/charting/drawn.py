"""What a chart shows, for tests: its words, what its shapes refer to, how wide a word is."""

from __future__ import annotations

from app.charting.packing import text_width
from app.charting.primitives import Chart, Text

PAGE = 600.0


def texts(chart: Chart) -> list[Text]:
    return [shape for shape in chart.primitives if isinstance(shape, Text)]


def all_words(charts: tuple[Chart, ...]) -> str:
    return "".join(text.text for chart in charts for text in texts(chart))


def references(charts: tuple[Chart, ...], kind: str) -> list[object]:
    found = []
    for chart in charts:
        for shape in chart.primitives:
            ref = getattr(shape, "ref", None)
            if ref is not None and ref.kind == kind:
                found.append(ref)
    return found


def edges(text: Text) -> tuple[float, float]:
    width = text_width(text.text, text.size)
    left = {"start": text.x, "middle": text.x - width / 2, "end": text.x - width}[text.anchor]
    return left, left + width
