"""Aware UTC inside, hospital time at the edge."""

from datetime import UTC, date, datetime

import pytest

from app.core import clock


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc]


def test_the_hospital_is_eight_hours_ahead() -> None:
    assert f"{clock.to_hospital(utc(2026, 11, 22, 16, 5)):%Y-%m-%d %H:%M}" == "2026-11-23 00:05"
    assert clock.from_hospital(datetime(2026, 11, 23, 0, 5)) == utc(2026, 11, 22, 16, 5)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("hour", "minute", "expected"),
    [(0, 0, utc(2026, 11, 21, 16)), (8, 30, utc(2026, 11, 22, 0, 30)), (25, 0, utc(2026, 11, 22, 17))],
)
def test_wall_clock_times_of_a_day(hour: int, minute: int, expected: datetime) -> None:
    assert clock.at(date(2026, 11, 22), hour, minute) == expected


def test_a_day_runs_from_midnight_to_midnight_of_the_hospital() -> None:
    assert clock.day_bounds(date(2026, 11, 22)) == (utc(2026, 11, 21, 16), utc(2026, 11, 22, 16))


def test_a_naive_moment_is_refused() -> None:
    naive = datetime(2026, 11, 22)  # noqa: DTZ001
    with pytest.raises(ValueError, match="naive"):
        clock.to_hospital(naive)
    with pytest.raises(ValueError, match="naive"), clock.fixed(naive):
        pass


def test_the_clock_can_be_stopped_and_goes_on() -> None:
    moment = utc(2020, 2, 29, 20)
    with clock.fixed(moment):
        assert clock.now() == moment
        assert clock.today() == date(2020, 3, 1)
        assert clock.now_ms() == 1_583_006_400_000
    assert clock.now().year >= 2026


def test_milliseconds_come_back_exactly() -> None:
    for milliseconds in (0, 1_583_006_400_123, 1_795_000_000_999):
        assert clock.to_ms(clock.from_ms(milliseconds)) == milliseconds
