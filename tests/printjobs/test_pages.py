"""The page of printers and the channel of stations."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.anesthesia import service as anesthesia
from app.core import clock, unit_of_work
from app.core.audit import SystemActor
from app.core.db import db
from app.printjobs import service
from app.printjobs.models import PrintJob, PrintQueue
from tests.cast import ADMIN, LI_MING, SUN_LI, WANG_FANG, Person
from tests.pages import Page
from tests.scheduling.samples import received

DEMO = SystemActor("job:demo", "演示数据")
SignIn = Callable[[Person], FlaskClient]


@pytest.fixture
def job_id(app: Flask) -> int:
    with app.app_context(), unit_of_work.writing():
        queue = service.save_queue(DEMO, "演示打印文件夹", kind="folder", target="printed")
        return service.enqueue_print(DEMO, queue, "麻醉记录单 SCH-1", b"%PDF-1.4 x").id


def station(app: Flask, path: str, told: dict[str, Any], token: str | None = None) -> Any:
    """A post as a station sends it: without session and CSRF token, which stays switched on."""
    assert app.config.get("WTF_CSRF_ENABLED", True)
    shown = app.extensions["mafei.settings"].station_token if token is None else token
    return app.test_client().post(path, json=told, headers={"Authorization": f"Bearer {shown}"})


def test_a_station_takes_prints_and_reports(app: Flask, job_id: int) -> None:
    taken = station(app, "/print-station/next", {"station": "station-1"})
    assert taken.status_code == 200
    assert (taken.json["job"], taken.json["kind"], taken.json["target"]) == (job_id, "folder", "printed")
    told = {"ok": True, "attempt": taken.json["attempt"], "digest": taken.json["digest"]}
    assert station(app, f"/print-station/jobs/{job_id}/report", told).json == {"state": "done"}
    assert station(app, "/print-station/next", {"station": "station-1"}).status_code == 204


@pytest.mark.parametrize("token", ["", "wrong", "错"])
def test_a_wrong_token_gets_nothing_and_changes_nothing(app: Flask, job_id: int, token: str) -> None:
    headers_token = token.encode().decode("latin-1")
    assert station(app, "/print-station/next", {"station": "s"}, headers_token).status_code == 403
    assert station(app, f"/print-station/jobs/{job_id}/report", {"ok": True}, headers_token).status_code == 403
    with app.app_context():
        assert db.session.get(PrintJob, job_id).state == "queued"


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ({"ok": True, "attempt": 1, "digest": "0" * 64}, 404),
        ({"ok": "yes", "attempt": 1}, 422),
        ({}, 422),
    ],
)
def test_reports_that_fit_no_job_are_refused(app: Flask, job_id: int, told: dict[str, Any], status: int) -> None:
    assert station(app, f"/print-station/jobs/{job_id}/report", told).status_code == status


def test_a_station_must_have_a_name(app: Flask) -> None:
    assert station(app, "/print-station/next", {}).status_code == 422


def test_the_page_tells_queues_jobs_and_that_no_station_is_there(
    sign_in: SignIn, open_page: Callable[[str], Page], job_id: int
) -> None:
    sign_in(LI_MING)
    page = open_page("/printers")
    assert "没有在线的打印站" in page.text
    assert "麻醉记录单 SCH-1" in page.text
    assert "新建打印队列" not in page.text


@pytest.mark.parametrize(("person", "status"), [(LI_MING, 200), (ADMIN, 200), (WANG_FANG, 403), (SUN_LI, 403)])
def test_who_may_look(sign_in: SignIn, person: Person, status: int) -> None:
    assert sign_in(person).get("/printers").status_code == status


def test_a_failed_job_is_printed_again_from_the_page(app: Flask, sign_in: SignIn, job_id: int) -> None:
    with app.app_context(), unit_of_work.writing():
        service.report(service.take_next("station-1"), False, "缺纸", is_final=True)
    client = sign_in(LI_MING)
    assert "缺纸" in client.get("/printers/list").get_data(as_text=True)
    answer = client.post(f"/printers/jobs/{job_id}/retry")
    assert answer.status_code == 200
    assert "缺纸" not in answer.get_data(as_text=True)
    assert client.post(f"/printers/jobs/{job_id}/retry", headers={"HX-Request": "true"}).status_code == 409


def test_an_administrator_makes_and_changes_a_queue(
    app: Flask, sign_in: SignIn, open_page: Callable[[str], Page]
) -> None:
    client = sign_in(ADMIN)
    open_page("/printers/queues/new")
    form = {"name": "病房激光", "kind": "raw9100", "target": "not an address", "enabled": "1"}
    refused = client.post("/printers/queues", data=form)
    assert refused.status_code == 422
    assert "请填写打印机地址" in refused.get_data(as_text=True)
    assert client.post("/printers/queues", data=form | {"target": "10.0.0.9"}).status_code == 302
    with app.app_context():
        made = db.session.query(PrintQueue).one()
        assert (made.target, made.enabled) == ("10.0.0.9", True)
        number = made.id
    open_page(f"/printers/queues/{number}")
    form["target"] = "10.0.0.9"
    del form["enabled"]
    assert client.post(f"/printers/queues/{number}", data=form).status_code == 302
    assert "停用" in open_page("/printers").text


def test_only_administrators_change_queues(sign_in: SignIn) -> None:
    client = sign_in(LI_MING)
    assert client.get("/printers/queues/new").status_code == 403
    assert client.post("/printers/queues", data={"name": "x"}).status_code == 403


@pytest.fixture
def case_id(app: Flask) -> int:
    """A case whose record was opened."""
    with app.app_context(), unit_of_work.writing():
        case = received()
        anesthesia.open_record(DEMO, case.id)
        return case.id


def test_a_record_goes_to_the_printer_and_a_second_time_as_a_reprint(
    app: Flask, sign_in: SignIn, open_page: Callable[[str], Page], case_id: int, fonts: Path
) -> None:
    give_fonts(app, fonts)
    with app.app_context(), unit_of_work.writing():
        number = service.save_queue(DEMO, "演示打印文件夹", kind="folder", target="printed").id
    client = sign_in(LI_MING)
    assert "演示打印文件夹" in open_page(f"/printers/cases/{case_id}/record").text
    form = {"queue": str(number), "copies": "2"}
    moment = clock.now()
    with clock.fixed(moment):
        for _ in range(2):
            assert client.post(f"/printers/cases/{case_id}/record", data=form).status_code == 302
    with app.app_context():
        first, second = db.session.query(PrintJob).order_by(PrintJob.id)
        assert (first.copies, first.is_reprint, second.is_reprint) == (2, False, True)
        assert first.case_id == case_id
        assert (first.pdf or b"").startswith(b"%PDF-")
    assert "重打" in open_page("/printers").text


def give_fonts(app: Flask, fonts: Path) -> None:
    """The instance of the test gets the paper fonts of the checkout."""
    target = app.extensions["mafei.settings"].instance_dir / "fonts"
    if not target.exists():
        target.symlink_to(fonts)


def test_no_printer_and_no_copies_are_refused(app: Flask, sign_in: SignIn, case_id: int) -> None:
    client = sign_in(LI_MING)
    assert client.post(f"/printers/cases/{case_id}/record", data={"copies": "1"}).status_code == 422
    assert client.post(f"/printers/cases/{case_id}/record", data={"queue": "77", "copies": "1"}).status_code == 404
    assert sign_in(WANG_FANG).post(f"/printers/cases/{case_id}/record", data={}).status_code == 403
