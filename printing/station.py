"""The print station: `python -m printing.station --instance DIR`.

It asks the web process for the next job, hands the PDF to the printer, and reports. It keeps a small journal on its own
disk, so that a station that dies between the printer and the report does not print the same job twice: what was handed
over is only reported at the next start; what broke off in between is left to a person, because the paper may be out.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

from app.core.errors import SettingsError
from app.core.logging import configure_logging
from app.core.settings import Settings, load_settings
from printing.outputs import KINDS, OutputError, PrintTask, output_for

_log = logging.getLogger("mafei.station")
_POLL_S = 2.0
_AWAY_S = 10.0
_TIMEOUT_S = 20.0
UNCERTAIN = "打印中途中断，不能确定是否已打出。请到打印机旁确认，再决定是否重新打印。"


class WebAway(Exception):
    """The web process does not answer, or does not answer as expected; the station waits and asks again."""


class TokenRefused(Exception):
    """The web process does not know the token; only a person can mend that."""


@dataclass(frozen=True, slots=True)
class WebChannel:
    """HTTP to the web process with the station token."""

    url: str
    token: str
    station: str

    def next_job(self) -> dict[str, Any] | None:
        """The next job or None. Raises `WebAway`, `TokenRefused`."""
        return self._post("/print-station/next", {"station": self.station})

    def report(self, job: int, attempt: int, digest: str, error: str = "", *, is_final: bool = False) -> None:
        """Tell how a job went; no error means it was printed. A job that is gone needs no report.

        Raises `WebAway`, `TokenRefused`.
        """
        told = {"ok": not error, "attempt": attempt, "digest": digest, "error": error, "final": is_final}
        self._post(f"/print-station/jobs/{job}/report", told)

    def _post(self, path: str, told: dict[str, Any]) -> dict[str, Any] | None:
        target = urlsplit(self.url)
        kind = HTTPSConnection if target.scheme == "https" else HTTPConnection
        connection = kind(target.hostname or "127.0.0.1", target.port, timeout=_TIMEOUT_S)
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        headers["Authorization"] = f"Bearer {self.token}"
        try:
            connection.request("POST", target.path.rstrip("/") + path, json.dumps(told).encode(), headers)
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, HTTPException) as error:
            raise WebAway(str(error) or type(error).__name__) from error
        finally:
            connection.close()
        return _read_answer(answer.status, body)


def _read_answer(status: int, body: bytes) -> dict[str, Any] | None:
    if status in (204, 404):  # nothing to print; or a report of a job that is gone
        return None
    if status in (401, 403):
        raise TokenRefused
    try:
        told = json.loads(body)
    except ValueError as error:
        raise WebAway(f"HTTP {status}") from error
    if status >= 400 or not isinstance(told, dict):
        raise WebAway(f"HTTP {status}")
    return told


@dataclass(frozen=True, slots=True)
class Mark:
    """What the journal knows of a job: whether the printer has it, and whether sending it again would be harmless."""

    job: int
    attempt: int
    digest: str
    is_sent: bool
    is_repeatable: bool


class Journal:
    """One small file a job, from before the printer gets it until its outcome was told. Synced before work goes on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def write(self, mark: Mark) -> None:
        """Keep a mark; it replaces an earlier one of the same job."""
        path = self._path(mark)
        temporary = path.with_suffix(".part")
        with temporary.open("w", encoding="ascii") as file:
            json.dump(asdict(mark), file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def drop(self, mark: Mark) -> None:
        """The outcome was told, or there is none to tell."""
        self._path(mark).unlink(missing_ok=True)

    def untold(self) -> list[Mark]:
        """Marks of jobs whose outcome was not told, the oldest job first."""
        marks = [Mark(**json.loads(path.read_text(encoding="ascii"))) for path in self._folder.glob("*.json")]
        return sorted(marks, key=lambda mark: mark.job)

    def _path(self, mark: Mark) -> Path:
        return self._folder / f"{mark.job}.json"


class Station:
    """Takes one job after the other."""

    def __init__(self, channel: WebChannel, instance: Path) -> None:
        self._channel = channel
        self._instance = instance
        self._journal = Journal(instance / "print-station")
        self.stopping = threading.Event()

    def run(self) -> None:
        """Work until told to stop; the web process may come and go."""
        pause = 0.0
        while not self.stopping.wait(pause):
            try:
                pause = 0.0 if self.work_once() else _POLL_S
            except TokenRefused:
                _log.error("the web process refuses the station token", extra={"url": self._channel.url})
                pause = _AWAY_S
            except WebAway as error:
                _log.warning("the web process is away", extra={"reason": str(error)})
                pause = _AWAY_S if pause else _POLL_S

    def work_once(self) -> bool:
        """Tell what is untold, then take, print and report one job; False when there was none.

        Raises `WebAway`, `TokenRefused`.
        """
        for mark in self._journal.untold():
            self._tell_interrupted(mark)
        told = self._channel.next_job()
        if told is None:
            return False
        task, attempt = _read_task(told)
        fault = _fault_of(task)
        if fault:
            self._channel.report(task.job, attempt, task.digest, fault, is_final=True)
        else:
            self._handle(task, attempt)
        return True

    def _tell_interrupted(self, mark: Mark) -> None:
        """An earlier run ended between the printer and the report."""
        if mark.is_sent:
            self._channel.report(mark.job, mark.attempt, mark.digest)
        elif mark.is_repeatable:
            self._channel.report(mark.job, mark.attempt, mark.digest, "打印站中途停止，将自动重试。")
        else:
            self._channel.report(mark.job, mark.attempt, mark.digest, UNCERTAIN, is_final=True)
        self._journal.drop(mark)

    def _handle(self, task: PrintTask, attempt: int) -> None:
        output = output_for(task.kind, self._instance)
        mark = Mark(task.job, attempt, task.digest, False, output.is_repeatable)
        self._journal.write(mark)
        try:
            output.send(task)
        except OutputError as error:
            if not error.may_be_printed:  # nothing came out: a lost report must not look like a doubtful print
                self._journal.drop(mark)
            self._channel.report(task.job, attempt, task.digest, error.message, is_final=error.may_be_printed)
            self._journal.drop(mark)
            return
        mark = replace(mark, is_sent=True)
        self._journal.write(mark)
        self._channel.report(task.job, attempt, task.digest)
        self._journal.drop(mark)
        _log.info("printed", extra={"job": task.job, "kind": task.kind, "copies": task.copies})


def _read_task(told: dict[str, Any]) -> tuple[PrintTask, int]:
    """The job of an answer and its attempt. Raises `WebAway` for an answer that is no job."""
    try:
        task = PrintTask(
            job=int(told["job"]),
            document_kind=str(told["document_kind"]),
            copies=int(told["copies"]),
            kind=str(told["kind"]),
            target=str(told["target"]),
            digest=str(told["digest"]),
            pdf=base64.b64decode(told["pdf"], validate=True),
        )
        return task, int(told["attempt"])
    except (KeyError, ValueError, TypeError) as error:
        raise WebAway("an answer that is no print job") from error


def _fault_of(task: PrintTask) -> str:
    """Why a job must not be printed, as a sentence; empty when it may."""
    if hashlib.sha256(task.pdf).hexdigest() != task.digest:
        return "打印内容在传输或存储中损坏（校验不符），没有打印。请重新生成后再打印。"
    if task.kind not in KINDS:
        return f"本打印站不支持打印方式 {task.kind}，请升级打印站。"
    return ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line: run a station until SIGTERM or SIGINT."""
    options = _parser().parse_args(arguments)
    try:
        settings = load_settings({**os.environ, "MAFEI_INSTANCE_DIR": str(options.instance)})
        token = options.token_file.read_text(encoding="ascii").strip() if options.token_file else settings.station_token
        url = _checked_url(options.url or _default_url(settings))
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except (OSError, UnicodeDecodeError):
        sys.stderr.write(f"读不到令牌文件 {options.token_file}。请从服务器数据目录复制 station_token。\n")
        return 2
    configure_logging(settings.log_level)
    station = Station(WebChannel(url, token, options.station), settings.instance_dir)

    def _stop(_signal: int, _frame: FrameType | None) -> None:
        station.stopping.set()

    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    sys.stdout.write(f"打印站 {options.station} 已启动：{url}\n")
    sys.stdout.flush()
    station.run()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m printing.station", description="打印站：取打印任务，送打印机，回报结果"
    )
    parser.add_argument("--instance", type=Path, required=True, help="本机数据目录（令牌、打印日志、文件夹打印的位置）")
    parser.add_argument("--url", default="", help="系统地址，默认取 MAFEI_HOST 与 MAFEI_PORT")
    parser.add_argument("--station", default="station-1", help="打印站名称（默认 station-1）")
    parser.add_argument("--token-file", type=Path, help="令牌文件，默认为数据目录中的 station_token")
    return parser


def _default_url(settings: Settings) -> str:
    host = "127.0.0.1" if settings.host in ("", "0.0.0.0", "::") else settings.host  # noqa: S104 - compared, not bound
    return f"http://{host}:{settings.port}"


def _checked_url(url: str) -> str:
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise SettingsError(f"系统地址应以 http:// 或 https:// 开头，现在是：{url}")
    return url


if __name__ == "__main__":
    raise SystemExit(main())
