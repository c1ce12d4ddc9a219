"""Times in an impossible order are asked about at once; the devices follow a patient who left or came by mistake."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.core import clock, unit_of_work
from app.core.audit import AuditEntry
from app.core.db import db
from app.devices import service as devices
from app.devices.models import Binding, Device
from app.scheduling.models import CaseEvent, SurgicalCase
from tests.cast import LI_MING, Person
from tests.web.people import HTMX
from tests.web.theatre_stage import Stage, set_stage, user


@pytest.fixture
def stage(app: Flask) -> Stage:
    """A running case in OR1, one waiting in OR2, one in OR3."""
    return set_stage(app)


@pytest.fixture
def lim(stage: Stage, sign_in: Callable[[Person], FlaskClient]) -> FlaskClient:
    """李明 at the workstation of OR1."""
    return sign_in(LI_MING)


def hm(moment: datetime) -> str:
    """As it is typed into a time field."""
    return f"{clock.to_hospital(moment):%H:%M}"


def events(app: Flask, stage: Stage, kind: str) -> list[CaseEvent]:
    """Valid times of this kind of the running case, detached."""
    with app.app_context():
        rows = db.session.scalars(
            select(CaseEvent).where(
                CaseEvent.case_id == stage.running, CaseEvent.kind == kind, CaseEvent.voided_at.is_(None)
            )
        ).all()
        db.session.expunge_all()
        return list(rows)


def bindings(app: Flask, stage: Stage) -> list[tuple[datetime, datetime | None]]:
    """When the monitor of OR1 was the running case's."""
    with app.app_context():
        rows = db.session.scalars(
            select(Binding).where(Binding.device_id == stage.monitor, Binding.case_id == stage.running)
        )
        return sorted(((row.bound_at, row.released_at) for row in rows), key=lambda span: span[0])


def test_a_time_before_the_patient_was_there_is_asked_about_at_once(app: Flask, lim: FlaskClient, stage: Stage) -> None:
    url = f"/cases/{stage.running}/events"
    lim.post(url, data={"kind": "anesthesia_start", "at": hm(stage.start + timedelta(minutes=5))}, headers=HTMX)
    (event,) = events(app, stage, "anesthesia_start")
    form = {"at": hm(stage.start - timedelta(minutes=20)), "reason": "补记"}
    asked = lim.post(f"{url}/{event.id}/time", data=form, headers=HTMX | {"HX-Target": "written"})
    assert asked.status_code == 422
    assert asked.headers["HX-Retarget"] == "#dialog"
    assert f"早于入手术间 {hm(stage.start)}" in asked.get_data(as_text=True)
    assert events(app, stage, "anesthesia_start")[0].at == event.at
    assert lim.post(f"{url}/{event.id}/time", data=form | {"confirm": "yes"}, headers=HTMX).status_code == 200
    (moved,) = events(app, stage, "anesthesia_start")
    assert moved.at < stage.start
    assert [row["reason"] for row in moved.history] == ["补记"]
    with app.app_context():
        entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "scheduling.correct_event")).one()
        assert "早于入手术间" in str(entry.after)


def test_a_time_noted_afterwards_needs_a_reason_when_it_cannot_be(app: Flask, lim: FlaskClient, stage: Stage) -> None:
    url = f"/cases/{stage.running}/events"
    form = {"kind": "surgery_start", "at": hm(stage.start - timedelta(minutes=3)), "confirm": "yes"}
    asked = lim.post(url, data=form, headers=HTMX)
    assert asked.status_code == 422
    assert 'name="order_reason"' in asked.get_data(as_text=True)
    assert events(app, stage, "surgery_start") == []
    assert lim.post(url, data=form | {"order_reason": "院外已开始"}, headers=HTMX).status_code == 200
    assert "院外已开始" in events(app, stage, "surgery_start")[0].remark


def test_taking_back_the_leaving_binds_the_devices_again_without_a_gap(
    app: Flask, lim: FlaskClient, stage: Stage
) -> None:
    url = f"/cases/{stage.running}/events"
    lim.post(url, data={"kind": "out_of_room"}, headers=HTMX)
    (event,) = events(app, stage, "out_of_room")
    answer = lim.post(f"{url}/{event.id}/withdraw", headers=HTMX).get_data(as_text=True)
    assert "已重新绑定" in answer
    (_, until), (since, open_end) = bindings(app, stage)
    assert (until, open_end) == (since, None)
    with app.app_context():
        entry = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
        assert entry is not None
        assert (entry.action, entry.reason) == ("devices.bind", "撤销出手术间")


def test_a_monitor_that_went_on_stays_where_it_is_and_that_is_told(app: Flask, lim: FlaskClient, stage: Stage) -> None:
    url = f"/cases/{stage.running}/events"
    lim.post(url, data={"kind": "out_of_room"}, headers=HTMX)
    with app.app_context(), unit_of_work.writing():
        device, other = db.session.get_one(Device, stage.monitor), db.session.get_one(SurgicalCase, stage.elsewhere)
        devices.bind_device(user(), device, other)
    (event,) = events(app, stage, "out_of_room")
    answer = lim.post(f"{url}/{event.id}/withdraw", headers=HTMX).get_data(as_text=True)
    assert "已用于另一台手术" in answer
    assert len(bindings(app, stage)) == 1


def test_taking_back_the_entering_frees_the_devices(app: Flask, lim: FlaskClient, stage: Stage) -> None:
    (event,) = events(app, stage, "in_room")
    answer = lim.post(f"/cases/{stage.running}/events/{event.id}/withdraw", data={"reason": "选错患者"}, headers=HTMX)
    assert "设备已解除绑定" in answer.get_data(as_text=True)
    assert [until is None for _, until in bindings(app, stage)] == [False]
