"""The drawing process behind `printing.press`: reads jobs from its line, answers each, leaves when idle.

It is started by the press with the number of its end of the line; nobody else starts it.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from app.charting.record import PrintStamp, RecordSheet
from app.core.logging import configure_logging
from printing.anesthesia_record import render_record_pdf
from printing.documents import DocumentPrinter, page_count
from printing.errors import PrintError
from printing.press import Job, Outcome
from printing.render import render_html_pdf
from printing.sizes import PaperForm

IDLE_SECONDS = 300.0

_log = logging.getLogger("mafei.press.worker")


def _record(fonts: Path, sheet: RecordSheet, stamp: PrintStamp) -> bytes:
    return render_record_pdf(sheet.view, sheet.header, sheet.appendix, stamp, fonts)


def _html(fonts: Path, body: str, form: PaperForm, *, head: str, foot: str) -> bytes:
    return render_html_pdf(body, fonts, form, head=head, foot=foot)


TASKS: Mapping[str, Callable[..., Any]] = {
    "sheet": lambda fonts, sheet, **named: DocumentPrinter(fonts)(sheet, **named),
    "mark": lambda fonts, pdf, **named: DocumentPrinter(fonts).mark(pdf, **named),
    "bind": lambda fonts, cover, parts: DocumentPrinter(fonts).bind(cover, parts),
    "pages": lambda fonts, pdf: page_count(pdf),
    "record": _record,
    "html": _html,
}


def answer(job: Job, tasks: Mapping[str, Callable[..., Any]] = TASKS) -> Outcome:
    """Do one job; any failure becomes a `PrintError` for the person who prints."""
    try:
        return Outcome(tasks[job.task](job.fonts, *job.given, **job.named))
    except PrintError as error:
        return Outcome(error=error)
    except Exception:  # a fault in drawing must reach the user as a sentence, whatever was raised
        _log.exception("drawing failed", extra={"task": job.task})
        return Outcome(error=PrintError())


def serve(line: Connection[Any, Any], idle_seconds: float = IDLE_SECONDS) -> None:
    """Answer jobs until nothing came for `idle_seconds` or the other end is gone."""
    while line.poll(idle_seconds):
        try:
            line.send(answer(line.recv()))
        except (EOFError, OSError):
            return


def main(arguments: list[str]) -> int:
    """Serve the line whose number is the last argument."""
    configure_logging("INFO")
    with Connection(int(arguments[-1])) as line:
        serve(line)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
