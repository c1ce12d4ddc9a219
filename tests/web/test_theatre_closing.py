"""The end of a case over HTTP: closed records refuse, open points lead, leaving frees, the sheet prints."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.anesthesia import service as anesthesia
from app.anesthesia.models import (
    Administration,
    AirwayProcedure,
    AnesthesiaRecord,
    ChartReading,
    Intake,
    Output,
    RateChange,
    ReadingCorrection,
    RecordSnapshot,
)
from app.core import clock, unit_of_work
from app.core.db import db
from app.devices.models import Binding
from app.scheduling import service as scheduling
from app.scheduling.models import CaseEvent, SurgicalCase
from app.scheduling.rules import EventKind
from printing.fonts import ensure_fonts
from tests.cast import HUANG_WEI, LI_MING, Person
from tests.processes import FONT_STORE
from tests.web.people import HTMX, html
from tests.web.theatre_stage import BOLUS, Stage, rows, set_stage, set_state, soup, user

SignIn = Callable[[Person], FlaskClient]
WRITTEN = (Administration, RateChange, Intake, Output, ChartReading, ReadingCorrection, CaseEvent, AirwayProcedure)


@pytest.fixture
def stage(app: Flask) -> Stage:
    """A running case in OR1, one waiting in OR2, one in OR3."""
    return set_stage(app)


@pytest.fixture
def lim(stage: Stage, sign_in: SignIn) -> FlaskClient:
    """李明 at the workstation of OR1."""
    return sign_in(LI_MING)


# --- a record that is closed -------------------------------------------------------------------------------------


def _verbs(app: Flask, client: FlaskClient, stage: Stage) -> list[tuple[str, dict[str, str]]]:
    """Every verb that writes into the record, on things that exist."""
    base = f"/cases/{stage.running}"
    at = f"{clock.to_hospital(clock.now()):%H:%M}"
    why = {"reason": "录入错误"}
    for path, form in (
        ("boluses", BOLUS), ("infusions", {"code": "D021", "rate": "0.1", "rate_unit": "ug/kg/min"}),
        ("intakes", {"code": "F001", "volume": "500"}), ("outputs", {"code": "O001", "volume": "100"}),
        ("notes", {"label": "切皮"}), ("readings", {"HR": "72", "at": at}), ("procedures/airway", {"device": "mask"}),
    ):  # fmt: skip
        assert client.post(f"{base}/{path}", data=form, headers=HTMX).status_code == 200, path
    with app.app_context():
        noted = db.session.scalars(select(CaseEvent.id).where(CaseEvent.kind == "noted")).one()
    return [
        (f"{base}/boluses", BOLUS),
        (f"{base}/infusions", {"code": "D001", "rate": "4", "rate_unit": "mg/kg/h"}),
        (f"{base}/infusions/2/rate", {"rate": "0.2", "rate_unit": "ug/kg/min"}),
        (f"{base}/infusions/2/stop", {}),
        (f"{base}/infusions/stop-all", {}),
        (f"{base}/administrations/1", {"dose": "100", "route": "iv", **why}),
        (f"{base}/administrations/1/withdraw", why),
        (f"{base}/intakes", {"code": "F001", "volume": "500"}),
        (f"{base}/intakes/1/end", {}),
        (f"{base}/intakes/1/correct", {"volume": "400", **why}),
        (f"{base}/intakes/1/withdraw", why),
        (f"{base}/outputs", {"code": "O001", "volume": "100"}),
        (f"{base}/outputs/1/correct", {"volume": "90", **why}),
        (f"{base}/outputs/1/withdraw", why),
        (f"{base}/notes", {"label": "缝皮"}),
        (f"{base}/events/{noted}/time", {"at": at, "label": "切皮", **why}),
        (f"{base}/events/{noted}/withdraw", why),
        (f"{base}/readings", {"HR": "80", "at": at}),
        (f"{base}/readings/1", {"value": "80", **why}),
        (f"{base}/procedures/airway", {"device": "tracheal_tube", "size": "7.0"}),
        (f"{base}/procedures/line", {"kind": "arterial"}),
        (f"{base}/procedures/block", {"kind": "spinal"}),
        (f"{base}/procedures/airway/1", {"device": "tracheal_tube", "size": "7.5", "at": at, **why}),
        (f"{base}/procedures/airway/1/withdraw", why),
        (f"{base}/rescue", {}),
        (f"{base}/technique", {"consciousness": "清醒"}),
    ]


@pytest.mark.parametrize("state", ["finished", "locked"])
def test_a_closed_record_refuses_every_verb(app: Flask, lim: FlaskClient, stage: Stage, state: str) -> None:
    verbs = _verbs(app, lim, stage)
    set_state(app, stage.record, state)
    before = rows(app, *WRITTEN)
    for url, form in verbs:
        answer = lim.post(url, data=form, headers=HTMX)
        assert answer.status_code == 409, (url, answer.status_code)
        assert "不能写入" in answer.get_data(as_text=True), url
    assert rows(app, *WRITTEN) == before
    page = soup(html(lim, f"/cases/{stage.running}"))
    assert not page.select(".rail-drug")
    assert not page.select("[data-writable]")


def test_an_open_record_takes_every_verb(app: Flask, lim: FlaskClient, stage: Stage) -> None:
    """The other half: the list above holds no verb that is refused for another reason than the closed record."""
    in_conflict_with_the_verb_before = {
        "/readings": "已有心率",
        "/rate": "已停止",
        "/end": "已作废",
        "/correct": "已作废",
    }
    for url, form in sorted(_verbs(app, lim, stage), key=lambda verb: verb[0].endswith(("stop-all", "/withdraw"))):
        answer = lim.post(url, data=form, headers=HTMX)
        known = next((word for end, word in in_conflict_with_the_verb_before.items() if url.endswith(end)), None)
        text = answer.get_data(as_text=True)
        assert answer.status_code == 200 or (known and known in text), (url, answer.status_code, text[:200])


# --- after the case ----------------------------------------------------------------------------------------------


def _end(app: Flask, stage: Stage) -> None:
    with app.app_context(), unit_of_work.writing():
        case, doctor = db.session.get_one(SurgicalCase, stage.running), user()
        for minute, kind in ((5, "anesthesia_start"), (10, "surgery_start"), (30, "surgery_end"), (38, "out_of_room")):
            scheduling.mark_event(doctor, case, EventKind(kind), stage.start + timedelta(minutes=minute))
        anesthesia.give_bolus(
            doctor, stage.record, dose=Decimal(100), unit="mg", term_code="D001",
            at=stage.start + timedelta(minutes=6),
        )  # fmt: skip


def test_a_finished_case_opens_on_the_whole_case(app: Flask, lim: FlaskClient, stage: Stage) -> None:
    _end(app, stage)
    assert lim.post(f"/cases/{stage.running}/record/finish", headers=HTMX).headers["HX-Redirect"]
    page = soup(html(lim, f"/cases/{stage.running}"))
    chart = page.select_one("svg.chart")
    assert chart
    assert str(chart["data-start"]) <= stage.start.isoformat() < str(chart["data-end"])
    assert page.select_one('[data-window="whole"][aria-pressed="true"]')
    assert "丙泊酚" in chart.text
    assert not page.select("[data-figures]")


def test_open_points_lead_to_their_places(app: Flask, lim: FlaskClient, stage: Stage) -> None:
    lim.post(
        f"/cases/{stage.running}/infusions",
        data={"code": "D021", "rate": "0.1", "rate_unit": "ug/kg/min"},
        headers=HTMX,
    )
    panel = soup(html(lim, f"/cases/{stage.running}/finish"))
    assert "瑞芬太尼" in panel.select(".pick-blocks")[0].text
    for button in panel.select("button.pick"):
        assert lim.get(str(button["hx-get"]), headers=HTMX).status_code == 200, button["hx-get"]
    refused = lim.post(f"/cases/{stage.running}/record/finish", headers=HTMX)
    assert refused.status_code == 409
    assert "瑞芬太尼" in refused.get_data(as_text=True)
    lim.post(f"/cases/{stage.running}/infusions/stop-all", headers=HTMX)
    assert "pick-blocks" not in html(lim, f"/cases/{stage.running}/finish")


def test_texts_of_the_technique_are_kept_and_a_lost_update_is_refused(
    app: Flask, lim: FlaskClient, stage: Stage
) -> None:
    url = f"/cases/{stage.running}/technique"
    drawn = soup(html(lim, url)).select_one("input[name=version]")
    assert drawn
    form = {"consciousness": "清醒", "leaves_intubated": "yes", "version": str(drawn["value"])}
    assert lim.post(url, data=form, headers=HTMX).status_code == 200
    assert lim.post(url, data=form | {"consciousness": "嗜睡"}, headers=HTMX).status_code == 409
    with app.app_context():
        technique = db.session.get_one(AnesthesiaRecord, stage.record).technique
        assert technique["consciousness"] == "清醒"
        assert technique["leaves_intubated"] is True


def test_leaving_the_room_frees_devices_and_room(app: Flask, lim: FlaskClient, stage: Stage) -> None:
    lim.post(f"/cases/{stage.running}/events", data={"kind": "out_of_room"}, headers=HTMX)
    with app.app_context():
        assert db.session.scalars(select(Binding).where(Binding.released_at.is_(None))).all() == []
    assert "核对患者" in html(lim, "/theatre/OR1")


def test_only_the_chief_opens_a_closed_record_again(
    app: Flask, client: FlaskClient, lim: FlaskClient, stage: Stage, sign_in: SignIn
) -> None:
    set_state(app, stage.record, "finished")
    url = f"/cases/{stage.running}/record/reopen"
    assert lim.post(url, data={"reason": "补记"}, headers=HTMX).status_code == 403
    client.post("/sign-out")
    chief = sign_in(HUANG_WEI)
    assert chief.post(url, data={"reason": " "}, headers=HTMX).status_code == 422
    assert chief.post(url, data={"reason": "补记"}, headers=HTMX).status_code == 200
    with app.app_context():
        assert db.session.get_one(AnesthesiaRecord, stage.record).amendments == 1


def test_the_sheet_prints_from_a_snapshot(app: Flask, lim: FlaskClient, stage: Stage) -> None:
    fonts = app.extensions["mafei.settings"].instance_dir / "fonts"
    if not fonts.exists():
        fonts.symlink_to(ensure_fonts(FONT_STORE / "fonts").directory)
    _end(app, stage)
    lim.post(f"/cases/{stage.running}/record/finish", headers=HTMX)
    places = [lim.post(f"/cases/{stage.running}/record/print").headers["Location"] for _ in range(2)]
    assert places[0] == places[1] == f"/cases/{stage.running}/record/prints/1"
    answer = lim.get(places[0])
    assert answer.mimetype == "application/pdf"
    assert answer.data.startswith(b"%PDF-")
    with app.app_context():
        assert db.session.scalars(select(RecordSnapshot)).one().copies == 2
    assert lim.get(f"/cases/{stage.running}/record/prints/2").status_code == 404


def test_a_rescue_is_in_sight_on_every_screen_until_it_ends(app: Flask, lim: FlaskClient, stage: Stage) -> None:
    base = f"/cases/{stage.running}"
    assert "抢救模式" not in html(lim, f"{base}/status")
    lim.post(f"{base}/rescue", headers=HTMX)
    for url in (f"{base}/status", "/theatre/OR1"):
        assert "每分钟成图" in html(lim, url)
    assert "rescue" in str(soup(html(lim, "/theatre/OR1")).select_one("#status")["data-refresh-on"])
    lim.post(f"{base}/rescue", data={"leave": "yes"}, headers=HTMX)
    assert "抢救模式" not in html(lim, f"{base}/status")
