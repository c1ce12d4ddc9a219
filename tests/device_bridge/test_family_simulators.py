"""Every simulated device against our own codec, over a real socket; whole lines and damaged ones."""

import asyncio
import json
import socket
import time
from collections import Counter
from dataclasses import replace
from itertools import product

import pytest

from device_bridge.clocks import now
from device_bridge.drivers.base import CodecOptions, DeviceInfo, Fault, Observation, Send
from device_bridge.drivers.passive.codec import PassiveCodec
from device_bridge.drivers.registry import DRIVERS, get_driver
from device_bridge.outbound import OutboundGate
from device_bridge.session import DeviceSession
from device_bridge.simulators.base import SimulatorSettings
from device_bridge.simulators.faults import FaultPlan, parse_faults
from device_bridge.simulators.registry import SIMULATORS
from device_bridge.spool import Spool
from device_bridge.transports.factory import make_endpoint
from device_bridge.wire import DeviceConfig

# What a device of each family is known by.
CODES = {
    "mindray_pds": {"HR", "SpO2", "NIBP_S"},
    "ihe_pcd01": {"HR", "SpO2", "NIBP_S", "EtCO2"},
    "ge_dri": {"HR", "SpO2", "EtCO2", "NIBP_S"},
    "medibus": {"Ppeak", "TVe", "MV", "FiO2", "EtCO2", "EtSEV"},
    "medibus_x": {"Ppeak", "TVe", "HR"},
    "astm": {"pH", "pCO2", "K", "Lac", "tHb"},
    "hl7_bloodgas": {"pH", "pCO2", "K", "Lac"},
    "intellivue_rs232": {"HR", "SpO2", "Ppeak", "T1"},
    "intellivue_udp": {"HR", "SpO2", "Ppeak", "T1"},
    "aeonmed": {"Ppeak", "MV", "TVe"},
    "edan_xml": {"HR", "SpO2", "EtCO2"},
    "biolight": {"HR", "SpO2", "NIBP_S"},
    "nuohe": {"CSI", "SQI"},
    "puke": {"CSI", "SQI"},
    "egos": {"rSO2"},
    "mingxi": {"rSO2_L", "rSO2_R"},
    "servo_cie": {"TVe", "MV", "Ppeak"},
    "hamilton": {"TVe", "Ppeak"},
    "pb840": {"TVe", "Ppeak", "PEEP"},
    "bis": {"BIS", "SQI", "EMG"},
    "masimo": {"SpO2", "PR", "PI"},
    "nellcor": {"SpO2", "PR"},
    "alaris_pump": {"PUMP1_RATE", "PUMP1_VOL"},
    "fresenius_pump": {"PUMP1_RATE", "PUMP3_VOL"},
}
DAMAGE = ("flip:0.0005", "cut:0.1", "lost:0.1", "twin:0.1")
OTHERWISE = {"passive", "sdc"}  # decodes nothing; speaks through the optional package (below)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Line:
    """A codec at the other end of a simulator: what it saw, and what the device says it has sent."""

    def __init__(self, name, tmp_path, **settings):
        self.name, self.driver, self.file = name, get_driver(name), tmp_path / f"{name}.jsonl"
        self.gate = OutboundGate(self.driver.checker, lambda passage: None)
        make = SIMULATORS[name]
        datagrams, port = self.driver.datagrams, free_port()
        probe = make(SimulatorSettings("127.0.0.1", 0))
        self.waits_here = not probe.is_server
        given = {"interval_s": 0.1, "case_clock_s": 1000, "nibp_every_s": 1.0, "count_file": self.file, **settings}
        self.device = make(SimulatorSettings("127.0.0.1", port if self.waits_here else 0, **given))
        self.datagrams, self.port = datagrams, port
        self.seen: list[Observation] = []
        self.faults: Counter[str] = Counter()
        self.infos: list[DeviceInfo] = []

    def _transport(self):
        if self.datagrams:
            here = self.port if self.waits_here else free_port()
            remote = {} if self.waits_here else {"remote_host": "127.0.0.1", "remote_port": self.device.port}
            return {"kind": "udp", "host": "127.0.0.1", "port": here, **remote}
        if self.waits_here:
            return {"kind": "tcp_listener", "host": "127.0.0.1", "port": self.port}
        return {"kind": "tcp_client", "host": "127.0.0.1", "port": self.device.port}

    async def run(self, is_enough, seconds):
        codec = self.driver.codec(CodecOptions(values={"read_pump": True}))
        if self.waits_here:
            endpoint = make_endpoint(self._transport())
            connecting = asyncio.create_task(endpoint.connect())
            await asyncio.sleep(0.05)
            await self.device.start()
        else:
            await self.device.start()
            endpoint = make_endpoint(self._transport())
            connecting = asyncio.create_task(endpoint.connect())
        connection = await connecting
        deadline = time.monotonic() + seconds
        await self._take(connection, codec.opened(now()))
        reading = asyncio.create_task(connection.read())
        while time.monotonic() < deadline and not is_enough(self):
            done, _ = await asyncio.wait({reading}, timeout=0.05)
            outputs = []
            if done:
                try:
                    data = reading.result()
                except (OSError, EOFError):
                    data = b""
                if not data:
                    break
                outputs = codec.feed(data, now())
                reading = asyncio.create_task(connection.read())
            await self._take(connection, outputs + codec.poll(now()))
        reading.cancel()
        await connection.close()
        await endpoint.close()
        await asyncio.sleep(0.05)
        await self.device.stop()

    async def _take(self, connection, outputs):
        for one in outputs:
            if isinstance(one, Send):
                cleared = self.gate.clear(one)
                assert cleared is not None
                await connection.write(cleared)
            elif isinstance(one, Observation):
                self.seen.append(one)
            elif isinstance(one, Fault):
                self.faults[one.kind] += 1

    @property
    def found(self):
        """Values that were decoded."""
        return [one for one in self.seen if one.value is not None]

    def sent(self):
        """(code, value) of everything the device says it has sent."""
        rows = [json.loads(line) for line in self.file.read_text(encoding="utf-8").splitlines()]
        return {(row["code"], round(row["value"], 2)) for row in rows}


def test_every_driver_has_a_simulator():
    assert set(SIMULATORS) == set(DRIVERS) == set(CODES) | OTHERWISE


def test_an_unknown_device_sends_bytes_that_are_kept_and_mean_nothing(tmp_path):
    line = Line("passive", tmp_path)
    heard = []
    feed = line.driver.codec(CodecOptions()).feed
    line.driver = replace(line.driver, codec=lambda options: Hearing(feed, heard))
    asyncio.run(line.run(lambda one: sum(map(len, heard)) > 200, 8.0))
    assert sum(map(len, heard)) > 200
    assert not line.seen


class Hearing(PassiveCodec):
    """The recorder's codec, and what it was fed."""

    def __init__(self, feed, heard):
        super().__init__(CodecOptions())
        self._feed, self._heard = feed, heard

    def feed(self, data, received):
        self._heard.append(data)
        return self._feed(data, received)


def test_a_simulated_sdc_device_is_subscribed_and_read(tmp_path):
    pytest.importorskip("sdc11073", reason="SDC WAS NOT SIMULATED: the optional package is not installed")
    file = tmp_path / "sent.jsonl"
    settings = SimulatorSettings("127.0.0.1", 0, interval_s=0.2, case_clock_s=1000, nibp_every_s=1.0, count_file=file)

    async def body():
        device = SIMULATORS["sdc"](settings)
        await device.start()
        spool = Spool(tmp_path, "b")
        config = DeviceConfig("SDC", "sdc", {"kind": "sdc", "url": device.address})
        session = DeviceSession(config, get_driver("sdc"), make_endpoint(config.transport), spool)
        task = asyncio.create_task(session.run())
        for _ in range(100):
            await asyncio.sleep(0.1)
            if session.health().frames > 8:
                break
        task.cancel()
        await asyncio.wait([task])
        await device.stop()
        raw = b"".join(spool.raw("SDC"))
        spool.close()
        return raw, session.health()

    raw, health = asyncio.run(body())
    assert health.bytes_out > 0
    seen = get_driver("sdc").codec(CodecOptions()).feed(raw, now())
    found = [one for one in seen if isinstance(one, Observation) and one.value is not None]
    assert {"HR", "SpO2", "EtCO2", "NIBP_S"} <= {one.code for one in found}
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    sent = {(row["code"], round(row["value"], 2)) for row in rows}
    assert [one for one in found if (one.code, round(one.value, 2)) not in sent] == []


def test_a_simulated_sdc_device_says_what_it_cannot_do(tmp_path):
    with pytest.raises(ValueError, match="不支持 --fault"):
        SIMULATORS["sdc"](SimulatorSettings("127.0.0.1", 0, faults=parse_faults(["noise:0.1"])))


@pytest.mark.parametrize("name", sorted(CODES))
def test_a_simulated_device_is_understood(name, tmp_path):
    """Simulator → real transport → codec: every value that is decoded is one that was sent, and nothing is a fault."""
    line = Line(name, tmp_path)
    asyncio.run(line.run(lambda one: CODES[name] <= {seen.code for seen in one.found}, 8.0))
    assert CODES[name] <= {one.code for one in line.found}
    assert not line.faults
    sent, codes = line.sent(), {code for code, _ in line.sent()}
    assert [one for one in line.found if one.code in codes and (one.code, round(one.value, 2)) not in sent] == []


def test_nothing_is_invented_on_a_bad_line(tmp_path):
    """Families with a checksum, each kind of damage, all at once: what is decoded was sent, and something is decoded."""
    lines = []
    for number, (name, plan) in enumerate(product(("bis", "ge_dri", "intellivue_rs232", "servo_cie"), DAMAGE)):
        folder = tmp_path / str(number)
        folder.mkdir()
        lines.append(Line(name, folder, faults=parse_faults([plan]), seed=3, interval_s=0.02))

    async def body():
        await asyncio.gather(*(line.run(lambda one: len(one.found) > 400, 6.0) for line in lines))

    asyncio.run(body())
    for line in lines:
        sent = line.sent()
        codes = {code for code, _ in sent}
        assert [one for one in line.found if one.code in codes and (one.code, round(one.value, 2)) not in sent] == []
    decoded = Counter(line.name for line in lines if line.found)
    assert set(decoded) == {"bis", "ge_dri", "intellivue_rs232", "servo_cie"}
    assert sum(decoded.values()) >= len(lines) - 3, "damage is not the end of a line"


def test_a_cable_that_is_out_and_in_again_is_switched_while_the_device_runs(tmp_path):
    switch = tmp_path / "faults.txt"
    switch.write_text("out", encoding="utf-8")
    line = Line("masimo", tmp_path, fault_file=switch)

    async def body():
        running = asyncio.create_task(line.run(lambda one: len(one.found) > 6, 8.0))
        await asyncio.sleep(0.6)
        assert line.found == []
        switch.write_text("", encoding="utf-8")
        await running

    asyncio.run(body())
    assert line.found


def test_a_jump_of_the_clock_is_in_the_times_of_the_device(tmp_path):
    line = Line("masimo", tmp_path, faults=FaultPlan(clock=-7200))
    asyncio.run(line.run(lambda one: len(one.found) > 3, 5.0))
    assert {round((time.time() * 1000 - one.time_ms) / 3_600_000) for one in line.found} == {2}


def test_a_device_that_restarts_drops_the_line(tmp_path):
    line = Line("bis", tmp_path, faults=FaultPlan(restart=0.5))
    began = time.monotonic()
    asyncio.run(line.run(lambda one: False, 6.0))
    assert time.monotonic() - began < 4


@pytest.mark.parametrize(("words", "complaint"), [
    (["smoke:1"], "不认识的故障"), (["noise:2"], "在 0 与 1 之间"), (["noise:much"], "应为数字"), (["restart:-1"], "不能为负"),
])  # fmt: skip
def test_a_wrong_fault_is_said_in_a_sentence(words, complaint):
    with pytest.raises(ValueError, match=complaint):
        parse_faults(words)
