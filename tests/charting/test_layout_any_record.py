"""Whatever is charted: everything is drawn, nothing overlaps, nothing leaves the frame."""

from __future__ import annotations

from decimal import Decimal
from itertools import combinations, pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.charting.frame import DENSE, PAPER, SCREEN
from app.charting.layout import layout, layout_pages
from app.charting.primitives import Band, Chart, Glyphs, Line, Polyline, Rect, Text
from app.charting.record import (
    Axis,
    Bolus,
    CaseMark,
    DrugLane,
    FluidBag,
    FluidCategory,
    FluidLane,
    Infusion,
    MarkKind,
    NumberedEvent,
    NumericRow,
    RateChange,
    RecordView,
    VitalPoint,
    VitalSeries,
)
from app.charting.symbols import DRAWINGS
from app.charting.window import last_hours, pages
from app.charting.wording import number
from tests.charting.drawn import PAGE, all_words, edges, references, texts
from tests.charting.samples import START, after

QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])

minutes = st.integers(0, 700)
amounts = st.decimals("0.01", "5000", places=2)
names = st.text("丙泊酚罗库溴铵舒芬太尼盐酸注射液䶮㛃𬍛𫖮 abcµ(/)", min_size=1, max_size=40)


@st.composite
def drug_lanes(draw: st.DrawFn) -> DrugLane:
    boluses = tuple(
        Bolus(after(minute), amount, draw(st.sampled_from(["mg", "µg"])), draw(st.sampled_from(["iv", "im", ""])))
        for minute, amount in draw(st.lists(st.tuples(minutes, amounts), max_size=8))
    )
    infusions = []
    for start, length, rate in draw(st.lists(st.tuples(minutes, st.integers(1, 300), amounts), max_size=3)):
        changes = draw(st.lists(st.integers(0, length), max_size=4))
        rates = [RateChange(after(start), rate, "mg/h")]
        rates += [RateChange(after(start + change), rate + change, "mg/h") for change in sorted(changes)]
        end = draw(st.sampled_from([after(start + length), None]))
        infusions.append(Infusion(after(start), end, tuple(rates), id=f"{start}/{len(infusions)}"))
    return DrugLane(draw(st.uuids()).hex, draw(names), "mg", boluses, tuple(infusions))


@st.composite
def views(draw: st.DrawFn) -> RecordView:
    readings = draw(st.lists(st.tuples(minutes, st.integers(-20, 320), st.booleans()), max_size=120))
    points = tuple(
        VitalPoint(after(minute), Decimal(value), edited=edited, footnote=index if edited else None)
        for index, (minute, value, edited) in enumerate(sorted(readings))
    )
    marks = draw(st.lists(st.tuples(st.sampled_from(list(MarkKind)), minutes), max_size=12))
    events = draw(st.lists(minutes, max_size=25))
    return RecordView(
        case_id="c",
        origin=START,
        now=after(draw(minutes)),
        marks=tuple(CaseMark(kind, after(minute), "手术开始") for kind, minute in marks),
        vitals=(
            VitalSeries("sbp", "收缩压", "mmHg", points),
            VitalSeries("temp", "体温", "℃", points, axis=Axis.RIGHT, joined=False),
            VitalSeries("novel", "脑氧", "%", points),
        ),
        numerics=(NumericRow("spo2", "SpO₂", "%", points),),
        drugs=tuple(draw(st.lists(drug_lanes(), max_size=6))),
        fluids=(
            FluidLane(
                "f",
                draw(names),
                FluidCategory.BLOOD,
                tuple(
                    FluidBag(after(m), None, Decimal(200), "B-20261122-0007")
                    for m in draw(st.lists(minutes, max_size=5))
                ),
            ),
        ),
        events=tuple(NumberedEvent(index, after(m), "低血压") for index, m in enumerate(events, start=1)),
    )


@QUICK
@given(views())
def test_every_charted_item_is_on_some_page(view: RecordView) -> None:
    charts = layout_pages(view, PAGE)
    words = all_words(charts)
    drawn = references(charts, "bolus")
    overflow = words.count("未画出")
    for lane in view.drugs:
        for bolus in lane.boluses:
            told = f"{number(bolus.amount)} {bolus.unit}"
            assert any(ref.at == bolus.at for ref in drawn) or (overflow and told in words)  # type: ignore[attr-defined]
        for infusion in lane.infusions:
            drawn_ids = {ref.id for ref in references(charts, "infusion")}  # type: ignore[attr-defined]
            assert infusion.id in drawn_ids or overflow
    assert len(references(charts, "event")) == len(view.events)
    assert len(references(charts, "mark")) == len(view.marks)
    assert {ref.at for ref in references(charts, "bag")} >= {  # type: ignore[attr-defined]
        bag.start for lane in view.fluids for bag in lane.bags
    } or overflow


@QUICK
@given(views())
def test_every_reading_has_a_symbol_or_lies_on_the_line(view: RecordView) -> None:
    charts = layout_pages(view, PAGE)
    span = PAPER.width - PAPER.right_width - PAPER.label_width
    for series, role in zip(view.vitals, ("sbp", "temp", "other"), strict=True):
        for window, chart in zip(pages(view), (chart for chart in charts if chart.traces), strict=True):
            places = {
                round(x, 3)
                for shape in chart.primitives
                if isinstance(shape, Glyphs | Polyline) and shape.role in (role, f"{role}-line")
                for x, _ in shape.points
            }
            for point in series.points:
                if window.holds(point.at):
                    share = (point.at - window.start).total_seconds() / 60 / window.minutes
                    assert round(PAPER.label_width + share * span, 3) in places


@QUICK
@given(views())
def test_symbols_of_a_series_never_overlap_on_paper(view: RecordView) -> None:
    for chart in layout_pages(view, PAGE):
        for shape in chart.primitives:
            if isinstance(shape, Glyphs) and len(shape.points) > 1:
                reach = 2 * DRAWINGS[shape.symbol].half_width * shape.size
                xs = sorted(x for x, _ in shape.points)
                assert all(right - left >= reach for left, right in pairwise(xs))


@QUICK
@given(views())
def test_words_in_a_lane_never_overlap(view: RecordView) -> None:
    for chart in layout_pages(view, PAGE):
        for lane in chart.lanes:
            if lane.kind not in {"drug", "fluid", "marks", "intake"}:
                continue
            inside = [
                (*edges(text), text.y)
                for text in texts(chart)
                if lane.y < text.y < lane.y + lane.height
                and text.role != "text-note"
                and edges(text)[0] >= chart.plot_left - 0.01
                and edges(text)[1] <= chart.plot_right + 0.01
            ]
            for one, other in combinations(inside, 2):
                assert one[2] != other[2] or one[1] <= other[0] + 0.01 or other[1] <= one[0] + 0.01


@QUICK
@given(views(), st.sampled_from([SCREEN, DENSE]))
def test_nothing_leaves_the_frame(view: RecordView, metrics: object) -> None:
    for chart in (*layout_pages(view, PAGE), layout(view, metrics=metrics), layout(view, last_hours(view))):  # type: ignore[arg-type]
        assert_inside(chart)


def assert_inside(chart: Chart) -> None:
    right, bottom = chart.width + 0.01, chart.height + 0.01
    for shape in chart.primitives:
        match shape:
            case Line(_, x1, y1, x2, y2):
                assert 0 <= min(x1, x2) <= max(x1, x2) <= right
                assert 0 <= min(y1, y2) <= max(y1, y2) <= bottom
            case Rect(_, x, y, width, height) | Band(_, x, y, width, height):
                assert x >= 0
                assert y >= 0
                assert x + width <= right
                assert y + height <= bottom
            case Polyline(_, points) | Glyphs(_, _, _, points):
                assert all(0 <= x <= right and 0 <= y <= bottom for x, y in points)
            case Text():
                left, end = edges(shape)
                assert left >= -0.01, shape
                assert end <= right, shape
                assert 0 < shape.y <= bottom, shape


@QUICK
@given(views())
def test_pages_keep_to_their_height(view: RecordView) -> None:
    for chart in layout_pages(view, PAGE, first_height=560):
        assert chart.height <= PAGE or len(chart.lanes) <= 6
