"""Several people at once: one value a slot, one dose a form, whatever the order."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

from flask import Flask
from sqlalchemy import func, select

from app.anesthesia import service
from app.anesthesia.models import Administration, ChartReading
from app.core import audit, clock, unit_of_work
from app.core.audit import SystemActor
from app.core.db import db
from app.core.errors import Conflict
from tests.anesthesia.samples import at, make_case

ACTOR = SystemActor("user:1", "李明")


def together(app: Flask, work: Callable[[int], object], people: int = 8) -> list[str]:
    """Run `work(n)` at once in its own transaction each; gives ok or conflict of each."""

    def one(number: int) -> str:
        with app.app_context():
            try:
                with unit_of_work.writing():
                    work(number)
            except Conflict:
                return "conflict"
            return "ok"

    with ThreadPoolExecutor(people) as pool:
        return list(pool.map(one, range(people)))


def opened(app: Flask) -> int:
    with app.app_context(), unit_of_work.writing():
        return service.open_record(ACTOR, make_case().id, at=at(9)).id


def test_one_form_posted_by_eight_threads_is_one_dose(app: Flask) -> None:
    with clock.fixed(at(10)):
        number = opened(app)
        together(
            app,
            lambda _n: service.give_bolus(
                ACTOR, number, term_code="D001", dose=Decimal(100), unit="mg", at=at(9, 10), idempotency_key="k"
            ),
        )
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Administration)) == 1


def test_eight_values_for_one_slot_leave_one_and_seven_are_told(app: Flask) -> None:
    with clock.fixed(at(10)):
        number = opened(app)
        outcomes = together(app, lambda n: service.record_reading(ACTOR, number, "HR", at(9, 30), Decimal(60 + n)))
    assert sorted(outcomes) == ["conflict"] * 7 + ["ok"]
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(ChartReading)) == 1
        assert audit.verify_chain().is_intact


def test_one_case_opened_by_eight_threads_has_one_record(app: Flask) -> None:
    with clock.fixed(at(10)):
        with app.app_context(), unit_of_work.writing():
            case_id = make_case().id
        outcomes = together(app, lambda _n: service.open_record(ACTOR, case_id, at=at(9)))
    assert set(outcomes) == {"ok"}
