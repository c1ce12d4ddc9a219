"""Delivery to a web process that is slow, wrong, away, or comes back."""

import time

import pytest

from device_bridge.normaliser import Reading
from device_bridge.spool import Received, Spool
from device_bridge.uplink import DEAD_AFTER_TRIES, Uplink
from device_bridge.wire import DeviceHealth

NOW = 1_790_000_000_000


def wait(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


@pytest.fixture
def spool(tmp_path):
    one = Spool(tmp_path, "b1")
    yield one
    one.close()


@pytest.fixture
def start(web, spool):
    running = []

    def go(token="right", **more):
        uplink = Uplink(web.url, token, "b1", spool, **more)
        uplink.start()
        running.append(uplink)
        return uplink

    yield go
    for uplink in running:
        uplink.stop()


def put(spool, numbers, device="D1"):
    readings = [Reading("HR", NOW + number, float(number), 0) for number in numbers]
    spool.add(Received(device, NOW, b"x", readings)).result(5)


def test_delivers_and_introduces_itself(web, spool, start):
    put(spool, [1, 2, 3])
    start()
    wait(lambda: len(web.readings("D1")) == 3)
    assert web.auth == [{"token": "right", "bridge": "b1"}]
    wait(lambda: spool.in_flight() is None)


def test_live_goes_out_within_half_a_second(web, spool, start):
    uplink = start()
    wait(lambda: uplink.connected)
    began = time.monotonic()
    put(spool, [7])
    wait(lambda: web.readings("D1"))
    assert time.monotonic() - began < 1.0


def test_wrong_token_gives_nothing_and_keeps_everything(web, spool, start):
    put(spool, [1])
    start(token="wrong")
    wait(lambda: len(web.auth) >= 2)
    assert not web.stored
    assert spool.backlog()[0] == 1


def test_a_lost_answer_is_sent_again_unchanged(web, spool, start, monkeypatch):
    monkeypatch.setattr("device_bridge.uplink.ANSWER_TIMEOUT_S", 0.5)
    slow = {"left": 2}

    def answer(batch):
        if slow["left"]:
            slow["left"] -= 1
            time.sleep(0.9)

    web.answer = answer
    put(spool, [1])
    start()
    wait(lambda: spool.in_flight() is None and spool.backlog()[0] == 0 and web.stored)
    wait(lambda: web.duplicates >= 1)
    assert web.changed_content == []
    assert [value for _, _, value in web.readings("D1")] == [1.0]


def test_a_permanent_error_sets_the_batch_aside_and_the_rest_flows(web, spool, start):
    def answer(batch):
        if any(block.device == "POISON" for block in batch.blocks):
            return {"error": "unknown_device", "message": "未登记"}
        return None

    web.answer = answer
    put(spool, [1], device="POISON")
    uplink = start()
    wait(lambda: uplink.connected)
    put(spool, [2])
    wait(lambda: web.readings("D1"), 30)
    assert spool.backlog()[1] == 1
    assert DEAD_AFTER_TRIES > 1


def test_a_transient_error_waits_and_loses_nothing(web, spool, start):
    left = {"n": DEAD_AFTER_TRIES + 3}

    def answer(batch):
        left["n"] -= 1
        return {"error": "busy", "message": ""} if left["n"] > 0 else None

    web.answer = answer
    put(spool, [1])
    start()
    wait(lambda: web.readings("D1"), 20)
    assert spool.backlog() == (0, 0)


def test_server_away_and_back(web, spool, start):
    uplink = start()
    wait(lambda: uplink.connected)
    web.stop()
    for number in range(50):
        put(spool, [number])
    time.sleep(0.5)
    assert spool.backlog()[0] == 50
    web.start()
    wait(lambda: len(web.readings("D1")) == 50, 25)
    assert sorted(value for _, _, value in web.readings("D1")) == [float(n) for n in range(50)]
    assert web.changed_content == []


def test_a_backlog_drains_at_least_twenty_times_faster_than_it_grew(web, spool, start):
    """Ten minutes of twenty devices with thirty values a second each."""
    seconds, per_second = 120, 600
    futures = []
    for second in range(seconds):
        readings = [Reading("HR", NOW + second * 1000 + n, 60.0, 0) for n in range(per_second)]
        futures.append(spool.add(Received(f"D{second % 20}", NOW, b"", readings)))
    for future in futures:
        future.result(20)
    start()
    wait(lambda: web.stored)
    began = time.monotonic()
    wait(lambda: spool.backlog()[0] == 0, 60)
    assert time.monotonic() - began < seconds / 20
    assert sum(batch.count for batch in web.batches()) == seconds * per_second


def test_live_overtakes_the_backlog(web, spool, start):
    web.answer = lambda batch: time.sleep(0.15)
    for device in range(12):
        readings = [Reading("HR", NOW + n, 1.0, 0) for n in range(7_000)]
        spool.add(Received(f"OLD{device}", NOW, b"", readings)).result(5)
    uplink = start()
    wait(lambda: uplink.connected)
    put(spool, [5], device="LIVE")
    wait(lambda: web.readings("LIVE"))
    assert spool.backlog()[0] > 0, "the backlog was already gone: the test shows nothing"


def test_after_hours_away_live_values_come_first_and_nothing_comes_twice(web, spool, start):
    """Fifteen devices piled up forty minutes; each goes on once in a tenth of a second while that drains."""
    uplink = start()
    wait(lambda: uplink.connected)
    web.stop()
    wait(lambda: not uplink.connected)
    futures = [
        spool.add(Received(f"D{device}", NOW, b"", [Reading("HR", NOW + 1000 * n, 60.0, 0) for n in range(span, span + 120)]))
        for span in range(0, 2400, 120) for device in range(15)
    ]  # fmt: skip
    for future in futures:
        future.result(20)
    web.answer = lambda batch: time.sleep(0.1)  # a server that has to write
    web.start()
    wait(lambda: uplink.connected)
    sent, seen, piled = {}, {}, []
    for number in range(10_000, 10_020):
        sent[number] = time.monotonic()
        put(spool, [number], device="D0")
        piled.append(spool.backlog()[0])
        time.sleep(0.1)
        for _, at, _ in web.readings("D0"):
            seen.setdefault(at - NOW, time.monotonic())
    wait(lambda: spool.backlog()[0] == 0, 30)
    values = [(device, *one) for device in {f"D{n}" for n in range(15)} for one in web.readings(device)]
    assert len(values) == 15 * 2400 + 20
    assert len(set(values)) == len(values)
    assert piled[1] > 10_000, "the backlog was already gone: the test shows nothing"
    early = list(sent)[:10]
    assert all(number in seen and seen[number] - sent[number] < 2.0 for number in early)


def test_devices_and_health(web, spool, start):
    web.devices = [{"device_id": "A"}]
    lists = []
    health = [DeviceHealth("A", "receiving", 1, 2, 3, 4, 5, 0, None)]
    uplink = start(on_devices=lists.append, health=lambda: health)
    wait(lambda: lists and web.health, 8)
    assert lists[0]["devices"] == [{"device_id": "A"}]
    assert web.health[0]["devices"][0]["state"] == "receiving"
    asked = web.asked
    web.announce_change()
    wait(lambda: web.asked > asked)
    assert uplink.connected
