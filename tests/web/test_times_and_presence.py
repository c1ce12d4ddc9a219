"""Times in an impossible order are asked about at once; the devices follow a patient who left or came by mistake."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.anesthesia import service as anesthesia
from app.anesthesia.models import ChartReading
from app.core import clock, unit_of_work
from app.core.audit import AuditEntry
from app.core.db import db
from app.devices import service as devices
from app.devices.models import Binding, Device
from app.scheduling.models import CaseEvent, SurgicalCase
from app.vitals.columns import SeriesColumns
from app.vitals.service import DeviceData, ingest
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


def minute(moment: datetime) -> datetime:
    """As a time field gives it back."""
    return moment.replace(second=0, microsecond=0)


@pytest.fixture
def monitored(app: Flask, stage: Stage) -> Stage:
    """The monitor of OR1 has sent a pulse every 30 s since before the patient came; the chart is filled."""
    with app.app_context(), unit_of_work.writing():
        first, now = clock.to_ms(stage.start - timedelta(minutes=10)), clock.now_ms()
        times = list(range(first, now, 30_000))
        series = SeriesColumns("HR", "/min", times, [70.0] * len(times), [0] * len(times))
        assert ingest("b", "s", 1, 0, [DeviceData(stage.monitor, (series,))])
        assert anesthesia.fill_chart(user(), [stage.monitor], first, now, now_ms=now)
    return stage


def charted(app: Flask, stage: Stage) -> list[datetime]:
    """Moments of the automatic pulses of the running case."""
    with app.app_context():
        rows = select(ChartReading.at).where(ChartReading.record_id == stage.record, ChartReading.state == "auto")
        return sorted(db.session.scalars(rows))


def test_a_corrected_leaving_takes_bindings_and_curves_with_it_and_back(
    app: Flask, lim: FlaskClient, monitored: Stage
) -> None:
    stage, url = monitored, f"/cases/{monitored.running}/events"
    left, earlier, later = (minute(stage.start + timedelta(minutes=count)) for count in (40, 20, 42))
    lim.post(url, data={"kind": "out_of_room", "at": hm(left)}, headers=HTMX)
    (event,) = events(app, stage, "out_of_room")
    lim.post(f"{url}/{event.id}/time", data={"at": hm(later), "reason": "看错"}, headers=HTMX)
    whole = charted(app, stage)
    assert later - timedelta(minutes=6) < whole[-1] <= later
    with app.app_context(), unit_of_work.writing():  # a value that a person set is never taken off
        row = db.session.scalars(select(ChartReading).where(ChartReading.at > earlier)).first()
        assert row is not None
        assert row.value is not None
        corrected, moment = row.id, row.at
        anesthesia.correct_reading(user(), row.id, row.value + 2, "核对", confirm=True)
    answer = lim.post(f"{url}/{event.id}/time", data={"at": hm(earlier), "reason": "记错"}, headers=HTMX)
    assert "设备绑定与曲线已随之调整" in answer.get_data(as_text=True)
    assert [until for _, until in bindings(app, stage)] == [earlier]
    assert max(charted(app, stage)) <= earlier
    with app.app_context():
        assert db.session.get_one(ChartReading, corrected).value == 72
        (*_, entry) = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "anesthesia.follow_stay")).all()
        assert entry.reason == "记错"
        assert '"HR","70"' in entry.before
    lim.post(f"{url}/{event.id}/time", data={"at": hm(later), "reason": "原来没错"}, headers=HTMX)
    assert [until for _, until in bindings(app, stage)] == [later]
    assert sorted([*charted(app, stage), moment]) == whole


def test_a_leaving_that_is_marked_late_takes_off_what_came_after_it(
    app: Flask, lim: FlaskClient, monitored: Stage
) -> None:
    left = minute(monitored.start + timedelta(minutes=20))
    lim.post(f"/cases/{monitored.running}/events", data={"kind": "out_of_room", "at": hm(left)}, headers=HTMX)
    assert max(charted(app, monitored)) <= left


def test_a_later_leaving_does_not_reach_into_what_the_monitor_did_next(
    app: Flask, lim: FlaskClient, monitored: Stage
) -> None:
    stage, url = monitored, f"/cases/{monitored.running}/events"
    left, next_use, later = (minute(stage.start + timedelta(minutes=count)) for count in (20, 30, 40))
    lim.post(url, data={"kind": "out_of_room", "at": hm(left)}, headers=HTMX)
    with app.app_context(), unit_of_work.writing():
        device, other = db.session.get_one(Device, stage.monitor), db.session.get_one(SurgicalCase, stage.elsewhere)
        devices.bind_device(user(), device, other, since=next_use)
    (event,) = events(app, stage, "out_of_room")
    lim.post(f"{url}/{event.id}/time", data={"at": hm(later), "reason": "记错"}, headers=HTMX)
    assert [until for _, until in bindings(app, stage)] == [next_use]
    assert next_use - timedelta(minutes=6) < max(charted(app, stage)) <= next_use
    lim.post(f"{url}/{event.id}/time", data={"at": hm(left), "reason": "原来没错"}, headers=HTMX)
    assert [until for _, until in bindings(app, stage)] == [left]
    assert max(charted(app, stage)) <= left


def test_a_corrected_entering_moves_the_begin(app: Flask, lim: FlaskClient, monitored: Stage) -> None:
    stage, (event,) = monitored, events(app, monitored, "in_room")
    url, earlier = f"/cases/{stage.running}/events/{event.id}/time", minute(stage.start - timedelta(minutes=8))
    assert min(charted(app, stage)) >= stage.start - timedelta(milliseconds=1)
    lim.post(url, data={"at": hm(earlier), "reason": "补记"}, headers=HTMX)
    assert [since for since, _ in bindings(app, stage)] == [earlier]
    assert earlier <= min(charted(app, stage)) < stage.start
    later = minute(stage.start + timedelta(minutes=12))
    lim.post(url, data={"at": hm(later), "reason": "补记"}, headers=HTMX)
    assert [since for since, _ in bindings(app, stage)] == [later]
    assert min(charted(app, stage)) >= later


def test_taking_back_the_leaving_fills_what_was_measured_meanwhile(
    app: Flask, lim: FlaskClient, monitored: Stage
) -> None:
    stage, url = monitored, f"/cases/{monitored.running}/events"
    whole, left = charted(app, stage), minute(stage.start + timedelta(minutes=20))
    lim.post(url, data={"kind": "out_of_room", "at": hm(left)}, headers=HTMX)
    (event,) = events(app, stage, "out_of_room")
    lim.post(f"{url}/{event.id}/time", data={"at": hm(left - timedelta(minutes=5)), "reason": "记错"}, headers=HTMX)
    assert len(charted(app, stage)) < len(whole)
    lim.post(f"{url}/{event.id}/withdraw", headers=HTMX)
    assert charted(app, stage) == whole
