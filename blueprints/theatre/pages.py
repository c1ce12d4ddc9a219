"""Pages and the fragments that refresh: rooms, room, case, chart, course, figures."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from app.anesthesia import queries as record_queries
from app.anesthesia.models import AnesthesiaRecord
from app.anesthesia.queries import running as running_queries
from app.anesthesia.service.records import rescue_since
from app.charting.frame import DENSE, SCREEN
from app.charting.layout import layout
from app.charting.svg import to_svg
from app.charting.window import Window, last_hours
from app.core import clock
from app.core.db import db
from app.core.permissions import Permission
from app.devices import queries as device_queries
from app.scheduling.models import OperatingRoom, SurgicalCase
from app.vitals import queries as vitals
from blueprints.common.access import actor, needs
from blueprints.common.banner import banner_of
from blueprints.common.fragments import fragment, page
from blueprints.common.guards import load_case
from blueprints.theatre.base import blueprint, find_record, load_room
from blueprints.theatre.labs import lab_line
from blueprints.theatre.view import TILES, can_write, flow_of, quick_drugs

_QUICK_DRUGS = 12  # a low screen shows ten of them
# What the box has at 1366 × 768, so that the first drawing fits and is not fetched twice.
_CHART = (968, 530)
_LEAST, _MOST = (480, 260), (3200, 1800)
# Where the box is low the rows are as close as they can be read; a large screen gets larger letters.
_TIGHT = replace(DENSE, row=12, pad=1, axis=17, least_plot=150)
_ROOMY_HEIGHT = 720
_HOURS = {"4h": 4, "1h": 1}


@dataclass(frozen=True, slots=True)
class RoomRow:
    """A room on the overview."""

    room: OperatingRoom
    current: SurgicalCase | None
    waiting: tuple[SurgicalCase, ...]
    done: int


@blueprint.get("/theatre")
@needs(Permission.VIEW_CASE)
def rooms_page() -> ResponseReturnValue:
    """All rooms: who is in, who comes next; one tap to enter."""
    return page("theatre/rooms.html", rooms=_room_rows(clock.today()))


@blueprint.get("/theatre/_fragments/rooms")
@needs(Permission.VIEW_CASE)
def rooms_fragment() -> ResponseReturnValue:
    """The overview again, after something changed."""
    return fragment("theatre/_rooms.html", rooms=_room_rows(clock.today()))


def _room_rows(day: date) -> list[RoomRow]:
    rooms = db.session.scalars(select(OperatingRoom).where(OperatingRoom.is_active).order_by(OperatingRoom.sort))
    return [_room_row(room, day) for room in rooms]


def _room_row(room: OperatingRoom, day: date) -> RoomRow:
    cases = [case for case in _cases_of(room, day) if case.cancelled_at is None]
    current = next((case for case in cases if case.state.is_under_way), None)
    waiting = tuple(case for case in cases if not case.state.has_started)
    return RoomRow(room, current, waiting, sum(case.state.is_over for case in cases))


def _cases_of(room: OperatingRoom, day: date) -> list[SurgicalCase]:
    """Cases of the day, and one of yesterday that still runs."""
    statement = (
        select(SurgicalCase)
        .where(SurgicalCase.room_id == room.id, SurgicalCase.day.between(day - timedelta(days=1), day))
        .order_by(SurgicalCase.planned_start)
    )
    return [case for case in db.session.scalars(statement) if case.day == day or case.state.is_under_way]


@blueprint.get("/theatre/<room_code>")
@needs(Permission.VIEW_CASE)
def room_page(room_code: str) -> ResponseReturnValue:
    """The page of a room: its case, or its list to start the next one."""
    room = load_room(room_code)
    row = _room_row(room, clock.today())
    if row.current is not None:
        return _case_page(row.current)
    devices = device_queries.device_rows(room_id=room.id)
    done = [case for case in _cases_of(room, clock.today()) if case.state.is_over]
    return page("theatre/room.html", row=row, room=room, devices=devices, done=done)


@blueprint.get("/cases/<int:case_id>")
@needs(Permission.VIEW_CASE)
def case_page(case_id: int) -> ResponseReturnValue:
    """One case, running or over; a case that is over opens on the whole of it."""
    return _case_page(load_case(case_id))


def _case_page(case: SurgicalCase) -> str:
    record = find_record(case.id)
    devices = device_queries.device_rows(case_id=case.id)
    is_live = case.state.is_under_way
    window = "4h" if is_live else "whole"
    return page(
        "theatre/case.html",
        case=case,
        record=record,
        patient=banner_of(case),
        steps=flow_of(case),
        writable=can_write(actor(), record),
        is_live=is_live,
        quick=quick_drugs(actor(), _QUICK_DRUGS),
        tiles=TILES,
        latest=_latest(case.id) if is_live else {},
        devices=devices,
        stale_after=max((int(row.stale_after_s) for row in devices), default=10),
        chart=_chart(case.id, record, window, _CHART, None),
        running=_running(record),
        rescue=rescue_since(record) if record and record.state == "open" else None,
        balance=record_queries.balance(record.id) if record else None,
        window=window,
        lab_line=lab_line(case),
        totals=record_queries.drug_totals(record.id) if record and not is_live else (),
    )


def _latest(case_id: int) -> dict[str, list[object]]:
    """Newest chartable value of each code of the bound devices, as the live channel would bring it."""
    since = clock.now_ms() - 15 * 60_000
    values: dict[str, list[object]] = {}
    for binding in device_queries.bindings_of_case(case_id):
        if binding.released_at is None:
            for code, last in vitals.latest(binding.device_id, max(since, clock.to_ms(binding.bound_at))).items():
                values[code] = [code, last.value, last.unit, last.time_ms, last.quality]
    return values


def _running(record: AnesthesiaRecord | None) -> tuple[running_queries.RunningInfusion, ...]:
    return running_queries.running_infusions(record.id, clock.now()) if record else ()


@blueprint.get("/cases/<int:case_id>/chart")
@needs(Permission.VIEW_CASE)
def chart(case_id: int) -> ResponseReturnValue:
    """The chart as SVG: `window` whole, 4h, 1h or a span from `start` to `end`; `width` and `height` of its box."""
    size = (_measure("width", 0), _measure("height", 1))
    return _chart(case_id, find_record(case_id), request.args.get("window", "whole"), size, _span())


def _measure(name: str, axis: int) -> int:
    return min(max(request.args.get(name, _CHART[axis], type=int), _LEAST[axis]), _MOST[axis])


def _span() -> Window | None:
    try:
        start = datetime.fromisoformat(request.args["start"])
        end = datetime.fromisoformat(request.args["end"])
    except (KeyError, ValueError):
        return None
    if start.tzinfo is None or end.tzinfo is None or not timedelta(minutes=10) <= end - start <= timedelta(hours=72):
        return None
    return Window(start, end, closed=True)


def _chart(
    case_id: int, record: AnesthesiaRecord | None, choice: str, size: tuple[int, int], span: Window | None
) -> str:
    if record is None:
        return fragment("theatre/_no_chart.html")
    view = record_queries.record_view(case_id, clock.now())
    if span is None and choice in _HOURS and view.edge - view.origin > timedelta(hours=_HOURS[choice]):
        span = last_hours(view, _HOURS[choice])
    width, height = size
    metrics = SCREEN if height >= _ROOMY_HEIGHT else _TIGHT
    return to_svg(layout(view, span, replace(metrics, width=width), height=height))


@blueprint.get("/cases/<int:case_id>/flow")
@needs(Permission.VIEW_CASE)
def flow_fragment(case_id: int) -> ResponseReturnValue:
    """The course of the case again."""
    case = load_case(case_id)
    return fragment(
        "theatre/_flow.html",
        case=case,
        steps=flow_of(case),
        record=find_record(case_id),
        is_live=case.state.is_under_way,
    )


@blueprint.get("/cases/<int:case_id>/status")
@needs(Permission.VIEW_CASE)
def status_fragment(case_id: int) -> ResponseReturnValue:
    """Running infusions, balance and device health again."""
    record, case = find_record(case_id), load_case(case_id)
    return fragment(
        "theatre/_status.html",
        case=case,
        lab_line=lab_line(case),
        case_id=case_id,
        writable=can_write(actor(), record),
        running=_running(record),
        rescue=rescue_since(record) if record and record.state == "open" else None,
        balance=record_queries.balance(record.id) if record else None,
        devices=device_queries.device_rows(case_id=case_id),
    )


@blueprint.get("/cases/<int:case_id>/banner")
@needs(Permission.VIEW_CASE)
def banner_fragment(case_id: int) -> ResponseReturnValue:
    """The patient banner again, after somebody changed what it shows."""
    return fragment("theatre/_banner.html", patient=banner_of(load_case(case_id)), case_id=case_id)
