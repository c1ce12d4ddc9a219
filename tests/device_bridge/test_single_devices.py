"""BIS, ventilators with their own protocols, oximeters and the passive recorder."""

from datetime import datetime

import pytest

from device_bridge.drivers.base import Clocks, CodecOptions, DeviceInfo, Fault, Observation, Unmapped
from device_bridge.drivers.bis import encoder as bis
from device_bridge.drivers.bis.codec import START_STREAM
from device_bridge.drivers.bis.framing import build
from device_bridge.drivers.bis.outbound import check as bis_check
from device_bridge.drivers.hamilton import encoder as hamilton
from device_bridge.drivers.hamilton.codec import HamiltonCodec
from device_bridge.drivers.hamilton.outbound import check as hamilton_check
from device_bridge.drivers.inquiry import Inquiry
from device_bridge.drivers.masimo import encoder as masimo
from device_bridge.drivers.nellcor import encoder as nellcor
from device_bridge.drivers.pb840 import encoder as pb840
from device_bridge.drivers.pb840.outbound import check as pb840_check
from device_bridge.drivers.registry import get_driver
from device_bridge.drivers.servo_cie import encoder as servo
from device_bridge.drivers.servo_cie.codec import (
    DEFINE,
    DEFINE_SETTINGS,
    HELLO,
    READ,
    READ_SETTINGS,
    TYPE,
    ServoCodec,
    command,
)
from device_bridge.drivers.servo_cie.outbound import check as servo_check
from device_bridge.profiles.store import shipped
from device_bridge.wire import Quality
from tests.device_bridge.drivers_common import AT, by_code, found, in_pieces, sends

HAMILTON_CODES = {int(native): line.code for native, line in shipped("hamilton").lines.items()}
MOMENT = datetime(2026, 3, 1, 9, 30, 0)  # noqa: DTZ001 - the device's local time
MOMENT_MS = 1_772_328_600_000


# -- BIS -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [24, 36, 44])
def test_bis_trend(decode, size):
    sent = {"BIS": 45.3, "SQI": 97.0, "EMG": 28.5, "SR": 1.2, "SEF": 17.25}
    assert found(decode("bis", bis.processed(sent, size=size))) == sent
    assert found(in_pieces("bis", b"\x00\xba" + bis.processed(sent, size=size) * 2, 7)) == sent


def test_bis_without_signal_is_absent_and_poor_signal_is_questionable(decode):
    assert found(decode("bis", bis.processed({}))) == {}
    out = by_code(decode("bis", bis.processed({"BIS": 40.0, "SQI": 35.0})))
    assert out["BIS"].quality == Quality.QUESTIONABLE
    assert out["SQI"].quality == Quality.GOOD


def test_bis_of_an_unknown_length_gives_nothing(decode):
    assert decode("bis", build(0x34, bytes(100))) == [Fault("trend_size")]
    line = bytearray(bis.processed({"BIS": 40.0}))
    line[-1] ^= 1
    assert not found(decode("bis", bytes(line)))


def test_bis_sends_only_its_published_requests():
    assert build(0x73, b"\x00") == START_STREAM
    assert START_STREAM[2:-2] == bytes.fromhex("00000d00010004000000730000000000010000")
    assert bis_check(START_STREAM) is None
    for message in set(range(256)) - {0x73, 0x74}:
        assert bis_check(build(message, b"\x00"))
    assert bis_check(build(0x73, b"\x07"))
    assert bis_check(START_STREAM + START_STREAM)


def test_an_index_without_signal_is_hidden_only_when_the_department_wants_it():
    poor = bis.processed({"BIS": 45.3, "SQI": 14.0, "EMG": 28.5, "SR": 0.0, "SEF": 17.25})
    shown = by_code(in_pieces("bis", poor, 500))["BIS"]
    assert (shown.value, shown.quality) == (45.3, Quality.QUESTIONABLE)
    hidden = by_code(in_pieces("bis", poor, 500, hide_below_sqi=15))
    assert (hidden["BIS"].value, hidden["SQI"].value) == (None, 14.0)
    assert by_code(in_pieces("bis", poor, 500, hide_below_sqi=14))["BIS"].value == 45.3


# -- ventilators -----------------------------------------------------------------------------------------------


def test_hamilton_round_trip_and_missing_values():
    line = b"".join(hamilton.reply(code, "12.5") for code in HAMILTON_CODES.values())
    assert found(in_pieces("hamilton", line, 3)) == dict.fromkeys(HAMILTON_CODES.values(), 12.5) | {"FiO2": 12.5}
    for missing in ("9999", "999.9", "-----", ""):
        assert found(in_pieces("hamilton", hamilton.reply("TVe", missing), 8)) == {}
    assert in_pieces("hamilton", b"\x02=12\x03\r", 8) == [Fault("reply")]


def test_hamilton_asks_one_value_after_the_other():
    codec = HamiltonCodec(CodecOptions())
    asked = sends(codec.opened(Clocks(0, 0.0)))
    for tick in range(1, 60):
        now = Clocks(tick * 100, tick / 10)
        codec.feed(hamilton.reply(HAMILTON_CODES[asked[-1][1]], "1"), now)
        asked += sends(codec.poll(now))
    assert {one[1] for one in asked} == set(HAMILTON_CODES)
    assert all(hamilton_check(one) is None for one in asked)
    assert 20 < len(asked) < 60
    for code in range(128):
        if code not in (40, 41, 42, 43, 48, 49, 50, 53, 54, *HAMILTON_CODES, 75, 87, 105, 106, 111, 113):
            assert hamilton_check(bytes((2, code, 3, 13)))
    assert hamilton_check(b"\x02=5\x03\r")


@pytest.mark.parametrize("kind", ["MISCF", "MISCA"])
def test_pb840_report(decode, kind):
    sent = {"awRR": 14, "TVe": 450, "MV": 6.3, "Ppeak": 22, "Pmean": 9.1, "IE": 2.5, "Compl": 48, "Raw": 11}
    assert found(decode("pb840", pb840.report(sent, kind))) == sent
    assert found(in_pieces("pb840", pb840.report(sent, kind), 13)) == sent


def test_pb840_settings_count_only_in_the_mode_that_uses_them(decode):
    sent = {"RR_set": 14, "VT_set": 450, "FiO2_set": 40, "PEEP_set": 5, "PS_set": 12}
    report = pb840.report(sent)
    assert found(decode("pb840", report)) == sent, "volume control with pressure support"
    assert set(found(decode("pb840", report.replace(b"VC    ", b"PC    ").replace(b"PS    ", b"NONE  ")))) == {
        "RR_set", "FiO2_set", "PEEP_set",
    }  # fmt: skip
    older = {"RR_set": 14, "VT_set": 450, "FiO2_set": 40, "PEEP_set": 5, "PS_set": 12}
    assert found(decode("pb840", pb840.report(older, "MISCA"))) == older


def test_pb840_reports_with_missing_fields_give_nothing(decode):
    line = pb840.report({"awRR": 14})
    assert decode("pb840", line.replace(b",      ,", b",", 1)) == [Fault("field_count")]
    assert decode("pb840", b"MISCF\r") == [Fault("report")]
    assert decode("pb840", line.replace(b"169 ", b"169\x1e")) == [Fault("field_count")]
    assert pb840_check(b"SNDF\r") is None
    assert pb840_check(b"SNDA\r") is None
    for bad in (b"", b"SNDF", b"SNDT\r", b"SNDF\rSNDF\r", b"RSET\r"):
        assert pb840_check(bad)


def test_servo_round_trip_and_missing_values():
    sent = {"TVe": 480, "awRR": 14.5, "MV": 7.0, "Ppeak": 21.3, "Pplat": 18.0, "Pmean": 9.4, "FiO2": 45}
    assert found(in_pieces("servo_cie", servo.breath(sent), 5)) == sent
    assert found(in_pieces("servo_cie", servo.breath({}), 50)) == {}
    broken = servo.breath(sent).replace(b"0480", b"0840")  # exclusive or does not see an exchange of digits
    assert found(in_pieces("servo_cie", servo.breath(sent).replace(b"0480", b"0481"), 50)) == {}
    assert found(in_pieces("servo_cie", broken, 50))["TVe"] == 840
    assert in_pieces("servo_cie", b"ER10\x04", 50) == [Fault("error_answer", "10")]


def test_servo_dialogue():
    codec = ServoCodec(CodecOptions())
    asked = sends(codec.opened(Clocks(0, 0.0)))
    for tick in range(1, 80):
        now = Clocks(tick * 100, tick / 10)
        codec.feed(command(b"*"), now)
        asked += sends(codec.poll(now))
    assert asked[:4] == [HELLO, TYPE, DEFINE, READ]
    assert set(asked[3:]) == {READ}
    assert all(servo_check(one) is None for one in asked)
    for bad in (b"SVOL500", b"SDADS300", b"SDADB201", b"SPEEP10", b"RADAB\x04SVOL"):
        assert servo_check(command(bad))
    assert servo_check(READ + READ)


def test_servo_settings_are_asked_for_on_request_and_mapped_by_people_only():
    codec = ServoCodec(CodecOptions(values={"settings": True, "map": {"308": ["PEEP_set", 0.1]}}))
    asked = sends(codec.opened(Clocks(0, 0.0)))
    for tick in range(1, 120):
        codec.feed(command(b"*"), Clocks(tick * 100, tick / 10))
        asked += sends(codec.poll(Clocks(tick * 100, tick / 10)))
    assert asked[:4] == [HELLO, TYPE, DEFINE, DEFINE_SETTINGS]
    assert set(asked[4:]) == {READ, READ_SETTINGS}
    assert all(servo_check(one) is None for one in asked)
    assert all(servo_check(command(bad)) for bad in (b"SDADS300", b"SDADS300303305306307308323334315", b"RADAS1"))
    out = codec.feed(command(b"0140999900700015001000500040" + b"0450"), AT)
    assert found(out) == {"PEEP_set": 5.0}
    assert [(one.source_code, one.value) for one in out if isinstance(one, Unmapped)][:2] == [
        ("300", "140"),
        ("303", ""),
    ]


def test_a_device_that_falls_silent_is_asked_from_the_beginning():
    inquiry = Inquiry([b"read"], first=[b"hello"], every_s=1.0)
    asked = sends(inquiry.start(Clocks(0, 0.0)))
    inquiry.answered(Clocks(0, 0.1))
    for tick in range(1, 200):
        asked += sends(inquiry.poll(Clocks(tick * 100, tick / 10)))
    assert asked[:2] == [b"hello", b"read"]
    assert b"hello" in asked[2:]
    assert len(asked) < 10, "no haste"


# -- oximeters ---------------------------------------------------------------------------------------------------


def test_masimo_lines(decode):
    line = masimo.line({"SPO2": "098", "BPM": "061", "PI": "01.38", "PVI": "014"}, MOMENT)
    out = decode("masimo", line)
    assert found(out) == {"SpO2": 98, "PR": 61, "PI": 1.38, "PVI": 14}
    assert {one.time_ms for one in out} == {MOMENT_MS}
    assert by_code(out)["SpCO"].value is None
    assert found(in_pieces("masimo", b"garbage\r\n" + line * 2, 11)) == found(out)


def test_masimo_half_lines_give_nothing(decode):
    line = masimo.line({"SPO2": "098"}, MOMENT)
    for end in range(len(line) - 30):
        assert not found(decode("masimo", line[:end] + b"\r\n"))


@pytest.mark.parametrize(
    ("saturation", "rate", "status", "expected", "quality"),
    [
        ("98", "61", "", {"SpO2": 98, "PR": 61}, Quality.GOOD),
        ("84*", "140*", "SL PH", {"SpO2": 84, "PR": 140}, Quality.GOOD),
        ("97", "60", "MO", {"SpO2": 97, "PR": 60}, Quality.QUESTIONABLE),
        ("---", "---", "PS", {}, None),
        ("98", "61", "SD", {}, None),
        ("98", "61", "XX", {}, None),
    ],
)
def test_nellcor_lines(decode, saturation, rate, status, expected, quality):
    out = decode("nellcor", nellcor.HEADING + nellcor.line(saturation, rate, MOMENT, status=status))
    assert found(out) == expected
    for one in out:
        if isinstance(one, Observation) and one.value is not None:
            assert (one.time_ms, one.quality) == (MOMENT_MS, quality)


# -- passive -----------------------------------------------------------------------------------------------------


def test_the_passive_recorder_only_counts():
    codec = get_driver("passive").codec(CodecOptions())
    out = codec.opened(AT) + codec.feed(b"anything", AT) + codec.feed(b"more", AT) + codec.poll(AT) + codec.closed(AT)
    assert out == [DeviceInfo({"recorded_bytes": "8"})]
    assert get_driver("passive").checker(b"x")
