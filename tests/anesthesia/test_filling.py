"""The chart is filled from raw data by the declared rule, and by nothing else."""

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from sqlalchemy import event, select

from app.anesthesia import service
from app.anesthesia.models import ChartReading
from app.anesthesia.rules import NOT_CHARTABLE, Slot, nearest_valid, slot_for, slots_between
from app.clinical.dosing import plain
from app.core import clock
from app.core.db import db
from app.devices.models import Binding
from device_bridge import wire
from tests.anesthesia.samples import Theatre, at, make_theatre, mark


def charted(code: str = "HR") -> dict[str, tuple[str, str]]:
    """Hospital time of slot → value and state."""
    rows = db.session.scalars(select(ChartReading).where(ChartReading.code == code).order_by(ChartReading.slot_at))
    return {
        f"{clock.to_hospital(row.slot_at):%H:%M}": ("None" if row.value is None else plain(row.value), row.state)
        for row in rows
    }


def test_the_bits_are_those_of_the_wire() -> None:
    assert int(wire.NOT_CHARTABLE) == NOT_CHARTABLE


def test_the_nearest_value_of_each_cell_is_charted_and_nothing_is_interpolated(theatre: Theatre) -> None:
    points = [(at(9) + timedelta(seconds=10 * n), 60 + n) for n in range(60)]  # 9:00 to 9:09:50
    theatre.feed("HR", points)
    theatre.fill(at(9), at(9, 9, 50), now=at(9, 30))
    assert charted() == {"09:00": ("60", "auto"), "09:05": ("90", "auto"), "09:10": ("119", "auto")}


def test_a_cell_without_a_value_stays_empty(theatre: Theatre) -> None:
    theatre.feed("HR", [(at(9, 0, 1), 70), (at(9, 20), 74)])
    theatre.fill(at(9), at(9, 20), now=at(9, 40))
    assert list(charted()) == ["09:00", "09:20"]


def test_a_line_that_has_not_passed_is_not_charted(theatre: Theatre) -> None:
    theatre.feed("HR", [(at(9, 3), 70), (at(9, 4, 59), 71)])
    assert theatre.fill(at(9, 3), at(9, 4, 59)) == 0
    theatre.feed("HR", [(at(9, 5), 72)])
    theatre.fill(at(9, 5), at(9, 5))
    assert charted() == {"09:05": ("72", "auto")}


def test_a_nearer_value_replaces_a_provisional_one_only_until_the_cell_closes(theatre: Theatre) -> None:
    theatre.feed("HR", [(at(9, 4), 70)])
    theatre.fill(at(9, 4), at(9, 5, 10))
    assert charted() == {"09:05": ("70", "auto")}
    theatre.feed("HR", [(at(9, 5, 20), 75)])
    theatre.fill(at(9, 5, 20), at(9, 5, 20))
    assert charted() == {"09:05": ("75", "auto")}
    theatre.feed("HR", [(at(9, 5), 99)])  # a late, nearer value after the cell has closed
    assert theatre.fill(at(9, 5), at(9, 5), now=at(9, 8)) == 0
    assert charted() == {"09:05": ("75", "auto")}


def test_a_late_backlog_fills_empty_slots_only(theatre: Theatre) -> None:
    theatre.feed("HR", [(at(9, 5), 70)])
    theatre.fill(at(9, 5), at(9, 5))
    theatre.feed("HR", [(at(9, minute, 1), 80) for minute in range(5, 31)])
    theatre.fill(at(9, 5), at(9, 30, 1), now=at(9, 59))
    assert charted()["09:05"] == ("70", "auto")
    assert [value for value, _state in charted().values()] == ["70", "80", "80", "80", "80", "80"]


def test_what_was_typed_or_corrected_is_never_replaced(theatre: Theatre) -> None:
    theatre.feed("HR", [(at(9, 4, 30), 70), (at(9, 9, 30), 70)])
    service.record_reading(theatre.actor, theatre.record.id, "HR", at(9, 5), Decimal(66))
    theatre.fill(at(9, 4, 30), at(9, 10), now=at(9, 10, 5))
    reading = db.session.scalars(select(ChartReading).where(ChartReading.slot_at == at(9, 10))).one()
    service.correct_reading(theatre.actor, reading.id, Decimal(88), "数错")
    theatre.feed("HR", [(at(9, 5), 71), (at(9, 10), 72)])
    theatre.fill(at(9, 5), at(9, 10, 6), now=at(9, 10, 6))
    assert charted() == {"09:05": ("66", "manual"), "09:10": ("88", "manual")}


def test_a_value_that_was_struck_out_does_not_come_back(theatre: Theatre) -> None:
    theatre.feed("HR", [(at(9, 4, 50), 190)])
    theatre.fill(at(9, 4), at(9, 5))
    reading = db.session.scalars(select(ChartReading)).one()
    service.correct_reading(theatre.actor, reading.id, None, "电刀干扰")
    theatre.feed("HR", [(at(9, 5), 72)])
    theatre.fill(at(9, 5), at(9, 5, 1))
    assert charted() == {"09:05": ("None", "manual")}


@pytest.mark.parametrize("flag", [wire.Quality.DEMO, wire.Quality.OUT_OF_RANGE, wire.Quality.UNIT_SUSPECT,
                                  wire.Quality.INVALID, wire.Quality.CALIBRATION,
                                  wire.Quality.DEMO | wire.Quality.LATE])  # fmt: skip
def test_flagged_values_are_never_charted(theatre: Theatre, flag: wire.Quality) -> None:
    theatre.feed("HR", [(at(9, 5), 70, int(flag)), (at(9, 6), 71, int(wire.Quality.QUESTIONABLE))])
    theatre.fill(at(9, 5), at(9, 6))
    assert charted() == {"09:05": ("71", "auto")}


def test_an_impossible_value_is_not_charted_and_asystole_is_not_clamped(theatre: Theatre) -> None:
    theatre.feed("HR", [(at(9, 5), 5000), (at(9, 10), 0)])
    theatre.fill(at(9, 5), at(9, 10))
    assert charted() == {"09:10": ("0", "auto")}


def test_only_the_time_of_the_binding_and_of_the_stay_is_charted(theatre: Theatre) -> None:
    binding = db.session.scalars(select(Binding)).one()
    binding.bound_at, binding.released_at = at(9, 8), at(9, 31)
    mark(theatre.case, "out_of_room", at(9, 27))
    theatre.feed("HR", [(at(8, 50) + timedelta(minutes=n), 70) for n in range(60)])
    theatre.fill(at(8, 50), at(9, 49), now=at(9, 59))
    assert list(charted()) == ["09:10", "09:15", "09:20", "09:25"]


def test_the_data_of_another_case_is_not_charted_here(theatre: Theatre) -> None:
    other = make_theatre(theatre.actor, 2)
    other.feed("HR", [(at(9, 5), 70)])
    other.fill(at(9, 5), at(9, 5))
    assert db.session.scalars(select(ChartReading)).one().record_id == other.record.id


def test_heart_rate_comes_from_ecg_then_pulse_and_says_so(theatre: Theatre) -> None:
    theatre.feed("PR", [(at(9, 5), 71), (at(9, 10), 73)])
    theatre.feed("HR", [(at(9, 5, 4), 70), (at(9, 8), 90)])
    theatre.fill(at(9, 5), at(9, 10, 10))
    rows = db.session.scalars(select(ChartReading).order_by(ChartReading.slot_at)).all()
    assert [(row.raw_code, int(row.value or 0)) for row in rows] == [("HR", 70), ("PR", 73)]


def test_the_cuff_is_charted_as_one_measurement_at_its_own_time(theatre: Theatre) -> None:
    for code, value in (("NIBP_S", 120), ("NIBP_D", 70), ("NIBP_M", 87)):
        theatre.feed(code, [(at(9, 6, 10), value)], "mmHg")
    theatre.feed("NIBP_S", [(at(9, 5), 200)], "mmHg")  # a systolic without its diastolic is nearer
    theatre.fill(at(9, 6), at(9, 6, 10))
    assert charted("NIBP_S") == {}
    theatre.feed("NIBP_D", [(at(9, 5), 100)], "mmHg")
    theatre.fill(at(9, 5), at(9, 6, 20))
    assert (charted("NIBP_S"), charted("NIBP_D")) == ({"09:05": ("200", "auto")}, {"09:05": ("100", "auto")})
    assert charted("NIBP_M") == {}


def test_rescue_mode_charts_every_minute(theatre: Theatre) -> None:
    with clock.fixed(at(9, 10)):
        service.enter_rescue_mode(theatre.actor, theatre.record.id, at(9, 6))
        service.leave_rescue_mode(theatre.actor, theatre.record.id, at(9, 9))
    theatre.feed("HR", [(at(9, 0, second), 70) for second in range(0, 1200, 10)])
    theatre.fill(at(9), at(9, 20), now=at(9, 30))
    assert list(charted()) == ["09:00", "09:05", "09:06", "09:07", "09:08", "09:09", "09:10", "09:15", "09:20"]


def test_a_second_of_thirty_theatres_without_a_due_slot_asks_the_database_once(theatre: Theatre) -> None:
    statements: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    assert theatre.fill(at(9, 3), at(9, 3, 1)) == 0
    assert len(statements) == 1


def test_a_settled_slot_is_not_read_again_from_raw(theatre: Theatre) -> None:
    theatre.feed("HR", [(at(9, 5), 70)])
    theatre.fill(at(9, 5), at(9, 5))
    statements: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    count = service.fill_chart(
        theatre.actor, [theatre.monitor.id], clock.to_ms(at(9, 5, 1)), clock.to_ms(at(9, 5, 2)),
        now_ms=clock.to_ms(at(9, 5, 2)), codes={"HR"},
    )  # fmt: skip
    assert count == 0
    assert not any("vital" in statement for statement in statements)


def test_cells_reach_half_way_and_hold_every_moment_once() -> None:
    minute = 60_000
    slots = slots_between(0, 20 * minute, 5, [(7 * minute, 9 * minute)])
    assert [slot.at_ms // minute for slot in slots] == [0, 5, 7, 8, 9, 10, 15, 20]
    assert all(before.closes_ms == after.opens_ms for before, after in pairwise(slots))
    assert slot_for(6 * minute, 5, [(7 * minute, 9 * minute)]).at_ms == 5 * minute
    assert slot_for(6 * minute + 1, 5, [(7 * minute, 9 * minute)]).at_ms == 7 * minute


def test_of_two_equally_near_the_earlier_is_taken() -> None:
    choice = nearest_valid([90, 110], [1.0, 2.0], [0, 0], Slot(100, 0, 200), 0, 10)
    assert choice is not None
    assert choice.time_ms == 90
    assert nearest_valid([90, 110], [float("nan"), 2.0], [0, 0], Slot(100, 0, 200), 0, 10) is not None
    assert nearest_valid([90], [float("nan")], [0], Slot(100, 0, 200), 0, 10) is None
