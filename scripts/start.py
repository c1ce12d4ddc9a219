"""Prepare the instance (schema, basics, fonts, demonstration) and run every process. Called by run.sh."""

import argparse
import fcntl
import json
import os
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from app.core.errors import SettingsError  # noqa: E402
from app.core.settings import load_settings  # noqa: E402

SIMULATED = ("mindray_pds", "ge_dri", "medibus", "bis", "astm")
PORTS_FILE = ".simulator-ports.json"


def say(text: str) -> None:
    """One line of progress."""
    print(f"· {text}", flush=True)


def is_free(host: str, port: int) -> bool:
    """Whether the port can be listened on."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Some port of the loopback that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def hold(instance: Path) -> None:
    """Keep a second start off this instance for as long as the process runner lives: two bridges on one spool, or two
    migrations at once, would spoil it."""
    lock = os.open(instance / ".running", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"数据目录 {instance} 正由另一个麻沸使用。请先结束它，或用 --instance 指定另一个目录。")
    os.set_inheritable(lock, True)  # survives the exec of the runner; its children do not inherit it


def command(*arguments: str, environment: Mapping[str, str]) -> None:
    """Run a command of ours; a failure ends the start with its own words."""
    result = subprocess.run([sys.executable, *arguments], cwd=ROOT, env=dict(environment), check=False)
    if result.returncode:
        sys.exit(f"启动中止：{' '.join(arguments)} 没有成功（见上方信息）。")


def check_ports(options: argparse.Namespace, environment: Mapping[str, str]) -> tuple[int, int]:
    """Say in a sentence which port is taken. The interface ports move by themselves in a demonstration."""
    if not is_free(options.host, options.port):
        sys.exit(
            f"端口 {options.port} 已被其他程序占用。请换一个端口：./run.sh --port {options.port + 1}，"
            "或先结束占用它的程序。"
        )
    ports = []
    for variable, default in (("MAFEI_MLLP_PORT", 2575), ("MAFEI_HIS_PORT", 2576)):
        port = int(environment.get(variable, default))
        is_ours = variable == "MAFEI_MLLP_PORT" or options.simulators == "true"
        if is_ours and not is_free("127.0.0.1", port):
            if variable in environment or options.demo != "true":
                sys.exit(f"接口端口 {port} 已被占用。请设置 {variable}=其他端口 后再启动。")
            say(f"接口端口 {port} 已被占用，本次改用其他端口。")
            port = free_port()
        ports.append(port)
    return ports[0], ports[1]


def check_settings(environment: Mapping[str, str]) -> None:
    """A wrong setting is said before anything is made."""
    try:
        load_settings(environment)
    except SettingsError as error:
        sys.exit(f"麻沸没有启动：{error}")


def simulator_ports(instance: Path) -> tuple[dict[str, int], bool]:
    """Driver → port of its simulator, and whether they are other than at the last start. Kept while they are free, so
    that the registry of devices need not be told again."""
    file = instance / PORTS_FILE
    known = json.loads(file.read_text(encoding="ascii")) if file.exists() else {}
    ports = {
        name: known[name] if name in known and is_free("127.0.0.1", known[name]) else free_port() for name in SIMULATED
    }
    return ports, ports != known


def tell_registry(instance: Path, ports: Mapping[str, int], environment: Mapping[str, str]) -> None:
    """Point the registered devices of the demonstration at the simulators, then remember the ports."""
    words = [f"--port={driver}={port}" for driver, port in ports.items()]
    command("-m", "flask", "demo", "devices", *words, environment=environment)
    (instance / PORTS_FILE).write_text(json.dumps(ports), encoding="ascii")


def needs_preparation(instance: Path, key: str) -> bool:
    """Whether code that prepares the instance changed since the last start."""
    stamp = instance / ".prepared"
    return not stamp.exists() or stamp.read_text(encoding="ascii") != key


def preparation_key(demo: str) -> str:
    """Changes when migrations, dictionaries or the demonstration change."""
    parts = [*sorted((ROOT / "migrations" / "versions").glob("*.py")), *sorted((ROOT / "app").rglob("*.yaml"))]
    parts += [ROOT / "app" / "accounts" / "defaults.py"]
    newest = max((int(part.stat().st_mtime) for part in parts), default=0)
    return f"{len(parts)}-{newest}-{demo}"


def main() -> None:
    """Prepare, then become the process runner."""
    parser = argparse.ArgumentParser()
    for name in ("--instance", "--host", "--demo", "--simulators"):
        parser.add_argument(name, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--began", type=float, default=time.time())
    options = parser.parse_args()
    instance = Path(options.instance)
    instance.mkdir(parents=True, exist_ok=True)
    os.umask(0o077)
    hold(instance)
    mllp_port, his_port = check_ports(options, os.environ)
    ports, moved = simulator_ports(instance)
    environment = os.environ | {"MAFEI_MLLP_PORT": str(mllp_port), "MAFEI_HIS_PORT": str(his_port)}
    check_settings(environment)
    prepared = prepare(instance, options, environment)
    if options.demo == "true" and (moved or prepared):
        tell_registry(instance, ports, environment)
    named = {f"sim_{driver}": str(port) for driver, port in ports.items()}
    run(options, environment, {**named, "mllp_port": str(mllp_port), "his_port": str(his_port)})


def prepare(instance: Path, options: argparse.Namespace, environment: Mapping[str, str]) -> bool:
    """Fonts, schema, dictionaries, demonstration: only when something of it changed. Whether anything was done."""
    key = preparation_key(options.demo)
    if not needs_preparation(instance, key):
        return False
    say("准备打印字体（首次约 40 秒）……")
    command("-m", "printing.fonts", "--instance", str(instance), environment=environment)
    say("建立或升级数据库……")
    command("-m", "flask", "db", "upgrade", environment=environment)
    command("-m", "flask", "setup", "basics", environment=environment)
    if options.demo == "true":
        say("载入演示医院……")
        command("-m", "flask", "demo", "load", environment=environment)
    else:
        say_first_steps(instance)
    (instance / ".prepared").write_text(key, encoding="ascii")
    return True


def say_first_steps(instance: Path) -> None:
    """How a hospital makes its first accounts and rooms: without them nobody can sign in."""
    flask = f"MAFEI_INSTANCE_DIR={shlex.quote(str(instance))} .venv/bin/flask --app wsgi setup"
    say("正式使用：请在另一个终端建立第一批账户和手术间（已建立的不必重复，详见 docs/install.md）：")
    for words in (
        "user gly 系统管理员 --role system_admin",
        "user aqgly 安全管理员 --role security_admin",
        "user sjy 审计员 --role auditor",
        "room OR1 1号手术间",
    ):
        print(f"    {flask} {words}", flush=True)


def run(options: argparse.Namespace, environment: Mapping[str, str], ports: Mapping[str, str]) -> None:
    """Hand over to the process runner."""
    address = f"http://{'127.0.0.1' if options.host == '0.0.0.0' else options.host}:{options.port}"
    values = {"host": "127.0.0.1" if options.host == "0.0.0.0" else options.host, "port": str(options.port)}
    values |= {"instance": options.instance, **ports}
    skip = [] if options.simulators == "true" else ["sim", "director"]
    ready = f"\n麻沸已启动（用时 {{seconds}} 秒）：{address}\n"
    if options.demo == "true":
        ready += "演示账户：zhaoq 排班护士 · lim 麻醉医师 · wangf 巡回护士 · heyu 设备工程师 · xinxi 信息科 · admin 系统管理员\n"
        ready += "密码均为 Mafei-2026（PIN 2580）。按 Ctrl-C 结束全部进程。\n"
    arguments = [
        "scripts/run_processes.py",
        "--ready",
        ready,
        "--ready-url",
        f"{address}/readyz",
        "--began",
        str(options.began),
    ]
    for name, value in values.items():
        arguments += ["--set", f"{name}={value}"]
    for name in skip:
        arguments += ["--skip", name]
    os.chdir(ROOT)
    os.execve(sys.executable, [sys.executable, *arguments], dict(environment))


if __name__ == "__main__":
    main()
