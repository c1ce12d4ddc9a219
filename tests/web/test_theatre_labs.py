"""Results of the laboratory on the theatre page: what is abnormal in one line, the rest in a panel."""

from datetime import timedelta

from flask import Flask
from flask.testing import FlaskClient

from app.core import clock, unit_of_work
from app.core.db import db
from app.labs.service import ReportFacts, ResultFacts, receive_report
from app.scheduling.models import SurgicalCase
from tests.cast import LI_MING
from tests.web.people import HTMX, INSTALLER, html
from tests.web.test_theatre import SignIn
from tests.web.theatre_stage import set_stage


def file_results(app: Flask, case_id: int, *rows: ResultFacts) -> None:
    with app.app_context(), unit_of_work.writing():
        case = db.session.get_one(SurgicalCase, case_id)
        receive_report(INSTALLER, case.patient, ReportFacts("lis", "R1", rows, "血常规"))


def test_results_stand_beside_the_record(app: Flask, sign_in: SignIn) -> None:
    stage = set_stage(app)
    client: FlaskClient = sign_in(LI_MING)
    assert "没有收到检验结果" in html(client, f"/cases/{stage.running}/labs")
    at = clock.now() - timedelta(days=3)
    file_results(
        app, stage.running,
        ResultFacts("HGB", text="92", unit="g/L", reference="115-150", flag="L", taken_at=at, reported_at=at),
        ResultFacts("PLT", text="220", unit="G/L", taken_at=at, reported_at=at),
    )  # fmt: skip
    later = at + timedelta(hours=1)
    file_results(app, stage.running,
                 ResultFacts("HGB", text="96", unit="g/L", flag="L", status="corrected", taken_at=at, reported_at=later))  # fmt: skip
    status = html(client, f"/cases/{stage.running}/status")
    assert "1 项异常" in status
    assert "Hb 96↓" in status
    panel = html(client, f"/cases/{stage.running}/labs")
    for words in ("96↓", "已更正", "<del>92 g/L</del>", "血小板", "未带入", "3 天前"):
        assert words in panel
    assert client.get(f"/cases/{stage.running + 999}/labs", headers=HTMX).status_code == 404
