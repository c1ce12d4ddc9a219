"""The SVG obeys the strict CSP, is well-formed, small, and tells the pointer what lies where."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from lxml import etree

from app.charting.layout import layout
from app.charting.palette import PAINTS, paint
from app.charting.svg import symbol_path, to_svg
from app.charting.symbols import DEFAULTS, DRAWINGS, NEUTRAL, SymbolRegistry
from tests.charting.samples import record

SVG = "{http://www.w3.org/2000/svg}"


def parsed(svg: str) -> etree._Element:
    return etree.fromstring(svg.encode())


def test_attributes_only() -> None:
    root = parsed(to_svg(layout(record())))
    for element in root.iter():
        assert element.tag not in {f"{SVG}style", f"{SVG}script", f"{SVG}image", f"{SVG}foreignObject"}
        for name in element.attrib:
            assert name != "style"
            assert not str(name).startswith("on")


def test_small_enough_for_a_live_fragment() -> None:
    assert len(to_svg(layout(record(480, live=True))).encode()) < 56_000


def test_every_class_has_a_paint_and_the_fallback_is_complete() -> None:
    root = parsed(to_svg(layout(record())))
    groups = [group for group in root.iter(f"{SVG}g") if group.get("class", "").startswith("c-")]
    assert len(groups) > 20
    for group in groups:
        assert group.get("fill")


def test_ids_are_unique_and_prefixed() -> None:
    page = "".join(to_svg(layout(record()), prefix=prefix) for prefix in ("a", "b"))
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    for target in re.findall(r'href="#([^"]+)"', page):
        assert target in ids


def test_the_pointer_finds_lanes_items_and_values() -> None:
    view = record()
    root = parsed(to_svg(layout(view)))
    lanes = {rect.get("data-lane") for rect in root.iter(f"{SVG}rect") if rect.get("data-lane")}
    assert lanes >= {lane.id for lane in view.drugs} | {"vitals", "spo2", "events", "marks"}
    bolus = root.xpath("//*[@data-kind='bolus' and @data-id='b1']")[0]
    assert bolus.get("data-at") == view.drugs[0].boluses[0].at.isoformat()
    assert "咪达唑仑 08:16 2 mg iv" in "".join(bolus.itertext())
    systolic = root.xpath("//*[@data-series='sbp']")[0]
    values = systolic.get("data-values").split()
    assert len(values) == len(systolic.get("data-ids").split(",")) == len(view.vitals[0].points)
    assert values[int(systolic.get("data-edited"))] == "96"
    assert root.get("data-slot") == "5"


def test_hostile_words_are_escaped() -> None:
    view = record()
    lane = replace(view.drugs[0], name='<script>"&', id='"><x')
    root = parsed(to_svg(layout(replace(view, drugs=(lane,)))))
    assert not list(root.iter(f"{SVG}script"))
    assert root.xpath("//*[@data-lane=$id]", id='"><x')


def test_accessible_name() -> None:
    root = parsed(to_svg(layout(record()), prefix="case7"))
    title = root.find(f"{SVG}title")
    assert title is not None
    assert root.get("aria-labelledby") == title.get("id") == "case7-title"
    assert title.text == "麻醉记录图 08:00–12:00"


@pytest.mark.parametrize("name", sorted(DRAWINGS))
def test_every_symbol_is_a_path(name: str) -> None:
    path = symbol_path(DRAWINGS[name], 8)
    assert re.fullmatch(r"[mlaz0-9 .\-]+", path)
    assert path.startswith("m")


@pytest.mark.parametrize("key", sorted(DEFAULTS))
def test_every_default_symbol_exists(key: str) -> None:
    assert SymbolRegistry()[key].name == DEFAULTS[key]


def test_a_hospital_may_choose_its_symbols_and_an_old_record_keeps_them() -> None:
    view = replace(record(), symbols=(("hr", "cross"), ("intubation", "diamond")))
    chart = layout(view)
    used = {(shape.role, shape.symbol) for shape in chart.primitives if hasattr(shape, "symbol")}
    assert ("hr", "cross") in used
    assert ("hr", "disc") not in used


def test_an_unknown_drawing_is_refused_before_anything_is_drawn() -> None:
    with pytest.raises(ValueError, match="not in the registry"):
        SymbolRegistry((("hr", "heart"),))


def test_an_unknown_series_gets_the_neutral_symbol() -> None:
    assert SymbolRegistry()["novel"].name == NEUTRAL


def test_derived_paints() -> None:
    assert paint("sbp-line").stroke == PAINTS["sbp"].stroke
    assert paint("text-sbp").fill == PAINTS["sbp"].stroke
    assert paint("nobody-knows") == PAINTS["other"]
