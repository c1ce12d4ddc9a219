"""The simulated devices of the further families against our own codecs, over a real socket."""

import asyncio

import pytest

from device_bridge.clocks import now
from device_bridge.drivers.base import CodecOptions, Fault, Observation, Send
from device_bridge.drivers.registry import get_driver
from device_bridge.simulators.base import SimulatorSettings
from device_bridge.simulators.registry import SIMULATORS


async def talk(name, wanted, seconds=8.0):
    """Run a codec against the simulator until `wanted` values have come; gives observations, faults, counted."""
    driver = get_driver(name)
    device = SIMULATORS[name](SimulatorSettings("127.0.0.1", 0, interval_s=0.2, case_clock_s=1000))
    await device.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", device.port)
    codec = driver.codec(CodecOptions())
    seen, faults = [], []
    pending = codec.opened(now())
    deadline = asyncio.get_running_loop().time() + seconds
    while len(seen) < wanted and asyncio.get_running_loop().time() < deadline:
        for one in pending:
            if isinstance(one, Send):
                assert driver.checker(one.payload) is None
                writer.write(one.payload)
            elif isinstance(one, Observation):
                seen.append(one)
            elif isinstance(one, Fault):
                faults.append(one)
        try:
            data = await asyncio.wait_for(reader.read(4096), 0.1)
        except TimeoutError:
            data = b""
        pending = (codec.feed(data, now()) if data else []) + codec.poll(now())
    writer.close()
    await asyncio.sleep(0.3)
    await device.stop()
    return seen, faults, device.counted.sent


@pytest.mark.parametrize(("name", "codes"), [
    ("intellivue_rs232", {"HR", "SpO2", "Ppeak", "T1"}),
    ("medibus", {"Ppeak", "TVe", "MV", "FiO2", "EtCO2", "EtSEV"}),
    ("medibus_x", {"Ppeak", "TVe", "HR"}),
    ("astm", {"pH", "pCO2", "K", "Lac", "tHb"}),
])  # fmt: skip
def test_a_simulated_device_is_understood(name, codes):
    seen, faults, counted = asyncio.run(talk(name, wanted=9))
    assert codes <= {one.code for one in seen if one.value is not None}
    assert faults == []
    assert counted
