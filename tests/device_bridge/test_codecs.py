"""Decoders against what our own encoders write, against damaged lines, and against anything at all."""

import itertools
import json
import random
import struct
from datetime import UTC, datetime

import hl7
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device_bridge.drivers.base import (
    Alarm,
    Clocks,
    CodecOptions,
    Fault,
    Observation,
    Send,
    Unmapped,
    Wave,
)
from device_bridge.drivers.ge_dri import layout
from device_bridge.drivers.ge_dri.encoder import Physiological, physiological_frame, record, wave_frame
from device_bridge.drivers.ge_dri.framing import enframe
from device_bridge.drivers.mindray_pds import encoder as mindray
from device_bridge.drivers.mindray_pds.encoder import Numeric
from device_bridge.drivers.mllp import MllpFramer, decode_text, frame, parse_number, parse_time
from device_bridge.drivers.registry import DRIVERS, UnknownDriver, get_driver
from device_bridge.parameters import PARAMETERS
from device_bridge.simulators.ge_dri import fill, fill_cuff
from device_bridge.simulators.patient import SimulatedPatient
from device_bridge.wire import Quality

AT = Clocks(1_790_000_000_000, 1000.0)


def observations(outputs):
    return {one.code: one for one in outputs if isinstance(one, Observation)}


# -- Mindray ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sentinel", ["-100", "-100.00", "-1000", "-10000", "", "abc", "nan", "inf", "1e400"])
def test_mindray_sentinels_are_absent_never_zero(decode, sentinel):
    found = observations(decode("mindray_pds", mindray.periodic([Numeric("101", "HR", "2101", sentinel)])))
    assert found["HR"].value is None
    assert found["HR"].quality == Quality.INVALID


def test_mindray_state_invalid_takes_the_value_back(decode):
    data = mindray.periodic([Numeric("101", "HR", "2101", "60")]) + mindray.states([("101", False)])
    assert observations(decode("mindray_pds", data))["HR"].value is None


def test_mindray_state_stays_until_changed():
    codec = get_driver("mindray_pds").codec(CodecOptions())
    row = [Numeric("160", "SpO2", "2103", "97")]
    codec.feed(mindray.periodic(row) + mindray.states([("160", False)]), AT)
    assert observations(codec.feed(mindray.periodic(row) + mindray.heartbeat(), AT))["SpO2"].value is None
    back = codec.feed(mindray.states([("160", True)]) + mindray.periodic(row) + mindray.heartbeat(), AT)
    assert observations(back)["SpO2"].value == 97


def test_mindray_values_without_state_are_given_after_a_moment():
    codec = get_driver("mindray_pds").codec(CodecOptions())
    assert codec.feed(mindray.periodic([Numeric("101", "HR", "2101", "61")]), AT) == []
    assert codec.poll(Clocks(AT.wall_ms + 100, AT.mono_s + 0.1)) == []
    later = codec.poll(Clocks(AT.wall_ms + 500, AT.mono_s + 0.5))
    assert observations(later)["HR"].value == 61


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
    found = observations(decode("mindray_pds", mindray.aperiodic(rows, at)))["NIBP_S"]
    # the device wrote local time without a zone: Shanghai is assumed
    assert found.episode_ms == round(at.timestamp() * 1000) - 8 * 3_600_000


def test_mindray_fahrenheit_is_suspect_and_can_be_configured(decode):
    data = mindray.periodic([Numeric("200", "T1", "2104", "98.6")])
    found = observations(decode("mindray_pds", data))["T1"]
    assert found.value == 98.6
    assert Quality.UNIT_SUSPECT in found.quality
    assert observations(decode("mindray_pds", data, temperature_unit="F"))["T1"].value == 37.0


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


# -- MLLP ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "count"),
    [
        (frame(b"MSH|a\r") + frame(b"MSH|b\r"), 2),
        (frame(b"MSH|a\r") + b"\n" + frame(b"MSH|b\r"), 2),
        (b"xx" + frame(b"MSH|a\r"), 1),
        (b"\x00\x00" + frame(b"MSH|a\r") + b"\x00", 1),
        (b"\x0bMSH|a\r\x1c\x0bMSH|b\r\x1c", 2),  # no carriage return after the end mark
        (b"\x0bMSH|lost" + frame(b"MSH|b\r"), 1),
        (frame(b"MSH|" + b"x" * 70_000), 1),
    ],
)
def test_mllp_framing_of_what_real_senders_do(line, count):
    assert len(MllpFramer().feed(line)) == count
    framer = MllpFramer()
    assert sum(len(framer.feed(line[i : i + 1])) for i in range(len(line))) == count


def test_mllp_memory_is_bounded():
    framer = MllpFramer(limit=10_000)
    for _ in range(100):
        framer.feed(b"\x0b" + b"x" * 5_000)
        framer.feed(b"y" * 5_000)
        assert framer.pending <= 15_000
    framer.feed(b"z" * 20_000)
    assert "oversize" in framer.faults


def test_chinese_text_in_any_charset():
    assert "张三" in decode_text("MSH|^~\\&|\rPID|||张三".encode("gb18030"))
    assert "张三" in decode_text("MSH|^~\\&|\rPID|||张三".encode())


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("20260124131540000+0800", 1_769_231_740_000),
        ("20260124131540+0800", 1_769_231_740_000),
        ("20260124131540.250+0800", 1_769_231_740_250),
        ("20260124051540+0000", 1_769_231_740_000),
        ("20260124131540", 1_769_231_740_000),
        ("00000000000000", None),
        ("20261324131540", None),
        ("2026-01-24", None),
        ("", None),
        ("9" * 40, None),
    ],
)
def test_hl7_times(text, milliseconds):
    from zoneinfo import ZoneInfo

    assert parse_time(text, ZoneInfo("Asia/Shanghai")) == milliseconds


def test_numbers_do_not_depend_on_a_locale():
    assert parse_number("36.5") == 36.5
    assert parse_number("36,5") is None
    assert parse_number("1_000") is None
    assert parse_number("٣٦") is None


# -- GE DRI ----------------------------------------------------------------------------------------------


def ge_record(time=1_790_000_000, cuff_old=False, **cuff):
    patient = SimulatedPatient(7)
    values = patient.values(1200) | patient.arterial(1200)
    one = Physiological(time)
    sent = fill(one, values)
    fill_cuff(one, cuff, old=cuff_old)
    return one, sent


def test_ge_round_trip_of_a_ventilated_patient(decode, values):
    one, sent = ge_record()
    found = values(decode("ge_dri", physiological_frame([one], number=1, time=one.time)))
    assert len(sent) > 20
    assert {code: found[code] for code in sent} == sent


def test_ge_special_values_are_absent(decode):
    for raw in (-32767, -32766, -32765, -32764, -32763, -32762, -32002):
        one = Physiological(1_790_000_000)
        one.group(4, {10: raw})
        found = observations(decode("ge_dri", physiological_frame([one], number=1, time=one.time)))
        assert found["HR"].value is None, raw


def test_ge_inactive_group_is_absent_even_with_numbers(decode):
    one = Physiological(1_790_000_000)
    one.group(4, {10: 72}, status=1)
    assert not observations(decode("ge_dri", physiological_frame([one], number=1, time=one.time)))


def test_ge_zeroing_pressure_is_marked(decode):
    one = Physiological(1_790_000_000)
    one.group(20, {26: 0, 28: 0, 30: 0}, status=3 | layout.PRESSURE_ZEROING, label=1)
    found = observations(decode("ge_dri", physiological_frame([one], number=1, time=one.time)))
    assert Quality.CALIBRATION in found["ART_S"].quality


def test_ge_wrong_length_with_right_checksum_gives_no_phantom(decode):
    one, _ = ge_record()
    body = record(layout.PHDB, [(1, one.pack())], time=one.time)
    outputs = decode("ge_dri", enframe(body[:-30]))
    assert not observations(outputs)
    assert [one.kind for one in outputs if isinstance(one, Fault)] == ["length"]


def test_ge_broken_checksum_is_counted(decode):
    one, _ = ge_record()
    good = physiological_frame([one], number=1, time=one.time)
    bad = bytearray(good)
    bad[100] ^= 0x01
    outputs = decode("ge_dri", good + bytes(bad) + good)
    assert "checksum" in [one.kind for one in outputs if isinstance(one, Fault)]


def test_ge_missing_records_are_counted(decode):
    frames = [
        physiological_frame([Physiological(1_790_000_000 + n)], number=n, time=1_790_000_000 + n) for n in (5, 6, 9)
    ]
    outputs = decode("ge_dri", b"".join(frames))
    assert Fault("sequence_gap", "2") in outputs


def test_ge_repeated_record_counts_once(decode):
    one, _ = ge_record()
    data = physiological_frame([one], number=1, time=one.time)
    once, twice = decode("ge_dri", data), decode("ge_dri", data + data)
    assert len(observations(twice)) == len(observations(once))
    assert sum(isinstance(o, Observation) for o in twice) == sum(isinstance(o, Observation) for o in once)


def test_ge_cuff_moments():
    codec = get_driver("ge_dri").codec(CodecOptions())
    first = {"NIBP_S": 120, "NIBP_D": 70, "NIBP_M": 87}
    second = {"NIBP_S": 110, "NIBP_D": 65, "NIBP_M": 80}
    steps = [(0, first, True), (1, second, False), (30, second, False), (70, second, True), (300, second, False)]
    moments = []
    for number, (offset, cuff, old) in enumerate(steps):
        one, _ = ge_record(1_790_000_000 + offset, cuff_old=old, **cuff)
        out = codec.feed(physiological_frame([one], number=number, time=one.time), AT)
        moments.append(observations(out)["NIBP_S"].episode_ms)
    base = 1_790_000_000_000
    # older than a minute when first seen: its moment is unknown; seen as new: that moment; measured again: another
    assert moments == [None, base + 1_000, base + 1_000, base + 1_000, base + 300_000]


def test_ge_escapes(decode):
    samples = [0x7E7D, 0x7D7E, 0x7E7E, 0x5E7D] * 20
    outputs = decode("ge_dri", wave_frame([(8, samples)], number=0, time=1_790_000_000))
    assert next(one for one in outputs if isinstance(one, Wave)).samples == tuple(samples)


def test_ge_asks_at_once_and_again_when_nothing_comes():
    codec = get_driver("ge_dri").codec(CodecOptions(values={"interval_s": 5}))
    assert [one.reason for one in codec.opened(Clocks(0, 0.0)) if isinstance(one, Send)] == ["transmission request"]
    asked = [t for t in range(1, 50) for one in codec.poll(Clocks(0, float(t))) if isinstance(one, Send)]
    assert asked == [15, 30, 45]


def test_ge_co2_needs_the_ambient_pressure(decode):
    one = Physiological(1_790_000_000)
    one.group(layout.CO2_HEADER, {142: 500, 144: 0, 146: 12})
    found = observations(decode("ge_dri", physiological_frame([one], number=1, time=one.time)))
    assert found["EtCO2_pct"].value == 5.0
    assert found["EtCO2"].value is None, "a partial pressure must not be invented"


# -- IHE PCD-01 ------------------------------------------------------------------------------------------


def pcd(*rows, header="AL|NE", at="20260301093000+0800"):
    head = f"MSH|^~\\&|SENDER|X|||{at}||ORU^R01^ORU_R01|77|P|2.6|||{header}||UNICODE UTF-8"
    return frame("\r".join([head, "PID|||1||A^B", "PV1||I|ICU^1^3", f"OBR|1||||||{at}", *rows, ""]).encode())


def row(term, value, unit="262688^MDC_DIM_PERCENT^MDC", flags="", status="R", own=""):
    return f"OBX|1|NM|{term}^MDC|1.1.1.{term.split('^')[0]}|{value}|{unit}||{flags}|||{status}|||{own}"


SPO2 = "150456^MDC_PULS_OXIM_SAT_O2"
CUFF = "150021^MDC_PRESS_BLD_NONINV_SYS"
MMHG = "266016^MDC_DIM_MMHG^MDC"


@pytest.mark.parametrize(
    "bad",
    [
        row(SPO2, ""), row(SPO2, "-999"), row(SPO2, "-99.9"), row(SPO2, "8388607"), row(SPO2, "-1"),
        row(SPO2, "97", flags="INV"), row(SPO2, "97", flags="NAV"), row(SPO2, "97", status="X"),
    ],
)  # fmt: skip
def test_pcd_absent_values(decode, bad):
    assert observations(decode("ihe_pcd01", pcd(bad)))["SpO2"].value is None


@pytest.mark.parametrize("term", [CUFF, "150301^MDC_PRESS_CUFF_SYS"])
def test_pcd_both_kinds_of_cuff_codes(decode, values, term):
    found = values(decode("ihe_pcd01", pcd(row(term, "121", MMHG, own="20260301092900+0800"))))
    assert found == {"NIBP_S": 121}


def test_pcd_name_wins_over_a_wrong_number_and_is_flagged(decode):
    found = observations(decode("ihe_pcd01", pcd(row("150456^MDC_ECG_HEART_RATE", "70", ""))))
    assert found["HR"].value == 70
    assert Quality.QUESTIONABLE in found["HR"].quality


def test_pcd_units_are_converted_or_suspect(decode):
    kpa = "265987^MDC_DIM_KILO_PASCAL^MDC"
    found = observations(decode("ihe_pcd01", pcd(row("151708^MDC_CONC_AWAY_CO2_ET", "5", kpa))))
    assert found["EtCO2"].value == 37.5031
    percent = observations(decode("ihe_pcd01", pcd(row("151708^MDC_CONC_AWAY_CO2_ET", "5"))))
    assert Quality.UNIT_SUSPECT in percent["EtCO2"].quality


def test_pcd_cuff_has_its_own_time(decode):
    found = observations(decode("ihe_pcd01", pcd(row(CUFF, "121", MMHG, own="20260301091500+0800"))))
    assert found["NIBP_S"].episode_ms == 1_772_327_700_000
    assert not found["NIBP_S"].episode_inferred


def test_pcd_cuff_without_time_is_dated_by_its_first_message():
    codec = get_driver("ihe_pcd01").codec(CodecOptions())
    moments = []
    for minute, value in enumerate(["120", "120", "115", "115"]):
        message = pcd(row(CUFF, value, MMHG), at=f"202603010930{minute:02}+0800")
        moments.append(observations(codec.feed(message, AT))["NIBP_S"].episode_ms)
    assert moments[:2] == [None, None], "what was already there has no known age"
    assert moments[2] == moments[3] is not None


def test_pcd_acknowledges_after_the_data_is_safe(decode):
    sends = [one for one in decode("ihe_pcd01", pcd(row(SPO2, "97"))) if isinstance(one, Send)]
    assert [send.after_commit for send in sends] == [True]
    answer = hl7.parse(sends[0].payload[1:-2].decode())
    assert str(answer.segment("MSA")[1]) == "AA"
    assert str(answer.segment("MSA")[2]) == "77"
    assert not [one for one in decode("ihe_pcd01", pcd(row(SPO2, "97"), header="NE|NE")) if isinstance(one, Send)]


# -- anything at all -------------------------------------------------------------------------------------


def test_registry():
    assert {"mindray_pds", "ge_dri"} <= set(DRIVERS)
    with pytest.raises(UnknownDriver, match="mindray_pds"):
        get_driver("nope")


def samples_of(name):
    if name == "ge_dri":
        one, _ = ge_record()
        return physiological_frame([one], number=1, time=one.time) * 2
    if name == "ihe_pcd01":
        return pcd("OBX|1|NM|147842^MDC_ECG_HEART_RATE^MDC|1.7.4.147842|60|264864^MDC_DIM_BEAT_PER_MIN^MDC|||||R") * 3
    rows = [Numeric("101", "HR", "2101", "60"), Numeric("200", "T1", "2104", "36.6")]
    return (mindray.periodic(rows) + mindray.states([("101", True)])) * 3


@pytest.mark.parametrize("name", ["mindray_pds", "ge_dri", "ihe_pcd01"])
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chunks=st.lists(st.binary(max_size=300), max_size=8))
def test_noise_never_raises_and_never_gives_values(name, chunks):
    codec = get_driver(name).codec(CodecOptions())
    codec.opened(AT)
    out = []
    for chunk in chunks:
        out += codec.feed(chunk, AT)
    out += codec.poll(AT) + codec.closed(AT)
    assert not [one for one in out if isinstance(one, Observation) and one.value is not None]


@pytest.mark.parametrize("name", ["mindray_pds", "ge_dri", "ihe_pcd01"])
@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 2**32), cuts=st.integers(1, 400))
def test_damaged_lines_never_raise_and_stay_canonical(name, seed, cuts):
    chance = random.Random(seed)
    line = bytearray(samples_of(name))
    for _ in range(chance.randrange(12)):
        where = chance.randrange(len(line))
        match chance.randrange(3):
            case 0:
                line[where] = chance.randrange(256)
            case 1:
                del line[where : where + chance.randrange(1, 9)]
            case _:
                line[where:where] = chance.randbytes(chance.randrange(1, 9))
    codec = get_driver(name).codec(CodecOptions())
    out = []
    for position in range(0, len(line), cuts):
        out += codec.feed(bytes(line[position : position + cuts]), AT)
    for one in out + codec.closed(AT):
        if isinstance(one, Observation):
            assert one.unit == PARAMETERS[one.code].unit
            json.dumps(one.value, allow_nan=False)


def test_dri_memory_is_bounded():
    codec = get_driver("ge_dri").codec(CodecOptions())
    faults = 0
    for _ in range(50):
        faults += sum(isinstance(one, Fault) for one in codec.feed(b"\x01" * 10_000, AT))
    assert faults >= 20
    one, _ = ge_record()
    data = b"\x7e" + physiological_frame([one], number=1, time=one.time)
    assert observations(codec.feed(data, AT)), "it must recover by itself"


def test_physiological_record_has_the_published_size():
    one, _ = ge_record()
    assert len(one.pack()) == layout.PHDB_SIZE
    assert struct.unpack_from("<I", one.pack())[0] == one.time
