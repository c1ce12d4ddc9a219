"""Words keep their width and their place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.charting.packing import Packer, join_numbers, text_width, wrap


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("去甲肾上腺素 µg/kg/min", 70, ("去甲肾上腺素", "µg/kg/min")),
        ("SpO₂ %", 100, ("SpO₂ %",)),
        ("", 10, ("",)),
        ("甲乙丙丁。戊", 40, ("甲乙丙", "丁。戊")),
    ],
)
def test_wrapping(text: str, width: float, lines: tuple[str, ...]) -> None:
    assert wrap(text, width, 10) == lines


@given(st.text("麻醉 abc12,。µ₂()", max_size=60), st.integers(20, 200))
def test_wrapping_loses_nothing_and_keeps_to_the_width(text: str, width: int) -> None:
    lines = wrap(text, width, 10)
    is_breakable = width >= 40 and not set(text) & set("abc12µ₂")  # a word stays whole, whatever follows it
    assert not any(line[:1] in tuple("，。,)") for line in lines[1:] if len(line) > 1 and is_breakable)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(text_width(line, 10) <= width + 0.01 for line in lines)


@given(st.lists(st.tuples(st.floats(0, 500), st.floats(0.5, 60)), max_size=40))
def test_packed_labels_never_overlap(spans: list[tuple[float, float]]) -> None:
    packer = Packer(2)
    placed = [(packer.place(left, left + width), left, left + width) for left, width in spans]
    for index, (row, left, right) in enumerate(placed):
        for other_row, other_left, other_right in placed[index + 1 :]:
            assert row != other_row or right <= other_left or other_right <= left


def test_a_full_packer_says_so() -> None:
    packer = Packer(1, limit=2)
    assert [packer.place(0, 10) for _ in range(3)] == [0, 1, None]


def test_footnote_numbers_are_joined_in_order() -> None:
    assert join_numbers([3, 1, 3]) == "1,3"
