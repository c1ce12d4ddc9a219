"""Clocks of devices and of the bedside PC that go wrong, and what is stored: a table.

A device measures once a second. Each row says what its clock shows and what the clock of the PC shows at a true second
of the test, and which stored times and flags are right.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from device_bridge import clocks
from device_bridge.drivers.base import Clocks
from device_bridge.normaliser import Normaliser
from device_bridge.wire import Quality
from tests.device_bridge.drivers_common import observe

START = round(datetime(2026, 3, 28, 15, 59, 0, tzinfo=UTC).timestamp() * 1000)  # a minute before midnight in China
HOUR = 3_600_000
DAY = 24 * HOUR
GOOD, CORRECTED, UNTRUSTED = Quality.GOOD, Quality.CLOCK_CORRECTED, Quality.CLOCK_UNTRUSTED


def true(second):
    return START + second * 1000


def right(_):
    return 0


@dataclass(frozen=True)
class Case:
    name: str
    device: object  # second → ms that the device's clock is off; None: it states no time
    computer: object = right  # second → ms that the PC's clock is off
    stored: object = right  # second → ms that the stored time may differ from the true one
    flags: object = lambda _: {GOOD}
    seconds: int = 120
    silent: object = ()  # seconds without a message


def after(second, before, then):
    return lambda at: before if at < second else then


CASES = [
    Case("right", right),
    Case("a second slow is believed", lambda _: -1000, stored=lambda _: -1000),
    Case("five minutes fast", lambda _: 300_000, flags=lambda _: {CORRECTED}),
    Case("eight hours: UTC taken for local time", lambda _: -8 * HOUR, flags=lambda _: {CORRECTED}),
    Case("date a day and a half off", lambda _: -36 * HOUR, flags=lambda _: {UNTRUSTED}),
    Case("begins at 1970", lambda at: -true(at) + 60_000 + at * 1000, flags=lambda _: {UNTRUSTED}),
    Case("year 2000 after an empty battery", lambda _: -26 * 365 * DAY, flags=lambda _: {UNTRUSTED}),
    Case("two digits of 1999 read as 2099", lambda _: 73 * 365 * DAY, flags=lambda _: {UNTRUSTED}),
    Case("states no time", None),
    Case("daylight saving begins", after(60, 0, HOUR), flags=lambda at: {GOOD} if at < 60 else {CORRECTED}),
    Case("daylight saving ends", after(60, 0, -HOUR), flags=lambda at: {GOOD} if at < 60 else {CORRECTED}),
    Case("somebody sets it right", after(60, -HOUR, 0), flags=lambda at: {CORRECTED} if at < 60 else {GOOD}),
    Case("the date jumps two days ahead", after(60, 0, 2 * DAY), flags=lambda at: {GOOD} if at < 60 else {UNTRUSTED}),
    Case("the date jumps a year back", after(60, 0, -365 * DAY), flags=lambda at: {GOOD} if at < 60 else {UNTRUSTED}),
    Case("restarts with the clock of the factory", after(40, 0, -5 * 365 * DAY), silent=range(30, 40),
         flags=lambda at: {GOOD} if at < 30 else {UNTRUSTED}),
    Case("drifts a second a minute", lambda at: at * 16, stored=lambda at: at * 16),
    # the computer at the bedside: what it believed when a value came cannot be known better later
    Case("PC five minutes slow, set right at one minute", right, after(60, -300_000, 0), after(60, -300_000, 0),
         lambda at: {CORRECTED} if at < 60 else {GOOD}),
    Case("PC two minutes fast, set right at one minute", right, after(60, 120_000, 0), after(60, 120_000, 0),
         lambda at: {CORRECTED} if at < 60 else {GOOD}),
    Case("PC set right, device without a time", None, after(60, -300_000, 0), after(60, -300_000, 0)),
    Case("PC and device five minutes slow, PC set right", lambda _: -300_000, after(60, -300_000, 0),
         after(60, -300_000, 0), lambda at: {GOOD} if at < 60 else {CORRECTED}),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_stored(case):
    normaliser = Normaliser()
    for second in range(case.seconds):
        if second in case.silent:
            continue
        moment = true(second)
        arrived = Clocks(moment + case.computer(second) + 30, 1000.0 + second)
        claim = None if case.device is None else moment + case.device(second)
        (reading,) = normaliser.readings([observe("HR", 60, time_ms=claim)], arrived)
        allowed = case.stored(second)
        if allowed is not None:
            assert abs(reading.time_ms - moment - allowed) <= 200, f"second {second}"
        assert Quality(reading.quality) in case.flags(second), f"second {second}"


def test_midnight_is_no_leap_and_no_value_goes_back():
    """Local time without a zone over midnight, and a cuff measurement from before it."""
    normaliser = Normaliser()
    zone = ZoneInfo("Asia/Shanghai")
    times = []
    for second in range(120):
        local = datetime.fromtimestamp(true(second) / 1000, zone)
        claim = round(local.replace(tzinfo=None).replace(tzinfo=zone).timestamp() * 1000)
        (reading,) = normaliser.readings([observe("HR", 60, time_ms=claim)], Clocks(true(second) + 20, float(second)))
        times.append(reading.time_ms)
    assert times == sorted(times)
    cuff = [observe("NIBP_S", 120, time_ms=true(10), episode_ms=true(10))]
    (reading,) = normaliser.readings(cuff, Clocks(true(121), 121.0))
    assert (reading.time_ms, Quality(reading.quality)) == (true(10), GOOD)


def test_messages_that_had_to_wait_keep_their_times():
    """No leap: ten minutes of a gateway that could not deliver, then live again."""
    normaliser = Normaliser()
    for second in range(60):
        normaliser.readings([observe("HR", 60, time_ms=true(second))], Clocks(true(second) + 30, float(second)))
    for held in range(60, 660):
        arrived = Clocks(true(660) + (held - 60) * 10, 660 + (held - 60) / 100)
        (reading,) = normaliser.readings([observe("HR", 60, time_ms=true(held))], arrived)
        assert abs(reading.time_ms - true(held)) < 100
    (reading,) = normaliser.readings([observe("HR", 60, time_ms=true(667))], Clocks(true(667) + 30, 667.0))
    assert (reading.time_ms, Quality(reading.quality)) == (true(667), GOOD)


def test_an_old_value_in_a_fresh_message_keeps_its_age():
    normaliser = Normaliser()
    for second in range(30):
        both = [observe("HR", 60, time_ms=true(second)), observe("T1", 36.5, time_ms=true(-120))]
        found = {r.code: r for r in normaliser.readings(both, Clocks(true(second) + 30, float(second)))}
        assert abs(found["HR"].time_ms - true(second)) < 50
        assert abs(found["T1"].time_ms - true(-120)) < 50


def test_the_monotonic_clock_follows_no_wall_clock(monkeypatch):

    first = clocks.now()
    monkeypatch.setattr(clocks.time, "time_ns", lambda: 10**18)
    second = clocks.now()
    assert second.wall_ms == 10**12
    assert 0 <= second.mono_s - first.mono_s < 1
