"""Which span of a case is on view, and the grid of time under it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from app.charting.record import RecordView

#: Slots of a printed page: 4 h of a routine case (5 min), 48 min of rescue (1 min).
PAGE_SLOTS = 48
#: Items further than this from the axis are mistakes of the clock: listed as text instead of stretching the axis.
LONGEST_CASE = timedelta(hours=72)
LONGEST_LEAD = timedelta(hours=12)
_SHORTEST_VIEW = timedelta(hours=1)
_LIVE_LEAD = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open span [start, end) of the axis; the last page also takes what lies on its end."""

    start: datetime
    end: datetime
    closed: bool = False

    def holds(self, at: datetime) -> bool:
        """Whether a moment is drawn in this window."""
        return self.start <= at < self.end or (self.closed and at == self.end)

    def touches(self, start: datetime, end: datetime) -> bool:
        """Whether a span has a part in this window; an empty span counts as a moment."""
        return self.holds(start) if start == end else start < self.end and end > self.start

    @property
    def minutes(self) -> float:
        """Length in minutes."""
        return (self.end - self.start).total_seconds() / 60


def floor_to(moment: datetime, minutes: int) -> datetime:
    """The last grid line at or before ``moment`` (grid counted from full hours UTC, 30-min zones included)."""
    seconds = minutes * 60
    stamp = int(moment.timestamp() // seconds) * seconds
    return datetime.fromtimestamp(stamp, tz=UTC)


def ceil_to(moment: datetime, minutes: int) -> datetime:
    """The first grid line at or after ``moment``."""
    floor = floor_to(moment, minutes)
    return floor if floor == moment else floor + timedelta(minutes=minutes)


def moments(view: RecordView) -> Iterator[datetime]:
    """Every time that stands on the axis of a record."""
    yield from (mark.at for mark in view.marks)
    yield from (event.at for event in view.events)
    points = [series.points for series in view.vitals] + [row.points for row in view.numerics]
    for charted in points:
        yield from (point.at for point in charted)
    for lane in view.drugs:
        yield from (bolus.at for bolus in lane.boluses)
    infusions = [lane.infusions for lane in view.drugs] + [gas.infusions for gas in view.gases]
    for running in infusions:
        for infusion in running:
            yield infusion.start
            yield from (change.at for change in infusion.rates)
            if infusion.end is not None:
                yield infusion.end
    for fluid in view.fluids:
        for bag in fluid.bags:
            yield bag.start
            if bag.end is not None:
                yield bag.end
    for output in view.outputs:
        yield from (entry.at for entry in output.entries)


def believable(view: RecordView, at: datetime) -> bool:
    """Whether a time can belong to this case; a wrong date must not stretch the axis over years."""
    return view.origin - LONGEST_LEAD <= at <= view.origin + LONGEST_CASE


def extent(view: RecordView) -> tuple[datetime, datetime]:
    """First and last believable moment of the record, never shorter than the origin to its edge."""
    times = [at for at in moments(view) if believable(view, at)]
    edge = min(max(view.edge, view.origin), view.origin + LONGEST_CASE)
    return min([view.origin, *times]), max([view.origin, edge, *times])


def whole_case(view: RecordView) -> Window:
    """The whole case, with a little room ahead of the live edge; the default, so a finished case is never empty."""
    first, last = extent(view)
    start = floor_to(first, 15)
    end = ceil_to(last + _LIVE_LEAD, 15) if view.is_live else ceil_to(last, 15)
    return Window(start, max(end, start + _SHORTEST_VIEW), closed=True)


def last_hours(view: RecordView, hours: float = 1) -> Window:
    """The last hours up to the edge of the record (「最近 1 小时」)."""
    span = timedelta(hours=hours)
    lead = timedelta(minutes=max(2, span.total_seconds() / 60 * 0.05)) if view.is_live else timedelta(0)
    end = ceil_to(view.edge + lead, view.interval_minutes)
    return Window(end - span, end, closed=True)


def pages(view: RecordView) -> tuple[Window, ...]:
    """The windows of the printed pages: 48 slots each, starting at the grid line before the first item."""
    first, last = extent(view)
    span = view.interval * PAGE_SLOTS
    start = floor_to(first, 15 if view.interval_minutes >= 5 else view.interval_minutes)
    windows = []
    while True:
        end = start + span
        final = last <= end
        windows.append(Window(start, end, closed=final))
        if final:
            return tuple(windows)
        start = end
