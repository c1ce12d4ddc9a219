"""Raw bytes decoded again: compared, looked at, applied once; with the worker of the bridge on a real spool."""

import contextlib
import os
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.anesthesia.models import ChartReading
from app.anesthesia.service import open_record
from app.core import clock, unit_of_work
from app.core.audit import AuditEntry, SystemActor
from app.core.db import db
from app.core.extensions import socketio
from app.devices import service
from app.devices.models import BridgeErrand, BridgeErrandPart, Device
from app.vitals import backup, queries
from app.vitals import service as vitals
from app.vitals.columns import SeriesColumns, empty, to_samples
from app.vitals.comparison import compare
from app.vitals.models import VitalChunk, VitalRevision
from blueprints.common.access import settings
from device_bridge import errand_worker
from device_bridge.drivers.nellcor import encoder as nellcor
from device_bridge.simulators.answering import HamiltonVentilator
from device_bridge.simulators.base import SimulatorSettings
from device_bridge.spool import Received, Spool
from device_bridge.wire import NAMESPACE
from tests.anesthesia.samples import make_case
from tests.cast import HE_YU, LI_MING, Person
from tests.pages import Page

SignIn = Callable[[Person], FlaskClient]
OpenPage = Callable[[str], Page]
INSTALLER = SystemActor("setup", "安装")
T0 = 1_790_000_000_000
SECONDS = 40


def numeric(values: list[float], start: int = T0, step: int = 1000, qualities: list[int] | None = None):  # type: ignore[no-untyped-def]
    times = [start + step * n for n in range(len(values))]
    return to_samples(SeriesColumns("HR", "/min", times, values, qualities or [0] * len(values)))


class TestComparison:
    def test_equal_values_are_the_same_although_the_clock_was_learnt_anew(self) -> None:
        old = numeric([60, 61, 62], qualities=[16, 16, 64])
        found = compare("HR", old, numeric([60, 61, 62], start=T0 + 120), [[T0, T0 + 3000]])
        assert found.counts == [3, 0, 0, 0]
        assert found.result.times_ms.tolist() == old.times_ms.tolist(), "what is the same keeps its time and its bits"
        assert found.result.qualities.tolist() == [16, 16, 64]

    def test_changed_added_and_vanished_are_told_apart(self) -> None:
        found = compare("HR", numeric([60, 61, 62]), numeric([60, 99], qualities=[0, 4]), [[T0, T0 + 9000]])
        assert found.counts == [1, 1, 0, 1]
        assert [(d.old, d.new) for d in found.examples] == [(61, 99), (62, None)]
        found = compare("HR", empty(), numeric([60, 61]), [[T0, T0 + 9000]])
        assert found.counts == [0, 0, 2, 0]
        assert found.unit == "/min"

    def test_where_there_are_no_raw_bytes_nothing_vanishes(self) -> None:
        found = compare("HR", numeric([60] * 100), empty(), [[T0, T0 + 10_000]])
        assert found.vanished == 11
        assert len(found.result) == 89

    def test_values_of_the_same_moment_are_paired_in_order(self) -> None:
        twice = numeric([60, 61], step=0)
        assert compare("HR", twice, twice, [[T0, T0]]).counts == [2, 0, 0, 0]


def spool_of(folder: Path, key: str = "OR1-OXI") -> Path:
    """A spool with what a pulse oximeter sent for forty seconds, two lines to a commit now and then."""
    spool = Spool(folder, "b")
    spool.opened(key, T0 - 1000, 1)
    for n in range(SECONDS):
        moment = clock.to_hospital(clock.from_ms(T0 + 1000 * n)).replace(tzinfo=None)
        line = nellcor.line(str(97 - n % 3), str(70 + n % 5), moment)
        done = spool.add(Received(key, T0 + 1000 * n, (nellcor.HEADING if n == 0 else b"") + line, line=1))
        if n % 3:
            done.result(5)
    spool.close()
    return folder


@pytest.fixture
def oximeter(app: Flask) -> int:
    """An oximeter whose pulse was stored wrongly for ten seconds and not at all for five; one charted from it."""
    with app.app_context(), unit_of_work.writing():
        device = service.register_device(
            INSTALLER, "OR1-OXI", kind="monitor", brand="Nellcor", model="N-595", driver="nellcor", bridge="b",
            transport={"kind": "tcp_client", "host": "10.1.3.9", "port": 4001},
        )  # fmt: skip
        times = [T0 + 1000 * n for n in range(SECONDS)]
        pulse = [float(7 + n % 5 if n < 10 else 70 + n % 5) for n in range(SECONDS)]
        series = (
            SeriesColumns("SpO2", "%", times, [float(97 - n % 3) for n in range(SECONDS)], [0] * SECONDS),
            SeriesColumns("PR", "/min", times[:35], pulse[:35], [0] * 35),
        )
        vitals.ingest("b", "s", 1, 0, [vitals.DeviceData(device.id, series)])
        vitals.compact(device.id)
        return device.id


@pytest.fixture
def bridge(app: Flask) -> Callable[[str, dict[str, Any]], dict[str, Any]]:
    """A connected bridge."""
    with app.app_context():
        token = settings().bridge_token
    client = socketio.test_client(app, namespace=NAMESPACE, auth={"token": token, "bridge": "b"})

    def send(event: str, data: dict[str, Any]) -> dict[str, Any]:
        return client.emit(event, data, namespace=NAMESPACE, callback=True)  # type: ignore[no-any-return]

    send("errands", {"serial_ports": [["/dev/ttyUSB0", "USB"]], "host": "pc"})
    return send


def work(bridge: Callable[[str, dict[str, Any]], dict[str, Any]], spool: Path, *, repeat: bool = False) -> None:
    """What the bridge does with the errands that wait: the worker does them, the answers travel."""
    for task in bridge("errands", {"serial_ports": [], "host": "pc"})["errands"]:
        said: list[dict[str, Any]] = []
        errand_worker.main(spool, {**task["request"], "kind": task["kind"]}, said.append)
        parts = [one["part"] for one in said if "part" in one]
        for _ in range(2 if repeat else 1):
            for number, part in enumerate(parts):
                assert bridge("errand_part", {"id": task["id"], "part": number, **part}) == {"ok": True}
        done = {"id": task["id"], "parts": len(parts), **said[-1]}
        assert bridge("errand_done", done) == {"ok": True}
        assert bridge("errand_done", done) == {"ok": True}


SPAN = {"start": "2026-09-21T22:13", "end": "2026-09-21T22:15"}


def test_a_corrected_driver_is_seen_before_it_is_applied_and_nothing_is_lost(
    app: Flask, oximeter: int, bridge, sign_in: SignIn, open_page: OpenPage, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    client, spool = sign_in(HE_YU), spool_of(tmp_path / "spool")
    answer = client.post(f"/devices/{oximeter}/raw", data=SPAN)
    assert answer.status_code == 302
    assert "正在等待采集服务完成" in open_page(answer.location).text
    work(bridge, spool, repeat=True)
    page = open_page(answer.location)
    assert "10" in page.text
    assert "新增" in page.text
    seal = page.soup.select_one("input[name=seal]")["value"]  # type: ignore[index]
    with app.app_context():
        errand = db.session.scalars(select(BridgeErrand)).one()
        assert errand.result["covered"] == [[T0, T0 + 39_000]]
        before = queries.samples(oximeter, ["PR"], 0, 2**60)["PR"].values.tolist()
    apply = f"/devices/errands/{errand.id}/apply"
    assert client.post(apply, data={"seal": seal, "reason": " "}).status_code == 422
    assert client.post(apply, data={"seal": "other", "reason": "修正倍率"}).status_code == 409
    assert client.post(apply, data={"seal": seal, "reason": "修正倍率"}).status_code == 302
    assert client.post(apply, data={"seal": seal, "reason": "修正倍率"}).status_code == 409, "only once"
    with app.app_context():
        found = queries.samples(oximeter, (), 0, 2**60)
        assert found["PR"].values.tolist() == [float(70 + n % 5) for n in range(SECONDS)]
        assert len(found["SpO2"]) == SECONDS
        assert queries.count(oximeter) == 2 * SECONDS
        revision = db.session.scalars(select(VitalRevision)).one()
        assert revision.counts == {"PR": [25, 10, 5, 0]}
        entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "devices.redecode")).one()
        assert (entry.reason, '"changed":10' in str(entry.after).replace(" ", "")) == ("修正倍率", True)
        assert db.session.query(VitalChunk).count() == 3, "the replaced chunk is still there"
        assert db.session.query(BridgeErrandPart).count() == 0
    text = client.get(f"/devices/revisions/{revision.id}/before.csv").data.decode("utf-8-sig")
    assert [float(line.split(",")[2]) for line in text.splitlines()[1:]] == before
    assert "修正倍率" in open_page(f"/devices/{oximeter}/raw").text


def test_revisions_survive_a_loss_of_the_database(
    app: Flask, oximeter: int, bridge, sign_in: SignIn, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    client, spool = sign_in(HE_YU), spool_of(tmp_path / "spool")
    with app.app_context():
        backup.write(tmp_path / "backup")
    number = client.post(f"/devices/{oximeter}/raw", data=SPAN).location.rsplit("/", 1)[1]
    work(bridge, spool)
    page = client.get(f"/devices/errands/{number}").data.decode()
    seal = page.split('name="seal" value="')[1].split('"')[0]
    client.post(f"/devices/errands/{number}/apply", data={"seal": seal, "reason": "修正"})
    with app.app_context(), unit_of_work.writing():
        assert backup.write(tmp_path / "backup").rows["vital_revision"] == 1  # type: ignore[union-attr]
        stood = queries.samples(oximeter, (), 0, 2**60)["PR"].values.tolist()
        for model in reversed(backup.MODELS):
            db.session.query(model).delete()
        assert backup.restore(tmp_path / "backup")["vital_chunk"] == 3
        assert queries.samples(oximeter, (), 0, 2**60)["PR"].values.tolist() == stood


def test_charted_values_that_would_differ_are_named_and_left_alone(
    app: Flask, oximeter: int, bridge, sign_in: SignIn, open_page: OpenPage, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    with app.app_context(), unit_of_work.writing():
        case = make_case()
        record = open_record(INSTALLER, case.id)
        for second, value in ((5, 7), (20, 70)):
            at = clock.from_ms(T0 + 1000 * second)
            db.session.add(ChartReading(
                record_id=record.id, code="HR", slot_at=at, at=at, value=value, unit="/min", source="device",
                device_id=oximeter, raw_code="PR", state="auto",
            ))  # fmt: skip
        case_no = case.case_no
    client = sign_in(HE_YU)
    place = client.post(f"/devices/{oximeter}/raw", data=SPAN).location
    work(bridge, spool_of(tmp_path))
    page = open_page(place)
    rows = [row.text for row in page.soup.select("table")[1].select("tbody tr")]
    assert len(rows) == 1
    assert case_no in rows[0]
    seal = page.soup.select_one("input[name=seal]")["value"]  # type: ignore[index]
    assert client.post(f"{place}/apply", data={"seal": seal, "reason": "修正"}).status_code == 302
    with app.app_context():
        assert sorted(int(r.value) for r in db.session.scalars(select(ChartReading))) == [7, 70]  # type: ignore[arg-type]


def test_what_cannot_be_done_is_said(
    app: Flask, oximeter: int, bridge, sign_in: SignIn, open_page: OpenPage, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    client = sign_in(HE_YU)
    assert client.post(f"/devices/{oximeter}/raw", data={"start": "", "end": ""}).status_code == 422
    long = {"start": "2026-09-20T10:00", "end": "2026-09-22T10:00"}
    assert "一次最多 24 小时" in client.post(f"/devices/{oximeter}/raw", data=long).data.decode()
    place = client.post(
        f"/devices/{oximeter}/raw", data={"start": "2026-01-01T10:00", "end": "2026-01-01T11:00"}
    ).location
    work(bridge, spool_of(tmp_path))
    assert "没有保存的原始数据" in open_page(place).text
    ended = client.post(f"/devices/{oximeter}/raw", data=SPAN).location
    assert client.post(f"{ended}/end").status_code == 302
    assert bridge("errands", {"serial_ports": [], "host": "pc"}) == {"errands": []}
    for broken in ({"id": 1}, {"id": 1, "part": 0, "count": 3, "data": "!!"}, None):
        assert bridge("errand_part", broken)["error"] == "malformed"
    sign_in(LI_MING)
    assert client.post(f"/devices/{oximeter}/raw", data=SPAN).status_code == 403


def test_raw_bytes_are_handed_out_as_they_came(
    app: Flask, oximeter: int, bridge, sign_in: SignIn, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    client = sign_in(HE_YU)
    place = client.post(f"/devices/{oximeter}/raw", data=SPAN | {"act": "capture"}).location
    work(bridge, spool_of(tmp_path))
    sent = client.get(f"{place}/bytes").data
    assert sent.startswith(nellcor.HEADING)
    assert sent.count(b"\r\n") >= SECONDS


def test_the_self_test_says_what_is_wrong(
    app: Flask, oximeter: int, bridge, sign_in: SignIn, open_page: OpenPage, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    client = sign_in(HE_YU)
    with app.app_context(), unit_of_work.writing():
        device = db.session.get_one(Device, oximeter)
        service.change_device(INSTALLER, device, transport={"kind": "serial", "port": "/dev/not-there"})
    place = client.post(f"/devices/{oximeter}/check").location
    work(bridge, spool_of(tmp_path))
    text = open_page(place).text
    assert "没有串口 /dev/not-there" in text
    assert "最近 2 分钟没有收到任何字节" in text
    assert "不发送任何请求" in text


def test_the_wizard_listens_recognises_and_fills_the_form(
    app: Flask, bridge, sign_in: SignIn, open_page: OpenPage, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    client = sign_in(HE_YU)
    bridge("errands", {"serial_ports": [["/dev/ttyUSB0", "USB"]], "host": "pc"})
    assert "/dev/ttyUSB0" in open_page("/devices/wizard").text
    moment = clock.to_hospital(clock.now()).replace(tzinfo=None)
    lines = nellcor.HEADING + b"".join(
        nellcor.line("97", str(70 + n), moment + timedelta(seconds=n)) for n in range(20)
    )
    capture = tmp_path / "capture.bin"
    capture.write_bytes(lines)
    given = {"bridge": "b", "line": "tcp_client", "transport.host": "10.1.1.1", "transport.port": "4001"}
    assert client.post("/devices/wizard", data=given | {"bridge": "unknown"}).status_code == 422
    assert client.post("/devices/wizard", data=given | {"transport.port": "x"}).status_code == 422
    place = client.post("/devices/wizard", data=given | {"device_id": "OR9-OXI"}).location
    with app.app_context(), unit_of_work.writing():  # the line is a file here; the rest is as in the field
        errand = db.session.scalars(select(BridgeErrand)).one()
        errand.request = errand.request | {"transport": {"kind": "replay", "path": str(capture), "bytes_per_s": 1e6}}
    work(bridge, tmp_path)
    page = open_page(place)
    assert "识别为" in page.text
    assert "脉率(PR)=70" in page.text
    (link,) = [tag["href"] for tag in page.soup.select("a") if tag.text.strip() == "登记这台设备"]
    values = {tag["name"]: tag.get("value") for tag in open_page(link).soup.select("input[name]")}
    assert (values["key"], values["bridge"]) == ("OR9-OXI", "b")


@pytest.mark.skipif(os.name == "nt", reason="pseudo terminals are POSIX")
def test_the_wizard_asks_a_ventilator_on_a_serial_port(
    app: Flask, bridge, sign_in: SignIn, open_page: OpenPage, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    """From the page over a real (pseudo) port to a simulated ventilator that speaks when it is asked, and back."""
    client = sign_in(HE_YU)
    master, slave = os.openpty()
    port = os.ttyname(slave)
    device = HamiltonVentilator(SimulatorSettings("127.0.0.1", 0, case_clock_s=1000))

    def serve() -> None:
        with contextlib.suppress(OSError):  # the line is over
            while question := os.read(master, 64):
                for one in question.split(b"\r")[:-1]:
                    os.write(master, device.answer(one + b"\r")[0])

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    bridge("errands", {"serial_ports": [[port, "USB-Serial"]], "host": "pc"})
    assert f"{port}（USB-Serial）" in open_page("/devices/wizard?line=serial&bridge=b").text
    given = {
        "bridge": "b", "line": "serial", "transport.port": port, "transport.baudrate": "9600", "driver": "hamilton",
        "ask": "1", "device_id": "OR9-VENT",
    }  # fmt: skip
    place = client.post("/devices/wizard", data=given).location
    with app.app_context(), unit_of_work.writing():
        errand = db.session.scalars(select(BridgeErrand)).one()
        errand.request = errand.request | {"seconds": 1.0}
    work(bridge, tmp_path)
    os.close(slave)
    page = open_page(place)
    assert "识别为" in page.text
    assert "(TVe)=" in page.text
    (link,) = [tag["href"] for tag in page.soup.select("a") if tag.text.strip() == "登记这台设备"]
    form = open_page(link)
    values = {tag["name"]: tag.get("value") for tag in form.soup.select("input[name]")}
    assert (values["key"], values["transport.port"]) == ("OR9-VENT", port)
    thread.join(2)


def test_a_computer_with_a_wrong_clock_is_told_to_the_engineer(
    oximeter: int, bridge, sign_in: SignIn, open_page: OpenPage
) -> None:  # type: ignore[no-untyped-def]
    sign_in(HE_YU)
    report = {
        "device": "OR1-OXI", "state": "receiving", "since_ms": T0, "last_frame_ms": T0, "frames": 1, "bytes_in": 1,
        "bytes_out": 0, "faults": 0, "clock_offset_ms": 300_000, "detail": "",
    }  # fmt: skip
    assert bridge("health", {"devices": [report], "now_ms": clock.now_ms() + 200_000}) == {"ok": True}
    board = open_page("/devices")
    assert "采集电脑 pc（b）的时钟比服务器快 3 分" in board.text
    assert "慢 5 分 已换算" in board.text
    assert "慢 5 分 已换算" in open_page(f"/devices/{oximeter}").text
    assert bridge("health", {"devices": [report], "now_ms": clock.now_ms()}) == {"ok": True}
    assert "的时钟比服务器" not in open_page("/devices").text
    assert bridge("health", {"devices": [report]}) == {"ok": True}, "a bridge of an earlier version"
    assert bridge("health", {"devices": [], "now_ms": "soon"})["error"] == "malformed"


def test_what_was_recorded_is_downloaded_and_read_in_the_browser(
    app: Flask, oximeter: int, bridge, sign_in: SignIn, open_page: OpenPage, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    client, spool = sign_in(HE_YU), spool_of(tmp_path / "spool")
    place = client.post(f"/devices/{oximeter}/raw", data=SPAN | {"act": "capture"}).location
    work(bridge, spool)
    page = open_page(place)
    rows = [[cell.text for cell in row.select("td")] for row in page.soup.select("[data-replay] [data-at]")]
    assert len(rows) == SECONDS + 1
    assert rows[0][2] == "连接建立"
    assert "脉率(PR)=70" in rows[1][2]
    (link,) = [tag["href"] for tag in page.soup.select("a") if tag.text.strip() == "下载"]
    assert client.get(link).data.startswith(nellcor.HEADING)
    place = client.post(f"/devices/{oximeter}/raw", data={"act": "capture", "minutes": "10"}).location
    work(bridge, spool)
    assert "这段时间没有保存的原始数据" in open_page(place).text
    assert client.post(f"/devices/{oximeter}/raw", data={"act": "capture", "minutes": "600"}).status_code == 422
