"""Times and measurements of a case whose record is closed: they stand on the record, so they keep still with it."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.core.db import db
from app.scheduling.models import CaseEvent, SurgicalCase
from tests.cast import LI_MING, Person
from tests.web.people import HTMX
from tests.web.theatre_stage import Stage, rows, set_stage, set_state

SignIn = Callable[[Person], FlaskClient]


@pytest.fixture
def stage(app: Flask) -> Stage:
    """A running case in OR1."""
    return set_stage(app)


@pytest.fixture
def lim(stage: Stage, sign_in: SignIn) -> FlaskClient:
    """李明 at the workstation of OR1."""
    return sign_in(LI_MING)


def _event(app: Flask, stage: Stage, kind: str) -> int:
    statement = select(CaseEvent.id).where(CaseEvent.kind == kind, CaseEvent.case_id == stage.running)
    with app.app_context():
        return db.session.scalars(statement).one()


@pytest.mark.parametrize("state", ["finished", "locked"])
def test_times_and_measurements_keep_still(app: Flask, lim: FlaskClient, stage: Stage, state: str) -> None:
    base, entered = f"/cases/{stage.running}", _event(app, stage, "in_room")
    set_state(app, stage.record, state)
    with app.app_context():
        weight = db.session.get_one(SurgicalCase, stage.running).weight_kg
    before = rows(app, CaseEvent)
    for path, form in (
        ("events", {"kind": "extubation"}),
        ("events", {"kind": "tourniquet_up"}),
        (f"events/{entered}/time", {"at": "00:01", "reason": "看错"}),
        (f"events/{entered}/withdraw", {"reason": "看错"}),
        ("measurements", {"weight_kg": "61", "reason": "称重"}),
    ):
        answer = lim.post(f"{base}/{path}", data=form, headers=HTMX)
        assert answer.status_code == 409, (path, answer.status_code)
        assert "不能写入" in answer.get_data(as_text=True), path
    assert rows(app, CaseEvent) == before
    with app.app_context():
        assert db.session.get_one(SurgicalCase, stage.running).weight_kg == weight
    set_state(app, stage.record, "open")  # the other half: nothing but the closed record refused them
    assert lim.post(f"{base}/events", data={"kind": "extubation"}, headers=HTMX).status_code == 200
    measured = lim.post(f"{base}/measurements", data={"weight_kg": "61", "reason": "称重"}, headers=HTMX)
    assert measured.status_code == 200


def test_a_finished_record_lets_the_patient_leave_and_a_locked_one_nothing(
    app: Flask, lim: FlaskClient, stage: Stage
) -> None:
    """Finishing early must not keep the room occupied; locking waits until the patient has left."""
    base = f"/cases/{stage.running}"
    set_state(app, stage.record, "finished")
    assert "出手术间后才能锁定" in lim.get(f"{base}/finish", headers=HTMX).get_data(as_text=True)
    early = lim.post(f"{base}/record/lock", headers=HTMX)
    assert early.status_code == 409
    assert "还没有出手术间" in early.get_data(as_text=True)
    left = lim.post(f"{base}/events", data={"kind": "out_of_room", "confirm": "yes", "remark": "核查"}, headers=HTMX)
    assert left.status_code == 200
    assert lim.post(f"{base}/record/lock", headers=HTMX).status_code == 200
    number = _event(app, stage, "out_of_room")
    for path in (f"events/{number}/time", f"events/{number}/withdraw"):
        refused = lim.post(f"{base}/{path}", data={"at": "00:01", "reason": "看错"}, headers=HTMX)
        assert refused.status_code == 409, path
    assert lim.post(f"{base}/events", data={"kind": "pacu_in"}, headers=HTMX).status_code == 200
