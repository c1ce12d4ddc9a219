"""Collect, never control: nothing but the declared read requests can leave."""

import random
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_bridge.drivers.base import Clocks, CodecOptions, Send
from device_bridge.drivers.ge_dri import encoder as ge
from device_bridge.drivers.ge_dri.framing import enframe
from device_bridge.drivers.mindray_pds import encoder as mindray
from device_bridge.drivers.mindray_pds.encoder import Numeric
from device_bridge.drivers.mllp import frame
from device_bridge.drivers.registry import DRIVERS, get_driver
from device_bridge.outbound import ClearedBytes, OutboundGate, Passage, refuse_all

NOW = datetime(2026, 3, 1, 8, 0, 0, tzinfo=UTC)
QUERY = mindray.query(NOW, 1)
MSH = "MSH|^~\\&|||||||{kind}|{number}|P|2.3.1|\r"

MINDRAY_ALLOWED = [mindray.heartbeat(), QUERY, mindray.query(NOW, 999, "0&0^1^1^0^101&160")]
MINDRAY_BANNED = [
    b"",
    b"\x0b\x1c\r",
    frame(MSH.format(kind="ADT^A01", number="101").encode() + b"PID|||1||A^B\r"),
    frame(MSH.format(kind="ADT^A04", number="103").encode()),
    frame(MSH.format(kind="ADT^A08", number="103").encode() + b"PID|||1||A^B\r"),
    frame(MSH.format(kind="ADT^A40", number="103").encode()),
    frame(MSH.format(kind="ORF^R04", number="1203").encode()),
    frame(MSH.format(kind="ADR^A19", number="1203").encode()),
    frame(MSH.format(kind="ORU^R01", number="204").encode()),
    frame(MSH.format(kind="ORU^R01", number="503").encode()),  # would be a NIBP message
    frame(MSH.format(kind="ORU^R01", number="105").encode() + b"OBX||NM|101||150\r"),  # alarm limits
    frame(MSH.format(kind="ORU^R01", number="106").encode() + b"OBX||NM|101||150\r"),  # something in a heartbeat
    mindray.heartbeat() + frame(MSH.format(kind="ADT^A01", number="101").encode()),
    QUERY + QUERY,
    QUERY[:-2],
    QUERY.replace(b"QRY^R02", b"QRY^A19"),
    QUERY.replace(b"|RES\r", b"|RES\rPID|||1\r"),
    QUERY.replace(b"MON", b"SET"),
    b"\x00" + mindray.heartbeat(),
    mindray.heartbeat() + b"\x00",
    mindray.periodic([Numeric("101", "HR", "2101", "60")]),
]


def ge_body(size=49, maintype=0, request=b"\x01\x05\x00\x0e\x00\x00\x00\x00\x00", header=b""):
    body = bytearray(40)
    body[0:2] = size.to_bytes(2, "little")
    body[14:16] = maintype.to_bytes(2, "little", signed=True)
    body[16 : 16 + len(header)] = header
    return enframe(bytes(body) + request.ljust(size - 40, b"\0"))


GE_ALLOWED = [
    ge.request_numbers(5),
    ge.request_numbers(1),
    ge.request_numbers(0),
    ge.request_numbers(-1),
    ge.request_waves([1, 8, 9]),
    ge.request_waves([], stop=True),
]
GE_BANNED = [
    b"",
    b"\x7e\x7e",
    ge_body(maintype=4),
    ge_body(maintype=5),  # network management
    ge_body(maintype=8),
    ge_body(request=b"\x02\x05\x00\x0e\x00\x00\x00\x00\x00"),  # trend
    ge_body(request=b"\x05\x05\x00\x0e\x00\x00\x00\x00\x00"),  # trend download
    ge_body(request=b"\x06\x05\x00\x0e\x00\x00\x00\x00\x00"),
    ge_body(request=b"\x01\x05\x00\xff\x00\x00\x00\x00\x00"),  # unknown classes
    ge_body(request=b"\x01\x05\x00\x0e\x00\x00\x00\x01\x00"),  # reserved bytes
    ge_body(header=b"\x00\x00\x05"),  # sub-record type 5
    ge_body(size=60),
    ge_body(size=72, maintype=1, request=b"\x02\x00"),
    ge.request_numbers(5) + ge.request_numbers(5),
    ge.request_numbers(5)[:-1],
    ge.request_numbers(5)[:20] + b"\x01" + ge.request_numbers(5)[21:],
    ge.physiological_frame([ge.Physiological(0)], number=0, time=0),
]

ACK = frame(b"MSH|^~\\&|MAFEI|BRIDGE|||20260301080000+0000||ACK^R01^ACK|1|P|2.6\rMSA|AA|77\r")
PCD_BANNED = [
    b"",
    b"\x06",
    ACK + ACK,
    ACK.replace(b"MSA|AA", b"MSA|AR"),
    ACK.replace(b"\x1c\r", b"QRD|1\r\x1c\r"),
    ACK.replace(b"ACK^R01^ACK", b"ADT^A01"),
    ACK.replace(b"ACK^R01^ACK", b"RSP^ZV2"),  # the answer to a patient query would write demographics
    frame(b"MSH|^~\\&|MAFEI|BRIDGE|||20260301080000+0000||ORF^R04|1|P|2.6\rPID|||1||A^B\r"),
    frame(b"MSH|^~\\&|MAFEI|BRIDGE|||20260301080000+0000||ADR^A19|1|P|2.6\r"),
]

ALLOWED = {"mindray_pds": MINDRAY_ALLOWED, "ge_dri": GE_ALLOWED, "ihe_pcd01": [ACK]}
BANNED = {"mindray_pds": MINDRAY_BANNED, "ge_dri": GE_BANNED, "ihe_pcd01": PCD_BANNED}


@pytest.mark.parametrize(("name", "payload"), [(n, p) for n, many in ALLOWED.items() for p in many])
def test_read_requests_may_leave(name, payload):
    assert get_driver(name).checker(payload) is None


@pytest.mark.parametrize(("name", "payload"), [(n, p) for n, many in BANNED.items() for p in many])
def test_everything_on_the_ban_list_is_refused(name, payload):
    refusal = get_driver(name).checker(payload)
    assert refusal
    assert re.search("[\u4e00-\u9fff]", refusal), "the reason is for people"


@pytest.mark.parametrize("name", sorted(DRIVERS))
def test_what_a_driver_sends_by_itself_is_allowed(name):
    driver = get_driver(name)
    codec = driver.codec(CodecOptions())
    sends = [one for one in codec.opened(Clocks(0, 0.0)) if isinstance(one, Send)]
    for tick in range(1, 600):
        sends += [one for one in codec.poll(Clocks(tick * 100, tick / 10)) if isinstance(one, Send)]
    for send in sends:
        assert driver.checker(send.payload) is None, send


@pytest.mark.parametrize("name", sorted(ALLOWED))
@settings(max_examples=300, deadline=None)
@given(seed=st.integers(0, 2**32), noise=st.binary(max_size=120))
def test_no_damage_turns_a_request_into_something_else(name, seed, noise):
    """Whatever comes near the checker: what passes is again exactly a read request."""
    checker = get_driver(name).checker
    chance = random.Random(seed)
    payload = bytearray(chance.choice(ALLOWED[name]))
    for _ in range(chance.randrange(1, 4)):
        where = chance.randrange(len(payload) + 1)
        match chance.randrange(3):
            case 0:
                payload[where:where] = noise[: chance.randrange(len(noise) + 1)]
            case 1:
                payload[where : where + 1] = bytes((chance.randrange(256),))
            case _:
                del payload[where : where + chance.randrange(1, 30)]
    for candidate in (bytes(payload), noise):
        if checker(candidate) is None:
            assert HARMLESS[name](candidate), candidate


def harmless_mindray(payload):
    inner = payload.strip(b"\x0b\x1c\r").split(b"\r")
    kinds = [segment[:3] for segment in inner]
    if kinds == [b"MSH"]:
        return b"|ORU^R01|106|" in inner[0]
    return kinds == [b"MSH", b"QRD", b"QRF"] and b"|QRY^R02|1203|" in inner[0]


def harmless_ge(payload):
    body = payload[1:-1].replace(b"\x7d\x5e", b"\x7e").replace(b"\x7d\x5d", b"\x7d")[:-1]
    kind = body[14]
    return (kind == 0 and len(body) == 49 and body[40] == 1) or (kind == 1 and len(body) == 72 and body[40] in (0, 1))


def harmless_ack(payload):
    kinds = [segment[:3] for segment in payload.strip(b"\x0b\x1c\r").split(b"\r")]
    return kinds == [b"MSH", b"MSA"] and b"|ACK^R01^ACK|" in payload


HARMLESS = {"mindray_pds": harmless_mindray, "ge_dri": harmless_ge, "ihe_pcd01": harmless_ack}


def test_gate_logs_both_and_gives_bytes_only_when_allowed():
    log: list[Passage] = []
    gate = OutboundGate(get_driver("mindray_pds").checker, log.append)
    cleared = gate.clear(Send(mindray.heartbeat(), "heartbeat"))
    assert isinstance(cleared, ClearedBytes)
    assert cleared.payload == mindray.heartbeat()
    assert gate.clear(Send(MINDRAY_BANNED[3], "trick")) is None
    assert [(passage.reason, passage.refused is None) for passage in log] == [("heartbeat", True), ("trick", False)]
    assert (gate.passed, gate.refused) == (1, 1)


def test_a_checker_that_fails_refuses():
    def broken(payload: bytes) -> str | None:
        raise IndexError

    assert OutboundGate(broken, lambda _: None).clear(Send(b"x", "x")) is None


def test_cleared_bytes_cannot_be_made_elsewhere():
    with pytest.raises(PermissionError):
        ClearedBytes(b"anything", object())


def test_push_only_devices_get_nothing():
    assert refuse_all(b"\x06")
    assert refuse_all(b"")
