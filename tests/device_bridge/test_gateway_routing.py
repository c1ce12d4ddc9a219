"""One gateway speaks for many beds: each value reaches the device of its bed, and none reaches another."""

import asyncio
import socket

import pytest

from device_bridge.drivers.base import Alarm, CodecOptions, Observation, Routed, Unmapped
from device_bridge.drivers.ihe_pcd01.codec import PcdCodec
from device_bridge.drivers.mllp import frame
from device_bridge.drivers.registry import get_driver
from device_bridge.normaliser import Normaliser
from device_bridge.session import DeviceSession
from device_bridge.spool import Spool
from device_bridge.transports.factory import make_endpoint
from device_bridge.wire import DeviceConfig
from tests.device_bridge.drivers_common import AT

BEDS = {"HDU^507^3": "OR3", "4": "OR4", "00A037000009": "OR9"}


def message(bed, rate, *, device="", kind="ORU^R01^ORU_R01", rows=None):
    heart = f"OBX|1|NM|147842^MDC_ECG_HEART_RATE^MDC|1.7.4.147842|{rate}|264864^MDC_DIM_BEAT_PER_MIN^MDC|||||R|||||||{device}"
    lines = [
        f"MSH|^~\\&|GW^00A037000000^EUI-64|X|||20260301093000+0800||{kind}|77|P|2.6|||AL|NE",
        f"PV1||I|{bed}",
        "OBR|1||||||20260301093000+0800",
        *(rows or [heart]),
    ]
    return frame(("\r".join(lines) + "\r").encode())


def decoded(data, beds=None):
    return PcdCodec(CodecOptions(values={"beds": BEDS if beds is None else beds})).feed(data, AT)


@pytest.mark.parametrize(
    ("bed", "device", "expected"),
    [
        ("HDU^507^3", "", "OR3"),
        ("X^^4", "", "OR4"),
        ("^^&4", "", "OR4"),
        ("", "00A037000009^^00A037000009^EUI-64", "OR9"),
        ("HDU^507^3", "00A037000009", "OR3"),  # the bed is more exact than the device id
        ("HDU^507^4", "", "OR4"),
    ],
)
def test_the_device_of_a_message(bed, device, expected):
    routed = [one for one in decoded(message(bed, 60, device=device)) if isinstance(one, Routed)]
    assert [one.device for one in routed] == [expected]
    assert [one.value for one in routed[0].outputs if isinstance(one, Observation)] == [60]


def test_an_unknown_bed_is_counted_and_acknowledged_but_gives_nobody_a_value():
    out = decoded(message("ICU^^12", 60))
    assert Unmapped("bed ICU^^12", "bed", "") in out
    assert not [one for one in out if isinstance(one, Observation | Routed)]
    assert out[-1].after_commit


def test_alarms_follow_their_bed():
    rows = ["OBX|1|CWE|196616^MDC_EVT_ALARM^MDC|1.7.0.1|196680^MDC_EVT_LEAD_OFF^MDC|||||||||20260301093000+0800"]
    (routed,) = [
        one for one in decoded(message("X^^4", 0, kind="ORU^R40^ORU_R40", rows=rows)) if isinstance(one, Routed)
    ]
    assert routed.device == "OR4"
    assert isinstance(routed.outputs[-1], Alarm)


def test_cuff_readings_of_two_beds_are_dated_apart():
    def cuff(bed, systolic):
        row = f"OBX|1|NM|150021^MDC_PRESS_BLD_NONINV_SYS^MDC|1.1.9.150021|{systolic}|266016^MDC_DIM_MMHG^MDC|||||R"
        return message(bed, 0, rows=[row])

    codec = PcdCodec(CodecOptions(values={"beds": BEDS}))
    moments = []
    for data in (
        cuff("X^^4", 120),
        cuff("HDU^507^3", 118),
        cuff("X^^4", 120),
        cuff("HDU^507^3", 118),
        cuff("X^^4", 99),
    ):
        (routed,) = [one for one in codec.feed(data, AT) if isinstance(one, Routed)]
        moments.append(next(one.episode_ms for one in routed.outputs if isinstance(one, Observation)))
    assert moments == [None, None, None, None, 1_772_328_600_000]


def test_a_gateway_feeds_the_sessions_of_its_beds(tmp_path):
    async def run():
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        spool = Spool(tmp_path, "b")
        sessions = {}

        def make(name, transport, options):
            config = DeviceConfig(name, "ihe_pcd01", transport, options)
            driver = get_driver("ihe_pcd01")
            sessions[name] = DeviceSession(config, driver, make_endpoint(transport), spool, sessions.get)
            return asyncio.create_task(sessions[name].run())

        tasks = [
            make("GW", {"kind": "tcp_listener", "host": "127.0.0.1", "port": port}, {"beds": BEDS | {"7": "GONE"}}),
            make("OR3", {"kind": "gateway"}, {}),
            make("OR4", {"kind": "gateway"}, {}),
        ]
        for _ in range(100):
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                break
            except OSError:
                await asyncio.sleep(0.02)
        for bed, rate in (("HDU^507^3", 61), ("X^^4", 82), ("X^^7", 99), ("X^^99", 100)):
            writer.write(message(bed, rate))
            assert b"MSA|AA|77" in await asyncio.wait_for(reader.readuntil(b"\x1c\r"), 5)
        assert len(spool.raw("GW")) == 4, "nothing is dropped"
        assert spool.backlog()[0] == 2
        assert sessions["OR3"].health().state == "receiving"
        assert sessions["OR4"].health().frames == 1
        assert {one.source_code for one in sessions["GW"].unmapped()} == {"device GONE", "bed X^^99"}
        for task in tasks:
            task.cancel()
        writer.close()
        spool.close()

    asyncio.run(run())


def test_a_passive_device_is_alive_when_bytes_come(tmp_path):
    spool = Spool(tmp_path, "b")
    config = DeviceConfig("P", "passive", {"kind": "gateway"})
    session = DeviceSession(config, get_driver("passive"), make_endpoint(config.transport), spool)
    session._keep([], b"bytes", AT).result(5)
    assert session.health().state == "receiving"
    assert len(spool.raw("P")) == 1
    spool.close()


def test_a_message_that_is_sent_again_for_want_of_an_answer_counts_once_also_after_a_restart():
    first, repeated = Normaliser(), Normaliser()
    sent, other = message("4", 60), message("4", 61)
    assert [value_of(first, data) for data in (sent, sent, other, sent)] == [[60], [], [61], []]
    repeated.recall(first.remember())
    assert [value_of(repeated, data) for data in (sent, other, message("4", 62))] == [[], [], [62]]


def test_a_message_that_did_not_reach_the_disk_counts_when_it_comes_again():
    normaliser, sent = Normaliser(), message("4", 60)
    assert value_of(normaliser, sent) == [60]
    normaliser.forget(normaliser.taken())
    assert value_of(normaliser, sent) == [60]


def test_messages_without_a_number_are_never_taken_for_repetitions():
    bare = message("4", 60).replace(b"|77|", b"||")
    normaliser = Normaliser()
    assert [value_of(normaliser, bare) for _ in range(2)] == [[60], [60]]


def value_of(normaliser, data):
    outputs = normaliser.without_repeats(decoded(data, beds={}))
    return [one.value for one in outputs if isinstance(one, Observation)]
