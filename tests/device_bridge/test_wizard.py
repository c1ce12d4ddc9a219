"""The wizard names the family of what it hears, finds the line settings, and sends nothing by itself."""

import asyncio
import json
import os
import pty
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from device_bridge.drivers.base import Clocks
from device_bridge.drivers.ge_dri.encoder import Physiological, physiological_frame
from device_bridge.drivers.registry import DRIVERS
from device_bridge.recognise import beside, recognise
from device_bridge.simulators.ge_dri import fill
from device_bridge.simulators.patient import SimulatedPatient
from device_bridge.wire import DeviceConfig
from device_bridge.wizard import LINES, _worth_asking, hear, serial_candidates
from tests.device_bridge.lines import free_port, simulated

ROOT = Path(__file__).resolve().parents[2]
AT = Clocks(1_790_000_000_000, 10.0)
CAPTURES = [("ge_dri", "ge_dri"), ("mindray", "mindray_pds"), ("pcd01", "ihe_pcd01")]


def ge_line(seconds: int = 5) -> bytes:
    line = b""
    for second in range(seconds):
        record = Physiological(1_790_000_000 + second)
        fill(record, SimulatedPatient(1).values(1000 + second))
        line += physiological_frame([record], number=second, time=1_790_000_000 + second)
    return line


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "device_bridge", "listen", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_the_family_is_recognised_and_noise_is_not():
    line = ge_line()
    verdicts = recognise(DRIVERS.values(), [line[n : n + 200] for n in range(0, len(line), 200)], AT)
    assert verdicts[0].driver == "ge_dri"
    assert verdicts[0].is_recognised
    assert verdicts[0].score > 2 * verdicts[1].score
    assert not recognise(DRIVERS.values(), [os.urandom(4000)], AT)[0].is_recognised


@pytest.mark.parametrize(("folder", "driver"), CAPTURES)
def test_real_captures_are_recognised(folder, driver):
    place = ROOT.parent / "shared" / "data" / "devices" / folder
    files = sorted(path for path in place.glob("*") if path.is_file()) if place.is_dir() else []
    if not files:
        pytest.skip(f"REAL CAPTURES ARE NOT HERE: {place}")
    recognised = 0
    for path in files:
        data = DRIVERS[driver].prepare_file(path.read_bytes())
        best = recognise(DRIVERS.values(), [data], AT)[0]
        if best.is_recognised:
            assert best.driver == driver, path.name
            recognised += 1
    assert recognised


def test_values_stand_beside_their_bytes():
    (line,) = beside(DRIVERS["ge_dri"], [ge_line(1)], AT)
    left, _, right = line.partition("|")
    assert left.startswith("7e ")
    assert "心率(HR)=" in right


def test_a_line_is_heard_over_tcp_and_nothing_is_sent():
    server = socket.create_server(("127.0.0.1", 0))
    got: list[bytes] = []

    def serve() -> None:
        peer, _ = server.accept()
        peer.sendall(ge_line())
        peer.settimeout(10)
        got.append(peer.recv(100))

    thread = threading.Thread(target=serve)
    thread.start()
    host, port = server.getsockname()
    done = run("--connect", f"{host}:{port}", "--seconds", "1", "--device-id", "OR3-MON")
    thread.join(15)
    server.close()
    assert done.returncode == 0, done.stderr
    config = DeviceConfig.from_json(json.loads(done.stdout))
    assert (config.device_id, config.driver) == ("OR3-MON", "ge_dri")
    assert config.transport == {"kind": "tcp_client", "host": host, "port": port}
    assert "心率(HR)=" in done.stderr
    assert got == [b""], "the line was only listened to"


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo terminals")
def test_a_serial_line_is_heard():
    master, slave = pty.openpty()
    stop = threading.Event()

    def serve() -> None:
        while not stop.is_set():
            os.write(master, ge_line(1))
            time.sleep(0.2)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    done = run("--serial", os.ttyname(slave), "--seconds", "1.5", "--baud", "19200", "--parity", "N")
    stop.set()
    thread.join(2)
    assert done.returncode == 0, done.stderr
    transport = json.loads(done.stdout)["transport"]
    assert (transport["baudrate"], transport["parity"], transport["rtscts"]) == (19200, "N", True)


def test_all_usual_line_settings_are_tried_and_given_ones_kept():
    assert len(serial_candidates("COM3", {})) == len(LINES)
    assert {one["baudrate"] for one in serial_candidates("COM3", {"baudrate": 9600})} == {9600}


def test_each_family_is_asked_at_its_usual_line_settings_only():
    entries = serial_candidates("COM3", {})
    asked = {
        (one.name, entry["baudrate"], entry["parity"])
        for entry in entries
        for one in _worth_asking([DRIVERS[name] for name in ("mindray_pds", "ge_dri", "hamilton", "astm")], entry)
    }
    assert {one for one in asked if one[0] != "astm"} == {("ge_dri", 19200, "E"), ("hamilton", 38400, "N")}
    assert len([one for one in asked if one[0] == "astm"]) == len({(e["baudrate"], e["parity"]) for e in entries})
    assert all(_worth_asking([DRIVERS["ge_dri"]], entry) for entry in entries), "a named family is asked at any"


def test_a_silent_line_says_what_to_do():
    server = socket.create_server(("127.0.0.1", 0))
    host, port = server.getsockname()
    done = run("--connect", f"{host}:{port}", "--seconds", "0.3")
    server.close()
    assert done.returncode == 1
    assert "没有收到任何数据" in done.stderr


def test_a_machine_that_wants_a_greeting_is_spoken_to_until_it_tells():
    async def run():
        async with simulated("medibus") as machine:
            line = {"kind": "tcp_client", "host": "127.0.0.1", "port": machine.port}
            passages = []
            return passages, await hear(
                line, [DRIVERS["medibus"]], 1.0, ask=True, tell=lambda _: None, note=passages.append
            )

    passages, heard = asyncio.run(run())
    assert heard.best.driver == "medibus"
    assert len(passages) > 4, "all that was sent is in the log"
    assert not any(one.refused for one in passages)


@pytest.mark.parametrize("driver", ["hl7_bloodgas", "astm"])
def test_results_are_recognised_and_not_acknowledged(driver):
    """The wizard keeps nothing: an analyser that were told otherwise would never send the sample again."""

    async def run():
        port = free_port()
        line = {"kind": "tcp_listener", "host": "127.0.0.1", "port": port}
        if driver == "hl7_bloodgas":
            hearing = asyncio.create_task(hear(line, [DRIVERS[driver]], 1.5, ask=True, tell=lambda _: None))
            await asyncio.sleep(0.1)
            async with simulated(driver, port=port) as analyser:
                return await hearing, analyser.counted.sent
        async with simulated(driver) as analyser:
            line = {"kind": "tcp_client", "host": "127.0.0.1", "port": analyser.port}
            return await hear(line, [DRIVERS[driver]], 1.0, ask=True, tell=lambda _: None), analyser.counted.sent

    heard, delivered = asyncio.run(run())
    assert heard.best.driver == driver
    assert heard.best.parameters > 5
    assert delivered == 0
