"""Drug, gas, fluid and output lanes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime

from app.charting.frame import Frame, Row
from app.charting.packing import Packer, text_width
from app.charting.primitives import Line, Rect, Ref, Text
from app.charting.record import (
    Bolus,
    DrugLane,
    FluidBag,
    FluidCategory,
    FluidLane,
    GasLane,
    OutputLane,
    RecordView,
)
from app.charting.strip import Strip, text_row
from app.charting.window import believable
from app.charting.wording import Clock, bag_text, bolus_text, infusion_text, number, output_text

Lane = DrugLane | GasLane | FluidLane | OutputLane


def lane_rows(frame: Frame, view: RecordView, *, tell_outside: bool) -> list[Row]:
    """The rows of all lanes. A lane with nothing in the window becomes a text row when ``tell_outside`` is set
    (screen); on paper another page shows it. An empty lane is kept on screen, where it can be charted into."""
    rows: list[Row] = []
    builders: list[tuple[Iterable[Lane], Callable[[Frame, RecordView, Lane], Row]]] = [
        (view.drugs, _drug_row),
        (view.gases, _gas_row),
        (view.fluids, _fluid_row),
    ]
    for lanes, build in builders:
        rows += _rows_of(frame, view, lanes, build, tell_outside)
    rows += _intake_row(frame, view)
    return rows + _rows_of(frame, view, view.outputs, _output_row, tell_outside)


def _rows_of(
    frame: Frame,
    view: RecordView,
    lanes: Iterable[Lane],
    build: Callable[[Frame, RecordView, Lane], Row],
    tell_outside: bool,
) -> list[Row]:
    rows = []
    for lane in lanes:
        inside, outside = split(frame, view, lane)
        if inside or (not outside and not frame.metrics.paper):
            rows.append(build(frame, view, lane))
        elif outside and tell_outside:
            words = "窗外：" + "；".join(outside)
            rows.append(text_row(frame, _KIND[type(lane)], lane.id, lane.name, words, _total(lane)))
    return rows


_KIND: dict[type[Lane], str] = {
    DrugLane: "drug",
    GasLane: "gas",
    FluidLane: "fluid",
    OutputLane: "output",
}


def spans(view: RecordView, lane: Lane, clock: Clock) -> list[tuple[datetime, datetime, str]]:
    """Every charted item of a lane as (start, end, words); what runs ends at the edge of the record."""
    items: list[tuple[datetime, datetime, str]] = []
    if isinstance(lane, DrugLane):
        items += [(bolus.at, bolus.at, bolus_text(bolus, clock)) for bolus in lane.boluses]
    if isinstance(lane, DrugLane | GasLane):
        for infusion in lane.infusions:
            end = infusion.end or max(view.edge, infusion.start)
            items.append((infusion.start, end, infusion_text(infusion, clock)))
    if isinstance(lane, FluidLane):
        for bag in lane.bags:
            items.append((bag.start, bag.end or max(view.edge, bag.start), bag_text(bag, clock)))
    if isinstance(lane, OutputLane):
        items += [(entry.at, entry.at, output_text(entry, clock)) for entry in lane.entries]
    return items


def split(frame: Frame, view: RecordView, lane: Lane) -> tuple[int, list[str]]:
    """How many items of a lane lie in the window, and the words of those outside it."""
    inside, outside = 0, []
    for start, end, words in spans(view, lane, frame.clock):
        if frame.window.touches(start, end):
            inside += 1
        elif believable(view, start):
            outside.append(words)
    return inside, outside


def _total(lane: Lane) -> str:
    """Ready text for the right edge."""
    if isinstance(lane, FluidLane | OutputLane):
        return f"{number(lane.total_ml)} mL" if lane.total_ml is not None else ""
    own = lane.total if isinstance(lane, DrugLane) else ""
    return own or "；".join(infusion.total for infusion in lane.infusions if infusion.total)


def _common_route(lane: DrugLane) -> str:
    routes = Counter(bolus.route for bolus in lane.boluses if bolus.route)
    return routes.most_common(1)[0][0] if routes else ""


def _drug_row(frame: Frame, view: RecordView, lane: Lane) -> Row:
    if not isinstance(lane, DrugLane):
        raise TypeError(type(lane))
    strip = Strip(frame)
    finished = view.ended_at is not None
    for infusion in lane.infusions:
        strip.infusion(infusion, view.edge, name=lane.name, unit=lane.unit, finished=finished)
    route = _common_route(lane)
    for bolus in lane.boluses:
        if frame.window.holds(bolus.at):
            _bolus(strip, lane, bolus, route)
    continued = any(infusion.start < frame.window.start for infusion in lane.infusions)
    name = f"(续) {lane.name}" if continued and frame.metrics.paper else lane.name
    return strip.finish("drug", lane.id, name, " ".join(filter(None, (lane.unit, route))), _total(lane))


def _bolus(strip: Strip, lane: DrugLane, bolus: Bolus, route: str) -> None:
    frame = strip.frame
    size = frame.metrics.font
    unit = "" if bolus.unit == lane.unit else bolus.unit
    other_route = "" if bolus.route in ("", route) else bolus.route
    words = " ".join(filter(None, (number(bolus.amount), unit, other_route)))
    note = str(bolus.note_no) if bolus.note_no is not None else ""
    own, raised = text_width(words, size), text_width(note, size * 0.75)
    x = frame.x(bolus.at)
    left = frame.keep(x - own / 2, own + raised)
    right = left + own + raised
    for row in strip.texts.rows():
        if strip.texts.is_free(row, left, right) and strip.lines.is_free(row, left, right):
            break
    else:
        strip.overflow.append(bolus_text(bolus, frame.clock))
        return
    strip.texts.take(row, left, right)
    ref = Ref("bolus", bolus.id, bolus.at, f"{lane.name} {bolus_text(bolus, frame.clock)}")
    strip.write(left, row, words, ref=ref, bold=True)
    if note:
        strip.shapes.append(Text("text-note", left + own, strip.base(row) - size * 0.35, note, size * 0.75))
    foot = strip.foot(row)
    strip.shapes.append(Line("bolus", x, foot - size * 0.12, x, foot + size * 0.22))


def _gas_row(frame: Frame, view: RecordView, lane: Lane) -> Row:
    if not isinstance(lane, GasLane):
        raise TypeError(type(lane))
    strip = Strip(frame)
    finished = view.ended_at is not None
    for infusion in lane.infusions:
        strip.infusion(infusion, view.edge, name=lane.name, unit=lane.unit, finished=finished)
    return strip.finish("gas", lane.id, lane.name, lane.unit, _total(lane))


def _fluid_row(frame: Frame, view: RecordView, lane: Lane) -> Row:
    if not isinstance(lane, FluidLane):
        raise TypeError(type(lane))
    strip = Strip(frame)
    for bag in lane.bags:
        _bag(strip, view, lane, bag)
    return strip.finish("fluid", lane.id, lane.name, "mL", _total(lane), lane.category.label)


def _bag(strip: Strip, view: RecordView, lane: FluidLane, bag: FluidBag) -> None:
    frame, metrics = strip.frame, strip.frame.metrics
    end = bag.end if bag.end is not None else max(view.edge, bag.start)
    if not frame.window.touches(bag.start, end):
        return
    left, right = frame.clip(frame.x(bag.start)), frame.clip(frame.x(end))
    words = " ".join(filter(None, (number(bag.volume_ml), bag.bag_no)))
    if bag.start < frame.window.start:
        words = f"(续) {words}"
    width, air = text_width(words, metrics.font), metrics.font * 0.3
    text_left = left + air
    if width + 2 * air > right - left:  # beside the box, on whichever side there is room
        text_left = right + air if right + air + width <= frame.right else max(frame.left, left - air - width)
    # boxes may stand wall to wall, so the pair is packed without the gap that keeps words apart
    row = strip.texts.place(min(left, text_left) + air / 2, max(right, text_left + width) - air / 2)
    if row is None:
        strip.overflow.append(bag_text(bag, frame.clock))
        return
    role = "bag-blood" if lane.category is FluidCategory.BLOOD else "bag"
    top = strip.base(row) - metrics.row * 0.62
    ref = Ref("bag", bag.id, bag.start, f"{lane.name} {bag_text(bag, frame.clock)}")
    strip.shapes.append(Rect(role, left, top, max(right - left, 0.5), metrics.row * 0.82, ref))
    strip.write(text_left, row, words)


def _intake_row(frame: Frame, view: RecordView) -> list[Row]:
    """The running total of all intake, written where each bag ends; the latest figure wins a place."""
    figures = []
    for lane in view.fluids:
        for bag in lane.bags:
            at = bag.end if bag.end is not None else max(view.edge, bag.start)
            if bag.running_total_ml is not None and frame.window.holds(at):
                figures.append((at, bag.running_total_ml))
    if not figures:
        return []
    strip = Strip(frame)
    packer = Packer(frame.metrics.font * 0.25, 1)
    for at, total in sorted(figures, reverse=True):
        words = number(total)
        width = text_width(words, frame.metrics.font)
        left = frame.keep(frame.x(at) - width / 2, width)
        if packer.place(left, left + width) is not None:
            strip.write(left, 0, words, "text-muted")
    return [strip.finish("intake", "intake", "入量累计", "mL")]


def _output_row(frame: Frame, view: RecordView, lane: Lane) -> Row:
    if not isinstance(lane, OutputLane):
        raise TypeError(type(lane))
    strip = Strip(frame)
    for entry in lane.entries:
        if not frame.window.holds(entry.at):
            continue
        words = number(entry.amount_ml)
        if entry.running_total_ml != entry.amount_ml:
            words += f"/{number(entry.running_total_ml)}"
        width = text_width(words, frame.metrics.font)
        left = frame.keep(frame.x(entry.at) - width / 2, width)
        row = strip.texts.place(left, left + width)
        if row is None:
            strip.overflow.append(output_text(entry, frame.clock))
            continue
        ref = Ref("output", entry.id, entry.at, f"{lane.name} {output_text(entry, frame.clock)}")
        strip.write(left, row, words, ref=ref)
    return strip.finish("output", lane.id, lane.name, "mL 次/累计", _total(lane))
