"""The safety check before anesthesia start, surgery start and leaving: off, warn, block, emergency with a reason."""

import json
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.core.audit import AuditEntry
from app.core.db import db
from app.core.errors import SettingsError
from app.core.settings import Settings, load_settings
from app.documents.queries.lists import case_folder
from app.scheduling.models import CaseEvent, SurgicalCase
from tests.cast import LI_MING
from tests.web.theatre_stage import Stage, set_stage

HTMX = {"HX-Request": "true"}


@pytest.fixture
def stage(app: Flask) -> Stage:
    return set_stage(app)


def mode(app: Flask, word: str) -> None:
    settings = app.extensions["mafei.settings"]
    assert isinstance(settings, Settings)
    app.extensions["mafei.settings"] = replace(settings, safety_check=word)


def events(app: Flask, stage: Stage, kind: str = "anesthesia_start") -> list[CaseEvent]:
    with app.app_context():
        return db.session.query(CaseEvent).filter_by(case_id=stage.running, kind=kind).all()


def mark(client: FlaskClient, stage: Stage, htmx: bool = True, **fields: str):  # type: ignore[no-untyped-def]
    data = {"kind": "anesthesia_start", **fields}
    return client.post(f"/cases/{stage.running}/events", data=data, headers=HTMX if htmx else {})


def test_warn_writes_the_time_and_names_what_is_missing(app: Flask, stage: Stage, sign_in) -> None:  # type: ignore[no-untyped-def]
    answer = mark(sign_in(LI_MING), stage)
    assert answer.status_code == 200
    told = json.loads(answer.headers["HX-Trigger"])
    assert told["toast"]["kind"] == "warning"
    assert "第一阶段" in told["toast"]["message"]
    assert told["written"] is True
    assert len(events(app, stage)) == 1


def test_off_says_nothing(app: Flask, stage: Stage, sign_in) -> None:  # type: ignore[no-untyped-def]
    mode(app, "off")
    answer = mark(sign_in(LI_MING), stage)
    assert answer.headers["HX-Trigger"] == "written"


def test_other_times_are_not_asked(app: Flask, stage: Stage, sign_in) -> None:  # type: ignore[no-untyped-def]
    mode(app, "block")
    assert mark(sign_in(LI_MING), stage, kind="intubation").status_code == 200


def test_block_refuses_and_lets_an_emergency_pass_with_a_reason(app: Flask, stage: Stage, sign_in) -> None:  # type: ignore[no-untyped-def]
    mode(app, "block")
    client = sign_in(LI_MING)
    refused = mark(client, stage, htmx=False)
    assert refused.status_code == 409
    assert "第一阶段" in refused.get_data(as_text=True)
    asked = mark(client, stage, idempotency_key="k1")
    assert asked.status_code == 422
    assert asked.headers["HX-Retarget"] == "#dialog"
    page = asked.get_data(as_text=True)
    assert "bypass_reason" in page
    assert 'name="idempotency_key" value="k1"' in page
    assert mark(client, stage, bypass_reason=" ").status_code == 422
    assert events(app, stage) == []

    passed = mark(client, stage, bypass_reason="产后大出血，立即麻醉", idempotency_key="k1")
    assert passed.status_code == 200
    assert [event.remark for event in events(app, stage)] == ["安全核查未完成，紧急放行：产后大出血，立即麻醉"]
    with app.app_context():
        findings = case_folder(db.session.get_one(SurgicalCase, stage.running)).findings
        assert any("产后大出血，立即麻醉" in finding.message for finding in findings)
        entry = db.session.query(AuditEntry).filter_by(action="documents.bypass_safety_check").one()
        assert entry.reason == "产后大出血，立即麻醉"


def test_the_setting_is_strict(tmp_path) -> None:  # type: ignore[no-untyped-def]
    environment = {"MAFEI_INSTANCE_DIR": str(tmp_path), "MAFEI_SAFETY_CHECK": "maybe"}
    with pytest.raises(SettingsError, match="SAFETY_CHECK"):
        load_settings(environment)
    assert load_settings({**environment, "MAFEI_SAFETY_CHECK": "block"}).safety_check == "block"
