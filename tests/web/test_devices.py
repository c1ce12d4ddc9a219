"""Devices: the board, one device with what it sends, the registry."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.core import clock, unit_of_work
from app.core.db import db
from app.core.errors import InvalidInput
from app.core.extensions import socketio
from app.devices import driver_options, drivers, reports, service
from app.devices.models import Device
from app.devices.service import DeviceReport
from app.scheduling.models import OperatingRoom
from app.vitals import service as vitals
from app.vitals.columns import SeriesColumns, to_samples
from blueprints.devices import sparks, views
from device_bridge.drivers.registry import DRIVERS as BRIDGE_DRIVERS
from device_bridge.transports.factory import KINDS as BRIDGE_TRANSPORTS
from device_bridge.wire import Quality
from tests.cast import HE_YU, LI_MING, SUN_LI, Person
from tests.web.people import HTMX, INSTALLER, html

FORM = {
    "key": "OR1-MON", "kind": "monitor", "brand": "迈瑞", "model": "BeneView T8", "driver": "mindray_pds",
    "transport_kind": "tcp_client", "transport.host": "10.1.3.5", "transport.port": "4601", "expected_period_s": "2",
    "stale_after_s": "10",
}  # fmt: skip


def report(state: str = "receiving", frames: int = 10, **facts: object) -> DeviceReport:
    now_ms = clock.now_ms()
    usual: dict[str, object] = {
        "key": "OR1-MON", "state": state, "since_ms": now_ms, "last_frame_ms": now_ms, "frames": frames,
        "bytes_in": 12_345, "bytes_out": 20, "faults": 3, "clock_offset_ms": 90_000, "detail": "",
    }  # fmt: skip
    return DeviceReport(**usual | facts)  # type: ignore[arg-type]


@pytest.fixture
def device_id(app: Flask) -> int:
    """A registered monitor in the first room that has reported and sent five values."""
    with app.app_context(), unit_of_work.writing():
        room = db.session.scalars(select(OperatingRoom).order_by(OperatingRoom.id)).first()
        assert room is not None
        device = service.register_device(
            INSTALLER, "OR1-MON", kind="monitor", brand="迈瑞", model="BeneView T8", driver="mindray_pds",
            room_id=room.id, transport={"kind": "tcp_client", "host": "10.1.3.5", "port": 4601},
        )  # fmt: skip
        service.note_reports("bridge-1", [report()])
        now_ms = clock.now_ms()
        times = [now_ms - 8000, now_ms - 6000]
        vitals.ingest("bridge-1", "s", 1, 0, [
            vitals.DeviceData(device.id, (
                SeriesColumns("HR", "/min", times, [71.0, 72.5], [0, 0]),
                SeriesColumns("EtCO2", "mmHg", times, [36.0, 37.0], [0, int(Quality.DEMO)]),
                SeriesColumns("T1", "°C", times[:1], [0.0], [int(Quality.INVALID)]),
            ), (vitals.AlarmFacts(now_ms, "196", "SpO2 过低", "high", "start"),)),
        ])  # fmt: skip
        return device.id


def test_the_board_tells_each_device_by_room(device_id: int, sign_in, open_page) -> None:  # type: ignore[no-untyped-def]
    sign_in(HE_YU)
    page = open_page("/devices")
    row = page.select("#board tbody tr")
    assert row[0].startswith("1号手术间 1 台")
    for words in ("OR1-MON", "迈瑞 BeneView T8", "接收中", "慢 90 秒", "12.3 KB", "20 B"):
        assert words in row[1], words
    assert page.soup.body is not None
    assert page.soup.body["data-live"] == "devices:all"


def test_a_silent_bridge_is_not_shown_as_receiving(device_id: int, sign_in) -> None:  # type: ignore[no-untyped-def]
    client = sign_in(HE_YU)
    with clock.fixed(clock.now() + timedelta(seconds=25)):
        board = html(client, "/devices/board")
    assert "采集服务离线" in board
    assert "接收中" not in board


def test_the_board_is_narrowed_to_trouble(app: Flask, device_id: int, sign_in) -> None:  # type: ignore[no-untyped-def]
    client = sign_in(HE_YU)
    assert "没有符合条件" in html(client, "/devices/board?state=trouble")
    with app.app_context(), unit_of_work.writing():
        service.note_reports("bridge-1", [report("down", detail="拒绝连接")])
    board = html(client, "/devices/board?state=trouble")
    assert "未连接" in board
    assert "拒绝连接" in board


def test_the_rate_is_measured_between_reports(app: Flask, device_id: int) -> None:
    with app.app_context():
        moment = clock.now() + timedelta(seconds=5)
        for step in range(12):
            with clock.fixed(moment + timedelta(seconds=5 * step)), unit_of_work.writing():
                service.note_reports("bridge-1", [report(frames=20 + 10 * step)])
                rate = views.queries.device_row(db.session.get_one(Device, device_id)).frame_rate
        assert rate == pytest.approx(2.0, abs=0.05)
        with clock.fixed(moment + timedelta(seconds=70)), unit_of_work.writing():
            service.note_reports("bridge-1", [report(frames=1)])
            assert views.queries.device_row(db.session.get_one(Device, device_id)).frame_rate is None


def test_a_device_shows_its_values_and_what_speaks_against_them(device_id: int, sign_in, open_page) -> None:  # type: ignore[no-untyped-def]
    sign_in(LI_MING)
    page = open_page(f"/devices/{device_id}")
    rows = {tag["data-code"]: tag for tag in page.soup.select("[data-code]")}
    assert rows["HR"].select_one("[data-value]").get_text() == "72.5"
    assert "演示" in rows["EtCO2"].get_text()
    assert "faint" in rows["EtCO2"]["class"]
    assert rows["T1"].select_one("[data-value]").get_text() == "无效"
    assert rows["HR"].select_one("svg path")["d"].startswith("M")
    assert "SpO2 过低" in page.text
    assert "登记" in page.text
    assert page.soup.body["data-live"] == f"devices:all device:{device_id}"


def test_a_device_is_registered_changed_and_stopped(app: Flask, sign_in, open_page) -> None:  # type: ignore[no-untyped-def]
    client: FlaskClient = sign_in(HE_YU)
    open_page("/devices/new?driver=ge_dri")
    place = client.post("/devices", data=FORM).headers["Location"]
    with app.app_context():
        device = db.session.scalars(select(Device)).one()
        assert device.transport == {"kind": "tcp_client", "host": "10.1.3.5", "port": 4601}
    assert 'value="10.1.3.5"' in open_page(f"{place}/edit").html
    changed = client.post(place, data=FORM | {"serial_no": "SN-2", "reason": "更换主机"})
    assert changed.status_code == 302
    client.post(f"{place}/enabled", data={"enabled": "0"})
    page = open_page(place)
    for words in ("更换主机", "SN-2", "已停用"):
        assert words in page.text, words


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"key": ""}, "请填写 1–64 位设备标识"),
        ({"kind": "toaster"}, "请选择设备类别"),
        ({"driver": ""}, "请选择驱动"),
        ({"transport_kind": "serial"}, "不支持所选的连接方式"),
        ({"transport.host": ""}, "请填写设备地址"),
        ({"transport.host": "10.1.3.999"}, "IP 地址不正确"),
        ({"transport.port": "70000"}, "1–65535"),
        ({"room_id": "999"}, "没有这个手术间"),
        ({"expected_period_s": "0"}, "大于 0"),
        ({"stale_after_s": "soon"}, "大于 0"),
        ({"model": "x" * 65}, "型号不超过 64 字"),
    ],
)
def test_a_wrong_form_comes_back_with_its_words(app: Flask, sign_in, wrong: dict[str, str], words: str) -> None:  # type: ignore[no-untyped-def]
    answer = sign_in(HE_YU).post("/devices", data=FORM | wrong)
    assert answer.status_code == 422
    text = answer.get_data(as_text=True)
    assert words in text
    assert 'value="迈瑞"' in text, "what was typed stays"
    with app.app_context():
        assert db.session.scalars(select(Device)).all() == []


def test_who_may_only_look_cannot_change(device_id: int, sign_in) -> None:  # type: ignore[no-untyped-def]
    client = sign_in(LI_MING)
    assert "登记设备" not in html(client, "/devices")
    for url in (f"/devices/{device_id}", f"/devices/{device_id}/enabled", "/devices"):
        assert client.post(url, data=FORM, headers=HTMX).status_code == 403


def test_the_connection_follows_the_driver(sign_in) -> None:  # type: ignore[no-untyped-def]
    client = sign_in(HE_YU)
    serial = html(client, "/devices/connection?driver=ge_dri")
    assert '<option value="19200" selected>' in serial
    assert 'name="transport.host"' in html(client, "/devices/connection?driver=ge_dri&transport_kind=tcp_client")


def test_the_form_offers_what_the_bridge_can_read() -> None:
    assert set(BRIDGE_DRIVERS) <= set(drivers.DRIVERS)
    assert set(drivers.TRANSPORTS) <= set(BRIDGE_TRANSPORTS)
    for driver in drivers.DRIVERS.values():
        assert set(driver.transports) <= set(drivers.TRANSPORTS)
        assert set(driver.kinds) <= set(drivers.DEVICE_KINDS)


def test_what_the_protocol_does_not_say_is_set_in_the_form(app, sign_in, device_id) -> None:  # type: ignore[no-untyped-def]
    client = sign_in(HE_YU)
    assert "O₂/N₂O 单位" in html(client, "/devices/connection?driver=mindray_pds")
    pump = html(client, "/devices/connection?driver=alaris_pump")
    assert "允许只读采集输注泵" in pump
    assert "不发送任何控制命令" in pump
    given = FORM | {"waves": "", "reason": "核对单位", "option.gas_unit": "mmHg", "option.ambient_mmhg": "745"}
    assert client.post(f"/devices/{device_id}", data=given).status_code == 302
    assert '<option value="mmHg" selected>' in html(client, f"/devices/{device_id}/edit")
    with app.app_context():
        device = db.session.get(Device, device_id)
        assert device is not None
        assert (device.options["gas_unit"], device.options["ambient_mmhg"]) == ("mmHg", 745)
    wrong = client.post(f"/devices/{device_id}", data=given | {"option.ambient_mmhg": "7450"})
    assert wrong.status_code == 422
    assert "大气压（mmHg）应为 400–820 的数" in wrong.get_data(as_text=True)


def test_options_are_those_of_the_driver_and_keep_the_rest() -> None:
    assert set(driver_options.OPTIONS) <= set(BRIDGE_DRIVERS)
    kept = {"waves": ["ECG1"], "map": {"x": ["HR", 1.0]}, "read_pump": True, "pump": 2}
    given = {"option.read_pump": "", "option.pump": "", "option.beds": ""}
    assert driver_options.parse_options("alaris_pump", given, kept) == {"waves": ["ECG1"], "map": {"x": ["HR", 1.0]}}
    beds = driver_options.parse_options("ihe_pcd01", {"option.beds": "HDU^507^3 = OR3-MON\n\nOR1=OR1-MON"}, {})
    assert beds == {"beds": {"HDU^507^3": "OR3-MON", "OR1": "OR1-MON"}}
    assert driver_options.shown("ihe_pcd01", beds) == {"option.beds": "HDU^507^3=OR3-MON\nOR1=OR1-MON"}
    for text in ("OR1", "OR1=", "OR1=A\nOR1=B"):
        with pytest.raises(InvalidInput):
            driver_options.parse_options("ihe_pcd01", {"option.beds": text}, {})


def test_what_needs_a_consent_has_it_in_the_form() -> None:
    for driver in BRIDGE_DRIVERS.values():
        keys = {option.key for option in driver_options.OPTIONS.get(driver.name, ())}
        assert not driver.consent or driver.consent in keys


@pytest.mark.parametrize(
    ("kind", "given", "parsed"),
    [
        ("tcp_listener", {"port": "2575", "peers": "10.1.3.0/24，10.1.4.7"}, {"port": 2575, "peers": ["10.1.3.0/24", "10.1.4.7/32"]}),
        ("udp", {"port": "24105"}, {"port": 24105}),
        ("serial", {"port": "COM3", "baudrate": "19200", "bytesize": "8", "parity": "E", "stopbits": "1.5", "rtscts": "1"},
         {"port": "COM3", "baudrate": 19200, "bytesize": 8, "parity": "E", "stopbits": 1.5, "rtscts": True}),
    ],
)  # fmt: skip
def test_connections_are_parsed_for_the_bridge(kind: str, given: dict[str, str], parsed: dict[str, object]) -> None:
    form = {f"transport.{key}": value for key, value in given.items()}
    if kind == "serial":
        BRIDGE_TRANSPORTS["serial"](parsed)
    assert drivers.parse_transport(kind, form) == {"kind": kind} | parsed


def test_wrong_connections_name_their_fields() -> None:
    with pytest.raises(InvalidInput) as caught:
        drivers.parse_transport("tcp_listener", {"transport.port": "x", "transport.peers": "ten"})
    assert set(caught.value.fields) == {"transport.port", "transport.peers"}
    with pytest.raises(InvalidInput, match="连接方式"):
        drivers.parse_transport("pigeon", {})


def test_a_pause_stays_a_gap_and_a_lone_value_a_dot() -> None:
    series = SeriesColumns("HR", "/min", [0, 1000, 2000, 60_000, 61_000, 90_000], [1, 2, 3, 4, 5, 6], [0] * 6)
    spark = sparks.draw(to_samples(series), 0, 100_000, 5000)
    assert spark.good.count("M") == 2
    assert spark.dots.count("M") == 1
    assert (spark.low, spark.high, spark.doubtful) == (1, 6, "")


def test_an_invalid_value_is_drawn_nowhere() -> None:
    flags = [0, int(Quality.INVALID), int(Quality.DEMO)]
    spark = sparks.draw(
        to_samples(SeriesColumns("HR", "/min", [0, 1000, 2000], [70, -9999, 80], flags)), 0, 10_000, 5000
    )
    assert (spark.low, spark.high) == (70, 80)
    assert spark.doubtful
    nothing = sparks.draw(to_samples(SeriesColumns("HR", "/min", [0], [1], [int(Quality.INVALID)])), 0, 10_000, 5000)
    assert nothing.low is None


@pytest.mark.parametrize(
    ("milliseconds", "words"),
    [
        (None, "—"),
        (1500, "正常"),
        (-1999, "正常"),
        (-40_000, "快 40 秒"),
        (600_000, "慢 10 分"),
        (10_800_000, "慢 3.0 小时"),
        (-400_000_000_000, "快 4630 天"),
    ],
)
def test_words_of_a_clock_offset(milliseconds: int | None, words: str) -> None:
    assert views.offset_words(milliseconds) == words


def test_words_for_how_the_times_of_a_device_are_used() -> None:
    words = [views.clock_use(one)[0] for one in (None, 1999, -2000, 86_399_999, -86_400_000)]
    assert words == ["按到达时间", "可信", "已换算", "已换算", "不可信，按到达时间"]


@pytest.mark.parametrize(("person", "granted"), [(HE_YU, ["device:1", "devices:all"]), (SUN_LI, [])])
def test_live_topics_of_devices_need_the_right(app: Flask, sign_in, person: Person, granted: list[str]) -> None:  # type: ignore[no-untyped-def]
    live = socketio.test_client(app, flask_test_client=sign_in(person))
    answer = live.emit("subscribe", {"topics": ["device:1", "devices:all", "nonsense:1", 7]}, callback=True)
    assert answer["granted"] == granted
    live.disconnect()


def test_nobody_listens_without_signing_in(app: Flask, client: FlaskClient) -> None:
    assert not socketio.test_client(app, flask_test_client=client).is_connected()


def test_the_proof_counts_every_byte_and_names_who_got_none(app, sign_in, device_id) -> None:  # type: ignore[no-untyped-def]
    today = clock.today().isoformat()
    with app.app_context(), unit_of_work.writing():
        service.register_device(
            INSTALLER, "OR2-OXI", kind="monitor", brand="Masimo", model="Rad-8", driver="masimo",
            transport={"kind": "serial", "port": "COM3"},
        )  # fmt: skip
        facts = reports.SentFacts("OR1-MON", today, 61, 2_745, 0, {"heartbeat": 60, "data query": 1})
        reports.note_sent({"OR1-MON": device_id}, "bridge-1", "s", [facts])
    text = html(sign_in(HE_YU), "/devices/proof")
    assert "发出字节 2,745，均为读取请求（61 条）" in text
    assert "没有被拦截的数据" in text
    assert "心跳 60" in text
    silent = text[text.index("发出字节 0 的设备") :]
    assert "OR2-OXI" in silent
    assert "OR1-MON" not in silent[: silent.index("</section>")]
    with app.app_context(), unit_of_work.writing():
        stopped = reports.SentFacts("OR1-MON", today, 61, 2_745, 2, {"heartbeat": 60, "data query": 1})
        reports.note_sent({"OR1-MON": device_id}, "bridge-1", "s", [stopped])
    assert "另有 2 条被白名单拦截，未发出" in html(sign_in(HE_YU), "/devices/proof")
