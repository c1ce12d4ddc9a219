"""The theatre over HTTP: who may do what, the start of a case, writing, refusing, finishing, printing."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from bs4 import BeautifulSoup
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
from app.anesthesia.queries import record_view
from app.core import clock, unit_of_work
from app.core.db import db
from app.devices.models import Binding
from app.scheduling import service as scheduling
from app.scheduling.models import CaseEvent, SurgicalCase
from app.scheduling.rules import EventKind
from blueprints.theatre.base import nearest_time
from blueprints.theatre.view import TILES, may_have_tube
from printing.fonts import ensure_fonts
from tests.cast import HE_YU, HUANG_WEI, LI_MING, MO_LAN, QIN_YU, STRANGER, SUN_LI, WANG_FANG, ZHOU_JIE, Person
from tests.pages import Page
from tests.processes import FONT_STORE
from tests.web.people import HTMX, html
from tests.web.theatre_stage import Stage, rows, set_stage, set_state, user

SignIn = Callable[[Person], FlaskClient]
WRITTEN = (Administration, RateChange, Intake, Output, ChartReading, ReadingCorrection, CaseEvent, AirwayProcedure)
BOLUS = {"code": "D001", "dose": "110", "unit": "mg", "route": "iv"}


@pytest.fixture
def stage(app: Flask) -> Stage:
    """A running case in OR1, one waiting in OR2, one in OR3."""
    return set_stage(app)


@pytest.fixture
def lim(stage: Stage, sign_in: SignIn) -> FlaskClient:
    """李明 at the workstation of OR1."""
    return sign_in(LI_MING)


def soup(answer: str) -> BeautifulSoup:
    return BeautifulSoup(answer, "html.parser")


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
    panels = ("drugs", "drugs/D001", "drugs/D021", "infusions", "fluids", "notes", "readings", "procedures", "devices",
              "finish", "technique", "times/intubation", f"events/{event}", "administrations/1", "intakes/1", "outputs/1")  # fmt: skip
    for panel in panels:
        assert soup(html(lim, f"{base}/{panel}")).select_one("section.panel h2"), panel


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


# --- a record that is closed -------------------------------------------------------------------------------------


def _verbs(app: Flask, client: FlaskClient, stage: Stage) -> list[tuple[str, dict[str, str]]]:
    """Every verb that writes into the record, on things that exist."""
    base = f"/cases/{stage.running}"
    at = f"{clock.to_hospital(clock.now()):%H:%M}"
    why = {"reason": "录入错误"}
    for path, form in (
        ("boluses", BOLUS), ("infusions", {"code": "D021", "rate": "0.1", "rate_unit": "ug/kg/min"}),
        ("intakes", {"code": "F001", "volume": "500"}), ("outputs", {"code": "O001", "volume": "100"}),
        ("notes", {"label": "切皮"}), ("readings", {"HR": "72", "at": at}),
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
