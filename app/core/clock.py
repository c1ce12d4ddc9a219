"""The hospital clock: aware UTC inside, hospital time at the edge, and one place to stop it in tests."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

HOSPITAL_ZONE = ZoneInfo("Asia/Shanghai")


def _system_now() -> datetime:
    return datetime.now(UTC)


_source: Callable[[], datetime] = _system_now


def now() -> datetime:
    """The present moment, aware UTC."""
    return _source()


def now_ms() -> int:
    """The present moment in milliseconds since 1970-01-01T00:00Z."""
    return to_ms(now())


def today() -> date:
    """The hospital's calendar day."""
    return to_hospital(now()).date()


def to_hospital(moment: datetime) -> datetime:
    """The same moment on the hospital's wall clock. Raises `ValueError` for a naive datetime."""
    if moment.tzinfo is None:
        raise ValueError("naive datetime: the zone is unknown")
    return moment.astimezone(HOSPITAL_ZONE)


def from_hospital(naive: datetime) -> datetime:
    """A wall clock reading of the hospital as aware UTC."""
    if naive.tzinfo is not None:
        return naive.astimezone(UTC)
    return naive.replace(tzinfo=HOSPITAL_ZONE).astimezone(UTC)


def at(day: date, hour: int = 0, minute: int = 0) -> datetime:
    """A wall clock time of a hospital day, aware UTC; hours past 23 run into the following day."""
    start = datetime.combine(day, time(), tzinfo=HOSPITAL_ZONE)
    return (start + timedelta(hours=hour, minutes=minute)).astimezone(UTC)


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """First moment of the hospital day and of the next one, aware UTC."""
    return at(day), at(day + timedelta(days=1))


def to_ms(moment: datetime) -> int:
    """Milliseconds since 1970-01-01T00:00Z."""
    return round(moment.timestamp() * 1000)


def from_ms(milliseconds: int) -> datetime:
    """Inverse of `to_ms`."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


@contextmanager
def fixed(moment: datetime) -> Iterator[None]:
    """Stop the clock at `moment`; for tests and for rendering a frozen snapshot."""
    global _source
    if moment.tzinfo is None:
        raise ValueError("naive datetime: the zone is unknown")
    previous, _source = _source, lambda: moment
    try:
        yield
    finally:
        _source = previous
