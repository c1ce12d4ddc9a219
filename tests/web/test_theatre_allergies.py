"""Allergies asked for at the table: not asked, none known and a list are three things on the banner."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.core.audit import AuditEntry
from app.core.db import db
from tests.cast import LI_MING, Person
from tests.web.people import HTMX, html
from tests.web.theatre_stage import Stage, set_stage


@pytest.fixture
def stage(app: Flask) -> Stage:
    """OR1 with a patient who is allergic to penicillin, as the HIS told; OR2 with one who was not asked."""
    return set_stage(app)


@pytest.fixture
def lim(stage: Stage, sign_in: Callable[[Person], FlaskClient]) -> FlaskClient:
    """李明 at the workstation."""
    return sign_in(LI_MING)


def test_none_known_is_not_the_same_as_not_asked(lim: FlaskClient, stage: Stage) -> None:
    url = f"/cases/{stage.waiting}"
    assert "未询问" in html(lim, f"{url}/banner")
    assert lim.post(f"{url}/allergies", data={}, headers=HTMX).status_code == 422, "nothing ticked is no answer"
    assert "未询问" in html(lim, f"{url}/banner")
    assert "无已知过敏" in lim.post(f"{url}/allergies", data={"none": "yes"}, headers=HTMX).get_data(as_text=True)
    assert "无已知过敏" in html(lim, f"{url}/banner")


def test_what_the_patient_says_stands_beside_what_the_his_told_and_goes_only_with_a_reason(
    app: Flask, lim: FlaskClient, stage: Stage
) -> None:
    url = f"/cases/{stage.running}"
    form = {"substance": ["乳胶", "青霉素"], "others": "奥美拉唑；芒果"}
    lim.post(f"{url}/allergies", data=form, headers=HTMX)
    banner = html(lim, f"{url}/banner")
    assert "青霉素、乳胶、奥美拉唑、芒果" in banner, "each once, those of the HIS first"
    fewer = {"substance": "乳胶"}
    assert lim.post(f"{url}/allergies", data=fewer, headers=HTMX).status_code == 422
    assert lim.post(f"{url}/allergies", data=fewer | {"reason": "患者更正"}, headers=HTMX).status_code == 200
    assert "青霉素、乳胶<" in html(lim, f"{url}/banner")
    with app.app_context():
        entries = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "patients.record_allergies")).all()
        assert [entry.reason for entry in entries] == ["", "患者更正"]
        assert "芒果" in str(entries[-1].before)
