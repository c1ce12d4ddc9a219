"""Effective times by the rules of the clock policy, and measurements on demand once each."""

import pytest

from device_bridge.clock_policy import DeviceClock
from device_bridge.drivers.base import Alarm, Clocks
from device_bridge.normaliser import Normaliser
from device_bridge.watchdog import Watchdog
from device_bridge.wire import DeviceAlarm, DeviceConfig, Quality
from tests.device_bridge.drivers_common import observe

START = 1_790_000_000_000


def at(second):
    return Clocks(START + round(second * 1000), 100.0 + second)


@pytest.mark.parametrize(
    ("offset_s", "flag", "shift_s"),
    [
        (0, Quality.GOOD, 0),
        (1.9, Quality.GOOD, 0),
        (-1.9, Quality.GOOD, 0),
        (300, Quality.CLOCK_CORRECTED, 300),
        (-8 * 3600, Quality.CLOCK_CORRECTED, -8 * 3600),
        (13 * 365 * 86_400, Quality.CLOCK_UNTRUSTED, None),
    ],
)
def test_policy(offset_s, flag, shift_s):
    normaliser = Normaliser()
    for second in range(20):
        claim = at(second).wall_ms - round(offset_s * 1000)
        (reading,) = normaliser.readings([observe("HR", 60, time_ms=claim)], at(second))
    assert Quality(reading.quality) == flag
    expected = at(19).wall_ms if shift_s is None else claim + shift_s * 1000
    assert reading.time_ms == expected
    assert normaliser.clock.offset_ms == round(offset_s * 1000)


def test_offset_is_a_median_so_one_late_frame_changes_nothing():
    clock = DeviceClock()
    for second in range(30):
        delay = 900 if second == 15 else 40
        clock.notice(START + second * 1000, Clocks(START + second * 1000 + delay, float(second)))
    assert clock.offset_ms == 40


def test_a_clock_set_on_the_device_is_followed():
    clock = DeviceClock()
    for second in range(30):
        clock.notice(at(second).wall_ms, at(second))
    for second in range(30, 36):
        clock.notice(at(second).wall_ms - 3_600_000, at(second))
    assert clock.offset_ms == 3_600_000
    assert clock.jumps >= 1


def test_messages_that_had_to_wait_do_not_make_the_clock_look_slow():
    clock = DeviceClock()
    for second in range(30):
        clock.notice(START + second * 1000, Clocks(START + second * 1000 + 40, float(second)))
    for held in range(30, 90):  # a minute's worth, all within a second
        clock.notice(START + held * 1000, Clocks(START + 90_000 + held * 10, 90 + held / 100))
    assert clock.offset_ms == 40
    assert clock.jumps == 0


def test_a_backlog_that_drains_slowly_is_no_jump_of_the_clock():
    clock = DeviceClock()
    clock.recall(40)
    for number in range(12):  # eight seconds late at first, and each message takes six tenths of a second
        clock.notice(START + number * 1000, Clocks(START + 8_000 + number * 600, 8 + number * 0.6))
    assert clock.offset_ms == 40
    assert clock.jumps == 0


def test_the_offset_of_before_a_restart_counts_until_there_are_new_ones():
    before, after = Normaliser(), Normaliser()
    before.readings([observe("HR", 60, time_ms=at(0).wall_ms)], at(0))
    after.recall(before.remember())
    held = Clocks(at(1).wall_ms + 4_000, 5.0)
    (reading,) = after.readings([observe("HR", 61, time_ms=at(1).wall_ms)], held)
    assert (reading.time_ms, reading.quality) == (at(1).wall_ms, 0)


def test_no_device_time_means_arrival():
    (reading,) = Normaliser().readings([observe("HR", 60)], at(1))
    assert (reading.time_ms, reading.quality) == (at(1).wall_ms, 0)


def test_absent_values_leave_no_trace():
    absent = [observe("HR", None), observe("SpO2", float("nan")), observe("PR", 1e127)]
    assert Normaliser().readings(absent, at(1)) == []


def cuff(moment, systolic=120, inferred=False):
    return [
        observe(code, value, time_ms=moment, episode_ms=moment, episode_inferred=inferred)
        for code, value in (("NIBP_S", systolic), ("NIBP_D", 70), ("NIBP_M", 86))
    ]


def test_a_cuff_measurement_counts_once_with_its_own_time():
    normaliser = Normaliser()
    taken = at(0).wall_ms
    first = normaliser.readings(cuff(taken), at(5))
    assert {reading.time_ms for reading in first} == {taken}
    assert all(normaliser.readings(cuff(taken), at(second)) == [] for second in range(6, 60))
    second = normaliser.readings(cuff(at(300).wall_ms, 118), at(303))
    assert [(r.code, r.value) for r in second] == [("NIBP_S", 118), ("NIBP_D", 70), ("NIBP_M", 86)]


def test_the_same_numbers_at_another_time_are_another_measurement():
    normaliser = Normaliser()
    assert normaliser.readings(cuff(at(0).wall_ms), at(1))
    assert normaliser.readings(cuff(at(60).wall_ms), at(61))


def test_an_inferred_moment_may_shift_after_a_reconnection():
    normaliser = Normaliser()
    assert normaliser.readings(cuff(at(0).wall_ms, inferred=True), at(1))
    assert normaliser.readings(cuff(at(40).wall_ms, inferred=True), at(40)) == []
    assert normaliser.readings(cuff(at(300).wall_ms, inferred=True), at(300))


def test_measurements_are_not_repeated_after_a_restart():
    before = Normaliser()
    before.readings(cuff(at(0).wall_ms), at(1))
    after = Normaliser()
    after.recall(before.remember())
    assert after.readings(cuff(at(0).wall_ms), at(20)) == []
    after.recall("not json")
    assert after.readings(cuff(at(0).wall_ms), at(21))


def test_a_cuff_of_unknown_age_gets_no_invented_time():
    stale = [observe("NIBP_S", 120, time_ms=START, quality=Quality.LATE)]
    assert Normaliser().readings(stale, at(1)) == []


def test_a_cuff_time_in_the_future_is_a_wrong_clock():
    normaliser = Normaliser()
    readings = normaliser.readings(cuff(at(600).wall_ms), at(5))
    assert {reading.time_ms for reading in readings} == {at(5).wall_ms}
    assert all(Quality.CLOCK_CORRECTED in Quality(reading.quality) for reading in readings)


def test_an_old_cuff_measurement_keeps_its_time_and_is_late():
    readings = Normaliser().readings(cuff(at(0).wall_ms), at(600))
    assert {reading.time_ms for reading in readings} == {at(0).wall_ms}
    assert all(Quality.LATE in Quality(reading.quality) for reading in readings)


def test_a_frozen_source_is_marked():
    normaliser = Normaliser()
    flags = [normaliser.readings([observe("HR", 60, time_ms=START)], at(n))[0].quality for n in range(15)]
    assert Quality.STUCK not in Quality(flags[5])
    assert Quality.STUCK in Quality(flags[-1])


def test_repeated_alarms_are_told_once_until_they_were_gone():
    normaliser = Normaliser()
    alarm = [Alarm(DeviceAlarm(START, "10002", "HR TOO LOW", "high", "continue"))]
    told = [second for second in range(10) if normaliser.alarms(alarm, at(second))]
    assert told == [0]
    assert normaliser.alarms(alarm, at(60))


def test_watchdog_states_and_gaps():
    gaps = []
    config = DeviceConfig("D", "ge_dri", {}, expected_period_s=2, stale_after_s=10)
    dog = Watchdog(config, at(0).wall_ms, None, lambda *gap: gaps.append(gap))
    assert dog.state == "connecting"
    dog.opened(at(1))
    dog.frame(at(2))
    assert dog.state == "receiving"
    dog.tick(at(11))
    assert dog.state == "receiving"
    dog.tick(at(13))
    assert dog.state == "silent"
    assert dog.health(at(13), None).detail
    dog.frame(at(20))
    dog.closed(at(21), "设备断开连接")
    assert dog.state == "down"
    dog.down(at(25), "连接超时")
    dog.opened(at(60))
    dog.frame(at(61))
    assert gaps == [
        ("D", at(2).wall_ms, at(20).wall_ms, "silent"),
        ("D", at(20).wall_ms, at(61).wall_ms, "disconnect"),
    ]


def test_watchdog_knows_the_gap_of_its_own_absence():
    gaps = []
    config = DeviceConfig("D", "ge_dri", {})
    dog = Watchdog(config, at(100).wall_ms, at(0).wall_ms, lambda *gap: gaps.append(gap))
    dog.opened(at(101))
    dog.frame(at(102))
    assert gaps == [("D", at(0).wall_ms, at(102).wall_ms, "restart")]
