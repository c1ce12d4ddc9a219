"""What the layout does with the cases that matter: windows, gaps, corrections, long nights, many drugs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from app.charting.frame import DENSE
from app.charting.layout import layout, layout_pages, slot_of
from app.charting.palette import paint
from app.charting.primitives import Band, Glyphs, Line, Polyline
from app.charting.record import (
    Bolus,
    DrugLane,
    Limits,
    NumericRow,
    RecordView,
    VitalPoint,
    VitalSeries,
)
from app.charting.window import Window, last_hours, pages, whole_case
from app.charting.wording import number
from tests.charting.drawn import PAGE, all_words, references, texts
from tests.charting.samples import START, after, record


def test_a_finished_case_opens_on_the_whole_case() -> None:
    view = replace(record(225), now=after(60 * 24 * 30))
    window = whole_case(view)
    assert window.start <= START
    assert after(225) <= window.end <= after(225) + timedelta(minutes=15)


def test_a_drug_out_of_the_window_is_told_in_words() -> None:
    view = record(480, live=True)
    chart = layout(view, last_hours(view))
    words = all_words((chart,))
    assert "咪达唑仑" in words
    assert "窗外：08:16 2 mg iv" in words
    assert "窗外标记" in words
    assert {lane.id for lane in chart.lanes} >= {lane.id for lane in view.drugs}


def test_a_wrong_date_is_told_and_does_not_stretch_the_axis() -> None:
    stray = DrugLane("x", "阿托品", "mg", (Bolus(START - timedelta(days=365), Decimal("0.5"), "mg", "iv"),))
    view = replace(record(), drugs=(stray,))
    charts = layout_pages(view, PAGE)
    assert len(charts) == 1
    assert "时间存疑" in all_words(charts)
    assert "2025-11-22 08:02 0.5 mg iv" in all_words(charts)
    assert "阿托品" in all_words((layout(view),))


def test_a_running_infusion_reaches_the_edge_and_says_so() -> None:
    view = record(120, live=True)
    chart = layout(view)
    lane = next(lane for lane in chart.lanes if lane.id == "d6")
    inside = [shape for shape in chart.primitives if isinstance(shape, Line) and shape.role == "infusion"]
    span = chart.plot_right - chart.plot_left
    edge = chart.plot_left + (view.now - chart.start) / (chart.end - chart.start) * span
    assert any(lane.y < line.y1 < lane.y + lane.height and line.x2 == pytest.approx(edge) for line in inside)
    assert "未停" in [text.text for text in texts(chart) if lane.y < text.y < lane.y + lane.height]


def test_an_infusion_over_a_page_break_names_drug_and_rate() -> None:
    charts = layout_pages(record(480), PAGE)
    words = [text.text for text in texts(charts[1])]
    assert "(续) 丙泊酚 4.5 mg/kg/h" in words
    assert "(续) 300" in words


def test_systolic_and_diastolic_stand_at_the_same_time() -> None:
    chart = layout_pages(record(), PAGE)[0]
    runs = {
        shape.role: [x for x, _ in shape.points]
        for shape in chart.primitives
        if isinstance(shape, Glyphs) and len(shape.points) > 1
    }
    assert runs["sbp"] == runs["dbp"]
    assert len(runs["sbp"]) == 45  # every 5-min reading keeps its symbol on paper


def test_a_gap_breaks_the_curve() -> None:
    chart = layout_pages(record(), PAGE)[0]
    lines = [shape for shape in chart.primitives if isinstance(shape, Polyline) and shape.role == "hr-line"]
    assert len(lines) == 2
    band = next(shape for shape in chart.primitives if isinstance(shape, Band) and shape.role == "gap")
    assert lines[0].points[-1][0] <= band.x + 0.01
    assert lines[1].points[0][0] >= band.x + band.width - 0.01


def test_two_empty_slots_break_the_curve() -> None:
    minutes_with_data = (3, 8, 13, 28, 33)
    points = tuple(VitalPoint(after(minute), Decimal(80)) for minute in minutes_with_data)
    view = replace(record(), vitals=(VitalSeries("hr", "脉搏", "次/分", points),), gaps=())
    lines = [shape for shape in layout(view).primitives if isinstance(shape, Polyline)]
    assert [len(line.points) for line in lines] == [3, 2]


def test_a_slow_series_is_joined_in_its_own_rhythm() -> None:
    points = tuple(VitalPoint(after(minute), Decimal(120)) for minute in (0, 5, 10, 15, 40, 45))
    series = VitalSeries("sbp", "收缩压", "mmHg", points)
    view = replace(record(48), vitals=(series,), gaps=(), interval_minutes=1)
    lines = [shape for shape in layout(view).primitives if isinstance(shape, Polyline)]
    assert [len(line.points) for line in lines] == [4, 2]


def test_a_corrected_value_bears_its_footnote() -> None:
    for chart in (layout(record()), layout_pages(record(), PAGE)[0]):
        assert any(text.role == "text-note" and text.text == "1" for text in texts(chart))


def test_a_value_beyond_the_axis_is_written_in_figures() -> None:
    points = (VitalPoint(after(3), Decimal(268)),)
    view = replace(record(), vitals=(VitalSeries("sbp", "收缩压", "mmHg", points),))
    assert any(text.text == "268" and text.role == "text-warn" for text in texts(layout(view)))


def test_a_value_beyond_its_limits_is_emphasised() -> None:
    points = (VitalPoint(after(3), Decimal(88)), VitalPoint(after(8), Decimal(120)))
    limits = Limits(Decimal(90), Decimal(160))
    series = VitalSeries("sbp", "收缩压", "mmHg", points, limits=limits)
    row = NumericRow("map", "MAP", "mmHg", points, limits)
    chart = layout(replace(record(), vitals=(series,), numerics=(row,)))
    over = [shape for shape in chart.primitives if isinstance(shape, Glyphs) and shape.role == "breach"]
    assert [len(shape.points) for shape in over] == [1]
    figures = {text.text: (text.role, text.bold) for text in texts(chart) if text.text in {"88", "120"}}
    assert figures["88"] == ("text-warn", True)


def test_paper_says_when_it_cannot_show_every_figure() -> None:
    points = tuple(VitalPoint(after(minute), Decimal(100)) for minute in range(200))
    view = replace(record(), numerics=(NumericRow("spo2", "SpO₂", "%", points),))
    chart = layout_pages(view, PAGE)[0]
    assert any("择显" in text.text for text in texts(chart))
    assert not any("择显" in text.text for text in texts(layout_pages(record(), PAGE)[0]))


def test_invasive_pressure_is_drawn_with_another_stroke() -> None:
    for invasive, cuff in (("abp_sys", "sbp"), ("abp_dia", "dbp"), ("abp_map", "map")):
        assert paint(invasive).width < paint(cuff).width
        assert paint(invasive).stroke != paint(cuff).stroke


def test_an_edited_value_survives_thinning() -> None:
    points = tuple(
        VitalPoint(after(minute), Decimal(80), edited=minute == 701, footnote=9 if minute == 701 else None)
        for minute in range(0, 1440)
    )
    view = replace(record(1440), vitals=(VitalSeries("hr", "脉搏", "次/分", points),))
    chart = layout(view)
    glyphs = next(s for s in chart.primitives if isinstance(s, Glyphs) and s.role == "hr" and len(s.points) > 1)
    assert len(glyphs.points) < 120
    assert any(text.text == "9" and text.role == "text-note" for text in texts(chart))


def test_two_hundred_drugs_all_have_a_lane() -> None:
    lanes = tuple(
        DrugLane(f"n{index}", f"药物第{index}号", "mg", (Bolus(after(index), Decimal(1), "mg", "iv"),))
        for index in range(200)
    )
    view = replace(record(), drugs=lanes)
    charts = layout_pages(view, PAGE)
    on_paper = [lane.id for chart in charts for lane in chart.lanes if lane.kind == "drug"]
    assert sorted(on_paper) == sorted(lane.id for lane in lanes)
    assert all(chart.height <= PAGE + 0.01 for chart in charts)


def test_many_doses_of_one_drug_are_listed_when_they_do_not_fit() -> None:
    doses = tuple(Bolus(after(30 + index / 10), Decimal(index + 1), "mg", "iv") for index in range(60))
    view = replace(record(), drugs=(DrugLane("d", "麻黄碱", "mg", doses),))
    charts = layout_pages(view, PAGE)
    words = all_words(charts)
    drawn = {ref.at for ref in references(charts, "bolus")}  # type: ignore[attr-defined]
    assert len(drawn) < 60
    for dose in doses:
        assert dose.at in drawn or f"{number(dose.amount)} mg iv" in words


def test_an_empty_record_still_has_axes() -> None:
    view = RecordView(case_id="c", origin=START, now=START)
    chart = layout(view)
    assert "08:00" in all_words((chart,))
    assert len(layout_pages(view, PAGE)) == 1


def test_an_empty_lane_waits_on_screen_and_stays_off_paper() -> None:
    view = replace(record(), drugs=(DrugLane("d", "阿托品", "mg"),))
    assert "d" in {lane.id for lane in layout(view).lanes}
    assert "d" not in {lane.id for chart in layout_pages(view, PAGE) for lane in chart.lanes}


def test_a_night_case_shows_the_new_date() -> None:
    start = START.replace(hour=14)  # 22:02 in Shanghai
    chart = layout(record(300, start=start))
    words = [text.text for text in texts(chart)]
    assert "2026-11-22" in words
    assert "11-23 00:00" in words


def test_a_day_long_case_has_six_pages() -> None:
    charts = layout_pages(record(1435), PAGE)
    assert len(charts) == 6
    assert {chart.end - chart.start for chart in charts} == {timedelta(hours=4)}


def test_rescue_mode_gives_a_page_to_48_minutes() -> None:
    view = replace(record(100), interval_minutes=1)
    assert {window.minutes for window in pages(view)} == {48}


def test_a_chart_can_be_asked_for_a_height() -> None:
    chart = layout(record(), metrics=DENSE, height=640)
    assert chart.height == pytest.approx(640)
    assert chart.plot_bottom - chart.plot_top >= DENSE.least_plot


def test_a_window_is_half_open() -> None:
    window = Window(START, after(60))
    assert window.holds(START)
    assert not window.holds(after(60))
    assert Window(START, after(60), closed=True).holds(after(60))


def test_the_slot_of_a_moment_is_the_grid_line_before_it() -> None:
    assert slot_of(record(), after(6.5)) == after(3)  # 08:08:30 → 08:05
