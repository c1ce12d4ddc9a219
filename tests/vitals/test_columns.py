"""Columns of device data lose nothing."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.vitals.columns import (
    Samples,
    SeriesColumns,
    between,
    merge,
    pack_column,
    pack_segment,
    to_samples,
    unpack_column,
    unpack_segment,
)

_DAY_MS = 86_400_000
_T0 = 1_790_000_000_000


def _samples(times: list[int], values: list[float], qualities: list[int]) -> Samples:
    return to_samples(SeriesColumns("HR", "/min", times, values, qualities))


@given(
    st.lists(
        st.tuples(
            st.integers(0, _DAY_MS),
            st.one_of(
                st.integers(-999, 5000).map(float),
                st.decimals(-50, 500, places=2).map(float),
                st.floats(allow_nan=False, allow_infinity=False, width=64),
            ),
            st.integers(0, 1023),
        ),
        max_size=80,
    )
)
def test_every_value_comes_back_exactly(rows: list[tuple[int, float, int]]) -> None:
    rows.sort(key=lambda row: row[0])
    times, values, qualities = [_T0 + r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows]
    back = unpack_column(pack_column(_samples(times, values, qualities)), "/min")
    assert back.times_ms.tolist() == times
    assert back.qualities.tolist() == qualities
    assert all(
        a == b or math.isclose(a, b, rel_tol=0, abs_tol=0) for a, b in zip(back.values.tolist(), values, strict=True)
    )


def test_a_minute_of_a_calm_parameter_is_small() -> None:
    times = [_T0 + 1000 * i for i in range(600)]
    values = [96.0 + (i % 7 == 0) for i in range(600)]
    assert len(pack_column(_samples(times, values, [0] * 600))) < 250


def test_a_segment_comes_back() -> None:
    series = [SeriesColumns("HR", "/min", [1, 2], [60.0, 61.5], [0, 1]), SeriesColumns("SpO2", "%", [1], [98.0], [0])]
    assert unpack_segment(pack_segment(series)) == series


@pytest.mark.parametrize("garbage", [b"", b"\x01", b"\x02" * 40, b"\x01\x00\x05\x00\x00\x00" + b"\x00" * 30])
def test_garbage_is_refused(garbage: bytes) -> None:
    with pytest.raises(ValueError, match="column"):
        unpack_column(garbage, "")


def test_merge_sorts_and_cuts() -> None:
    joined = merge([_samples([5, 9], [1, 2], [0, 0]), _samples([1, 7], [3, 4], [0, 0])])
    assert joined.times_ms.tolist() == [1, 5, 7, 9]
    assert joined.values.tolist() == [3, 1, 4, 2]
    assert between(joined, 5, 9).times_ms.tolist() == [5, 7]
    assert between(joined, 100, 200).values.dtype == np.float64
