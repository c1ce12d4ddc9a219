"""SDC: what the device says is decoded, and nothing but reading and subscribing leaves - also from the real package."""

import asyncio
import decimal
import sqlite3
import sys
import time
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_bridge.drivers.base import Alarm, CodecOptions, DeviceInfo, Fault, Send, Unmapped, Wave
from device_bridge.drivers.registry import get_driver
from device_bridge.drivers.sdc import encoder
from device_bridge.drivers.sdc.codec import SdcCodec
from device_bridge.drivers.sdc.encoder import Curve, Metric, Warning
from device_bridge.drivers.sdc.outbound import check
from device_bridge.outbound import OutboundGate
from device_bridge.session import DeviceSession
from device_bridge.spool import Spool
from device_bridge.transports.base import TransportError
from device_bridge.transports.factory import make_endpoint
from device_bridge.wire import NOT_CHARTABLE, DeviceConfig, Quality
from tests.device_bridge.drivers_common import AT, by_code, found

SDC = "http://standards.ieee.org/downloads/11073/11073-20701-2018"
BICEPS = "http://standards.ieee.org/downloads/11073/11073-10207-2017/message"
EVENTING = "http://schemas.xmlsoap.org/ws/2004/08/eventing"
NOW = 1_790_000_000_000
PARTS = [
    Metric("hr", "147842", "264864"),
    Metric("peep", "151976", "265987"),
    Metric("peep.set", "151976", "265987", category="Set"),
    Metric("t.core", "150344", "268192"),
    Metric("t.skin", "150344", "268192"),
    Metric("nibp.sys", "150021", "266016"),
    Metric("own", "999999", "262656"),
    Curve("ecg", "131330", "266418", 0.004, 0.005),
    Warning("al.hr", "196648", "HR high"),
]


def codec_with(parts=PARTS, **options):
    codec = SdcCodec(CodecOptions(values=options))
    out = codec.opened(AT) + codec.feed(encoder.mdib(parts, bed="OR3") + b"\0", AT)
    return codec, out


def said(codec, message):
    return codec.feed(message + b"\0", AT)


# -- codec -------------------------------------------------------------------------------------------------------


def test_values_with_their_units_times_and_places():
    codec, first = codec_with()
    assert DeviceInfo({"bed": "^^OR3"}) in first
    assert not found(first), "states without a value are no values"
    out = said(codec, encoder.report({"hr": 72, "peep": 0.5, "t.core": 36.6, "nibp.sys": 120}, NOW))
    assert found(out) == {"HR": 72, "PEEP": 5.0986, "T1": 36.6, "NIBP_S": 120}
    assert {one.time_ms for one in out} == {NOW}
    assert by_code(out)["NIBP_S"].episode_ms == NOW
    assert by_code(out)["HR"].episode_ms is None


def test_settings_second_sensors_and_own_codes_are_shown_to_people_not_charted():
    codec, _ = codec_with()
    out = said(codec, encoder.report({"peep.set": 0.8, "t.skin": 31, "own": 5, "nowhere": 1}, NOW))
    assert not found(out)
    assert {one.source_code for one in out if isinstance(one, Unmapped)} == {
        "151976@peep.set", "150344@t.skin", "999999@own", "nowhere",
    }  # fmt: skip
    named, _ = codec_with(handles={"t.skin": "T2"})
    assert found(said(named, encoder.report({"t.skin": 31}, NOW))) == {"T2": 31}


@pytest.mark.parametrize("validity", ["Inv", "NA", "Ong", "Oflw", "Uflw"])
def test_invalid_is_absent(validity):
    codec, _ = codec_with()
    assert by_code(said(codec, encoder.report({"hr": 72}, NOW, validity=validity)))["HR"].value is None


def test_flags_and_switched_off_metrics():
    codec, _ = codec_with()
    doubtful = by_code(said(codec, encoder.report({"hr": 72}, NOW, validity="Qst")))["HR"]
    assert (doubtful.value, doubtful.quality) == (72, Quality.QUESTIONABLE)
    for mode in ("Demo", "Test"):
        assert by_code(said(codec, encoder.report({"hr": 72}, NOW, mode=mode)))["HR"].quality & NOT_CHARTABLE
    assert by_code(said(codec, encoder.report({"hr": 72}, NOW, active="StndBy")))["HR"].value is None
    assert by_code(said(codec, encoder.report({"hr": None}, NOW)))["HR"].value is None
    assert by_code(said(codec, encoder.report({"hr": 72}, 5)))["HR"].time_ms is None, "a device without a clock"


def test_curves_and_alarms():
    codec, _ = codec_with()
    (wave,) = [one for one in said(codec, encoder.wave("ecg", [0.0, 0.5, -0.5, 400.0], NOW)) if isinstance(one, Wave)]
    assert (wave.code, wave.rate_hz, wave.scale, wave.samples) == ("ECG_II", 250.0, 0.005, (0, 100, -100, -32768))
    phases = []
    for present in (False, True, True, False, False):
        out = said(codec, encoder.alert("al.hr", present, NOW))
        phases += [one.alarm.phase for one in out if isinstance(one, Alarm)]
        priorities = {one.alarm.priority for one in out if isinstance(one, Alarm)}
        assert priorities <= {"high"}
    assert phases == ["start", "continue", "end"]


def test_a_bare_document_is_decoded_as_a_file(decode):
    whole = encoder.mdib(PARTS).replace(
        b'DescriptorHandle="hr" ActivationState="On"/>',
        b'DescriptorHandle="hr" ActivationState="On"><pm:MetricValue Value="64"/></pm:State>',
    )
    assert found(decode("sdc", whole)) == {"HR": 64}


def test_in_pieces_damaged_and_hostile_messages():
    whole = encoder.mdib(PARTS) + b"\0" + encoder.report({"hr": 72}, NOW) + b"\0"
    codec = SdcCodec(CodecOptions())
    out = [one for at in range(0, len(whole), 7) for one in codec.feed(whole[at : at + 7], AT)]
    assert found(out) == {"HR": 72}
    bomb = b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>\0'
    assert codec.feed(bomb, AT) == [Fault("doctype")]
    assert codec.feed(b"<a><b></a>\0", AT) == [Fault("xml")]
    assert codec.feed(b"<a>" * 100 + b"\0", AT) == [Fault("xml_size")]
    assert found(said(codec, encoder.report({"hr": 73}, NOW))) == {"HR": 73}, "and goes on"


# -- what may leave --------------------------------------------------------------------------------------------------


def envelope(action, body, header=""):
    return (
        "<?xml version='1.0' encoding='UTF-8'?>\n"
        '<s12:Envelope xmlns:s12="http://www.w3.org/2003/05/soap-envelope" xmlns:wsa="http://www.w3.org/2005/08/addressing">'
        f"<s12:Header><wsa:To>http://10.0.0.1/x</wsa:To><wsa:Action>{action}</wsa:Action>{header}</s12:Header>"
        f"<s12:Body>{body}</s12:Body></s12:Envelope>"
    ).encode()


GET_MDIB = envelope(f"{SDC}/GetService/GetMdib", f'<m:GetMdib xmlns:m="{BICEPS}"/>')
SETTERS = ("SetValue", "SetString", "Activate", "SetAlertState", "SetMetricState", "SetComponentState")
SDC_BANNED = [
    *(envelope(f"{SDC}/SetService/{one}", f'<m:{one} xmlns:m="{BICEPS}"/>') for one in SETTERS),
    envelope(f"{SDC}/ContextService/SetContextState", f'<m:SetContextState xmlns:m="{BICEPS}"/>'),
    # the action of a reading request over the body of a setting one, and the other way round
    *(envelope(f"{SDC}/GetService/GetMdib", f'<m:{one} xmlns:m="{BICEPS}"/>') for one in SETTERS),
    envelope(f"{SDC}/SetService/SetValue", f'<m:GetMdib xmlns:m="{BICEPS}"/>'),
    envelope(f"{SDC}/GetService/GetMdib", f'<m:GetMdib xmlns:m="{BICEPS}"/><m:Activate xmlns:m="{BICEPS}"/>'),
    envelope(f"{SDC}/GetService/GetMdib", ""),
    envelope(f"{SDC}/GetService/GetMdib", '<m:GetMdib xmlns:m="urn:other"/>'),
    envelope(f"{SDC}/GetService/GetMdib", f'<m:GetMdib xmlns:m="{BICEPS}"/>', "<wsa:Action>x</wsa:Action>"),
    envelope("http://schemas.xmlsoap.org/ws/2004/09/transfer/Put", ""),
    envelope("http://schemas.xmlsoap.org/ws/2004/09/transfer/Get", f'<m:Activate xmlns:m="{BICEPS}"/>'),
    GET_MDIB + GET_MDIB,
    GET_MDIB.replace(b"</s12:Body>", b"</s12:Body><s12:Body/>"),
    b"<!DOCTYPE a>" + GET_MDIB.split(b"\n", 1)[1],
    b"", b"GET /x\r\nPOST / HTTP/1.1", b"GET http://other/", b"POST /", b"PUT /x", b"DELETE /x", GET_MDIB[:-1],
    b"x" * 100_000,
]  # fmt: skip


def test_reading_and_subscribing_may_leave():
    allowed = [
        GET_MDIB,
        envelope("http://schemas.xmlsoap.org/ws/2004/09/transfer/Get", ""),
        b"GET /4e1f/Get/?wsdl",
        *(
            envelope(f"{EVENTING}/{one}", f'<e:{one} xmlns:e="{EVENTING}"/>')
            for one in ("Subscribe", "Renew", "Unsubscribe")
        ),
    ]
    assert [check(one) for one in allowed] == [None] * len(allowed)


@settings(max_examples=200, deadline=None)
@given(place=st.integers(0, len(GET_MDIB)), cut=st.integers(0, 40), text=st.sampled_from(
    [b"", b"SetValue", b"Activate", b"<m:Activate xmlns:m='" + BICEPS.encode() + b"'/>", b"</s12:Body><s12:Body>", b"/", b"\xff"]
))  # fmt: skip
def test_no_damage_makes_a_setting_request(place, cut, text):
    hurt = GET_MDIB[:place] + text + GET_MDIB[place + cut :]
    if check(hurt) is None:
        inside = hurt.split(b"Body>")[1] if b"Body>" in hurt else b""
        assert b"GetMdib" in inside
        assert b"<m:Activate" not in inside
        assert b"SetValue " not in inside


# -- without the package ---------------------------------------------------------------------------------------------


def test_a_bridge_without_the_package_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "device_bridge.transports.sdc_consumer", None)
    endpoint = make_endpoint({"kind": "sdc", "url": "http://127.0.0.1:1/x"})
    with pytest.raises(TransportError, match="采集服务连接"):
        asyncio.run(endpoint.connect())
    endpoint.use_gate(OutboundGate(check, lambda _: None))
    with pytest.raises(TransportError, match=r"scripts/install\.sh sdc"):
        asyncio.run(endpoint.connect())


@pytest.mark.parametrize("url", ["", "10.0.0.1", "ftp://x/", "https://10.0.0.1:6464/x"])
def test_wrong_addresses_are_explained(url):
    with pytest.raises(TransportError, match="SDC"):
        make_endpoint({"kind": "sdc", "url": url})


# -- with the real package: a provider in loopback ---------------------------------------------------------------------


class NoDiscovery:
    """The provider announces itself to nobody."""

    active_address = "127.0.0.1"

    def get_active_addresses(self):
        return ["127.0.0.1"]

    def __getattr__(self, name):
        return lambda *args, **kwargs: None


@pytest.fixture
def provider():
    pytest.importorskip("sdc11073", reason="SDC WAS NOT CHECKED: the optional package is not installed")
    from sdc11073.definitions_sdc import SdcV1Definitions
    from sdc11073.mdib import ProviderMdib
    from sdc11073.provider import SdcProvider
    from sdc11073.provider.providerimpl import provider_components_sync_factory
    from sdc11073.xml_types.dpws_types import ThisDeviceType, ThisModelType

    mdib = ProviderMdib.from_string(encoder.mdib(PARTS), SdcV1Definitions)
    device = SdcProvider(
        NoDiscovery(), ThisModelType("M", "x", "S", "1", "y", "z"), ThisDeviceType("S", "0", "1"), mdib,
        epr=uuid.uuid4(), components=provider_components_sync_factory(),
    )  # fmt: skip
    device.start_all(start_rtsample_loop=False)
    yield device, mdib
    device.stop_all()


def publish(mdib, handle, value):
    with mdib.metric_state_transaction() as transaction:
        state = transaction.get_state(handle)
        if state.MetricValue is None:
            state.mk_metric_value()
        state.MetricValue.Value = decimal.Decimal(str(value))
        state.MetricValue.DeterminationTime = time.time()


def test_a_real_provider_is_subscribed_read_and_never_set(provider, tmp_path):
    device, mdib = provider
    spool = Spool(tmp_path, "b")
    config = DeviceConfig("SDC1", "sdc", {"kind": "sdc", "url": device.get_xaddrs()[0]})
    session = DeviceSession(config, get_driver("sdc"), make_endpoint(config.transport), spool)

    async def run():
        task = asyncio.create_task(session.run())
        end, rate = time.monotonic() + 15, 60
        while time.monotonic() < end and session.health().frames < 3:
            rate += 1
            await asyncio.to_thread(publish, mdib, "hr", rate)
            await asyncio.sleep(0.1)
        health = session.health()
        task.cancel()
        await asyncio.wait([task])
        await asyncio.sleep(0.3)
        return health

    health = asyncio.run(run())
    spool.close()
    assert health.state == "receiving"
    assert health.bytes_out > 0
    replayed = SdcCodec(CodecOptions())
    with sqlite3.connect(tmp_path / "spool.sqlite") as database:
        sent = database.execute("SELECT refused, data FROM sent").fetchall()
    assert sent
    assert all(refused is None and check(data) is None for refused, data in sent)
    bodies = b"".join(data for _, data in sent)
    assert b"GetMdib" in bodies
    assert b"Subscribe" in bodies
    assert not [one for one in SETTERS if one.encode() in bodies]
    again = Spool(tmp_path, "b")
    kept = [one for raw in again.raw("SDC1") for one in replayed.feed(raw, AT)]
    again.close()
    assert found(kept)["HR"] > 60, "the raw messages decode to the same values again"


def test_the_package_itself_cannot_send_a_setting_request(provider):
    """Whoever gets hold of the consumer: its set clients do not exist, and what is posted anyway is stopped."""
    from device_bridge.transports.sdc import SdcSettings
    from device_bridge.transports.sdc_consumer import NotPermitted, make_consumer

    device, _ = provider
    log = []
    gate = OutboundGate(check, log.append)
    consumer = make_consumer(SdcSettings(device.get_xaddrs()[0]), gate)
    try:
        consumer.start_all()
        assert consumer.set_service_client is None
        assert consumer.context_service_client is None
        client = consumer.get_soap_client(consumer._provider_address)
        for payload in (SDC_BANNED[0], SDC_BANNED[2], b"", "text", None, iter([GET_MDIB])):
            with pytest.raises(NotPermitted):
                client._http_connection.request("POST", "/x", body=payload)
        for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
            with pytest.raises(NotPermitted):
                client._http_connection.request(method, "/x", body=GET_MDIB)
        assert gate.refused == 10
        assert gate.passed > 3
    finally:
        consumer.stop_all()
    assert not [one for one in log if one.refused is None and any(name.encode() in one.payload for name in SETTERS)]


def test_the_codec_never_asks_for_anything():
    codec, out = codec_with()
    out += codec.poll(AT) + said(codec, encoder.report({"hr": 1}, NOW)) + codec.closed(AT)
    assert not [one for one in out if isinstance(one, Send)]
