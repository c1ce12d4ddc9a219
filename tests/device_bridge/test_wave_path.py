"""A curve on its whole way: asked of a simulated monitor, timed without seams, kept, delivered beside the numerics."""

import asyncio
from itertools import pairwise

from device_bridge.clock_policy import DeviceClock
from device_bridge.drivers.base import NO_SAMPLE, Clocks, Wave
from device_bridge.service import BridgeService, BridgeSettings
from device_bridge.simulators.base import SimulatorSettings
from device_bridge.simulators.ge_dri import GeMonitor
from device_bridge.wave_clock import WaveClock
from device_bridge.wire_waves import unpack_samples


def at(ms: int) -> Clocks:
    return Clocks(1_790_000_000_000 + ms, ms / 1000)


def place(clock: WaveClock, ms: int, claim: int | None = None, count: int = 25):
    return clock.place(Wave("PLETH", "%", 100.0, 0.01, (1,) * count, time_ms=claim), DeviceClock(), at(ms))


def test_jitter_makes_no_seam_and_a_break_stays_one():
    clock = WaveClock()
    starts = [place(clock, ms).start_ms - 1_790_000_000_000 for ms in (250, 510, 740, 1003, 6000)]
    assert starts == [0, 250, 500, 750, 5750]


def test_impossible_pieces_are_left_out():
    clock = WaveClock()
    assert place(clock, 250, count=0) is None
    assert clock.place(Wave("X", "", 0.0, 1.0, (1,)), DeviceClock(), at(0)) is None
    kept = clock.place(Wave("X", "", 10.0, 1.0, (1, 70_000, -3)), DeviceClock(), at(0))
    assert unpack_samples(kept.data, 3) == [1, NO_SAMPLE, -3]


def test_curves_travel_from_the_monitor_to_the_web(web, tmp_path):
    async def scene() -> None:
        monitor = GeMonitor(SimulatorSettings("127.0.0.1", 0))
        await monitor.start()
        web.devices = [
            {"device_id": "GE", "driver": "ge_dri", "options": {"interval_s": 1, "waves": ["PLETH", "ECG1"]},
             "transport": {"kind": "tcp_client", "host": "127.0.0.1", "port": monitor.port}},
        ]  # fmt: skip
        bridge = BridgeService(BridgeSettings(web.url, "right", "b", tmp_path))
        running = asyncio.create_task(bridge.run())
        for _ in range(300):
            await asyncio.sleep(0.05)
            if len(web.waves) >= 3 and web.readings("GE") and web.reports:
                break
        bridge.stop.set()
        await running
        await monitor.stop()

    asyncio.run(scene())
    pieces = [p for batch in web.waves for block in batch.blocks for p in block.pieces if p.code == "PLETH"]
    assert {p.code for b in web.waves for block in b.blocks for p in block.pieces} == {"PLETH", "ECG1"}
    assert all(
        abs(before.start_ms + before.count * 1000 / before.rate_hz - after.start_ms) <= 1
        for before, after in pairwise(pieces)
    ), "no seam between pieces"
    assert {code for code, _, _ in web.readings("GE")} >= {"HR", "SpO2"}
    (sent,) = web.reports[-1]["sent"]
    assert (sent["device"], sent["refused"]) == ("GE", 0)
    assert sent["bytes"] > 0
