"""Philips IntelliVue: a recorded session, the session we hold, states, units, curves, and what may leave."""

import struct

import pytest

from device_bridge.drivers.base import NO_SAMPLE, Clocks, CodecOptions, DeviceInfo, Fault, Observation, Send, Wave
from device_bridge.drivers.intellivue import encoder, messages, requests
from device_bridge.drivers.intellivue.codec import Timeline
from device_bridge.drivers.intellivue.encoder import attribute, numeric, numerics, poll_result
from device_bridge.drivers.intellivue.framing import SerialFramer, enframe
from device_bridge.drivers.intellivue.outbound import check, check_serial
from device_bridge.drivers.intellivue_rs232.codec import SerialCodec
from device_bridge.drivers.intellivue_udp.codec import UdpCodec
from device_bridge.wire import NOT_CHARTABLE, Quality
from tests.device_bridge.drivers_common import AT, by_code, found, in_pieces, sends

RS232 = "intellivue/rs232_capture_part.raw"
SET_PRIORITY = bytes.fromhex("e10000020001002200000005001c002100000000000000000001000e0000f23a00080001000400020102")


def udp(payload, **options):
    codec = UdpCodec(CodecOptions(values=options))
    return codec.feed(payload, AT)


def test_every_frame_of_the_recording_is_right(capture):
    framer = SerialFramer()
    payloads = framer.feed(capture(RS232))
    assert (framer.right, framer.wrong, framer.faults) == (1444, 0, [])
    assert payloads[0][0] == 0x0E, "the association response"


def test_recorded_values(capture, decode):
    out = decode("intellivue_rs232", capture(RS232), waves=True)
    values = found(out)
    assert values["HR"] == 60
    absent = {"NIBP_S", "NIBP_D", "NIBP_M", "SpO2", "PR", "PI"}
    seen = [one for one in out if isinstance(one, Observation) and one.code in absent]
    assert {one.code for one in seen} == absent
    assert all(one.value is None for one in seen), "an invalid value is absent, never 0"
    # created 2021-04-22 11:47:26 in Shanghai, first numbers 1.6 s later
    assert min(one.time_ms for one in out if isinstance(one, Observation)) == 1_619_063_247_600 - 0
    assert {"HR"} <= set(values)
    assert not [one for one in out if isinstance(one, Fault)]
    assert DeviceInfo({"manufacturer": "Philips", "model": "M8000"}) in out


def test_recorded_curves(capture, decode):
    waves = [one for one in decode("intellivue_rs232", capture(RS232), waves=True) if isinstance(one, Wave)]
    lead = next(one for one in waves if one.code == "ECG_II")
    pleth = next(one for one in waves if one.code == "PLETH")
    assert (lead.rate_hz, len(lead.samples), lead.unit) == (250, 64, "mV")
    assert lead.samples[2] * lead.scale + lead.offset == pytest.approx(0.155, abs=0.02)
    assert round(lead.scale, 6) == 0.005
    assert (pleth.rate_hz, len(pleth.samples)) == (125, 32)


def test_in_any_pieces_gives_the_same(capture, decode):
    data = capture(RS232)[:60_000]
    assert in_pieces("intellivue_rs232", data, 41) == decode("intellivue_rs232", data)


@pytest.mark.parametrize("name", ["eth", "payload"])
def test_connect_indication(capture, decode, name):
    (info,) = decode("intellivue_udp", capture(f"intellivue/philips_udp24005_connect_indication_{name}.bin"))
    assert info.items == {
        "manufacturer": "Philips", "model": "866062", "mac": "00:09:fb:88:c1:bd", "address": "192.168.247.101",
        "data_export_port": "24105",
    }  # fmt: skip


def test_the_session_we_hold():
    codec = SerialCodec(CodecOptions())
    start = codec.opened(Clocks(0, 0.0))
    assert sends(start) == [enframe(requests.ASSOCIATION_NUMERICS)]
    assert codec.feed(enframe(encoder.ACCEPT), Clocks(100, 0.1)) == []
    created = codec.feed(enframe(encoder.creation(7, 0xABD00, "2026030109300000")), Clocks(200, 0.2))
    confirmation, poll = sends(created)
    assert SerialFramer().feed(confirmation)[0] == requests.confirm_creation(7, 0xABD00)
    assert SerialFramer().feed(poll)[0][24:26] == b"\xf1\x3b"
    later = []
    for tick in range(3, 4000):
        now = Clocks(tick * 100, tick / 10)
        if tick % 10 == 0:
            codec.feed(enframe(numerics({"HR": (60, "/min")}, relative=tick * 800)), now)
        later += sends(codec.poll(now))
    kinds = [SerialFramer().feed(one)[0][24:26] for one in later]
    assert 95 <= kinds.count(b"\x0c\x16") <= 101, "a sign of life every four seconds"
    assert kinds.count(b"\xf1\x3b") == 1, "the poll is renewed before its ten minutes are over"
    assert all(check_serial(one) is None for one in sends(start) + sends(created) + later)


def test_a_silent_or_refusing_monitor_is_asked_again_without_haste():
    codec = SerialCodec(CodecOptions())
    codec.opened(Clocks(0, 0.0))
    assert Fault("association_refused") in codec.feed(enframe(encoder.REFUSE), Clocks(100, 0.1))
    asked = [one for tick in range(2, 300) for one in sends(codec.poll(Clocks(tick * 100, tick / 10)))]
    assert 2 <= len(asked) <= 4
    codec.feed(enframe(encoder.creation(1, 0, "2026030109300000")), Clocks(30_000, 30.0))
    again = [one for tick in range(301, 500) for one in codec.poll(Clocks(tick * 100, tick / 10))]
    assert Fault("association_lost") in again
    assert enframe(requests.ASSOCIATION_NUMERICS) in sends(again)


def test_passive_listening_sends_nothing():
    codec = SerialCodec(CodecOptions(values={"passive": True}))
    line = enframe(encoder.creation(1, 0, "2026030109300000")) + enframe(numerics({"HR": (61, "/min")}, relative=8000))
    out = codec.opened(AT) + codec.feed(line, AT) + codec.poll(Clocks(AT.wall_ms, AT.mono_s + 100))
    assert found(out) == {"HR": 61}
    assert sends(out) == []


@pytest.mark.parametrize(
    ("state", "value", "quality"),
    [
        (0, 60, Quality.GOOD),
        (0x0022, 60, Quality.GOOD),  # measuring, in alarm
        (0x4000, 60, Quality.QUESTIONABLE),
        (0x8000, None, Quality.INVALID),
        (0x2000, None, Quality.INVALID),
    ],
)
def test_measurement_states(state, value, quality):
    one = by_code(udp(numerics({"HR": (60, "/min")}, relative=0, state=state)))["HR"]
    assert (one.value, one.quality) == (value, quality)


@pytest.mark.parametrize("state", [0x0400, 0x0800, 0x1000])
def test_demonstration_test_and_calibration_never_reach_a_chart(state):
    assert by_code(udp(numerics({"HR": (60, "/min")}, relative=0, state=state)))["HR"].quality & NOT_CHARTABLE


def test_special_numbers_are_absent():
    assert messages.parse_float(0x007FFFFF) is None
    assert messages.parse_float(0x00800000) is None
    assert messages.parse_float(0xFF00016E) == 36.6
    assert messages.parse_float(0xFFFFFFF7) == -0.9
    assert by_code(udp(numerics({"T1": (None, "°C")}, relative=0)))["T1"].value is None


def test_units_are_converted_or_flagged():
    rows = {"EtCO2": (5.0, "kPa"), "T1": (98.6, "°F"), "TVe": (0.5, "L"), "Ppeak": (20, "mmHg"), "ST_II": (0.1, "mV")}
    values = found(udp(numerics(rows, relative=0)))
    assert values == {"EtCO2": 37.5031, "T1": 37.0, "TVe": 500, "Ppeak": 27.1902, "ST_II": 1.0}
    odd = by_code(udp(numerics({"HR": (60, "mmHg")}, relative=0)))["HR"]
    assert odd.quality & Quality.UNIT_SUSPECT


def test_settings_are_not_measurements():
    spec = attribute(0x093F, struct.pack(">IHHHH", 0x2000, 4, 0, 0, 0))
    out = udp(poll_result([(1, [spec, attribute(0x0950, numeric("FiO2", 50, "%"))])], relative=0))
    assert not by_code(out)


def test_a_pressure_is_named_by_its_label():
    value = attribute(0x0950, struct.pack(">HHHI", 0x4A01, 0, 0x0F20, 120))
    label = attribute(0x0924, struct.pack(">I", 0x0002F0A8))
    codec = UdpCodec(CodecOptions())
    assert found(codec.feed(poll_result([(5, [label, value])], relative=0), AT)) == {"P2_S": 120}
    assert found(codec.feed(poll_result([(5, [value])], relative=0), AT)) == {"P2_S": 120}, "said once is enough"
    assert found(codec.feed(poll_result([(6, [value])], relative=0), AT)) == {"P1_S": 120}


def test_a_cuff_reading_has_its_own_time():
    cuff = [numeric(code, value, "mmHg") for code, value in (("NIBP_S", 120), ("NIBP_D", 80), ("NIBP_M", 93))]
    stamp = attribute(0x0990, bytes.fromhex("2026030109300000"))
    compound = attribute(0x094B, encoder.listing(cuff))
    out = udp(poll_result([(5, [compound, stamp])], relative=0, linked=b"\x01\x01"))
    assert {one.episode_ms for one in by_code(out).values()} == {1_772_328_600_000}
    assert found(out) == {"NIBP_S": 120, "NIBP_D": 80, "NIBP_M": 93}


def test_running_time_wraps():
    line = Timeline()
    assert line.at(5) is None
    line.anchor(1_000_000, 0xFFFFF000)
    assert line.at(0xFFFFF000 + 800) == 1_000_100
    assert line.at(0x1000 - 0x320) == 1_000_000 + (0x2000 - 0x320) // 8


def test_invalid_curves_are_gaps():
    attributes = [
        attribute(0x096D, struct.pack(">HBBH", 2, 16, 14, 0)),
        attribute(0x098D, struct.pack(">I", 32)),
        attribute(0x096E, struct.pack(">HHHHH", 0x0102, 0x8000, 4, 8192, 0xFFFF)),
    ]
    (wave,) = [
        o for o in udp(poll_result([(9, attributes)], relative=0, object_class=9), waves=True) if isinstance(o, Wave)
    ]
    assert wave.samples == (NO_SAMPLE, NO_SAMPLE)


# -- what may leave --------------------------------------------------------------------------------------------


def test_only_read_requests_may_leave():
    allowed = [
        requests.ASSOCIATION_NUMERICS, requests.ASSOCIATION_WAVES, requests.KEEP_ALIVE,
        requests.confirm_creation(1, 5), requests.extended_poll(1, 6), requests.extended_poll(2, 9),
    ]  # fmt: skip
    assert all(check(one) is None for one in allowed)
    assert all(check_serial(enframe(one)) is None for one in allowed)
    assert all(check_serial(one) for one in allowed), "the line wants its frame"


def test_everything_else_is_refused():
    poll = requests.extended_poll(1, 6)
    command = [poll[:10] + struct.pack(">H", number) + poll[12:] for number in (0, 1, 2, 3, 4, 5, 6, 8, 9)]
    action = [poll[:24] + struct.pack(">H", number) + poll[26:] for number in (0x0C17, 0xF13C, 0)]
    banned = [
        b"", SET_PRIORITY, *command, *action, poll + b"\0", poll[:-1], poll + poll, encoder.ACCEPT,
        requests.ASSOCIATION_NUMERICS[:-1] + b"\x01", encoder.creation(1, 0, "2026030109300000"),
        poll[:32] + struct.pack(">H", 0x002A) + poll[34:],  # patient demographics
    ]  # fmt: skip
    for one in banned:
        assert check(one), one.hex()
        assert check_serial(enframe(one)), one.hex()
    good = enframe(poll)
    assert check_serial(good + good)
    assert check_serial(good[:-2] + b"\xc1")


def test_damaged_frames_and_recovery():
    line = bytearray(enframe(numerics({"HR": (60, "/min")}, relative=0)))
    line[20] ^= 1
    lost_end = enframe(numerics({"HR": (61, "/min")}, relative=0))[:-1]
    good = enframe(numerics({"HR": (62, "/min")}, relative=0))
    out = in_pieces("intellivue_rs232", bytes(line) + lost_end + good, 7)
    assert [one.value for one in out if isinstance(one, Observation)] == [62]
    assert {one.kind for one in out if isinstance(one, Fault)} == {"fcs", "truncated"}


def test_every_cut_and_flip_is_survived():
    whole = numerics({"HR": (60, "/min"), "T1": (36.6, "°C")}, relative=0)
    for place in range(len(whole)):
        for changed in (whole[:place], whole[:place] + bytes((whole[place] ^ 0xFF,)) + whole[place + 1 :]):
            for one in udp(changed, waves=True):
                assert not isinstance(one, Send)
