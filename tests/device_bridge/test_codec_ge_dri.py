"""GE DRI: records, special values, checksums, cuff moments."""

from device_bridge.drivers.base import (
    Clocks,
    CodecOptions,
    Fault,
    Observation,
    Send,
    Wave,
)
from device_bridge.drivers.ge_dri import layout
from device_bridge.drivers.ge_dri.encoder import Physiological, physiological_frame, record, wave_frame
from device_bridge.drivers.ge_dri.framing import enframe
from device_bridge.drivers.registry import get_driver
from device_bridge.wire import Quality
from tests.device_bridge.drivers_common import AT, by_code, ge_record


def test_ge_round_trip_of_a_ventilated_patient(decode, values):
    one, sent = ge_record()
    found = values(decode("ge_dri", physiological_frame([one], number=1, time=one.time)))
    assert len(sent) > 20
    assert {code: found[code] for code in sent} == sent


def test_ge_special_values_are_absent(decode):
    for raw in (-32767, -32766, -32765, -32764, -32763, -32762, -32002):
        one = Physiological(1_790_000_000)
        one.group(4, {10: raw})
        found = by_code(decode("ge_dri", physiological_frame([one], number=1, time=one.time)))
        assert found["HR"].value is None, raw


def test_ge_inactive_group_is_absent_even_with_numbers(decode):
    one = Physiological(1_790_000_000)
    one.group(4, {10: 72}, status=1)
    assert not by_code(decode("ge_dri", physiological_frame([one], number=1, time=one.time)))


def test_ge_zeroing_pressure_is_marked(decode):
    one = Physiological(1_790_000_000)
    one.group(20, {26: 0, 28: 0, 30: 0}, status=3 | layout.PRESSURE_ZEROING, label=1)
    found = by_code(decode("ge_dri", physiological_frame([one], number=1, time=one.time)))
    assert Quality.CALIBRATION in found["ART_S"].quality


def test_ge_wrong_length_with_right_checksum_gives_no_phantom(decode):
    one, _ = ge_record()
    body = record(layout.PHDB, [(1, one.pack())], time=one.time)
    outputs = decode("ge_dri", enframe(body[:-30]))
    assert not by_code(outputs)
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
    assert len(by_code(twice)) == len(by_code(once))
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
        moments.append(by_code(out)["NIBP_S"].episode_ms)
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
    found = by_code(decode("ge_dri", physiological_frame([one], number=1, time=one.time)))
    assert found["EtCO2_pct"].value == 5.0
    assert found["EtCO2"].value is None, "a partial pressure must not be invented"
