"""Curves, proof, unknown codes, history and export of devices, page by page and through the bridge's own door."""

import csv
import io
from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.core import clock, unit_of_work
from app.core.audit import SystemActor
from app.core.db import db
from app.core.extensions import socketio
from app.devices import history, reports, service
from app.devices.models import Binding, Device, DeviceCodeMap, DeviceEvent, DeviceSentDay
from app.scheduling.models import OperatingRoom, SurgicalCase
from app.vitals import service as vitals
from app.vitals import wave_queries
from app.vitals.columns import SeriesColumns
from blueprints.common.access import settings
from device_bridge.wire import NAMESPACE, Batch, DeviceBlock, Gap, Series
from device_bridge.wire_waves import WaveBatch, WaveBlock, WavePiece, pack_samples
from printing.fonts import ensure_fonts
from tests.anesthesia.samples import make_case
from tests.cast import HE_YU, LI_MING, Person
from tests.pages import Page
from tests.processes import FONT_STORE

SignIn = Callable[[Person], FlaskClient]
OpenPage = Callable[[str], Page]
INSTALLER = SystemActor("setup", "安装")


@pytest.fixture
def monitor(app: Flask) -> int:
    """A GE monitor in the first room, bound to a case, with values, curves, a gap and an unknown code."""
    with app.app_context(), unit_of_work.writing():
        room = db.session.scalars(select(OperatingRoom).order_by(OperatingRoom.id)).first()
        assert room is not None
        device = service.register_device(
            INSTALLER, "OR1-GE", kind="monitor", brand="GE", model="B650", driver="ge_dri", room_id=room.id,
            transport={"kind": "tcp_client", "host": "10.1.3.6", "port": 4001}, options={"waves": ["PLETH"]},
        )  # fmt: skip
        case = make_case()
        service.bind_device(INSTALLER, device, case, clock.from_ms(clock.now_ms() - 600_000))
        start = clock.now_ms() - 300_000
        times = [start + 1000 * n for n in range(60)]
        vitals.ingest("b", "s", 1, 0, [
            vitals.DeviceData(device.id, (SeriesColumns("HR", "/min", times, [70.5 + n for n in range(60)], [0] * 60),),
                              gaps=(vitals.GapFacts(start - 50_000, start, "disconnect"),)),
        ])  # fmt: skip
        reports.note_unmapped({"OR1-GE": device.id}, [reports.UnmappedFacts("OR1-GE", "999", "MDC_NEW", "42", 7)])
        return device.id


@pytest.fixture
def bridge(app: Flask) -> Callable[[str, dict[str, object]], dict[str, object] | None]:
    """A bridge that is connected: `bridge("waves", batch)` gives the answer."""
    with app.app_context():
        token = settings().bridge_token
    client = socketio.test_client(app, namespace=NAMESPACE, auth={"token": token, "bridge": "b"})

    def send(event: str, data: dict[str, object]) -> dict[str, object] | None:
        return client.emit(event, data, namespace=NAMESPACE, callback=True)  # type: ignore[no-any-return]

    return send


def wave_batch(seq: int, start_ms: int, seconds: int = 10, device: str = "OR1-GE") -> dict[str, object]:
    """Ten seconds of a saw tooth at 100 Hz."""
    samples = [n % 100 for n in range(100 * seconds)]
    piece = WavePiece("PLETH", "%", start_ms, 100.0, 0.5, 0.0, len(samples), pack_samples(samples))
    return WaveBatch("b", "s-w", seq, seq - 1, clock.now_ms(), (WaveBlock(device, (piece,)),)).to_json()


def test_curves_are_stored_once_and_shown_from_afar(app: Flask, monitor: int, bridge, sign_in: SignIn) -> None:  # type: ignore[no-untyped-def]
    start = clock.now_ms() - 60_000
    assert bridge("waves", wave_batch(1, start)) == {"seq": 1, "status": "stored"}
    assert bridge("waves", wave_batch(1, start)) == {"seq": 1, "status": "duplicate"}
    assert bridge("waves", wave_batch(2, start + 10_000)) == {"seq": 2, "status": "stored"}
    assert bridge("waves", wave_batch(3, start, device="NOBODY"))["error"] == "unknown_device"
    with app.app_context():
        pieces = wave_queries.pieces(monitor, "PLETH", 0, 2**60)
        assert [(p.start_ms, p.count) for p in pieces] == [(start, 1000), (start + 10_000, 1000)]
    client = sign_in(HE_YU)
    end = start + 20_000
    found = client.get(f"/devices/{monitor}/review/data?code=PLETH&start={start}&end={end}&width=100").get_json()
    assert (found["unit"], min(found["low"]), max(found["high"])) == ("%", 0.0, 49.5)
    far = client.get(
        f"/devices/{monitor}/review/data?code=PLETH&start={start - 36_000_000}&end={end}&width=100"
    ).get_json()
    assert [value for value in far["high"] if value is not None] == [49.5]


def test_damaged_curves_are_refused_and_leave_nothing(app: Flask, monitor: int, bridge) -> None:  # type: ignore[no-untyped-def]
    broken = wave_batch(1, clock.now_ms())
    broken["blocks"][0]["waves"][0][7] = "!!!"  # type: ignore[index]
    assert bridge("waves", broken)["error"] == "malformed"
    with app.app_context():
        assert wave_queries.channels(monitor, 0, 2**60) == {}


def test_a_curve_is_sent_to_a_browser_only_while_it_watches(app: Flask, monitor: int, bridge, sign_in: SignIn) -> None:  # type: ignore[no-untyped-def]
    client = sign_in(HE_YU)
    browser = socketio.test_client(app, flask_test_client=client)
    bridge("waves", wave_batch(1, clock.now_ms() - 10_000))
    assert [one for one in browser.get_received() if one["name"] == "wave"] == []
    answer = browser.emit("subscribe", {"topics": [f"wave:{monitor}"]}, callback=True)
    assert answer["granted"] == [f"wave:{monitor}"]
    bridge("waves", wave_batch(2, clock.now_ms() - 9_000))
    (event,) = [one for one in browser.get_received() if one["name"] == "wave"]
    code, unit, _, rate, values = event["args"][0]["pieces"][0]
    assert (code, unit, rate, len(values), max(values)) == ("PLETH", "%", 100.0, 1000, 49.5)


def test_gaps_travel_with_their_reason(app: Flask, monitor: int, bridge, sign_in: SignIn, open_page: OpenPage) -> None:  # type: ignore[no-untyped-def]
    now = clock.now_ms()
    series = Series("HR", "/min", (now,), (70.0,), (0,))
    block = DeviceBlock("OR1-GE", (series,), (), (Gap(now - 90_000, now - 30_000, "silent"),))
    assert bridge("samples", Batch("b", "s", 2, 1, now, (block,)).to_json()) == {"seq": 2, "status": "stored"}
    sign_in(HE_YU)
    text = open_page(f"/devices/{monitor}").text
    assert "已连接但无数据" in text
    assert "设备断开" in text


def test_the_proof_counts_what_was_sent_and_alarms_what_was_stopped(
    app: Flask, monitor: int, bridge, sign_in: SignIn, open_page: OpenPage
) -> None:  # type: ignore[no-untyped-def]
    today = clock.today().isoformat()
    sent = {"device": "OR1-GE", "day": today, "messages": 3, "bytes": 1234, "refused": 0, "reasons": {"heartbeat": 3}}
    for _ in range(2):  # totals: told twice they count once
        bridge("report", {"stream": "s", "sent": [sent], "unmapped": []})
    sign_in(HE_YU)
    page = open_page("/devices/proof")
    assert "发出字节 1,234，均为读取请求（3 条）" in page.text
    assert "没有被拦截的数据" in page.text
    bridge("report", {"stream": "s", "sent": [sent | {"refused": 2}], "unmapped": []})
    assert "有 2 条数据被拦截" in open_page("/devices/proof").text
    assert "2 条发往设备的数据被拦截" in open_page("/devices").text
    bridge("report", {"stream": "s", "sent": [{"nonsense": 1}], "unmapped": []})
    with app.app_context():
        assert db.session.query(DeviceSentDay).one().bytes == 1234


def test_an_unknown_code_is_mapped_for_all_devices_of_the_driver(
    app: Flask, monitor: int, bridge, sign_in: SignIn, open_page: OpenPage
) -> None:  # type: ignore[no-untyped-def]
    client = sign_in(HE_YU)
    assert "MDC_NEW" in open_page("/devices/codes").text
    given = {"driver": "ge_dri", "source_code": "999", "code": "nonsense", "factor": "1"}
    assert client.post("/devices/codes", data=given).status_code == 422
    assert client.post("/devices/codes", data=given | {"code": "PPV", "factor": "0.1"}).status_code == 302
    assert "MDC_NEW" not in open_page("/devices/codes").text
    (config,) = bridge("devices", {})["devices"]
    assert config["options"] == {"waves": ["PLETH"], "map": {"999": ["PPV", 0.1]}}
    assert client.post("/devices/codes/remove", data=given).status_code == 302
    with app.app_context():
        assert db.session.query(DeviceCodeMap).count() == 0
    sign_in(LI_MING)
    assert client.post("/devices/codes", data=given | {"code": "PPV"}).status_code == 403


def test_a_bound_device_moves_with_its_patient_and_is_replaced_at_once(
    app: Flask, monitor: int, sign_in: SignIn, open_page: OpenPage
) -> None:  # type: ignore[no-untyped-def]
    client = sign_in(HE_YU)
    with app.app_context(), unit_of_work.writing():
        rooms = list(db.session.scalars(select(OperatingRoom.id).order_by(OperatingRoom.id)))
        spare = service.register_device(
            INSTALLER, "SPARE", kind="monitor", driver="mindray_pds", transport={"kind": "tcp_client"}
        ).id
    assert (
        client.post(
            f"/devices/{monitor}/history", data={"act": "move", "room_id": rooms[1], "note": "随患者入PACU"}
        ).status_code
        == 302
    )
    with app.app_context():
        event = db.session.query(DeviceEvent).one()
        assert (event.kind, event.from_place, event.to_place, event.case_id is not None) == (
            "moved",
            "1号手术间",
            "2号手术间",
            True,
        )
        assert service.current_binding(monitor) is not None
    assert client.post(f"/devices/{spare}/history", data={"act": "replace", "other": monitor}).status_code == 302
    with app.app_context():
        old, new = db.session.scalars(select(Binding).order_by(Binding.id)).all()
        assert (old.device_id, new.device_id, old.released_at == new.bound_at) == (monitor, spare, True)
    assert client.post(f"/devices/{monitor}/history", data={"kind": "lent"}).status_code == 422
    assert client.post(f"/devices/{monitor}/history", data={"kind": "lent", "to_place": "急诊科"}).status_code == 302
    assert "急诊科" in open_page(f"/devices/{monitor}/history").text
    with app.app_context():
        assert history.accesses_by_year()[0][1] == 2
    app.extensions["mafei.settings"] = replace(app.extensions["mafei.settings"], device_access_limit=1)
    page = open_page("/devices/ledger").text
    assert "借出 急诊科" in page
    assert "本年新接入 2 台，超过合同约定的每年免费接入 1 台" in page
    rows = list(csv.reader(io.StringIO(client.get("/devices/ledger.csv").data.decode("utf-8-sig"))))
    assert [row[0] for row in rows[1:]] == ["SPARE", "OR1-GE"]


def test_every_page_of_a_device_opens(app: Flask, monitor: int, sign_in: SignIn, open_page: OpenPage) -> None:
    client = sign_in(HE_YU)
    for place in ("waves", "review", "history", "trend?days=365&code=HR", "edit"):
        open_page(f"/devices/{monitor}/{place}")
    found = client.get(f"/devices/{monitor}/trend/data?code=HR&width=100").get_json()
    assert (min(v for v in found["low"] if v), max(v for v in found["high"] if v), found["count"]) == (70.5, 129.5, 60)
    with app.app_context():
        fonts = settings().instance_dir / "fonts"
    if not fonts.exists():
        fonts.symlink_to(ensure_fonts(FONT_STORE / "fonts").directory)
    pdf = client.get(f"/devices/{monitor}/sheet.pdf")
    assert pdf.mimetype == "application/pdf"
    assert pdf.data.startswith(b"%PDF")


def test_the_wizard_fills_the_form(sign_in: SignIn, open_page: OpenPage) -> None:
    client = sign_in(HE_YU)
    config = '{"device_id": "NEW-1", "driver": "ge_dri", "transport": {"kind": "tcp_client", "host": "10.9.8.7", "port": 4444}, "options": {"waves": ["ECG1"]}}'
    page = open_page(f"/devices/new?config={config}")
    values = {tag["name"]: tag.get("value") for tag in page.soup.select("input[name]")}
    assert (values["key"], values["transport.host"], values["transport.port"], values["waves"]) == (
        "NEW-1",
        "10.9.8.7",
        "4444",
        "ECG1",
    )
    assert client.get("/devices/new?config=[]").status_code == 422


def test_raw_data_of_a_case_is_exported_and_audited(app: Flask, monitor: int, sign_in: SignIn) -> None:
    client = sign_in(LI_MING)
    with app.app_context():
        case_id = db.session.scalars(select(SurgicalCase.id)).one()
    answer = client.post(f"/devices/export/{case_id}", data={"format": "csv"})
    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert rows[0][:2] == ["时间", "设备"]
    assert len(rows) == 61
    assert rows[1][1:5] == ["OR1-GE", "HR", "70.5", "/min"]
    assert "覃小芳" not in answer.data.decode()
    for kind in ("edf", "wfdb", "vital"):
        assert client.post(f"/devices/export/{case_id}", data={"format": kind}).status_code == 200
    assert client.post(f"/devices/export/{case_id}", data={"format": "exe"}).status_code == 422
    with app.app_context():
        assert db.session.query(Device).count() == 1
