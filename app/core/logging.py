"""JSON logs, one object a line, with ids and never with patient data or secrets."""

import json
import logging
import re
import sys
from typing import Any

from app.core import clock

_STANDARD = set(logging.makeLogRecord({}).__dict__) | {"message", "asctime"}
_ID_NUMBER = re.compile(r"(?<!\d)\d{17}[\dXx](?!\d)")
_PHONE = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")
_SECRET = re.compile(r"(?i)(token|password|passwd|secret|pin|cookie|authorization)([\"']?\s*[=:]\s*[\"']?)[^\s\"',;&]+")
_HAN = re.compile(r"[\u4e00-\u9fff\U00020000-\U0003ffff]{2,}")
_PRIVATE_KEYS = frozenset({"name", "patient_name", "national_id", "phone", "password", "pin", "token"})


def redact(text: str) -> str:
    """The text without identity numbers, telephone numbers and secrets."""
    text = _ID_NUMBER.sub("[id]", text)
    text = _PHONE.sub("[phone]", text)
    return _SECRET.sub(r"\1\2[hidden]", text)


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, event, the extra fields, the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "time": clock.now().isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": redact(record.getMessage()),
        }
        for key, value in record.__dict__.items():
            if key not in _STANDARD and not key.startswith("_"):
                entry[key] = "[hidden]" if key in _PRIVATE_KEYS else self._clean(value)
        if record.exc_info:
            # Values in a message of an exception may be a patient's: Chinese runs are blanked in tracebacks.
            entry["traceback"] = _HAN.sub("[text]", redact(self.formatException(record.exc_info)))
        return json.dumps(entry, ensure_ascii=False, default=str)

    @staticmethod
    def _clean(value: Any) -> Any:
        return redact(value) if isinstance(value, str) else value


def configure_logging(level: str) -> None:
    """Send everything at `level` and above to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    logging.getLogger("engineio").setLevel(logging.WARNING)
    logging.getLogger("socketio").setLevel(logging.WARNING)
