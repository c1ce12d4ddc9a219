"""Where a card stands on the board: percentages of a day, so that the drawing fits any screen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from app.core import clock
from app.scheduling.queries import Card, DayBoard, RoomRow

FIRST_HOUR, LAST_HOUR = 7, 22


@dataclass(frozen=True, slots=True)
class Window:
    """The hours shown: from `first` (aware) over `minutes`."""

    first: datetime
    minutes: int

    def share(self, moment: datetime) -> float:
        """Place of a moment in percent of the window; may lie outside 0-100."""
        return (moment - self.first).total_seconds() / 60 / self.minutes * 100

    def hours(self) -> list[tuple[str, str]]:
        """Label and place of every full hour: ("08", "6.667%")."""
        count = self.minutes // 60
        marks = (self.first + timedelta(hours=number) for number in range(count + 1))
        return [(f"{clock.to_hospital(mark):%H}", percent(self.share(mark))) for mark in marks]


@dataclass(frozen=True, slots=True)
class Bar:
    """A card on its track."""

    card: Card
    x: str
    width: str
    y: str
    height: str


@dataclass(frozen=True, slots=True)
class Track:
    """A room with its bars."""

    room: RoomRow
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Gantt:
    """The whole drawing."""

    window: Window
    tracks: tuple[Track, ...]
    now_x: str | None


def percent(share: float) -> str:
    """A share as an SVG length."""
    return f"{share:.3f}%"


def gantt_of(board: DayBoard) -> Gantt:
    """Lay out the board of a day."""
    window = window_of(board.day, board.cards)
    tracks = tuple(Track(row, tuple(_bars(row.cards, window))) for row in board.rooms)
    share = window.share(board.read_at)
    return Gantt(window, tracks, percent(share) if 0 <= share <= 100 else None)


def window_of(day: date, cards: Sequence[Card]) -> Window:
    """07:00 to 22:00, wider in full hours when a card begins earlier or ends later."""
    first, last = clock.at(day, FIRST_HOUR), clock.at(day, LAST_HOUR)
    starts = [card.start for card in cards if card.start is not None]
    ends = [card.end for card in cards if card.end is not None]
    first = min([first, *(_hour(moment) for moment in starts)])
    last = max([last, *(_hour(moment + timedelta(minutes=59)) for moment in ends)])
    return Window(first, round((last - first).total_seconds() / 60))


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _bars(cards: Sequence[Card], window: Window) -> list[Bar]:
    lanes = lanes_of(cards)
    count = max((lane for lane in lanes), default=0) + 1
    bars = []
    for card, lane in zip(cards, lanes, strict=True):
        if card.start is None or card.end is None:
            continue
        left, right = window.share(card.start), window.share(card.end)
        bars.append(
            Bar(
                card=card,
                x=percent(left),
                width=percent(max(right - left, 0.6)),
                y=percent(lane / count * 100),
                height=percent(100 / count),
            )
        )
    return bars


def lanes_of(cards: Sequence[Card]) -> list[int]:
    """A lane for each card (in the order of their starts) so that cards at the same time do not cover each other."""
    free_from: list[datetime] = []
    lanes = []
    for card in cards:
        start, end = card.start or datetime.min.replace(tzinfo=clock.HOSPITAL_ZONE), card.end
        lane = next((number for number, free in enumerate(free_from) if free <= start), len(free_from))
        if lane == len(free_from):
            free_from.append(start)
        free_from[lane] = end or start
        lanes.append(lane)
    return lanes
