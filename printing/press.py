"""The one door to PDF: a child process draws, so that the web process holds no fonts and stays quick meanwhile.

The child (`printing.worker`) starts with the first print and leaves when nothing was printed for some minutes or when
this process ends. A drawing that crashes or hangs costs one clear `PrintError`; the next print gets a new child. This
module imports nothing that draws.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, cast

from app.charting.record import PrintStamp, RecordSheet
from app.documents.printset import BoundSet, SetCover, SetPart
from app.documents.sheet import Sheet
from printing.errors import PrintError
from printing.font_files import fonts_ready
from printing.sizes import A4, PaperForm

SECONDS = 60.0
_ROOT = Path(__file__).resolve().parents[1]
_BUSY = "打印任务较多，本次没有打印。请稍候再试。"
_SLOW = "打印用时过长，已停止，没有打印。请重试；仍不成功请联系信息科。"
_LOST = "打印进程意外退出，没有打印。请重试；仍不成功请联系信息科。"
_NO_START = "打印进程无法启动，没有打印。请联系信息科。"

_log = logging.getLogger("mafei.press")


@dataclass(frozen=True, slots=True)
class Job:
    """What is asked of the child: a task by its name (see `printing.worker.TASKS`), the fonts, the arguments."""

    task: str
    fonts: Path
    given: tuple[Any, ...]
    named: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the child answers: a result, or the error that stopped it."""

    result: Any = None
    error: PrintError | None = None


class _Gone(Exception):
    """The child left before it answered."""


class Child:
    """The drawing process and the line to it; one job at a time."""

    def __init__(self, *, seconds: float = SECONDS, arguments: Sequence[str] = ("-m", "printing.worker")) -> None:
        self._seconds, self._arguments = seconds, tuple(arguments)
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._line: Connection[Any, Any] | None = None

    @property
    def number(self) -> int | None:
        """Process id while the child runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def do(self, job: Job) -> Any:
        """Result of a job. Raises `PrintError` with a sentence when it fails, crashes or takes too long."""
        if not self._turn.acquire(timeout=self._seconds):
            raise PrintError(_BUSY)
        try:
            outcome = self._ask(job)
        finally:
            self._turn.release()
        if outcome.error is not None:
            raise outcome.error
        return outcome.result

    def close(self) -> None:
        """Let the child leave; it does so at the end of its line."""
        with self._turn:
            self._drop()

    def _ask(self, job: Job) -> Outcome:
        try:
            return self._exchange(job)
        except _Gone:
            if not self._left_in_peace():
                raise PrintError(_LOST) from None
        try:  # it had been idle and was just leaving
            return self._exchange(job)
        except _Gone:
            self._left_in_peace()
            raise PrintError(_LOST) from None

    def _exchange(self, job: Job) -> Outcome:
        line = self._open()
        try:
            line.send(job)
            answered = line.poll(self._seconds)
            if answered:
                return cast(Outcome, line.recv())
        except (EOFError, OSError) as error:
            raise _Gone from error
        _log.error("drawing took too long", extra={"task": job.task, "seconds": self._seconds})
        self._drop(kill=True)
        raise PrintError(_SLOW)

    def _open(self) -> Connection[Any, Any]:
        if self._line is not None and self.number is not None:
            return self._line
        self._drop()
        ours, theirs = Pipe()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MAFEI_")}
        try:
            self._process = subprocess.Popen(  # noqa: S603 (our own interpreter and module)
                [sys.executable, *self._arguments, str(theirs.fileno())],
                cwd=_ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
            )
        except OSError as error:
            ours.close()
            _log.exception("the drawing process did not start")
            raise PrintError(_NO_START) from error
        finally:
            theirs.close()
        self._line = ours
        threading.Thread(target=self._process.wait, name="press-watch", daemon=True).start()
        return ours

    def _left_in_peace(self) -> bool:
        """Clear up after a child whose line broke; whether it had simply been idle."""
        code = None
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = self._process.wait(5)
        self._drop(kill=True)
        if code != 0:
            _log.error("the drawing process was lost", extra={"exit_code": code})
        return code == 0

    def _drop(self, *, kill: bool = False) -> None:
        if self._line is not None:
            self._line.close()
        if kill and self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = self._line = None


_child = Child()
atexit.register(_child.close)


@dataclass(frozen=True, slots=True)
class Press:
    """Draws with the fonts of one instance; what the documents' `Renderer` and the pages that print use."""

    fonts: Path
    child: Child = _child

    def is_ready(self) -> bool:
        """Whether the fonts were made."""
        return fonts_ready(self.fonts)

    def __call__(
        self,
        sheet: Sheet,
        *,
        watermark: str = "",
        mark: str = "",
        chart: tuple[RecordSheet, PrintStamp] | None = None,
    ) -> bytes:
        """PDF of a document's sheet on A4, with the chart pages of the anesthesia record behind it."""
        return cast(bytes, self._do("sheet", sheet, watermark=watermark, mark=mark, chart=chart))

    def mark(self, pdf: bytes, *, mark: str = "", watermark: str = "") -> bytes:
        """The same pages with a red mark at the head and a watermark under the text."""
        return cast(bytes, self._do("mark", pdf, mark=mark, watermark=watermark))

    def bind(self, cover: SetCover, parts: Sequence[SetPart]) -> BoundSet:
        """A set with its list in front and page numbers across it."""
        return cast(BoundSet, self._do("bind", cover, tuple(parts)))

    def pages(self, pdf: bytes) -> int:
        """Number of pages."""
        return cast(int, self._do("pages", pdf))

    def record(self, sheet: RecordSheet, stamp: PrintStamp) -> bytes:
        """PDF of the anesthesia record."""
        return cast(bytes, self._do("record", sheet, stamp))

    def html(self, body: str, form: PaperForm = A4, *, head: str = "", foot: str = "") -> bytes:
        """PDF of an HTML form: trusted markup of our templates with escaped values."""
        return cast(bytes, self._do("html", body, form, head=head, foot=foot))

    def _do(self, task: str, *given: Any, **named: Any) -> Any:
        return self.child.do(Job(task, self.fonts.resolve(), given, named))
