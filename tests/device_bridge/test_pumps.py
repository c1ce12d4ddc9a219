"""Infusion pumps: read only, off until somebody allows it, and never a command that changes anything."""

import asyncio
import time

import pytest

from device_bridge.drivers.alaris_pump import encoder as alaris
from device_bridge.drivers.alaris_pump.framing import crc, frame
from device_bridge.drivers.base import Alarm, Clocks, CodecOptions, DeviceInfo, Fault, Send
from device_bridge.drivers.fresenius_pump import encoder as fresenius
from device_bridge.drivers.fresenius_pump.framing import check_digits
from device_bridge.drivers.fresenius_pump.framing import frame as fresenius_frame
from device_bridge.drivers.registry import DRIVERS, get_driver
from device_bridge.session import DeviceSession
from device_bridge.spool import Spool
from device_bridge.wire import DeviceConfig, Quality
from tests.device_bridge.drivers_common import AT, by_code, found, in_pieces, sends

PUMPS = ("fresenius_pump", "alaris_pump")


def talk(name, answer, seconds=20.0, **options):
    """Let a codec speak with `answer(question) -> bytes | None`; gives all outputs and all questions."""
    codec = get_driver(name).codec(CodecOptions(values={"read_pump": True, **options}))
    out, asked, now = codec.opened(Clocks(0, 0.0)), [], 0.0
    fresh = out
    while now < seconds:
        questions = sends(fresh)
        asked += questions
        now += 0.1
        fresh = []
        for question in questions:
            reply = answer(question)
            if reply:
                fresh += codec.feed(reply, Clocks(int(now * 1000), now))
        fresh += codec.poll(Clocks(int(now * 1000), now))
        out += fresh
    return out, asked


def test_published_checks():
    assert crc(b"INST_SERIALNO") == b"457D"
    assert crc(b"INF_RATE^0.10^ml/h") == b"D407"
    assert check_digits(b"0DC") == b"%02X" % (0xFF - (sum(b"0DC") & 0xFF))


def test_alaris_dialogue():
    out, asked = talk("alaris_pump", lambda question: alaris.answer(question, 5.5, 12.345))
    assert found(out) == {"PUMP1_RATE": 5.5, "PUMP1_VOL": 12.345}
    assert DeviceInfo({"serial": "8002-51740"}) in out
    assert asked[:3] == [b"!INST_SERIALNO|457D\r", b"!INF_RATE|8E6D\r", b"!INF_VI|B42C\r"]
    assert 10 < len(asked) < 30, "two questions every two seconds"
    assert found(talk("alaris_pump", lambda question: alaris.answer(question, 1, 2), pump=3)[0]) == {
        "PUMP3_RATE": 1,
        "PUMP3_VOL": 2,
    }


def test_alaris_never_guesses(decode):
    assert found(decode("alaris_pump", frame(b"INF_RATE^^ml/h"))) == {}
    assert by_code(decode("alaris_pump", frame(b"INF_RATE^5.5")))["PUMP1_RATE"].quality & Quality.UNIT_SUSPECT
    assert by_code(decode("alaris_pump", frame(b"INF_RATE^5.5^mcg/min")))["PUMP1_RATE"].quality & Quality.UNIT_SUSPECT
    assert decode("alaris_pump", frame(b"INF_RATE^5.5^ml/h").replace(b"5.5", b"9.5")) == [Fault("checksum")]
    assert found(in_pieces("alaris_pump", b"!INF_\x1b" + alaris.answers(2, 3), 5)) == {"PUMP1_RATE": 2, "PUMP1_VOL": 3}


def rack(pumps):
    def answer(question):
        return fresenius.answer(question[1:-3], pumps) if question[:1] == b"\x02" else None

    return answer


def test_fresenius_rack_with_two_modules():
    out, asked = talk("fresenius_pump", rack({2: (12.5, 3.25), 5: (0.0, 49.999)}))
    assert found(out) == {"PUMP2_RATE": 12.5, "PUMP2_VOL": 3.25, "PUMP5_RATE": 0, "PUMP5_VOL": 49.999}
    assert DeviceInfo({"modules": "2,5"}) in out
    commands = {one[1:-3] for one in asked if one[:1] == b"\x02"}
    assert commands == {b"0DC", b"0LE;b", b"2DC", b"2LE;draem", b"5DC", b"5LE;draem"}
    assert all(one.after_commit for one in out if isinstance(one, Send) and one.payload == b"\x06")


def test_fresenius_single_pump_alarm_and_line_monitor():
    def answer(question):
        if question[:1] != b"\x02":
            return None
        return fresenius.values(5.0, 1.5, None, alarm=0x12) + b"\x05" if question[1:3] == b"LE" else fresenius.done()

    out, asked = talk("fresenius_pump", answer, 6.0, layout="single", pump=4)
    assert found(out) == {"PUMP4_RATE": 5.0, "PUMP4_VOL": 1.5}
    assert b"\x14" in asked, "the pump's enquiry is answered"
    assert next(one.alarm.code for one in out if isinstance(one, Alarm)) == "PUMP4_a12"


def test_a_place_that_no_rack_has_is_a_fault(decode):
    out = decode("fresenius_pump", fresenius.values(12.5, 3.25, 9))
    assert Fault("pump_number", "9") in out
    assert found(out) == {}


def test_fresenius_damage_errors_and_silence():
    line = fresenius.values(12.5, 3.25)
    for place in range(1, len(line) - 1):
        hurt = bytearray(line)
        hurt[place] ^= 1
        assert not found(in_pieces("fresenius_pump", bytes(hurt), 50)), place
    assert Fault("error_answer", "0D") in in_pieces("fresenius_pump", fresenius_frame(b"1I;0D"), 50)
    assert found(in_pieces("fresenius_pump", line[:9] + b"\x05" + line[9:], 3)) == {
        "PUMP1_RATE": 12.5,
        "PUMP1_VOL": 3.25,
    }
    out, asked = talk("fresenius_pump", lambda question: None, 60.0)
    assert set(asked) == {fresenius_frame(b"0DC"), fresenius_frame(b"0LE;b")}
    assert len(asked) < 35, "no haste"
    assert Fault("no_answer") in out


@pytest.mark.parametrize("name", PUMPS)
def test_a_pump_is_left_alone_until_it_is_allowed(name, tmp_path):
    driver = DRIVERS[name]
    assert driver.refusal({})
    assert driver.refusal({"read_pump": "1"}), "only an explicit yes counts"
    assert driver.refusal({"read_pump": True}) is None
    codec = driver.codec(CodecOptions())
    out = codec.opened(AT)
    for tick in range(300):
        now = Clocks(AT.wall_ms + tick * 100, AT.mono_s + tick / 10)
        out += codec.poll(now) + codec.feed(b"\x05" + fresenius.values(1, 1) + alaris.answers(1, 1), now)
    assert not sends(out)

    class Untouched:
        many = False
        connected = 0

        async def connect(self):
            self.connected += 1
            raise OSError

        async def close(self):
            return None

    async def run(options):
        endpoint, spool = Untouched(), Spool(tmp_path / str(len(options)), "b")
        config = DeviceConfig("PUMP", name, {"kind": "serial", "port": "x"}, options=options)
        session = DeviceSession(config, driver, endpoint, spool)
        task = asyncio.create_task(session.run())
        end = time.monotonic() + 0.2
        while time.monotonic() < end and not endpoint.connected:
            await asyncio.sleep(0.01)
        task.cancel()
        health = session.health()
        await asyncio.to_thread(spool.close)
        return endpoint.connected, health.detail

    connected, detail = asyncio.run(run({}))
    assert (connected, "默认关闭" in detail) == (0, True)
    assert asyncio.run(run({"read_pump": True}))[0] == 1
