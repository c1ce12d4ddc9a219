"""The theatre over HTTP: who may do what, the start of a case, writing, refusing, finishing, printing."""

import re
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
    AnesthesiaRecord,
    ChartReading,
    Intake,
    Output,
)
from app.anesthesia.queries import record_view
from app.core import clock, unit_of_work
from app.core.db import db
from app.devices.models import Binding
from app.scheduling.models import CaseEvent, SurgicalCase
from app.scheduling.rules import EventKind
from blueprints.theatre.base import nearest_time
from blueprints.theatre.view import TILES, may_have_tube
from tests.cast import HE_YU, HUANG_WEI, LI_MING, MO_LAN, QIN_YU, STRANGER, SUN_LI, WANG_FANG, ZHOU_JIE, Person
from tests.pages import Page
from tests.web.people import HTMX, html
from tests.web.theatre_stage import BOLUS, Stage, rows, set_stage, soup, user

SignIn = Callable[[Person], FlaskClient]


@pytest.fixture
def stage(app: Flask) -> Stage:
    """A running case in OR1, one waiting in OR2, one in OR3."""
    return set_stage(app)


@pytest.fixture
def lim(stage: Stage, sign_in: SignIn) -> FlaskClient:
    """李明 at the workstation of OR1."""
    return sign_in(LI_MING)


@pytest.mark.parametrize(
    ("person", "page", "bolus", "mark"),
    [
        (LI_MING, 200, 200, 200),
        (HUANG_WEI, 200, 200, 200),
        (QIN_YU, 200, 200, 200),
        (WANG_FANG, 200, 403, 200),
        (ZHOU_JIE, 200, 403, 403),
        (MO_LAN, 200, 403, 403),
        (HE_YU, 403, 403, 403),
        (SUN_LI, 403, 403, 403),
        (STRANGER, 403, 403, 403),
    ],
    ids=lambda value: value.username if isinstance(value, Person) else str(value),
)
def test_who_may_look_and_write(
    stage: Stage, sign_in: SignIn, person: Person, page: int, bolus: int, mark: int
) -> None:
    client = sign_in(person)
    for url in ("/theatre", "/theatre/OR1", f"/cases/{stage.running}", f"/cases/{stage.running}/chart"):
        assert client.get(url).status_code == page, url
    assert client.post(f"/cases/{stage.running}/boluses", data=BOLUS, headers=HTMX).status_code == bolus
    event = {"kind": "anesthesia_start"}
    assert client.post(f"/cases/{stage.running}/events", data=event, headers=HTMX).status_code == mark


def test_pages_keep_what_every_page_must_keep(lim: FlaskClient, stage: Stage, open_page: Callable[[str], Page]) -> None:
    for url in ("/theatre", "/theatre/OR1", "/theatre/OR2", f"/cases/{stage.running}"):
        open_page(url)
    assert "覃小芳" in html(lim, "/theatre/OR1")
    assert "青霉素" in html(lim, "/theatre/OR1")


def test_every_panel_opens(app: Flask, lim: FlaskClient, stage: Stage) -> None:
    base = f"/cases/{stage.running}"
    lim.post(f"{base}/infusions", data={"code": "D021", "rate": "0.1", "rate_unit": "ug/kg/min"}, headers=HTMX)
    lim.post(f"{base}/intakes", data={"code": "F001", "volume": "500"}, headers=HTMX)
    lim.post(f"{base}/outputs", data={"code": "O001", "volume": "100"}, headers=HTMX)
    with app.app_context():
        event = db.session.scalars(select(CaseEvent.id)).first()
    panels = ("drugs", "drugs/D001", "drugs/D008", "drugs/D021", "infusions", "fluids", "notes", "readings", "procedures", "devices",
              "finish", "technique", "times/intubation", f"events/{event}", "administrations/1", "intakes/1", "outputs/1")  # fmt: skip
    for panel in panels:
        shown = soup(html(lim, f"{base}/{panel}"))
        assert shown.select_one("section.panel h2"), panel
        assert not re.search(r"\bug\b|¼", shown.get_text(" ")), f"{panel}: micrograms are written μg"


# --- the start ---------------------------------------------------------------------------------------------------


def test_a_scanned_patient_starts_with_record_devices_and_time(app: Flask, lim: FlaskClient, stage: Stage) -> None:
    shown = lim.post("/theatre/OR2/identify", data={"code": "ZY000002"}, headers=HTMX).get_data(as_text=True)
    assert "农志明" in shown
    assert "腕带核对一致" in shown
    data = {"device": str(stage.idle_monitor), "idempotency_key": "start-1"}
    answer = lim.post(f"/cases/{stage.waiting}/in-room", data=data, headers=HTMX)
    assert answer.headers["HX-Redirect"] == "/theatre/OR2"
    with app.app_context():
        record = db.session.scalars(select(AnesthesiaRecord).where(AnesthesiaRecord.case_id == stage.waiting)).one()
        case = db.session.get_one(SurgicalCase, stage.waiting)
        bound = db.session.scalars(select(Binding).where(Binding.case_id == stage.waiting)).one()
        assert case.times[EventKind.IN_ROOM] == record.opened_at == bound.bound_at
        assert bound.device_id == stage.idle_monitor
    assert "data-chart" in html(lim, "/theatre/OR2")


def test_a_patient_of_another_room_is_refused_by_name(app: Flask, lim: FlaskClient, stage: Stage) -> None:
    before = rows(app, CaseEvent, AnesthesiaRecord, Binding)
    answer = lim.post("/theatre/OR2/identify", data={"code": "ZY000003"}, headers=HTMX)
    assert answer.status_code == 422
    text = soup(answer.get_data(as_text=True)).select_one("[data-refused]")
    assert text
    assert "患者不符" in text.text
    assert "陆小梅" in text.text
    assert "3号手术间" in text.text
    chosen = lim.get(f"/theatre/OR2/cases/{stage.elsewhere}/confirm", headers=HTMX)
    assert chosen.status_code == 422
    assert "入手术间" not in chosen.get_data(as_text=True)
    assert rows(app, CaseEvent, AnesthesiaRecord, Binding) == before


def test_an_unknown_wristband_is_refused(lim: FlaskClient) -> None:
    answer = lim.post("/theatre/OR2/identify", data={"code": "ZY999999"}, headers=HTMX)
    assert answer.status_code == 422
    assert "ZY999999" in answer.get_data(as_text=True)


def test_nobody_enters_an_occupied_room(app: Flask, lim: FlaskClient, stage: Stage) -> None:
    with app.app_context(), unit_of_work.writing():
        waiting = db.session.get_one(SurgicalCase, stage.waiting)
        waiting.room_id = db.session.get_one(SurgicalCase, stage.running).room_id
    answer = lim.post(f"/cases/{stage.waiting}/in-room", data={}, headers=HTMX)
    assert answer.status_code == 409
    assert "覃小芳" in answer.get_data(as_text=True)


# --- writing -----------------------------------------------------------------------------------------------------


def test_the_same_post_twice_is_one_value(app: Flask, lim: FlaskClient, stage: Stage) -> None:
    posts: tuple[tuple[str, dict[str, str], type], ...] = (
        ("boluses", BOLUS, Administration),
        ("intakes", {"code": "F001", "volume": "500"}, Intake),
        ("outputs", {"code": "O001", "volume": "100"}, Output),
        ("notes", {"label": "改变体位"}, CaseEvent),
        ("readings", {"HR": "72", "NIBP_S": "118", "at": "now"}, ChartReading),
    )
    now = f"{clock.to_hospital(clock.now()):%H:%M}"
    for number, (path, data, model) in enumerate(posts):
        form = {**data, "idempotency_key": f"key-{number}"} | ({"at": now} if "at" in data else {})
        answers = [lim.post(f"/cases/{stage.running}/{path}", data=form, headers=HTMX) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 200], path
        before = rows(app, model)
        lim.post(f"/cases/{stage.running}/{path}", data=form, headers=HTMX)
        assert rows(app, model) == before, path
    assert rows(app, Administration, ChartReading) == {"Administration": 1, "ChartReading": 2}


def test_a_bolus_is_told_and_taken_back(app: Flask, lim: FlaskClient, stage: Stage) -> None:
    told = soup(lim.post(f"/cases/{stage.running}/boluses", data=BOLUS, headers=HTMX).get_data(as_text=True))
    line, undo = told.select_one("[data-written]"), told.select_one("form[data-undo]")
    assert line
    assert "丙泊酚 110 mg iv" in line.text
    assert undo
    assert lim.post(str(undo["hx-post"]), headers=HTMX).status_code == 200
    with app.app_context():
        row = db.session.scalars(select(Administration)).one()
        assert row.voided_at is not None
        assert row.void_reason


def test_an_unusual_dose_is_asked_once_more_and_keeps_what_was_typed(
    app: Flask, lim: FlaskClient, stage: Stage
) -> None:
    form = {**BOLUS, "dose": "500", "idempotency_key": "k"}
    question = lim.post(f"/cases/{stage.running}/boluses", data=form, headers=HTMX)
    assert question.status_code == 422
    assert question.headers["HX-Retarget"] == "#dialog"
    assert rows(app, Administration) == {"Administration": 0}
    dialog = soup(question.get_data(as_text=True)).select_one("form")
    assert dialog
    again = {str(field["name"]): str(field["value"]) for field in dialog.select("input[name]")}
    assert again["dose"] == "500"
    assert again["confirm"] == "yes"
    assert "500 mg" in dialog.text
    assert lim.post(str(dialog["hx-post"]), data=again, headers=HTMX).status_code == 200
    assert rows(app, Administration) == {"Administration": 1}


def test_times_of_the_day_fall_on_the_nearest_past_day() -> None:
    with clock.fixed(clock.at(clock.today(), 0, 20)):
        late = nearest_time("23:50", clock.now())
        assert clock.now() - late == timedelta(minutes=30)
        assert nearest_time("0010", clock.now()) == clock.now() - timedelta(minutes=10)
        assert nearest_time("0:10", clock.now()) == nearest_time("0.10", clock.now())


@pytest.mark.parametrize("text", ["25:00", "9:61", "半夜", "12", ":", "12:3x"])
def test_what_is_no_time_is_refused(lim: FlaskClient, app: Flask, stage: Stage, text: str) -> None:
    answer = lim.post(f"/cases/{stage.running}/boluses", data={**BOLUS, "at": text}, headers=HTMX)
    assert answer.status_code == 422
    assert "时间" in answer.get_data(as_text=True)
    assert rows(app, Administration) == {"Administration": 0}


@pytest.mark.parametrize("dose", ["", "abc", "NaN", "Infinity", "-5", "0", "1e400"])
def test_what_is_no_dose_is_refused(lim: FlaskClient, app: Flask, stage: Stage, dose: str) -> None:
    answer = lim.post(f"/cases/{stage.running}/boluses", data={**BOLUS, "dose": dose}, headers=HTMX)
    assert answer.status_code == 422
    assert rows(app, Administration) == {"Administration": 0}


def test_the_command_line_offers_before_it_writes(app: Flask, lim: FlaskClient, stage: Stage) -> None:
    offer = soup(html(lim, f"/cases/{stage.running}/command?text=bbf+100")).select("form[data-ready]")
    assert len(offer) == 1
    assert "丙泊酚 100 mg" in offer[0].text
    assert rows(app, Administration) == {"Administration": 0}
    form = {str(field["name"]): str(field["value"]) for field in offer[0].select("input")}
    assert lim.post(str(offer[0]["hx-post"]), data=form, headers=HTMX).status_code == 200
    with app.app_context():
        row = db.session.scalars(select(Administration)).one()
        assert (row.term_code, row.dose, row.unit) == ("D001", Decimal(100), "mg")


def test_several_understandings_are_never_ready(lim: FlaskClient, stage: Stage) -> None:
    several = soup(html(lim, f"/cases/{stage.running}/command?text=s+20"))
    assert len(several.select("form.offer")) > 1
    assert not several.select("[data-ready]")


@pytest.mark.parametrize("filled", [0, 400], ids=["short record", "long record"])
def test_the_answer_to_a_recording_stays_small(app: Flask, lim: FlaskClient, stage: Stage, filled: int) -> None:
    with app.app_context(), unit_of_work.writing():
        at = clock.now() - timedelta(minutes=40)
        for number in range(filled):
            anesthesia.give_bolus(
                user(),
                stage.record,
                dose=Decimal(5),
                unit="mg",
                term_code="D040",
                at=at + timedelta(seconds=5 * number),
            )
    posts = (("boluses", BOLUS), ("outputs", {"code": "O001", "volume": "100"}), ("notes", {"label": "切皮"}))
    for path, form in posts:
        answer = lim.post(f"/cases/{stage.running}/{path}", data=form, headers=HTMX)
        assert answer.status_code == 200
        assert len(answer.data) < 1024, path


# --- what the page is made of ------------------------------------------------------------------------------------


def test_limits_of_the_figures_are_those_of_the_chart(app: Flask, lim: FlaskClient, stage: Stage) -> None:
    at = f"{clock.to_hospital(clock.now()):%H:%M}"
    values = {"HR": "70", "SpO2": "98", "NIBP_S": "120", "ART_S": "121", "EtCO2": "36", "at": at}
    assert lim.post(f"/cases/{stage.running}/readings", data=values, headers=HTMX).status_code == 200
    from_record = {}
    with app.app_context():
        view = record_view(stage.running)
        drawn = {row.code: row.limits for row in view.vitals} | {row.code: row.limits for row in view.numerics}
        for code, limits in drawn.items():
            from_record[code] = tuple(int(one) if one is not None else None for one in (limits.low, limits.high))
    series = {"HR": "hr", "SpO2": "SpO2", "NIBP": "sbp", "ART": "abp_sys", "EtCO2": "EtCO2"}
    for tile in TILES:
        if tile.key in series:
            assert from_record[series[tile.key]] == (tile.low, tile.high), tile.key


def test_a_place_on_the_rail_does_not_move_when_a_drug_is_given(lim: FlaskClient, stage: Stage) -> None:
    def rail() -> list[str]:
        return [one.text for one in soup(html(lim, f"/cases/{stage.running}")).select(".rail-drug")]

    first = rail()
    assert len(first) == 12
    assert any("丙泊酚" in name for name in first)
    for _ in range(3):
        lim.post(f"/cases/{stage.running}/boluses", data={**BOLUS, "dose": "10"}, headers=HTMX)
    assert rail() == first


@pytest.mark.parametrize(
    ("method", "offered"),
    [
        ("", True),
        ("气管插管全身麻醉", True),
        ("静吸复合麻醉", True),
        ("全麻+硬膜外", True),
        ("喉罩全麻", False),
        ("蛛网膜下腔阻滞", False),
        ("神经阻滞", False),
        ("局麻监护", False),
    ],
)
def test_one_key_writes_no_intubation_under_a_block(method: str, offered: bool) -> None:
    assert may_have_tube(method) is offered


def test_the_next_step_follows_the_method(app: Flask, lim: FlaskClient, stage: Stage) -> None:
    with app.app_context(), unit_of_work.writing():
        db.session.get_one(SurgicalCase, stage.running).anesthesia_method = "蛛网膜下腔阻滞"
    for label in ("麻醉开始", "手术开始", "手术结束", "麻醉结束"):
        step = soup(html(lim, f"/cases/{stage.running}/flow")).select_one(".is-next")
        assert step
        assert label in step.text
        form = step.select_one("form")
        assert form
        kind = form.select_one("input[name=kind]")
        assert kind
        assert lim.post(str(form["hx-post"]), data={"kind": str(kind["value"])}, headers=HTMX).status_code == 200
    leaving = soup(html(lim, f"/cases/{stage.running}/flow")).select_one(".is-next button")
    assert leaving
    assert str(leaving["hx-get"]).endswith("/finish")  # what is open is looked at before the patient leaves


def test_spans_of_the_chart_are_checked(lim: FlaskClient, stage: Stage) -> None:
    base = f"/cases/{stage.running}/chart"
    start, end = "2026-11-22T01:00:00Z", "2026-11-22T02:00:00Z"
    shown = soup(html(lim, f"{base}?start={start}&end={end}&width=700&height=400")).select_one("svg")
    assert shown
    assert str(shown["data-start"]).startswith("2026-11-22T01:00")
    assert str(shown["viewbox"]).split()[2] == "700"
    for bad in ("start=x&end=y", f"start={end}&end={start}", "start=2026-11-22T01:00:00&end=2026-11-22T02:00:00",
                "start=1990-01-01T00:00:00Z&end=2026-01-01T00:00:00Z", "width=-5&height=999999"):  # fmt: skip
        assert "<svg" in html(lim, f"{base}?{bad}"), bad


def test_a_case_of_another_is_not_reached_through_this_one(app: Flask, lim: FlaskClient, stage: Stage) -> None:
    lim.post(f"/cases/{stage.running}/boluses", data=BOLUS, headers=HTMX)
    assert lim.get(f"/cases/{stage.waiting}/administrations/1", headers=HTMX).status_code in (404, 409)
    answer = lim.post(f"/cases/{stage.waiting}/administrations/1/withdraw", data={"reason": "x"}, headers=HTMX)
    assert answer.status_code in (404, 409)
    with app.app_context():
        assert db.session.get_one(Administration, 1).voided_at is None
