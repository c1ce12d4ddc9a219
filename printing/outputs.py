"""Ways to a printer: CUPS, a raw network port, a folder. Each says whether the paper may be out when it fails."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

KINDS = frozenset({"cups", "raw9100", "folder"})
# The lease of a job is three minutes; a printer must have everything, or have failed, well before.
_LP_TIMEOUT_S = 60
_CONNECT_TIMEOUT_S = 10.0
_SEND_ALL_S = 120.0
_RAW_PORT = 9100


@dataclass(frozen=True, slots=True)
class PrintTask:
    """One job as a station got it."""

    job: int
    document_kind: str
    copies: int
    kind: str
    target: str
    digest: str
    pdf: bytes


class OutputError(Exception):
    """The printer did not take the job. `may_be_printed`: nobody knows whether paper came out."""

    def __init__(self, message: str, *, may_be_printed: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.may_be_printed = may_be_printed


class Output(Protocol):
    """A way to a printer. `is_repeatable`: sending the same job again changes nothing."""

    @property
    def is_repeatable(self) -> bool: ...

    def send(self, task: PrintTask) -> None:
        """Hand the job over. Raises `OutputError`."""


@dataclass(frozen=True, slots=True)
class CupsOutput:
    """`lp` of the local CUPS client."""

    is_repeatable: bool = False

    def send(self, task: PrintTask) -> None:
        """Spool the PDF; CUPS prints the copies. Its job title is ours without any patient's name."""
        program = shutil.which("lp")
        if program is None:
            raise OutputError("本机没有 lp 命令。请在打印站安装 cups-client。")
        command = [program, "-d", task.target, "-n", str(task.copies), "-t", f"Mafei-{task.job}", "--", "-"]
        try:
            done = subprocess.run(  # noqa: S603 - a list without shell, the target was checked when it was saved
                command, input=task.pdf, capture_output=True, timeout=_LP_TIMEOUT_S, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise OutputError("CUPS 没有应答，不能确定是否已打出。", may_be_printed=True) from error
        if done.returncode:
            reason = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise OutputError(f"CUPS 拒绝了打印：{reason[-1] if reason else f'lp 返回 {done.returncode}'}")


@dataclass(frozen=True, slots=True)
class RawOutput:
    """A printer that prints PDF sent to its port 9100."""

    is_repeatable: bool = False

    def send(self, task: PrintTask) -> None:
        """Send the PDF once a copy. Before the first byte a failure is harmless, after it is not."""
        address = split_address(task.target)
        deadline = time.monotonic() + _SEND_ALL_S
        for copy in range(task.copies):
            try:
                connection = socket.create_connection(address, timeout=_CONNECT_TIMEOUT_S)
            except OSError as error:
                message = f"连不上打印机 {address[0]}:{address[1]}（{error.strerror or error}）。"
                raise OutputError(message, may_be_printed=copy > 0) from error
            with connection:
                self._send_over(connection, task.pdf, max(1.0, deadline - time.monotonic()))

    @staticmethod
    def _send_over(connection: socket.socket, pdf: bytes, seconds: float) -> None:
        connection.settimeout(seconds)
        try:
            connection.sendall(pdf)
            connection.shutdown(socket.SHUT_WR)
        except OSError as error:
            message = "发送到打印机时中断，不能确定是否已打出。请到打印机旁确认。"
            raise OutputError(message, may_be_printed=True) from error


def split_address(target: str) -> tuple[str, int]:
    """Host and port of `host`, `host:port` or `[v6]:port`; the port defaults to 9100."""
    if target.startswith("["):
        host, _, rest = target[1:].partition("]")
        return host, int(rest.lstrip(":") or _RAW_PORT)
    host, _, port = target.partition(":")
    return host, int(port or _RAW_PORT)


@dataclass(frozen=True, slots=True)
class FolderOutput:
    """Files in a folder of the station's instance; for demonstrations and for printers that watch a folder."""

    instance: Path
    is_repeatable: bool = True

    def send(self, task: PrintTask) -> None:
        """Write `<job>[-kind][-copy].pdf` in one step; the same job gives the same files."""
        root = self.instance.resolve()
        folder = (root / task.target).resolve()
        if folder == root or not folder.is_relative_to(root):
            raise OutputError("文件夹不在打印站的数据目录内，没有写入。")
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            for copy in range(1, task.copies + 1):
                _write_whole(folder / _file_name(task, copy), task.pdf)
        except OSError as error:
            raise OutputError(f"写不进文件夹 {task.target}（{error.strerror}）。") from error


def _file_name(task: PrintTask, copy: int) -> str:
    kind = re.sub(r"[^A-Za-z0-9_-]+", "-", task.document_kind).strip("-")
    parts = [f"{task.job:06d}", kind, f"copy{copy}" if copy > 1 else ""]
    return "-".join(part for part in parts if part) + ".pdf"


def _write_whole(path: Path, content: bytes) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def output_for(kind: str, instance: Path) -> Output:
    """The way to a printer of one of `KINDS`."""
    return FolderOutput(instance) if kind == "folder" else RawOutput() if kind == "raw9100" else CupsOutput()
