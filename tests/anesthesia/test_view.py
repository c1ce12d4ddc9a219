"""What is drawn: everything that is charted, numbered events, corrections, gaps, header, snapshot, provenance."""

import time
from datetime import timedelta
from decimal import Decimal

from sqlalchemy import event, insert

from app.anesthesia import queries, service
from app.anesthesia.models import ChartReading, RecordSnapshot
from app.anesthesia.rules import CHARTED
from app.anesthesia.service.snapshots import sheet_of
from app.charting.record import RecordView
from app.core import clock
from app.core.db import db
from tests.anesthesia.samples import Theatre, at, mark
from tests.anesthesia.test_locking import Written


def drawn_ids(view: RecordView) -> set[str | None]:
    ids = {dose.id for lane in view.drugs for dose in (*lane.boluses, *lane.infusions)}
    ids |= {run.id for gas in view.gases for run in gas.infusions}
    ids |= {bag.id for lane in view.fluids for bag in lane.bags}
    return ids | {entry.id for lane in view.outputs for entry in lane.entries}


def test_nothing_charted_is_silently_not_drawn(theatre: Theatre) -> None:
    """Every way a drug can be written: dictionary and free text, dose and pump and gas, odd units, no group."""
    written = Written(theatre)
    actor, number = theatre.actor, theatre.record.id
    rows = [written.bolus, written.infusion]
    rows.append(service.give_bolus(actor, number, name="院内制剂", dose=Decimal(1), unit="支", at=at(9, 10)))
    rows.append(service.give_bolus(actor, number, name="丙泊酚", dose=Decimal(10), unit="ml", at=at(8, 50)))
    rows.append(service.start_infusion(actor, number, name="自配泵", rate=Decimal(10), rate_unit="ml/h", at=at(9)))
    rows.append(service.start_infusion(actor, number, term_code="D050", rate=Decimal(2), rate_unit="%", at=at(9)))
    rows.append(service.start_infusion(actor, number, name="氦气", rate=Decimal(2), rate_unit="%", at=at(9)))
    view = queries.record_view(theatre.case.id)
    wanted = {f"administration-{row.id}" for row in rows} | {f"intake-{written.bag.id}", f"output-{written.loss.id}"}
    assert drawn_ids(view) == wanted
    points = [point.reading_id for series in view.vitals for point in series.points]
    assert str(written.reading.id) in points


def test_every_charted_parameter_is_drawn(theatre: Theatre) -> None:
    for code, item in CHARTED.items():
        value = ((item.soft_low + item.soft_high) / 2).quantize(Decimal(1).scaleb(-item.digits))
        service.record_reading(theatre.actor, theatre.record.id, code, at(9, 30), value)
    view = queries.record_view(theatre.case.id)
    assert len(view.vitals) + len(view.numerics) == len(CHARTED)


def test_a_code_of_a_later_version_is_still_shown(theatre: Theatre) -> None:
    db.session.add(
        ChartReading(
            record_id=theatre.record.id, code="NEW", slot_at=at(9, 5), at=at(9, 5), value=Decimal("1.25"), unit="x",
            source="device", state="auto",
        )
    )  # fmt: skip
    db.session.flush()
    row = queries.record_view(theatre.case.id).numerics[0]
    assert (row.code, row.points[0].value) == ("NEW", Decimal("1.25"))


def test_events_are_numbered_by_time_and_numbers_close_up(theatre: Theatre) -> None:
    actor, number = theatre.actor, theatre.record.id
    late = service.note_event(actor, number, label="吸痰", at=at(9, 50))
    early = service.note_event(actor, number, label="切皮", at=at(9, 20))
    view = queries.record_view(theatre.case.id)
    assert [(one.number, one.label) for one in view.events] == [(1, "切皮"), (2, "吸痰")]
    service.void_event(actor, number, early.id, "记错")
    assert [(one.number, one.id) for one in queries.record_view(theatre.case.id).events] == [(1, f"event-{late.id}")]


def test_a_corrected_value_is_marked_and_told_in_a_footnote(theatre: Theatre) -> None:
    reading = service.record_reading(theatre.actor, theatre.record.id, "HR", at(9, 30), Decimal(72))
    service.correct_reading(theatre.actor, reading.id, Decimal(82), "录入错误")
    point = queries.record_view(theatre.case.id).vitals[0].points[0]
    assert (point.value, point.edited, point.footnote) == (82, True, 1)
    note = queries.corrections(theatre.record.id)[0]
    assert (note.number, note.original, note.corrected, note.reason) == (1, "72 /min", "82 /min", "录入错误")


def test_a_span_without_data_is_a_gap_with_its_noted_reason(theatre: Theatre) -> None:
    for minute in (0, 5, 40, 45):
        service.record_reading(theatre.actor, theatre.record.id, "HR", at(9, minute), Decimal(72))
    service.note_event(theatre.actor, theatre.record.id, label="血压断档：转运", at=at(9, 20))
    gaps = queries.record_view(theatre.case.id, at(9, 50)).gaps
    assert [(gap.start, gap.end, gap.reason) for gap in gaps] == [(at(9, 5), at(9, 40), "转运")]


def test_breathing_between_tube_in_and_out_is_drawn_as_controlled(theatre: Theatre) -> None:
    mark(theatre.case, "intubation", at(9, 10))
    for minute in (5, 15, 20):
        service.record_reading(theatre.actor, theatre.record.id, "RR", at(9, minute), Decimal(12))
    series = {one.code: len(one.points) for one in queries.record_view(theatre.case.id).vitals}
    assert series == {"rr": 1, "rr_vent": 2}


def test_before_the_record_is_opened_only_the_marks_are_drawn(theatre: Theatre) -> None:
    db.session.delete(theatre.record)
    db.session.flush()
    view = queries.record_view(theatre.case.id)
    assert [one.kind.value for one in view.marks] == ["in_room"]
    assert (view.origin, view.is_live, view.vitals) == (at(9), False, ())


def test_the_header_says_what_ws_329_wants(theatre: Theatre) -> None:
    header = queries.record_header(theatre.case, "示范县中医医院")
    fields = {field.label: field.value for field in header.fields}
    assert fields["年龄"] == "42岁"
    assert (fields["体重"], fields["身高"], fields["ASA"]) == ("60 kg", "160 cm", "Ⅱ")
    assert (fields["术前诊断"], fields["拟施手术"]) == ("胆囊结石伴慢性胆囊炎", "腹腔镜胆囊切除术")
    assert fields["麻醉护士"] == "无"
    assert "覃小芳" in header.key_line
    assert queries.asa_words("3E") == "ⅢE"


def test_a_reprint_keeps_its_number_and_a_change_gets_the_next(theatre: Theatre) -> None:
    Written(theatre)
    actor, number = theatre.actor, theatre.record.id
    service.finish_record(actor, number)
    first = service.freeze_record(actor, number, "示范县中医医院")
    with clock.fixed(at(11)):
        again = service.freeze_record(actor, number, "示范县中医医院")
    assert (again.id, again.number, again.copies) == (first.id, 1, 2)
    service.reopen_record(actor, number, "补录")
    service.add_output(actor, number, kind="blood_loss", volume_ml=Decimal(30), at=at(9, 55))
    service.finish_record(actor, number)
    second = service.freeze_record(actor, number, "示范县中医医院")
    assert second.number == 2
    assert second.digest != first.digest
    held = sheet_of(db.session.get_one(RecordSnapshot, first.id))
    assert "出血量" not in [lane.name for lane in held.view.outputs]


def test_a_number_says_where_it_comes_from(theatre: Theatre) -> None:
    theatre.feed("HR", [(at(9, 4), 70), (at(9, 5), 72), (at(9, 6), 999, 4)])
    theatre.fill(at(9, 4), at(9, 6))
    view = queries.record_view(theatre.case.id)
    detail = queries.reading_detail(int(view.vitals[0].points[0].reading_id or 0))
    assert (detail.text, detail.source, detail.raw_code) == ("72 /min", "OR1-MON", "HR")
    assert [(point.value, point.usable) for point in detail.raw] == [(70, True), (72, True), (999, False)]


def test_the_latest_numbers_tell_their_age(theatre: Theatre) -> None:
    theatre.feed("HR", [(at(9, 59, 30), 70)])
    theatre.feed("SpO2", [(at(9, 59, 58), 98)], "%")
    theatre.feed("NIBP_S", [(at(9, 50), 120)], "mmHg")
    found = {one.code: (one.text, one.age_s, one.is_stale) for one in queries.latest_numerics(theatre.case.id)}
    assert found == {"HR": ("70", 30, True), "SpO2": ("98", 2, False), "NIBP_S": ("120", 600, False)}


def test_drugs_are_offered_by_use_then_by_favourite(theatre: Theatre) -> None:
    for minute in (10, 20):
        service.give_bolus(
            theatre.actor, theatre.record.id, term_code="D078", dose=Decimal("0.2"), unit="mg", at=at(9, minute)
        )
    offered = [term.code for term in queries.quick_drugs(theatre.actor.actor_id)]
    assert offered[:2] == ["D078", "D001"]
    recent = queries.recent_drugs(theatre.record.id)
    assert [(one.name, one.times, one.last_at) for one in recent] == [("西地兰", 2, at(9, 20))]


def test_a_record_of_eight_hours_takes_few_statements(theatre: Theatre) -> None:
    codes = ("HR", "NIBP_S", "NIBP_D", "NIBP_M", "SpO2", "EtCO2", "RR", "TEMP", "FiO2", "BIS")
    start = at(1)
    rows = [
        {"record_id": theatre.record.id, "code": code, "slot_at": start + timedelta(minutes=5 * n),
         "at": start + timedelta(minutes=5 * n), "value": Decimal(70), "unit": CHARTED[code].unit, "source": "device",
         "state": "auto", "raw_code": code, "by_name": ""}
        for n in range(97) for code in codes
    ]  # fmt: skip
    db.session.execute(insert(ChartReading), rows)
    statements: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    begin = time.perf_counter()
    view = queries.record_view(theatre.case.id)
    print(f"record_view of 8 h: {1000 * (time.perf_counter() - begin):.1f} ms, {len(statements)} statements")
    assert sum(len(one.points) for one in (*view.vitals, *view.numerics)) == len(rows)
    assert len(statements) <= 8
