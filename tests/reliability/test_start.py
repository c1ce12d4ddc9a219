"""`./run.sh` as a newcomer meets it: a taken port, wrong options, Ctrl-C."""

import fcntl
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import socketio

from app.demo import hospital
from benchmarks.web import Visitor
from tests.processes import ROOT, Installation, free_port, wait_until


def _run_sh(place: Installation, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["./run.sh", "--instance", str(place.folder), "--port", str(place.port), *arguments],
        cwd=ROOT,
        env=place.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def test_a_taken_port_is_said_in_a_sentence(tmp_path: Path) -> None:
    place = Installation(tmp_path / "instance")
    with socket.create_server(("127.0.0.1", place.port)):
        output, _ = _run_sh(place).communicate(timeout=60)
    assert f"端口 {place.port} 已被其他程序占用" in output
    assert f"./run.sh --port {place.port + 1}" in output
    assert "Traceback" not in output


def test_a_second_start_on_one_instance_is_refused(tmp_path: Path) -> None:
    """Two bridges on one spool number their batches twice."""
    place = Installation(tmp_path / "instance")
    place.folder.mkdir(parents=True, exist_ok=True)
    with (place.folder / ".running").open("w") as first:
        fcntl.flock(first, fcntl.LOCK_EX)
        output, _ = _run_sh(place).communicate(timeout=60)
    assert "正由另一个麻沸使用" in output
    assert "Traceback" not in output


def test_an_unknown_option_shows_the_options(tmp_path: Path) -> None:
    output, _ = _run_sh(Installation(tmp_path / "instance"), "--colour", "blue").communicate(timeout=60)
    assert "不认识的选项：--colour" in output
    assert "--no-simulators" in output


def test_a_wrong_setting_stops_the_start_with_a_sentence(tmp_path: Path) -> None:
    place = Installation(tmp_path / "instance", chart_interval_minutes="7")
    output, _ = _run_sh(place).communicate(timeout=120)
    assert "MAFEI_CHART_INTERVAL_MINUTES 只能是" in output
    assert "Traceback" not in output


def test_ctrl_c_ends_every_child(tmp_path: Path) -> None:
    place = Installation(tmp_path / "instance", demo="true")
    place.prepare()
    process = _run_sh(place)
    wait_until(place.is_ready, 60, "the web process answering")
    wait_until(lambda: len(_descendants(process.pid)) >= 9, 10, "every process of the Procfile")
    _figures_return_after_a_kill(place, process.pid)
    children = _descendants(process.pid)
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert "已结束。" in output
    wait_until(lambda: not any(_is_alive(child) for child in children), 5, "every child ending")


def test_without_demo_there_is_no_demonstration(tmp_path: Path) -> None:
    place = Installation(tmp_path / "instance", mllp_port=str(free_port()))
    place.prepare_bare()
    process = _run_sh(place, "--no-demo")
    try:
        wait_until(place.is_ready, 60, "the web process answering")
        wait_until(lambda: len(_descendants(process.pid)) >= 5, 10, "every process of the Procfile")
        names = {_command(child) for child in _descendants(process.pid)}
        assert not any(b"simulate" in name or b"his-simulator" in name for name in names)
    finally:
        os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=30)
    assert "演示账户" not in output


def _figures_return_after_a_kill(place: Installation, starter: int) -> None:
    """The web process dies; a page that was open gets figures again without anybody doing anything."""
    arrived: list[float] = []
    visitor = Visitor(place.port)
    visitor.sign_in("lim", hospital.PASSWORD)
    page = socketio.Client(reconnection_delay=0.5, reconnection_delay_max=1, handle_sigint=False)
    page.on("connect", lambda: page.emit("subscribe", {"topics": [f"device:{number}" for number in range(1, 6)]}))
    page.on("numeric", lambda _event: arrived.append(time.monotonic()))
    cookie = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
    page.connect(place.url, headers={"Cookie": cookie}, transports=["websocket"])
    try:
        wait_until(lambda: bool(arrived), 20, "figures of a simulated monitor")
        web = next(child for child in _descendants(starter) if b"gunicorn" in _command(child))
        os.kill(web, signal.SIGKILL)
        killed = time.monotonic()
        wait_until(lambda: not page.connected, 5, "the page losing its connection", pause=0.02)
        wait_until(lambda: arrived[-1] > killed + 0.5, 15, "figures coming again", pause=0.02)
        print(f"figures after {arrived[-1] - killed:.1f} s")
    finally:
        page.disconnect()


def _command(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    listing = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = [tuple(map(int, line.split())) for line in listing.splitlines()]
    queue = [pid]
    while queue:
        current = queue.pop()
        below = [child for child, parent in parents if parent == current]
        found += below
        queue += below
    return found


def _is_alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"
