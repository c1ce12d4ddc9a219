"""Mindray PDS: what its decoder makes of what our encoder writes and of what monitors send."""

import itertools
from datetime import UTC, datetime

import hl7
import pytest

from device_bridge.drivers.base import (
    NO_SAMPLE,
    Alarm,
    Clocks,
    CodecOptions,
    Fault,
    Observation,
    Send,
    Unmapped,
    Wave,
)
from device_bridge.drivers.mindray_pds import encoder as mindray
from device_bridge.drivers.mindray_pds.encoder import Numeric
from device_bridge.drivers.mindray_pds.waves import unpack
from device_bridge.drivers.mllp import frame
from device_bridge.drivers.registry import get_driver
from device_bridge.wire import Quality
from tests.device_bridge.drivers_common import AT, by_code


@pytest.mark.parametrize("sentinel", ["-100", "-100.00", "-1000", "-10000", "", "abc", "nan", "inf", "1e400"])
def test_mindray_sentinels_are_absent_never_zero(decode, sentinel):
    found = by_code(decode("mindray_pds", mindray.periodic([Numeric("101", "HR", "2101", sentinel)])))
    assert found["HR"].value is None
    assert found["HR"].quality == Quality.INVALID


def test_mindray_state_invalid_takes_the_value_back(decode):
    data = mindray.periodic([Numeric("101", "HR", "2101", "60")]) + mindray.states([("101", False)])
    assert by_code(decode("mindray_pds", data))["HR"].value is None


def test_mindray_state_stays_until_changed():
    codec = get_driver("mindray_pds").codec(CodecOptions())
    row = [Numeric("160", "SpO2", "2103", "97")]
    codec.feed(mindray.periodic(row) + mindray.states([("160", False)]), AT)
    assert by_code(codec.feed(mindray.periodic(row) + mindray.heartbeat(), AT))["SpO2"].value is None
    back = codec.feed(mindray.states([("160", True)]) + mindray.periodic(row) + mindray.heartbeat(), AT)
    assert by_code(back)["SpO2"].value == 97


def test_mindray_values_without_state_are_given_after_a_moment():
    codec = get_driver("mindray_pds").codec(CodecOptions())
    assert codec.feed(mindray.periodic([Numeric("101", "HR", "2101", "61")]), AT) == []
    assert codec.poll(Clocks(AT.wall_ms + 100, AT.mono_s + 0.1)) == []
    later = codec.poll(Clocks(AT.wall_ms + 500, AT.mono_s + 0.5))
    assert by_code(later)["HR"].value == 61


def test_mindray_arterial_order_is_systolic_mean_diastolic(decode, values):
    rows = [Numeric("500", "S", "2116", "120"), Numeric("501", "?", "2116", "90"), Numeric("502", "?", "2116", "70")]
    assert values(decode("mindray_pds", mindray.periodic(rows))) == {"ART_S": 120, "ART_M": 90, "ART_D": 70}


def test_mindray_pulse_module_only_stands_in_for_the_oximeter(decode):
    both = [Numeric("161", "PR", "2103", "71"), Numeric("600", "PR", "2115", "72")]
    outputs = decode("mindray_pds", mindray.periodic(both))
    assert [one.value for one in outputs if isinstance(one, Observation)] == [71]
    alone = [Numeric("161", "PR", "2103", "-100"), Numeric("600", "PR", "2115", "72")]
    outputs = decode("mindray_pds", mindray.periodic(alone))
    assert [one.value for one in outputs if isinstance(one, Observation) and one.value] == [72]


def test_mindray_cuff_has_its_own_time(decode):
    at = datetime(2026, 3, 1, 9, 30, 15, tzinfo=UTC)
    rows = [Numeric("170", "Sys", "2105", "121")]
    found = by_code(decode("mindray_pds", mindray.aperiodic(rows, at)))["NIBP_S"]
    # the device wrote local time without a zone: Shanghai is assumed
    assert found.episode_ms == round(at.timestamp() * 1000) - 8 * 3_600_000


def test_mindray_fahrenheit_is_suspect_and_can_be_configured(decode):
    data = mindray.periodic([Numeric("200", "T1", "2104", "98.6")])
    found = by_code(decode("mindray_pds", data))["T1"]
    assert found.value == 98.6
    assert Quality.UNIT_SUSPECT in found.quality
    assert by_code(decode("mindray_pds", data, temperature_unit="F"))["T1"].value == 37.0


def test_mindray_heartbeat_and_query_timing():
    codec = get_driver("mindray_pds").codec(CodecOptions())
    sent = [(0.0, one.reason) for one in codec.opened(Clocks(0, 0.0)) if isinstance(one, Send)]
    for tick in range(1, 45):
        at = tick / 10
        sent += [(at, one.reason) for one in codec.poll(Clocks(tick * 100, at)) if isinstance(one, Send)]
    beats = [at for at, reason in sent if reason == "heartbeat"]
    assert max(b - a for a, b in itertools.pairwise(beats)) < 1.5, "the monitor hangs up after 3 s"
    assert [at for at, reason in sent if reason == "data query"] == [1.0]


def test_mindray_asks_again_when_nothing_comes():
    codec = get_driver("mindray_pds").codec(CodecOptions())
    codec.opened(Clocks(0, 0.0))
    asked = [
        tick
        for tick in range(30)
        for one in codec.poll(Clocks(tick * 1000, float(tick)))
        if isinstance(one, Send) and one.reason == "data query"
    ]
    assert asked == [1, 11, 21]


def test_mindray_messages_are_hl7_for_another_parser():
    payload = mindray.periodic([Numeric("101", "HR", "2101", "60")])[1:-2]
    message = hl7.parse(payload.decode())
    assert str(message.segment("MSH")[10]) == "204"
    assert str(message.segment("OBX")[5]) == "60"


def test_mindray_unknown_parameter_is_reported_not_dropped_silently(decode):
    outputs = decode("mindray_pds", mindray.periodic([Numeric("9999", "New", "2101", "5")]))
    assert outputs == [Unmapped("9999", "New", "5")]


def test_mindray_alarms(decode):
    at = datetime(2026, 3, 1, 9, 30, 15, tzinfo=UTC)
    outputs = decode("mindray_pds", mindray.alarms([(2, "10002", "**HR TOO LOW")], at))
    alarm = next(one.alarm for one in outputs if isinstance(one, Alarm))
    assert (alarm.code, alarm.text, alarm.priority) == ("10002", "HR TOO LOW", "medium")


def test_curves(decode):
    counts = [0, 1, 127, 128, 2048, 32767, 40000, 65534]
    line = mindray.curves([(1114, 2, counts), (1152, 1, [0, 20, 255]), (9999, 1, [1])])
    lead, pleth, unknown = [one for one in decode("mindray_pds", line) if isinstance(one, Wave | Unmapped)]
    assert (lead.code, lead.rate_hz, lead.unit, lead.time_ms) == ("ECG_II", 8, "", None)
    assert [raw * lead.scale + lead.offset for raw in lead.samples] == counts
    assert (pleth.code, pleth.rate_hz, pleth.samples) == ("PLETH", 3, (0, 20, 255))
    assert unknown.source_code == "wave 9999"
    (gap,) = decode("mindray_pds", mindray.curves([(1152, 2, [65535])]))
    assert gap.samples == (NO_SAMPLE,)


def test_the_packing_of_curves_is_read_with_highest_bits_set_or_cleared():
    plain = bytes(range(7, 256, 3))[:77]
    packed = mindray.pack(plain)
    assert min(packed) >= 0x80, "no byte can be taken for a mark of HL7"
    assert unpack(packed) == plain
    assert unpack(bytes(byte & 0x7F for byte in packed)) == plain


def test_curves_that_are_not_whole_give_nothing(decode):
    line = mindray.curves([(1114, 2, [1, 2, 3, 4, 5, 6, 7, 8])])
    assert [one for one in decode("mindray_pds", line.replace(line[-20:-3], b"")) if isinstance(one, Wave)] == []
    for bad in (b"", b"\x80" * 8, b"\x80" * 24):
        out = decode("mindray_pds", frame(b"MSH|^~\\&|||||||ORU^R01|157|P|2.3.1|\rZMW|" + bad + b"\r"))
        assert [one.kind for one in out if isinstance(one, Fault)] == ["wave_length"]
