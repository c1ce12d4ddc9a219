"""A finished or locked record refuses every verb on the server, and says so."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from app.anesthesia import service
from app.anesthesia.models import Administration, AirwayProcedure, ChartReading
from app.core.db import db
from app.core.errors import Conflict, InvalidInput, Locked
from app.scheduling import service as scheduling
from app.scheduling.models import SurgicalCase
from app.scheduling.rules import EventKind
from tests.anesthesia.samples import Theatre, at


class Written:
    """A record with one entry of every kind."""

    def __init__(self, theatre: Theatre) -> None:
        actor, number = theatre.actor, theatre.record.id
        self.theatre, self.actor, self.number = theatre, actor, number
        self.reading = service.record_reading(actor, number, "HR", at(9, 30), Decimal(72))
        self.bolus = service.give_bolus(actor, number, term_code="D001", dose=Decimal(100), unit="mg", at=at(9, 10))
        self.infusion = service.start_infusion(
            actor, number, term_code="D021", rate=Decimal("0.1"), rate_unit="ug/kg/min", at=at(9, 10)
        )
        self.rate = self.infusion.rates[0]
        self.bag = service.add_intake(actor, number, term_code="F001", volume_ml=Decimal(500), start_at=at(9))
        self.loss = service.add_output(actor, number, kind="urine", volume_ml=Decimal(100), at=at(9, 40))
        self.event = service.note_event(actor, number, label="切皮", at=at(9, 20))
        self.airway = service.add_airway(actor, number, device="tracheal_tube", size="7.0", at=at(9, 12))
        service.stop_infusion(actor, self.infusion.id, at=at(9, 50))


VERBS: dict[str, Callable[[Written], object]] = {
    "record_reading": lambda w: service.record_reading(w.actor, w.number, "HR", at(9, 35), Decimal(70)),
    "record_readings": lambda w: service.record_readings(w.actor, w.number, at(9, 35), {"HR": Decimal(70)}),
    "correct_reading": lambda w: service.correct_reading(w.actor, w.reading.id, Decimal(80), "看错"),
    "give_bolus": lambda w: service.give_bolus(w.actor, w.number, term_code="D001", dose=Decimal(50), unit="mg"),
    "start_infusion": lambda w: service.start_infusion(
        w.actor, w.number, term_code="D001", rate=Decimal(4), rate_unit="mg/kg/h"
    ),
    "change_rate": lambda w: service.change_rate(w.actor, w.infusion.id, rate=Decimal("0.2"), at=at(9, 45)),
    "stop_all_infusions": lambda w: service.stop_all_infusions(w.actor, w.number),
    "correct_administration": lambda w: service.correct_administration(
        w.actor, w.bolus.id, {"dose": Decimal(120)}, "看错"
    ),
    "correct_rate": lambda w: service.correct_rate(w.actor, w.rate.id, "看错", rate=Decimal("0.3")),
    "void_administration": lambda w: service.void_administration(w.actor, w.bolus.id, "未给"),
    "add_intake": lambda w: service.add_intake(w.actor, w.number, term_code="F001", volume_ml=Decimal(500)),
    "end_intake": lambda w: service.end_intake(w.actor, w.bag.id),
    "correct_intake": lambda w: service.correct_intake(w.actor, w.bag.id, {"volume_ml": Decimal(400)}, "看错"),
    "void_intake": lambda w: service.void_intake(w.actor, w.bag.id, "未给"),
    "add_output": lambda w: service.add_output(w.actor, w.number, kind="urine", volume_ml=Decimal(50)),
    "correct_output": lambda w: service.correct_output(w.actor, w.loss.id, {"volume_ml": Decimal(90)}, "看错"),
    "void_output": lambda w: service.void_output(w.actor, w.loss.id, "看错"),
    "note_event": lambda w: service.note_event(w.actor, w.number, label="吸痰"),
    "correct_event": lambda w: service.correct_event(w.actor, w.number, w.event.id, "看错", at=at(9, 21)),
    "void_event": lambda w: service.void_event(w.actor, w.number, w.event.id, "看错"),
    "add_airway": lambda w: service.add_airway(w.actor, w.number, device="laryngeal_mask"),
    "add_line": lambda w: service.add_line(w.actor, w.number, kind="arterial"),
    "add_block": lambda w: service.add_block(w.actor, w.number, kind="nerve"),
    "correct_procedure": lambda w: service.correct_procedure(
        w.actor, AirwayProcedure, w.airway.id, {"size": "7.5"}, "看错"
    ),
    "void_procedure": lambda w: service.void_procedure(w.actor, AirwayProcedure, w.airway.id, "看错"),
    "set_technique": lambda w: service.set_technique(w.actor, w.number, {"induction": "静脉快诱导"}),
    "enter_rescue_mode": lambda w: service.enter_rescue_mode(w.actor, w.number),
    "leave_rescue_mode": lambda w: service.leave_rescue_mode(w.actor, w.number),
    "finish_record": lambda w: service.finish_record(w.actor, w.number),
    "follow_stay": lambda w: service.follow_stay(w.actor, w.theatre.case.id, at(9, 30), at(9, 40), "看错"),
}
NOT_WRITES = {
    "open_record", "lock_record", "reopen_record", "fill_chart", "stop_infusion", "check_course_open", "check_open",
}  # fmt: skip
NOT_WRITES |= {"freeze_record"}  # a print of a locked record is the point of locking it


def lock(theatre: Theatre) -> None:
    """The patient leaves, then the finished record is locked."""
    case = db.session.get_one(SurgicalCase, theatre.record.case_id)
    if EventKind.OUT_OF_ROOM not in case.times:
        scheduling.mark_event(theatre.actor, case, EventKind.OUT_OF_ROOM, at(9, 50))
    service.lock_record(theatre.actor, theatre.record.id)


def test_every_verb_of_the_service_is_tried_here() -> None:
    assert set(service.__all__) - NOT_WRITES == set(VERBS)


@pytest.mark.parametrize("state", ["finished", "locked"])
@pytest.mark.parametrize("verb", VERBS)
def test_a_closed_record_refuses(theatre: Theatre, verb: str, state: str) -> None:
    written = Written(theatre)
    service.finish_record(theatre.actor, theatre.record.id)
    if state == "locked":
        lock(theatre)
    before = counts()
    with pytest.raises(Locked):
        VERBS[verb](written)
    assert counts() == before


def test_stopping_an_infusion_on_a_locked_record_is_refused(theatre: Theatre) -> None:
    written = Written(theatre)
    written.infusion.end_at = None  # as if it had been left running
    db.session.flush()
    theatre.record.state = "locked"
    db.session.flush()
    with pytest.raises(Locked):
        service.stop_infusion(theatre.actor, written.infusion.id)


def test_raw_data_that_arrives_after_the_lock_is_not_charted(theatre: Theatre) -> None:
    Written(theatre)
    theatre.feed("SpO2", [(at(9, 45), 99)], "%")
    service.finish_record(theatre.actor, theatre.record.id)
    assert theatre.fill(at(9, 45), at(9, 46), now=at(10)) == 0


def test_reopening_needs_a_reason_counts_and_lets_one_write_again(theatre: Theatre) -> None:
    Written(theatre)
    service.finish_record(theatre.actor, theatre.record.id)
    lock(theatre)
    with pytest.raises(InvalidInput, match="理由"):
        service.reopen_record(theatre.actor, theatre.record.id, " ")
    record = service.reopen_record(theatre.actor, theatre.record.id, "补录出血量")
    assert (record.state, record.amendments, record.reopenings[0]["state"]) == ("open", 1, "locked")
    service.record_reading(theatre.actor, theatre.record.id, "HR", at(9, 35), Decimal(70))


def test_an_open_record_cannot_be_locked(theatre: Theatre) -> None:
    with pytest.raises(Conflict, match="先完成"):
        service.lock_record(theatre.actor, theatre.record.id)


def test_a_running_infusion_keeps_the_record_from_being_finished(theatre: Theatre) -> None:
    service.start_infusion(
        theatre.actor, theatre.record.id, term_code="D001", rate=Decimal(4), rate_unit="mg/kg/h", at=at(9, 10)
    )
    with pytest.raises(Conflict) as refused:
        service.finish_record(theatre.actor, theatre.record.id)
    assert refused.value.code == "unfinished"
    assert "丙泊酚 未停止" in refused.value.message
    service.stop_all_infusions(theatre.actor, theatre.record.id)
    findings = service.finish_record(theatre.actor, theatre.record.id)
    assert "missing_anesthesia_start" in {finding.code for finding in findings}


def test_one_case_has_one_record(theatre: Theatre) -> None:
    assert service.open_record(theatre.actor, theatre.case.id).id == theatre.record.id


def counts() -> tuple[int | None, ...]:
    return tuple(db.session.scalar(select(func.count()).select_from(model)) for model in (ChartReading, Administration))
