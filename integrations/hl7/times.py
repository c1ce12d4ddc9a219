"""HL7 timestamps and what systems write instead: read as aware UTC, written as hospital time."""

import re
from datetime import UTC, date, datetime, timedelta, timezone

from app.core import clock

_TIME = re.compile(
    r"^(\d{4})[-/.年]?(\d{1,2})?[-/.月]?(\d{1,2})?日?[T ]?"
    r"(\d{1,2})?:?(\d{2})?:?(\d{2})?(?:\.\d{1,9})?\s?(Z|[+-]\d{2}:?\d{2})?$"
)
_COMPACT = re.compile(r"^(\d{4})(\d{2})?(\d{2})?[T ]?(\d{2})?(\d{2})?(\d{2})?(?:\.\d{1,9})?\s?(Z|[+-]\d{2}:?\d{2})?$")
#: Databases write these for "no date".
_EMPTY_YEARS = (1, 1753, 1899)


def parse_time(text: str) -> datetime | None:
    """A timestamp without zone is hospital time. `None` for blank, impossible and placeholder values."""
    match = _COMPACT.match(text.strip()) or _TIME.match(text.strip())
    if match is None:
        return None
    numbers = [int(part) if part else None for part in match.groups()[:6]]
    try:
        naive = datetime(  # noqa: DTZ001 - the zone is attached below
            numbers[0] or 0,
            numbers[1] or 1,
            numbers[2] or 1,
            numbers[3] or 0,
            numbers[4] or 0,
            min(numbers[5] or 0, 59),
        )
        if naive.year in _EMPTY_YEARS or (naive.month, naive.day, naive.year) == (1, 1, 1900):
            return None
        return _with_zone(naive, match.group(7) or "")
    except (ValueError, OverflowError):
        return None


def _with_zone(naive: datetime, zone: str) -> datetime:
    if not zone:
        return clock.from_hospital(naive)
    if zone == "Z":
        return naive.replace(tzinfo=UTC)
    sign = -1 if zone[0] == "-" else 1
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
    return naive.replace(tzinfo=timezone(sign * offset)).astimezone(UTC)


def parse_date(text: str) -> date | None:
    """The calendar day of a timestamp, as written (a birth date has no zone)."""
    moment = parse_time(text.strip()[:10] if re.match(r"^\d{4}[-/.年]", text.strip()) else text.strip()[:8])
    return clock.to_hospital(moment).date() if moment else None


def format_time(moment: datetime) -> str:
    """`YYYYMMDDHHMMSS` on the hospital's clock."""
    return clock.to_hospital(moment).strftime("%Y%m%d%H%M%S")


def format_date(day: date) -> str:
    """`YYYYMMDD`."""
    return day.strftime("%Y%m%d")
