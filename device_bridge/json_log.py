"""Logs of the bridge: one JSON object a line, ids and counters only, never patient data."""

import contextlib
import json
import logging
import sys
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path

_FILE_BYTES, _FILES_KEPT = 5_000_000, 5

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """time, level, logger, message, and what was given as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        entry.update({key: value for key, value in vars(record).items() if key not in _STANDARD})
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False, default=str)


class _LogFile(RotatingFileHandler):
    """Turns over at its size. Windows moves no file that somebody reads: then it goes on in the same one."""

    def doRollover(self) -> None:  # noqa: N802 - the name of the library
        with contextlib.suppress(OSError):
            super().doRollover()
        if self.stream is None:
            self.stream = self._open()


def set_up(level: str = "INFO", file: Path | None = None) -> None:
    """Log to standard error, or to a file where nobody reads that (a task of Windows)."""
    handler: logging.Handler = logging.StreamHandler(sys.stderr)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        handler = _LogFile(file, maxBytes=_FILE_BYTES, backupCount=_FILES_KEPT, encoding="utf-8")
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger("device_bridge")
    root.handlers[:] = [handler]
    root.setLevel(level)
    root.propagate = False
