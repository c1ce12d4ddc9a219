"""Charted values: limits, one value a slot, no change without a trace, the same post twice."""

from decimal import Decimal

import pytest
from sqlalchemy import func, select

from app.anesthesia import service
from app.anesthesia.models import ChartReading, ReadingCorrection
from app.core.audit import AuditEntry
from app.core.db import db
from app.core.errors import Conflict, InvalidInput
from tests.anesthesia.samples import Theatre, at


def put(theatre: Theatre, code: str, value: str, **more: object) -> ChartReading:
    return service.record_reading(
        theatre.actor,
        theatre.record.id,
        code,
        at(9, 30),
        Decimal(value),
        **more,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("HR", "5000"), ("HR", "-1"), ("HR", "301"), ("NIBP_S", "301"), ("NIBP_D", "201"), ("SpO2", "101"),
        ("TEMP", "98.6"), ("TEMP", "366"), ("EtCO2", "400"), ("HR", "72.5"), ("HR", "NaN"), ("TEMP", "36.55"),
    ],
)  # fmt: skip
def test_an_impossible_value_is_refused_even_when_confirmed(theatre: Theatre, code: str, value: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        put(theatre, code, value, confirm=True)
    assert refused.value.fields["value"]
    assert db.session.scalar(select(func.count()).select_from(ChartReading)) == 0


def test_asystole_is_asked_about_then_charted_as_zero(theatre: Theatre) -> None:
    with pytest.raises(InvalidInput) as asked:
        put(theatre, "HR", "0")
    assert asked.value.code == "needs_confirmation"
    assert put(theatre, "HR", "0", confirm=True).value == 0


@pytest.mark.parametrize(("code", "value"), [("HR", "72"), ("NIBP_S", "118"), ("TEMP", "36.5"), ("SpO2", "100")])
def test_a_usual_value_is_taken_at_once(theatre: Theatre, code: str, value: str) -> None:
    reading = put(theatre, code, value)
    assert (reading.value, reading.source, reading.state) == (Decimal(value), "manual", "manual")


def test_a_code_that_is_not_charted_is_refused(theatre: Theatre) -> None:
    with pytest.raises(InvalidInput, match="XYZ"):
        put(theatre, "XYZ", "1")


def test_a_time_between_the_lines_stands_on_the_nearest_line_and_keeps_its_own_time(theatre: Theatre) -> None:
    reading = service.record_reading(theatre.actor, theatre.record.id, "HR", at(9, 32), Decimal(72))
    assert (reading.slot_at, reading.at) == (at(9, 30), at(9, 32))


def test_the_same_post_twice_makes_one_value(theatre: Theatre) -> None:
    first = put(theatre, "HR", "72", idempotency_key="k1")
    second = put(theatre, "HR", "72", idempotency_key="k1")
    assert first.id == second.id
    assert db.session.scalar(select(func.count()).select_from(ChartReading)) == 1
    assert len(entries("anesthesia.record_reading")) == 1


def test_a_repeated_post_after_a_correction_does_not_undo_it(theatre: Theatre) -> None:
    first = put(theatre, "HR", "72", idempotency_key="k1")
    service.correct_reading(theatre.actor, first.id, Decimal(75), "看错")
    assert put(theatre, "HR", "72", idempotency_key="k1").value == 75


def test_another_value_in_a_taken_slot_needs_a_correction(theatre: Theatre) -> None:
    put(theatre, "HR", "72")
    with pytest.raises(Conflict) as taken:
        put(theatre, "HR", "80")
    assert taken.value.code == "slot_taken"
    assert "72" in taken.value.message


def test_a_correction_keeps_the_original_every_step_and_the_reason(theatre: Theatre) -> None:
    reading = put(theatre, "HR", "72")
    service.correct_reading(theatre.actor, reading.id, Decimal(82), "录入错误")
    service.correct_reading(theatre.actor, reading.id, Decimal(84), "再次核对")
    steps = list(db.session.scalars(select(ReadingCorrection).order_by(ReadingCorrection.id)))
    assert [(step.old, step.new, step.reason) for step in steps] == [(72, 82, "录入错误"), (82, 84, "再次核对")]
    assert (reading.value, reading.original) == (84, 72)
    assert [entry.reason for entry in entries("anesthesia.correct_reading")] == ["录入错误", "再次核对"]


@pytest.mark.parametrize("reason", ["", "   "])
def test_a_correction_without_a_reason_is_refused(theatre: Theatre, reason: str) -> None:
    reading = put(theatre, "HR", "72")
    with pytest.raises(InvalidInput, match="理由"):
        service.correct_reading(theatre.actor, reading.id, Decimal(82), reason)
    assert reading.value == 72


def test_the_same_correction_posted_twice_is_one(theatre: Theatre) -> None:
    reading = put(theatre, "HR", "72")
    for _ in range(2):
        service.correct_reading(theatre.actor, reading.id, Decimal(82), "看错", idempotency_key="c1")
    assert db.session.scalar(select(func.count()).select_from(ReadingCorrection)) == 1


def test_a_correction_of_what_somebody_else_changed_is_a_conflict(theatre: Theatre) -> None:
    reading = put(theatre, "HR", "72")
    service.correct_reading(theatre.actor, reading.id, Decimal(82), "看错")
    with pytest.raises(Conflict):
        service.correct_reading(theatre.actor, reading.id, Decimal(90), "看错", seen=Decimal(72))


def test_an_artefact_is_struck_out_with_a_trace_and_its_slot_stays_taken(theatre: Theatre) -> None:
    reading = put(theatre, "HR", "190")
    service.correct_reading(theatre.actor, reading.id, None, "电刀干扰")
    assert (reading.value, reading.original) == (None, 190)
    with pytest.raises(Conflict, match="伪差"):
        put(theatre, "HR", "80")


def test_pressures_that_were_swapped_are_refused_as_a_whole(theatre: Theatre) -> None:
    values = {"NIBP_S": Decimal(70), "NIBP_D": Decimal(120)}
    with pytest.raises(InvalidInput, match="填反"):
        service.record_readings(theatre.actor, theatre.record.id, at(9, 30), values)


def test_a_time_in_the_future_is_refused(theatre: Theatre) -> None:
    with pytest.raises(InvalidInput, match="晚于现在"):
        service.record_reading(theatre.actor, theatre.record.id, "HR", at(10, 30), Decimal(72))


def entries(action: str) -> list[AuditEntry]:
    return list(db.session.scalars(select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.id)))
