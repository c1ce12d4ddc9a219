"""Airways, accesses and blocks on the theatre page: written, found again, corrected with a reason, withdrawn."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.anesthesia.models import AirwayProcedure, BlockProcedure
from app.anesthesia.queries import record_sheet
from app.core import clock
from app.core.db import db
from tests.cast import LI_MING, Person
from tests.web.people import HTMX, html
from tests.web.theatre_stage import Stage, set_stage

TUBE = {
    "device": "tracheal_tube",
    "path": "oral",
    "size": "7.0",
    "depth_cm": "22",
    "technique": "可视喉镜",
    "attempts": "1",
}


@pytest.fixture
def stage(app: Flask) -> Stage:
    """A running case in OR1."""
    return set_stage(app)


@pytest.fixture
def lim(stage: Stage, sign_in: Callable[[Person], FlaskClient]) -> FlaskClient:
    """李明 at the workstation of OR1."""
    return sign_in(LI_MING)


def test_a_tube_is_found_again_and_corrected_with_its_original(app: Flask, lim: FlaskClient, stage: Stage) -> None:
    base = f"/cases/{stage.running}/procedures"
    at = f"{clock.to_hospital(stage.start + timedelta(minutes=10)):%H:%M}"
    written = lim.post(f"{base}/airway", data=TUBE | {"at": at}, headers=HTMX).get_data(as_text=True)
    assert f"气管导管 经口 7.0 深 22 cm 可视喉镜 {at}" in written
    assert f"{base}/airway/1/withdraw" in written, "it can be taken back at once"
    assert f"{base}/airway/1" in html(lim, base)

    out = f"{clock.to_hospital(clock.now()):%H:%M}"
    form = TUBE | {"size": "7.5", "is_difficult": "yes", "at": at, "removed_at": out}
    assert lim.post(f"{base}/airway/1", data=form, headers=HTMX).status_code == 422, "a reason is asked for"
    assert lim.post(f"{base}/airway/1", data=form | {"reason": "录入错误"}, headers=HTMX).status_code == 200
    panel = html(lim, f"{base}/airway/1")
    for words in ("型号：7.0 → 7.5", "困难气道：否 → 是", f"拔除时间：空 → {out}", "录入错误", "李明"):
        assert words in panel, words
    assert "时间：" not in panel.replace("拔除时间：", ""), "the untouched time is no correction"
    with app.app_context():
        tube = db.session.get_one(AirwayProcedure, 1)
        assert (tube.size, tube.depth_cm, tube.is_difficult) == ("7.5", Decimal(22), True)
        assert tube.history[0]["before"]["size"] == "7.0"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"removed_at": "early"}, "早于置入"),
        ({"depth_cm": "220"}, "0–100"),
        ({"depth_cm": "abc"}, "数字"),
        ({"attempts": "1.5"}, "整数"),
        ({"device": "straw"}, "列表"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_changes(
    app: Flask, lim: FlaskClient, stage: Stage, change: dict[str, str], words: str
) -> None:
    base = f"/cases/{stage.running}/procedures/airway"
    moments = {"at": stage.start + timedelta(minutes=10), "early": stage.start + timedelta(minutes=2)}
    at, early = (f"{clock.to_hospital(moments[name]):%H:%M}" for name in ("at", "early"))
    lim.post(base, data=TUBE | {"at": at}, headers=HTMX)
    typed = {name: early if value == "early" else value for name, value in change.items()}
    answer = lim.post(f"{base}/1", data=TUBE | {"at": at, "reason": "看错"} | typed, headers=HTMX)
    assert answer.status_code == 422
    assert words in answer.get_data(as_text=True)
    with app.app_context():
        assert db.session.get_one(AirwayProcedure, 1).history == []


def test_a_withdrawn_block_stays_readable_and_leaves_the_sheet(app: Flask, lim: FlaskClient, stage: Stage) -> None:
    base = f"/cases/{stage.running}/procedures"
    lim.post(f"{base}/block", data={"kind": "spinal", "site": "L3-4", "drug": "0.5% 布比卡因 2 ml"}, headers=HTMX)
    assert _sheet(app, stage).count("蛛网膜下腔 L3-4 0.5% 布比卡因 2 ml") == 1
    lim.post(f"{base}/block/1/withdraw", data={"reason": "改全麻"}, headers=HTMX)
    assert "已作废" in html(lim, base)
    assert "改全麻" in html(lim, f"{base}/block/1")
    assert "蛛网膜下腔" not in _sheet(app, stage)
    with app.app_context():
        assert db.session.get_one(BlockProcedure, 1).voided_at is not None


def test_an_entry_of_another_case_is_not_reached(lim: FlaskClient, stage: Stage) -> None:
    lim.post(f"/cases/{stage.running}/procedures/line", data={"kind": "arterial"}, headers=HTMX)
    assert lim.get(f"/cases/{stage.running}/procedures/line/1", headers=HTMX).status_code == 200
    assert lim.get(f"/cases/{stage.elsewhere}/procedures/line/1", headers=HTMX).status_code in (404, 409)


def _sheet(app: Flask, stage: Stage) -> str:
    with app.app_context():
        return str(record_sheet(stage.running))
