"""Starts every process of the Procfile, prefixes their lines, and ends them all together. Standard library only."""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from shlex import split
from typing import IO

ROOT = Path(__file__).resolve().parents[1]
_GRACE_SECONDS = 8.0
_LOOK_EVERY = 0.1
# What has run for a while starts again at once: people look at live figures. What dies at its start waits.
_SETTLED_AFTER = 10.0
_RESTART_PAUSE = 2.0
_HEAD_START = 10.0
_print_lock = threading.Lock()


class Process:
    """One line of the Procfile, restarted when it dies."""

    def __init__(self, name: str, command: list[str], environment: dict[str, str], log: Path) -> None:
        self.name, self.command, self.environment, self.log = name, command, environment, log
        self.child: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0
        self.restarts = 0

    def start(self) -> None:
        """Start the child in a group of its own, so that Ctrl-C reaches it through us only."""
        self.started_at = time.monotonic()
        self.child = subprocess.Popen(
            self.command,
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        assert self.child.stdout is not None
        threading.Thread(target=self._copy, args=(self.child.stdout,), daemon=True).start()

    def _copy(self, stream: IO[bytes]) -> None:
        with self.log.open("ab") as file:
            for line in stream:
                file.write(line)
                file.flush()
                if b'"level": "error"' in line or not line.startswith(b"{"):
                    say(f"{self.name:<12}| {line.decode(errors='replace').rstrip()}")

    def has_ended(self) -> bool:
        """Whether the child is gone."""
        return self.child is not None and self.child.poll() is not None

    def signal(self, number: int) -> None:
        """Send a signal to the child's whole group."""
        if self.child is not None and self.child.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.child.pid, number)

    def end_group(self) -> None:
        """End what a dead child has left behind: a worker without its master would keep the port."""
        if self.child is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.child.pid, signal.SIGKILL)


def say(text: str) -> None:
    """Print a line whole, also when several threads speak."""
    with _print_lock:
        print(text, flush=True)


def read_procfile(path: Path, values: dict[str, str], skip: set[str]) -> dict[str, list[str]]:
    """Name → command of every line that is not skipped."""
    commands = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        name, _, command = line.partition(":")
        if not any(name == word or name.startswith(f"{word}-") for word in skip):
            commands[name.strip()] = [part.format(**values) for part in split(command)]
    return commands


class Opening:
    """Says that the installation is open when the web process answers, and not before."""

    def __init__(self, url: str, text: str, began: float) -> None:
        self._url, self._text, self._began, self._said = url, text, began, False

    def wait(self, stop: threading.Event, is_over: Callable[[], bool]) -> None:
        """Return when the web process answers, when a signal comes, or when `is_over`."""
        while not (self._said or is_over() or stop.wait(0.05)):
            with contextlib.suppress(OSError), urllib.request.urlopen(self._url, timeout=2):
                self._said = True
                say(self._text.replace("{seconds}", f"{time.time() - self._began:.1f}"))


def run(processes: list[Process], opening: Opening) -> int:
    """Run until a signal comes. A child that dies is started again; one that dies at once five times ends all.

    The first, the web process, has the processors for itself until it answers: a person waits for it.
    """
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    web, *others = processes
    web.start()
    opening.wait(stop, lambda: web.has_ended() or time.monotonic() - web.started_at > _HEAD_START)
    for process in others:
        process.start()
    threading.Thread(target=opening.wait, args=(stop, lambda: False), daemon=True).start()
    code = 0
    while not stop.wait(_LOOK_EVERY):
        for process in processes:
            if process.has_ended():
                code = _restart(process)
                if code:
                    stop.set()
    _end(processes)
    return code


def _restart(process: Process) -> int:
    assert process.child is not None
    returned = process.child.returncode
    has_settled = time.monotonic() - process.started_at >= _SETTLED_AFTER
    process.restarts = 0 if has_settled else process.restarts + 1
    if process.restarts >= 5:
        say(f"{process.name} 反复退出（返回码 {returned}），已停止全部进程。日志：{process.log}")
        return 1
    when = "立即" if has_settled else f" {_RESTART_PAUSE:.0f} 秒后"
    say(f"{process.name} 已退出（返回码 {returned}），{when}重新启动。")
    process.end_group()
    if not has_settled:
        time.sleep(_RESTART_PAUSE)
    process.start()
    return 0


def _end(processes: list[Process]) -> None:
    say("正在结束全部进程……")
    for process in reversed(processes):
        process.signal(signal.SIGTERM)
    deadline = time.monotonic() + _GRACE_SECONDS
    while time.monotonic() < deadline and not all(process.has_ended() for process in processes):
        time.sleep(0.1)
    for process in processes:
        process.signal(signal.SIGKILL)
    for process in processes:
        if process.child is not None:
            process.child.wait()
    say("已结束。")


def main() -> int:
    """Parse the options of run.sh and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--procfile", type=Path, default=ROOT / "Procfile")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--skip", action="append", default=[], metavar="NAME")
    parser.add_argument("--ready", default="", help="text printed once the web process answers")
    parser.add_argument("--ready-url", required=True, help="address that answers when it does")
    parser.add_argument("--began", type=float, default=time.time(), help="when the start began, seconds since 1970")
    options = parser.parse_args()
    values = dict(pair.split("=", 1) for pair in options.set) | {"python": sys.executable}
    logs = Path(values["instance"]) / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    commands = read_procfile(options.procfile, values, set(options.skip))
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    processes = [Process(name, command, environment, logs / f"{name}.log") for name, command in commands.items()]
    return run(processes, Opening(options.ready_url, options.ready, options.began))


if __name__ == "__main__":
    sys.exit(main())
