"""Errands that engineers give in the web: decode again, listen on a line, hand out raw bytes, self-test.

The web process names them, the bridge does each in a process of its own (`errand_worker`) and hands back what it
found, message by message, each acknowledged. An errand that was interrupted is simply given again: nothing of it
changes anything here, and the web process keeps parts by their number.
"""

import asyncio
import contextlib
import json
import logging
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from device_bridge.clocks import wall_ms
from device_bridge.outbound import Passage
from device_bridge.spool import Spool

log = logging.getLogger("device_bridge.errands")

Message = tuple[str, dict[str, Any]]
Task = dict[str, Any]
_LONGEST_S = 900.0
_LINE_LIMIT = 4 * 1024 * 1024
_AT_ONCE = 2
_NO_WINDOW = int(getattr(subprocess, "CREATE_NO_WINDOW", 0))  # of Windows: none appears at the bedside
WIZARD = "接入向导"


class Errands:
    """Takes errands from the uplink's thread, runs them on the loop, and queues what the web shall hear."""

    def __init__(
        self, spool_dir: Path, spool: Spool, states: Callable[[], dict[str, str]], profiles_dir: Path | None = None
    ) -> None:
        self._profiles = ["--profiles", str(profiles_dir)] if profiles_dir else []
        self._spool_dir, self._spool, self._states = spool_dir, spool, states
        self._loop: asyncio.AbstractEventLoop | None = None
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._known: set[int] = set()
        self._lock = threading.Lock()
        self._out: deque[Iterator[Message]] = deque()
        self._next: Message | None = None
        self._running: dict[int, asyncio.Task[None]] = {}

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """The loop on which errands run."""
        self._loop = loop

    async def end(self) -> None:
        """Stop what runs; the web gives it again."""
        for task in list(self._running.values()):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    @property
    def is_busy(self) -> bool:
        """Something runs."""
        return bool(self._running)

    # -- from the uplink's thread --------------------------------------------------------------------

    def take(self, given: list[Task]) -> None:
        """What the web wants done now; what it no longer names is stopped."""
        wanted = {int(one["id"]): one for one in given}
        with self._lock:
            fresh = [one for number, one in wanted.items() if number not in self._known]
            gone = [number for number in self._known if number not in wanted]
            self._known = set(wanted)
        if self._loop is None or self._loop.is_closed():
            return
        for number in gone:
            self._loop.call_soon_threadsafe(self._cancel, number)
        for one in fresh:
            self._loop.call_soon_threadsafe(self._start, one)

    def message(self) -> Message | None:
        """The next message for the web; the same again until `delivered`."""
        with self._lock:
            while self._next is None and self._out:
                self._next = next(self._out[0], None)
                if self._next is None:
                    self._out.popleft()
            return self._next

    def delivered(self) -> None:
        """The web has answered the message."""
        with self._lock:
            self._next = None

    # -- on the loop ---------------------------------------------------------------------------------

    def _start(self, one: Task) -> None:
        number = int(one["id"])
        task = asyncio.create_task(self._run(number, one), name=f"errand {number}")
        self._running[number] = task
        task.add_done_callback(lambda _: self._running.pop(number, None))

    def _cancel(self, number: int) -> None:
        task = self._running.get(number)
        if task is not None:
            task.cancel()

    async def _run(self, number: int, one: Task) -> None:
        async with self._slots:
            log.info("errand begins", extra={"errand": number, "kind": str(one.get("kind", ""))})
            try:
                await asyncio.wait_for(self._work(number, one), _LONGEST_S)
            except TimeoutError:
                self._say("errand_done", {"id": number, "failed": "任务超过 15 分钟，已停止", "parts": 0})
            except OSError as error:
                self._say("errand_done", {"id": number, "failed": str(error), "parts": 0})

    async def _work(self, number: int, one: Task) -> None:
        request = {**one.get("request", {}), "kind": one["kind"]}
        device = request.get("device")
        if isinstance(device, dict):
            request["state"] = self._states().get(str(device.get("device_id", "")), "")
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "device_bridge", "errand", "--spool", str(self._spool_dir), *self._profiles,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=_LINE_LIMIT,
            creationflags=_NO_WINDOW,
        )  # fmt: skip
        parts = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - read later, while it is delivered
        done: dict[str, Any] = {"failed": "任务意外结束，请查看采集服务日志"}
        try:
            if process.stdin is None or process.stdout is None:
                raise OSError("no pipes")
            process.stdin.write(json.dumps(request).encode())
            process.stdin.close()
            async for line in process.stdout:
                message = json.loads(line)
                if "say" in message:
                    self._say("errand_said", {"id": number, "line": str(message["say"])[:300]})
                elif "part" in message:
                    parts.write(json.dumps(message["part"], separators=(",", ":")) + "\n")
                elif "sent" in message:
                    self._note_sent(message["sent"])
                else:
                    done = message
            await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        parts.seek(0)
        with self._lock:
            self._out.append(_delivery(number, parts, done))

    def _note_sent(self, sent: dict[str, Any]) -> None:
        passage = Passage(str(sent["reason"]), bytes.fromhex(sent["hex"]), sent["refused"])
        self._spool.log_passage(WIZARD, passage, wall_ms())

    def _say(self, event: str, data: dict[str, Any]) -> None:
        with self._lock:
            self._out.append(iter([(event, data)]))


def _delivery(number: int, parts: IO[str], done: dict[str, Any]) -> Iterator[Message]:
    count = 0
    with parts:
        for line in parts:
            yield "errand_part", {"id": number, "part": count, **json.loads(line)}
            count += 1
    yield "errand_done", {"id": number, "parts": count, **done}
