"""The interval of the settings is the interval of a new record."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.anesthesia.queries import record_of_case
from app.core import clock, unit_of_work
from app.core.audit import SystemActor
from app.core.db import db
from app.scheduling import service as scheduling
from tests.cast import LI_MING, Person
from tests.scheduling.samples import at, received, room

PLANNER = SystemActor("job:test", "排班")


@pytest.mark.parametrize("minutes", [5, 3])
def test_a_record_opened_at_the_door_has_the_interval_of_the_settings(
    app: Flask, sign_in: Callable[[Person], FlaskClient], minutes: int
) -> None:
    app.extensions["mafei.settings"] = replace(app.extensions["mafei.settings"], chart_interval_minutes=minutes)
    with app.app_context(), unit_of_work.writing():
        case = received()
        scheduling.place_case(PLANNER, case, room(), at(9))
        case.published_at = at(7)
        number = case.id
    with clock.fixed(at(9)):
        answer = sign_in(LI_MING).post(f"/cases/{number}/in-room", data={"idempotency_key": "k"})
        assert answer.status_code < 400, answer.get_data(as_text=True)
    with app.app_context():
        record = record_of_case(number)
        assert record is not None
        assert record.interval_minutes == minutes
        db.session.remove()
