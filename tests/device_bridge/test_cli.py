"""The command line as its users meet it."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from device_bridge.cli import main
from device_bridge.drivers.mindray_pds import encoder as mindray
from device_bridge.drivers.mindray_pds.encoder import Numeric
from device_bridge.drivers.registry import DRIVERS
from device_bridge.tools import address, capture, transport_argument

ROOT = Path(__file__).resolve().parents[2]


def launch(*arguments, **more):
    return subprocess.Popen(
        [sys.executable, "-m", "device_bridge", *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )


def port_of(process):
    line = process.stdout.readline()
    assert line.startswith("listening "), line
    return int(line.rsplit(":", 1)[1])


def test_decode_prints_one_json_a_line(tmp_path, capsys):
    file = tmp_path / "a.bin"
    rows = [
        Numeric("101", "HR", "2101", "60"),
        Numeric("105", "ST", "2101", "-100"),
        Numeric("254", "O", "2106", "160"),
    ]
    at = datetime(2026, 3, 1, 9, 30, 0, tzinfo=UTC)
    file.write_bytes(mindray.periodic(rows) + mindray.aperiodic([Numeric("170", "Sys", "2105", "120")], at))
    assert main(["decode", "--driver", "mindray_pds", str(file)]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(one["code"], one["value"], one["unit"], one["quality"]) for one in lines] == [
        ("HR", 60.0, "/min", "good"),
        ("FiO2", 160.0, "%", "out_of_range+unit_suspect"),
        ("NIBP_S", 120.0, "mmHg", "good"),
    ]
    assert set(lines[0]) == {"time", "code", "value", "unit", "quality"}
    assert lines[2]["time"] == "2026-03-01T09:30:00+08:00"
    assert main(["decode", "--driver", "mindray_pds", "--all", "--tz", "UTC", str(file)]) == 0
    every = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    absent = [one for one in every if one["code"] == "ST_I"]
    assert [(one["value"], one["quality"]) for one in absent] == [(None, "invalid")]
    assert every[-1]["time"] == "2026-03-01T09:30:00+00:00"


@pytest.mark.parametrize("driver", sorted(DRIVERS))
@pytest.mark.parametrize("content", [b"", b"\x00" * 1000, b"\xff\xfe\x0b\x1c\x7e" * 999, "设备".encode("gb18030") * 50])
def test_decode_takes_any_file(tmp_path, capsys, driver, content):
    file = tmp_path / "x"
    file.write_bytes(content)
    assert main(["decode", "--driver", driver, str(file)]) == 0
    out = capsys.readouterr()
    assert out.out == ""
    assert "观测值 0 个" in out.err


def test_mistakes_are_told_in_chinese(capsys, tmp_path):
    assert main(["decode", "--driver", "nope", "x"]) == 2
    assert "未知驱动" in capsys.readouterr().err
    assert main(["decode", "--driver", "ge_dri", str(tmp_path / "absent")]) == 2
    assert "错误" in capsys.readouterr().err
    assert main(["decode", "--driver", "ge_dri", "--tz", "Mars/Base", __file__]) == 2


def test_drivers_are_listed(capsys):
    assert main(["drivers"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in DRIVERS)


def test_addresses():
    assert address("127.0.0.1:4601") == ("127.0.0.1", 4601)
    with pytest.raises(ValueError, match="HOST:PORT"):
        address("4601")
    assert transport_argument('{"kind": "udp", "port": 9101}') == {"kind": "udp", "port": 9101}


# Those that answer a request; the others print, or come to the bridge, by themselves.
ASKED = ("mindray_pds", "ge_dri", "medibus", "intellivue_rs232", "bis", "servo_cie", "hamilton", "pb840")


@pytest.mark.parametrize("driver", ASKED)
def test_a_simulator_stays_silent_without_the_request(driver):
    process = launch("simulate", "--driver", driver, "--listen", "127.0.0.1:0")
    try:
        with socket.create_connection(("127.0.0.1", port_of(process)), timeout=3) as line:
            time.sleep(1.2)
            line.setblocking(False)
            try:
                heard = line.recv(100_000)
            except BlockingIOError:
                heard = b""
        assert b"|204|" not in heard
        assert driver == "mindray_pds" or heard == b""  # whose heartbeat goes on by itself
    finally:
        process.terminate()
        assert process.wait(5) == 0
        process.communicate()


@pytest.mark.parametrize(("driver", "place"), [("aeonmed", "--listen"), ("bis", "--to")])
def test_a_simulator_says_which_side_it_is_on(driver, place, capsys):
    assert main(["simulate", "--driver", driver, place, "127.0.0.1:45"]) == 2
    assert "HOST:PORT" in capsys.readouterr().err


def test_mindray_simulator_hangs_up_without_heartbeat():
    process = launch("simulate", "--driver", "mindray_pds", "--listen", "127.0.0.1:0")
    try:
        with socket.create_connection(("127.0.0.1", port_of(process)), timeout=6) as line:
            line.sendall(mindray.query(datetime(2026, 1, 1, tzinfo=UTC), 1))
            began, heard = time.monotonic(), b""
            while chunk := line.recv(65_536):
                heard += chunk
        assert 2.5 < time.monotonic() - began < 5
        assert b"|204|" in heard
    finally:
        process.terminate()
        process.communicate(timeout=5)


def test_replay_and_capture_give_the_file_back(tmp_path):
    original = tmp_path / "original.bin"
    original.write_bytes(mindray.periodic([Numeric("101", "HR", "2101", "60")]) * 50)
    process = launch("replay", original, "--driver", "mindray_pds", "--listen", "127.0.0.1:0", "--speed", 100)
    copy = tmp_path / "copy.bin"
    try:
        port = port_of(process)

        async def record():
            with copy.open("wb") as out:
                return await capture(transport_argument(f"127.0.0.1:{port}"), out, 1.5, asyncio.Event())

        assert asyncio.run(record()) == original.stat().st_size
    finally:
        process.terminate()
        process.communicate(timeout=5)
    assert copy.read_bytes() == original.read_bytes()


# -- the whole way ---------------------------------------------------------------------------------------


def sent_list(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def start_bridge(web, tmp_path):
    token = tmp_path / "token"
    token.write_text("right\n")
    return launch("run", "--url", web.url, "--token-file", token, "--bridge", "b1", "--spool", tmp_path / "spool")


def wait(condition, seconds=15.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


@pytest.fixture
def rooms(web, tmp_path):
    """Two simulated devices, one over TCP and one over a raw serial server, and their lists of what they sent."""
    lists = {"MR": tmp_path / "mr.jsonl", "GE": tmp_path / "ge.jsonl"}
    common = ["--listen", "127.0.0.1:0", "--nibp-every", 3, "--case-clock", 1000]
    processes = [
        launch("simulate", "--driver", "mindray_pds", "--count-file", lists["MR"], *common, "--interval", 0.25),
        launch("simulate", "--driver", "ge_dri", "--count-file", lists["GE"], *common),
    ]
    ports = [port_of(process) for process in processes]
    web.devices = [
        {
            "device_id": "MR",
            "driver": "mindray_pds",
            "transport": {"kind": "tcp_client", "host": "127.0.0.1", "port": ports[0]},
        },
        {
            "device_id": "GE",
            "driver": "ge_dri",
            "transport": {"kind": "serial_url", "url": f"socket://127.0.0.1:{ports[1]}", "baudrate": 19200},
            "options": {"interval_s": 1},
        },
    ]
    yield lists
    for process in processes:
        process.terminate()
        process.communicate(timeout=5)


def polite_end(process):
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    return err


def cuff_key(reading):
    return reading[0].startswith("NIBP")


@pytest.mark.reliability
def test_everything_sent_arrives_exactly_once_with_the_web_process_away_in_between(web, rooms, tmp_path):
    bridge = start_bridge(web, tmp_path)
    wait(lambda: web.readings("MR") and web.readings("GE"))
    web.stop()
    time.sleep(3)
    web.start()
    wait(lambda: len(web.auth) >= 2)
    time.sleep(2)
    errors = polite_end(bridge)
    # what the bridge had read but not delivered is still in its spool: a second run delivers it
    second = start_bridge(web, tmp_path)
    time.sleep(4)
    polite_end(second)
    third = start_bridge(web, tmp_path)
    time.sleep(2)
    polite_end(third)
    assert web.changed_content == []
    for device in ("MR", "GE"):
        sent = [(one["code"], one["value"]) for one in sent_list(rooms[device])]
        got = [(code, value) for code, _, value in web.readings(device)]
        assert len(got) > 30
        missing = len(sent) - len(got)
        # a value handed to the network at the very moment of a stop may not have been read: one round a stop
        assert 0 <= missing <= 3 * 30, (device, len(sent), len(got))
        moments = [(code, at) for code, at, _ in web.readings(device)]
        assert len(moments) == len(set(moments)), "the same moment twice"
        cuffs = [reading for reading in web.readings(device) if cuff_key(reading)]
        assert cuffs
        assert len(cuffs) == len(set(cuffs))
    assert "Traceback" not in errors
    assert "PATIENT" not in errors


@pytest.mark.reliability
@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is a POSIX word")
def test_kill_9_of_the_bridge(web, rooms, tmp_path):
    for _ in range(3):
        bridge = start_bridge(web, tmp_path)
        before = len(web.stored)
        wait(lambda before=before: len(web.stored) > before + 4)
        bridge.send_signal(signal.SIGKILL)
        bridge.communicate()
    bridge = start_bridge(web, tmp_path)
    time.sleep(3)
    polite_end(bridge)
    assert web.changed_content == []
    sequences = [batch.seq for batch in web.batches()]
    assert sorted(sequences) == list(range(1, len(sequences) + 1)), "nothing skipped, nothing renumbered"
    for device in ("MR", "GE"):
        moments = [(code, at) for code, at, _ in web.readings(device)]
        assert len(moments) == len(set(moments))


def test_bridge_starts_from_its_own_list_when_the_web_process_is_away(web, rooms, tmp_path):
    bridge = start_bridge(web, tmp_path)
    wait(lambda: web.readings("MR"))
    polite_end(bridge)
    before = len(sent_list(rooms["MR"]))
    web.stop()
    again = start_bridge(web, tmp_path)
    wait(lambda: len(sent_list(rooms["MR"])) > before + 20)
    polite_end(again)
    web.start()


def test_several_devices_of_one_patient_in_one_process():
    process = launch("simulate", "--driver", "masimo", "--listen", "127.0.0.1:0", "--also", "nellcor=127.0.0.1:0",
                     "--seed", "4", "--case-clock", "900")  # fmt: skip
    try:
        lines = []
        for port in (port_of(process), port_of(process)):
            with socket.create_connection(("127.0.0.1", port), 5) as line:
                lines.append(line.recv(400).decode())
    finally:
        process.terminate()
        process.communicate(timeout=10)
    assert "SPO2=" in "".join(lines)
    assert "N-595" in "".join(lines)
    assert main(["simulate", "--driver", "masimo", "--listen", "127.0.0.1:0", "--also", "ihe_pcd01=127.0.0.1:1"]) == 2
    assert main(["simulate", "--driver", "masimo", "--listen", "127.0.0.1:0", "--also", "absent=127.0.0.1:1"]) == 2
