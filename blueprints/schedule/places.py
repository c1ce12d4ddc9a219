"""Where the viewer is: day, view and zoom from the address, for pages and for the fragments they ask for."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from flask import request, url_for
from werkzeug.routing import BaseConverter, ValidationError

from app.core import clock

VIEWS = (("gantt", "甘特"), ("list", "列表"), ("cards", "卡片"), ("agenda", "日程"))
_NAMES = frozenset(name for name, _ in VIEWS)


class DayConverter(BaseConverter):
    """A hospital day in a URL: /schedule/2026-11-22."""

    regex = r"\d{4}-\d{2}-\d{2}"

    def to_python(self, value: str) -> date:
        """The day, or no match."""
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise ValidationError from None

    def to_url(self, value: date) -> str:
        """ISO form."""
        return value.isoformat()


@dataclass(frozen=True, slots=True)
class Place:
    """What a viewer looks at."""

    day: date
    view: str = "gantt"
    zoom: bool = False

    def url(self, day: date | None = None, view: str | None = None, zoom: bool | None = None) -> str:
        """Address of the page, with something else if given."""
        return url_for("schedule.day_page", day=day or self.day, **self._query(view, zoom))

    def fragment_url(self) -> str:
        """Address of the part that refreshes."""
        return url_for("schedule.day_fragment", day=self.day, **self._query(None, None))

    def _query(self, view: str | None, zoom: bool | None) -> dict[str, Any]:
        view, zoom = view or self.view, self.zoom if zoom is None else zoom
        query: dict[str, Any] = {} if view == "gantt" else {"view": view}
        return query | ({"zoom": "1"} if zoom and view == "gantt" else {})


def of_request(day: date) -> Place:
    """The place of a page or fragment URL."""
    return _place(day, request.args.get("view", ""), request.args.get("zoom", ""))


def of_viewer() -> Place:
    """The place of the page from which this request came; today's board when it is unknown."""
    parts = urlsplit(request.headers.get("HX-Current-URL", ""))
    query = parse_qs(parts.query)
    try:
        day = date.fromisoformat(parts.path.rpartition("/")[2])
    except ValueError:
        day = clock.today()
    return _place(day, query.get("view", [""])[0], query.get("zoom", [""])[0])


def _place(day: date, view: str, zoom: str) -> Place:
    return Place(day, view if view in _NAMES else "gantt", zoom == "1")


def hospital_time(text: str) -> datetime | None:
    """A wall clock time of a form (2026-11-22T09:05) as aware UTC; None when it is none."""
    try:
        return clock.from_hospital(datetime.fromisoformat(text))
    except ValueError:
        return None
