"""Real processes on the loopback for tests: start, wait until they answer, kill one, end them all by id."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FONT_STORE = ROOT / ".venv" / "test-fonts"


def free_port() -> int:
    """A loopback port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], bool], seconds: float, what: str, pause: float = 0.1) -> float:
    """Wait for a condition; returns the seconds it took. Raises `AssertionError` naming what did not happen."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        if condition():
            return time.monotonic() - began
        time.sleep(pause)
    raise AssertionError(f"{what} did not happen within {seconds} s")


class Installation:
    """A temporary installation: its folder, settings, ports and processes."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.port, self.mllp_port, self.his_port = free_port(), free_port(), free_port()
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("MAFEI_")},
            "MAFEI_INSTANCE_DIR": str(folder),
            "MAFEI_PORT": str(self.port),
            "MAFEI_MLLP_PORT": str(self.mllp_port),
            "MAFEI_HIS_PORT": str(self.his_port),
            "FLASK_APP": "wsgi",
            "PYTHONUNBUFFERED": "1",
            **{f"MAFEI_{name.upper()}": value for name, value in settings.items()},
        }
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        self._commands: dict[str, list[str]] = {}

    @property
    def url(self) -> str:
        """Address of the web process."""
        return f"http://127.0.0.1:{self.port}"

    def run(self, *arguments: str) -> str:
        """Run a command of ours to its end; its output. Raises `AssertionError` with that output when it fails."""
        done = subprocess.run(
            [sys.executable, *arguments], cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def prepare(self) -> None:
        """Fonts (kept between runs), schema, dictionaries, demonstration hospital."""
        self.prepare_bare()
        self.run("-m", "flask", "demo", "load")

    def prepare_bare(self) -> None:
        """Fonts, schema and dictionaries without a demonstration."""
        FONT_STORE.mkdir(parents=True, exist_ok=True)
        self.run("-m", "printing.fonts", "--instance", str(FONT_STORE))
        fonts = self.folder / "fonts"
        if not fonts.exists():
            fonts.symlink_to(FONT_STORE / "fonts")
        self.run("-m", "flask", "db", "upgrade")
        self.run("-m", "flask", "setup", "basics")

    def start(self, name: str, *arguments: str) -> None:
        """Start a process of ours under a name; its output goes to `<name>.log` in the folder."""
        self._commands[name] = [sys.executable, *arguments]
        log = (self.folder / f"{name}.log").open("ab")
        self.children[name] = subprocess.Popen(
            self._commands[name],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        log.close()

    def start_web(self) -> None:
        """Start the web process and wait until it is ready."""
        self.start("web", "-m", "gunicorn", "--config", "deploy/gunicorn.py", "wsgi:app")
        wait_until(self.is_ready, 30, "the web process answering")

    def start_bridge(self, name: str = "bridge-1") -> None:
        """Start a device bridge that delivers to the web process."""
        token = str(self.folder / "bridge_token")
        spool = str(self.folder / "bridge")
        self.start("bridge", "-m", "device_bridge", "run", "--url", self.url, "--token-file", token, "--bridge", name,
                   "--spool", spool)  # fmt: skip

    def is_ready(self) -> bool:
        """Whether the web process answers and its database has a schema."""
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def kill(self, name: str) -> None:
        """kill -9 the whole group of one process."""
        child = self.children.pop(name)
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()

    def restart(self, name: str) -> None:
        """Start a killed process again as it was."""
        self.start(name, *self._commands[name][1:])

    def stop_all(self) -> None:
        """End what this installation started: a polite signal first, then kill -9, always by id."""
        for child in self.children.values():
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGTERM)
        deadline = time.monotonic() + 8
        for child in self.children.values():
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        self.children.clear()

    def log_of(self, name: str) -> str:
        """What a process has said."""
        return (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")
