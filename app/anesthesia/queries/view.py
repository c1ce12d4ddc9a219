"""The record as it is drawn: rows of the database turned into the frozen shapes of `app.charting.record`.

Columns instead of entities for the readings, because a long case has thousands; one statement a table.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

from sqlalchemy import select

from app.anesthesia.models import AnesthesiaRecord, ChartReading, ReadingCorrection
from app.anesthesia.queries.lanes import drug_lanes, fluid_lanes, gas_lanes, output_lanes
from app.anesthesia.queries.totals import administrations
from app.anesthesia.rules import CHARTED, Parameter
from app.charting.record import (
    Axis,
    CaseMark,
    Gap,
    Limits,
    MarkKind,
    NumberedEvent,
    NumericRow,
    RecordView,
    VitalPoint,
    VitalSeries,
)
from app.clinical.dosing import rounded
from app.core import clock
from app.core.db import db
from app.core.errors import NotFound
from app.scheduling.models import CaseEvent, SurgicalCase
from app.scheduling.rules import EventKind

_MARKS = {kind.value: kind for kind in MarkKind if kind not in (MarkKind.OTHER,)}
_OWN_TIME = frozenset({"NIBP_S", "NIBP_D", "NIBP_M", "GLU"})
_GAP_SLOTS = 2.5
_GAP_EVENT = "血压断档："
# Shown on the drawing; the hospital may narrow them per case (facts 2i.2, default alarm thresholds).
_LIMITS = {
    "NIBP_S": Limits(Decimal(80), Decimal(180)),
    "ART_S": Limits(Decimal(80), Decimal(180)),
    "HR": Limits(Decimal(50), Decimal(120)),
    "SpO2": Limits(Decimal(90), None),
    "EtCO2": Limits(Decimal(25), Decimal(60)),
    "TEMP": Limits(Decimal("35.5"), Decimal(39)),
}


class Reading(NamedTuple):
    """Columns of a charted value."""

    id: int
    code: str
    slot_at: datetime
    at: datetime
    value: Decimal | None
    original: Decimal | None
    source: str
    by_name: str


def record_view(case_id: int, now: datetime | None = None) -> RecordView:
    """Everything drawn on the time axis of a case; without a record only its marks. Raises `NotFound`."""
    moment = now or clock.now()
    found = db.session.execute(
        select(SurgicalCase.planned_start, AnesthesiaRecord)
        .outerjoin(AnesthesiaRecord, AnesthesiaRecord.case_id == SurgicalCase.id)
        .where(SurgicalCase.id == case_id)
    ).one_or_none()
    if found is None:
        raise NotFound("没有找到这台手术。")
    planned, record = found
    events = _events(case_id)
    times = _times(events)
    origin = times.get("in_room") or (record.opened_at if record else None) or planned or moment
    ended = times.get("out_of_room") or (record.finished_at if record else None)
    head = RecordView(
        case_id=str(case_id),
        origin=origin,
        now=moment,
        ended_at=ended,
        is_live=ended is None and record is not None and record.state == "open",
        marks=_marks(events),
        events=_numbered(events),
    )
    return _with_content(head, record, events, times) if record else head


def _with_content(
    head: RecordView, record: AnesthesiaRecord, events: Sequence[CaseEvent], times: dict[str, datetime]
) -> RecordView:
    readings = readings_of(record.id)
    footnotes = footnotes_of(record.id)
    rows = administrations(record.id)
    in_rescue = any(not span["end"] for span in record.rescue_spans)
    vitals, numerics = _series(readings, footnotes, times)
    return RecordView(
        case_id=head.case_id,
        origin=head.origin,
        now=head.now,
        ended_at=head.ended_at,
        is_live=head.is_live,
        interval_minutes=1 if in_rescue else record.interval_minutes,
        marks=head.marks,
        events=head.events,
        vitals=vitals,
        numerics=numerics,
        drugs=drug_lanes(rows, head.now),
        gases=gas_lanes(rows, head.now),
        fluids=fluid_lanes(record.id),
        outputs=output_lanes(record.id),
        gaps=_gaps(readings, events, head, record.interval_minutes),
    )


def _events(case_id: int) -> list[CaseEvent]:
    return list(
        db.session.scalars(
            select(CaseEvent)
            .where(CaseEvent.case_id == case_id, CaseEvent.voided_at.is_(None))
            .order_by(CaseEvent.at, CaseEvent.id)
        )
    )


def _times(events: Iterable[CaseEvent]) -> dict[str, datetime]:
    times: dict[str, datetime] = {}
    for event in events:
        times.setdefault(event.kind, event.at)
    return times


def _marks(events: Iterable[CaseEvent]) -> tuple[CaseMark, ...]:
    return tuple(
        CaseMark(
            kind=_MARKS[event.kind],
            at=event.at,
            label=EventKind(event.kind).label,
            note=event.remark,
            id=f"event-{event.id}",
        )
        for event in events
        if event.kind in _MARKS
    )


def _numbered(events: Iterable[CaseEvent]) -> tuple[NumberedEvent, ...]:
    noted = [event for event in events if event.kind == EventKind.NOTED.value]
    return tuple(
        NumberedEvent(number, event.at, event.label, event.remark, f"event-{event.id}")
        for number, event in enumerate(noted, 1)
    )


def readings_of(record_id: int) -> list[Reading]:
    """All charted values of a record by slot."""
    rows = db.session.execute(
        select(
            ChartReading.id,
            ChartReading.code,
            ChartReading.slot_at,
            ChartReading.at,
            ChartReading.value,
            ChartReading.original,
            ChartReading.source,
            ChartReading.by_name,
        )
        .where(ChartReading.record_id == record_id)
        .order_by(ChartReading.slot_at)
    )
    return [Reading(*row) for row in rows]


def footnotes_of(record_id: int) -> dict[int, int]:
    """Footnote number of each corrected reading, in the order of its first correction."""
    numbers: dict[int, int] = {}
    for reading_id in db.session.scalars(
        select(ReadingCorrection.reading_id)
        .where(ReadingCorrection.record_id == record_id)
        .order_by(ReadingCorrection.at, ReadingCorrection.id)
    ):
        numbers.setdefault(reading_id, len(numbers) + 1)
    return numbers


def _series(
    readings: Sequence[Reading], footnotes: dict[int, int], times: dict[str, datetime]
) -> tuple[tuple[VitalSeries, ...], tuple[NumericRow, ...]]:
    by_code: defaultdict[str, list[Reading]] = defaultdict(list)
    for reading in readings:
        if reading.value is not None:
            by_code[reading.code].append(reading)
    curves: list[VitalSeries] = []
    figures: list[NumericRow] = []
    for code, rows in _in_order(by_code):
        item = CHARTED.get(code) or _unknown(code)
        points = tuple(_point(row, item, footnotes) for row in rows)
        limits = _LIMITS.get(code, Limits())
        if not item.is_curve:
            figures.append(NumericRow(code, item.label, item.unit, points, limits))
            continue
        axis = Axis.RIGHT if item.right_axis else Axis.LEFT
        for key, label, part in _parts(item, points, times):
            curves.append(VitalSeries(key, label, item.unit, part, axis, limits))
    return tuple(curves), tuple(figures)


def _in_order(by_code: dict[str, list[Reading]]) -> list[tuple[str, list[Reading]]]:
    order = {code: number for number, code in enumerate(CHARTED)}
    return sorted(by_code.items(), key=lambda pair: (order.get(pair[0], len(order)), pair[0]))


def _unknown(code: str) -> Parameter:
    """A code that a later version knows is still shown as a row of figures: nothing charted stays invisible."""
    zero = Decimal(0)
    return Parameter(code, code, "", 2, zero, zero, zero, zero, (code,))


def _point(row: Reading, item: Parameter, footnotes: dict[int, int]) -> VitalPoint:
    own = row.source == "manual" or row.code in _OWN_TIME
    return VitalPoint(
        at=row.at if own else row.slot_at,
        value=rounded(row.value or Decimal(0), item.digits),
        edited=row.id in footnotes,
        footnote=footnotes.get(row.id),
        source=row.by_name or ("设备采集" if row.source == "device" else "手工录入"),
        reading_id=str(row.id),
    )


def _parts(
    item: Parameter, points: tuple[VitalPoint, ...], times: dict[str, datetime]
) -> list[tuple[str, str, tuple[VitalPoint, ...]]]:
    """Breathing is drawn as ○ while it is the patient's own and as a wave between intubation and extubation."""
    tube = times.get("intubation")
    if item.code != "RR" or tube is None:
        return [(item.series, item.label, tuple(sorted(points, key=lambda point: point.at)))]
    until = times.get("extubation") or datetime.max.replace(tzinfo=tube.tzinfo)
    controlled = tuple(point for point in points if tube <= point.at < until)
    own = tuple(point for point in points if not tube <= point.at < until)
    parts = [("rr", "自主呼吸", own), ("rr_vent", "控制呼吸", controlled)]
    return [part for part in parts if part[2]]


def _gaps(
    readings: Sequence[Reading], events: Sequence[CaseEvent], head: RecordView, interval_minutes: int
) -> tuple[Gap, ...]:
    """Spans in which no curve has a value, with the reason that was noted within."""
    limit = timedelta(minutes=interval_minutes * _GAP_SLOTS)
    slots = sorted({row.slot_at for row in readings if row.value is not None and CHARTED.get(row.code)})
    if not slots:
        return ()
    edges = [*slots, head.edge] if head.edge > slots[-1] else slots
    return tuple(
        Gap(before, after, _reason(events, before, after))
        for before, after in pairwise(edges)
        if after - before > limit
    )


def _reason(events: Iterable[CaseEvent], start: datetime, end: datetime) -> str:
    for event in events:
        if start <= event.at <= end and event.label.startswith(_GAP_EVENT):
            return event.label.removeprefix(_GAP_EVENT)
    return ""
