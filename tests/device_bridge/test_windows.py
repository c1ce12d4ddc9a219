"""What a bedside PC with Windows does differently, shown without one: names of ports, a loop without signals and without
watched file descriptors, files that cannot be replaced while they are read, folders with Chinese names."""

import ast
import asyncio
import ctypes
import importlib
import json
import logging
import os
import re
import signal
import sqlite3
import sys
import types
from pathlib import Path

import pytest
import serial

from device_bridge import check, json_log
from device_bridge.normaliser import Reading
from device_bridge.service import BridgeService, BridgeSettings, load_devices
from device_bridge.spool import Received, Spool
from device_bridge.spool_raw import read_raw
from device_bridge.transports.base import TransportError
from device_bridge.transports.factory import make_endpoint
from device_bridge.wire import DeviceConfig

ROOT = Path(__file__).resolve().parents[2]
NOW = 1_790_000_000_000

# -- nothing that Windows has not -------------------------------------------------------------------------

POSIX_MODULES = {"fcntl", "termios", "tty", "pty", "pwd", "grp", "resource", "posix", "syslog", "readline", "spwd"}
POSIX_NAMES = {
    "os": {"fork", "forkpty", "openpty", "kill", "killpg", "getuid", "geteuid", "setuid", "setsid", "getpgid", "mkfifo",
           "uname", "sysconf", "nice", "chown", "statvfs", "getloadavg", "wait3", "wait4", "O_NOCTTY"},
    "signal": {"SIGKILL", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGCHLD", "SIGALRM", "alarm", "pause", "setitimer"},
    "socket": {"AF_UNIX", "SO_REUSEPORT", "TCP_USER_TIMEOUT", "MSG_DONTWAIT"},
    "time": {"tzset", "clock_gettime", "CLOCK_MONOTONIC"},
}  # fmt: skip
# methods of the loop that the loop of Windows refuses; allowed where the refusal is caught
REFUSED = {"add_reader", "remove_reader", "add_writer", "remove_writer", "add_signal_handler", "create_unix_server"}


def posix_only(source: str) -> list[str]:
    """Uses of what only POSIX has, but for those in a `try` that catches the refusal."""
    tree = ast.parse(source)
    guarded = {
        id(inner)
        for one in ast.walk(tree)
        if isinstance(one, ast.Try)
        and any("NotImplementedError" in ast.unparse(handler.type or ast.Constant("")) for handler in one.handlers)
        for statement in one.body
        for inner in ast.walk(statement)
    }
    found = []
    for one in ast.walk(tree):
        if isinstance(one, ast.Import):
            found += [alias.name for alias in one.names if alias.name in POSIX_MODULES]
        elif isinstance(one, ast.ImportFrom) and one.module:
            names = {alias.name for alias in one.names}
            found += [one.module] if one.module in POSIX_MODULES else []
            found += [f"{one.module}.{name}" for name in names & POSIX_NAMES.get(one.module, set())]
        elif isinstance(one, ast.Attribute) and id(one) not in guarded:
            owner = one.value.id if isinstance(one.value, ast.Name) else ""
            if one.attr in POSIX_NAMES.get(owner, set()) or one.attr in REFUSED:
                found.append(f"{owner}.{one.attr}")
        elif isinstance(one, ast.Call) and _opens_text_blindly(one):
            found.append(f"open without encoding, line {one.lineno}")  # there it would be GBK
    return found


def _opens_text_blindly(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name != "open" or any(keyword.arg == "encoding" for keyword in call.keywords):
        return False
    place = 1 if isinstance(call.func, ast.Name) else 0  # `open(path, mode)`, `path.open(mode)`
    mode = call.args[place] if len(call.args) > place else None
    is_file = isinstance(call.func, ast.Name) or isinstance(mode, ast.Constant)
    return is_file and not (isinstance(mode, ast.Constant) and "b" in str(mode.value))


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("import fcntl", ["fcntl"]),
        ("from os import fork", ["os.fork"]),
        ("import os\nos.kill(1, 2)", ["os.kill"]),
        ("import signal\nx = signal.SIGKILL", ["signal.SIGKILL"]),
        ("loop.add_reader(1, f)", ["loop.add_reader"]),
        ("try:\n  loop.add_signal_handler(1, f)\nexcept NotImplementedError:\n  pass", []),
        ("try:\n  loop.add_signal_handler(1, f)\nexcept OSError:\n  pass", ["loop.add_signal_handler"]),
        ("open('a')", ["open without encoding, line 1"]),
        ("getattr(socket, 'TCP_USER_TIMEOUT', None)", []),
    ],
)
def test_the_search_finds_what_it_should(source, told):
    assert posix_only(source) == told


def test_the_bridge_uses_nothing_that_windows_has_not():
    found = {
        str(path.relative_to(ROOT)): names
        for path in sorted((ROOT / "device_bridge").rglob("*.py"))
        if (names := posix_only(path.read_text(encoding="utf-8")))
    }
    assert found == {}


def test_text_files_are_read_and_written_as_utf_8():
    """Without an encoding Windows in China takes GBK."""
    bare = re.compile(r"\.(?:read_text|write_text)\((?![^\n]*encoding=)")
    assert not [path for path in (ROOT / "device_bridge").rglob("*.py") if bare.search(path.read_text("utf-8"))]


def test_the_small_lock_is_part_of_the_large_one():
    """A bedside PC needs a handful of packages, in the versions that the server was tested with."""
    pin = re.compile(r"^([a-z0-9._-]+==\S+)", re.MULTILINE)
    small, large = (
        set(pin.findall((ROOT / "requirements" / name).read_text("utf-8"))) for name in ("bridge.txt", "base.txt")
    )
    assert small
    assert small <= large
    names = {one.split("==")[0] for one in small}
    assert {"pyserial", "python-socketio", "websocket-client", "tzdata", "fastcrc"} <= names


def test_the_bridge_imports_only_what_the_small_lock_has():
    text = "\n".join(path.read_text("utf-8") for path in (ROOT / "device_bridge").rglob("*.py"))
    roots = set(re.findall(r"^\s*(?:import|from) ([a-z0-9_]+)", text, re.MULTILINE))
    optional = {"sdc11073"}
    assert roots - sys.stdlib_module_names - optional == {"device_bridge", "serial", "socketio", "fastcrc"}


# -- ports ------------------------------------------------------------------------------------------------


class Asked(Exception):
    """Carries the name under which the system was asked for a port."""


def as_windows(monkeypatch, create_file):
    """pyserial's own part for Windows, with its window to the system replaced."""
    system = types.SimpleNamespace(
        CreateFile=create_file, GENERIC_READ=1, GENERIC_WRITE=2, OPEN_EXISTING=3, FILE_ATTRIBUTE_NORMAL=4,
        FILE_FLAG_OVERLAPPED=8, INVALID_HANDLE_VALUE=-1,
    )  # fmt: skip
    monkeypatch.setitem(sys.modules, "serial.win32", system)
    monkeypatch.setattr(serial, "win32", system, raising=False)
    windows = importlib.import_module("serial.serialwin32")
    monkeypatch.setattr(windows, "win32", system)
    monkeypatch.setattr(serial, "Serial", windows.Serial)


@pytest.mark.parametrize(("port", "name"), [("COM3", "COM3"), ("COM10", "\\\\.\\COM10"), ("com27", "\\\\.\\com27")])
def test_ports_beyond_nine_get_their_long_name(monkeypatch, port, name):
    def create_file(path, *_):
        raise Asked(path)

    as_windows(monkeypatch, create_file)
    with pytest.raises(Asked) as asked:
        make_endpoint({"kind": "serial", "port": port, "baudrate": 187_500, "parity": "E"})._open()
    assert asked.value.args == (name,)


def test_a_busy_port_of_windows_is_told(monkeypatch):
    as_windows(monkeypatch, lambda *_: -1)
    monkeypatch.setattr(ctypes, "WinError", lambda: PermissionError(13, "Access is denied."), raising=False)
    with pytest.raises(TransportError, match="COM4：被其他程序占用"):
        asyncio.run(make_endpoint({"kind": "serial", "port": "COM4"}).connect())


def test_the_self_test_knows_whether_a_com_port_is_there(monkeypatch):
    monkeypatch.setattr(check, "serial_ports", lambda: [["COM3", "USB Serial Port"]])
    there, away = (
        "".join(p.detail for p in check._line({"kind": "serial", "port": n}, "down")) for n in ("com3", "COM12")
    )
    assert "存在但没有数据" in there
    assert "没有串口 COM12" in away
    assert "COM3" in away


# -- the loop ---------------------------------------------------------------------------------------------


class LikeProactor(asyncio.SelectorEventLoop):
    """Refuses in public what the loop of Windows refuses."""

    def add_signal_handler(self, *_):
        raise NotImplementedError

    add_reader = remove_reader = add_writer = remove_writer = add_signal_handler


def test_a_service_works_and_stops_in_a_loop_as_windows_has_it(tmp_path, monkeypatch):
    """Devices, an errand in its own process, and Ctrl-C (of a console event the same handler)."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    file = tmp_path / "录音.bin"
    file.write_bytes(b"anything")
    devices = tmp_path / "设备.json"
    config = DeviceConfig("A", "passive", {"kind": "replay", "path": str(file), "loop": True, "bytes_per_s": 100})
    devices.write_text("\ufeff" + json.dumps([config.to_json()]), encoding="utf-8")  # as Notepad saves it
    service = BridgeService(BridgeSettings("http://127.0.0.1:1", "t", "b", tmp_path / "缓存", devices))

    async def run():
        running = asyncio.create_task(service.run())
        async with asyncio.timeout(15):
            while not any(one.state == "receiving" for one in service.health()):
                await asyncio.sleep(0.02)
            service._errands.take([{"id": 1, "kind": "check", "request": {"device": config.to_json()}}])
            await asyncio.sleep(0.05)
            while service._errands.is_busy:
                await asyncio.sleep(0.05)
            event, told = service._errands.message()
            assert (event, bool(told["result"]["points"])) == ("errand_done", True)
            signal.raise_signal(signal.SIGINT)
            await running

    try:
        with asyncio.Runner(loop_factory=LikeProactor) as runner:
            runner.run(run())
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert (tmp_path / "缓存" / "spool.sqlite").exists()


def test_the_loop_of_windows_is_not_replaced():
    """Only the default loop of Windows can start processes (errands)."""
    text = "".join(path.read_text("utf-8") for path in (ROOT / "device_bridge").rglob("*.py"))
    assert "set_event_loop_policy" not in text


# -- files ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["采集 缓存", "C# 100% (1)", "a'b;c"])
def test_spools_in_folders_with_any_name(tmp_path, name):
    folder = tmp_path / name
    spool = Spool(folder, "床旁-1")
    spool.add(Received("D", NOW, b"bytes", [Reading("HR", NOW, 60.0, 0)])).result(5)
    assert [piece.data for piece in read_raw(folder / "spool.sqlite", ["D"], NOW - 1, NOW + 1)] == [b"bytes"]
    assert [point.name for point in check._disk(folder / "spool.sqlite")] == ["采集缓存"]
    spool.close()
    assert sqlite3.connect(folder / "spool.sqlite").execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_list_that_cannot_be_replaced_is_used_all_the_same(tmp_path, monkeypatch):
    """A virus scanner holds the old file: Windows refuses to replace it."""
    config = DeviceConfig("A", "passive", {"kind": "replay", "path": "/absent"})

    def refuse(*_):
        raise PermissionError(13, "The process cannot access the file because it is being used by another process")

    async def run():
        service = BridgeService(BridgeSettings("http://127.0.0.1:1", "t", "b", tmp_path))
        service._loop = asyncio.get_running_loop()
        monkeypatch.setattr(os, "replace", refuse)
        await asyncio.to_thread(service._devices_arrived, {"version": "1", "devices": [config.to_json()]})
        await asyncio.sleep(0.1)
        assert [one.device for one in service.health()] == ["A"]
        await service.apply([])
        service._spool.close()

    asyncio.run(run())
    assert load_devices(tmp_path / "devices.json") == []


def test_the_log_goes_on_when_its_file_cannot_be_moved(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "in use")

    monkeypatch.setattr(json_log, "_FILE_BYTES", 300)
    file = tmp_path / "日志" / "bridge.log"
    log, before = logging.getLogger("device_bridge"), list(logging.getLogger("device_bridge").handlers)
    try:
        json_log.set_up("INFO", file)
        monkeypatch.setattr(os, "rename", refuse)
        for number in range(10):
            log.info("connected", extra={"device": f"床 {number}"})
        assert len(file.read_text("utf-8").splitlines()) == 10
        monkeypatch.undo()
        monkeypatch.setattr(json_log, "_FILE_BYTES", 300)
        log.info("connected")
        assert len(list(file.parent.iterdir())) == 2, "it turns over as soon as it may"
    finally:
        for handler in log.handlers:
            handler.close()
        log.handlers[:] = before
