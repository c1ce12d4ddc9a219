"""The press draws in a process of its own, which may be idle, crash or hang without harm to the next print."""

from __future__ import annotations

import os
import signal
import threading
from io import BytesIO
from multiprocessing import Pipe
from pathlib import Path

import pytest
from pypdf import PdfReader

from app.charting.record import RecordSheet
from printing import press as module
from printing.anesthesia_record import render_record_pdf
from printing.errors import FontsMissing, PrintError
from printing.press import Child, Job, Press
from printing.worker import answer, serve
from tests.charting.samples import record
from tests.printing.samples import RARE_NAME, appendix, header, stamp
from tests.processes import wait_until

_HANGING = ("-c", "import time; time.sleep(60)")
_CRASHING = ("-c", "import os; os._exit(3)")
_LEAVING = ("-c", "pass")


@pytest.fixture
def press(fonts: Path) -> Press:
    return Press(fonts)


def test_the_child_draws_what_the_renderer_draws(press: Press, fonts: Path) -> None:
    sheet = RecordSheet(record(), header(RARE_NAME), appendix())
    pdf = press.record(sheet, stamp())
    assert pdf == render_record_pdf(sheet.view, sheet.header, sheet.appendix, stamp(), fonts)
    assert press.pages(pdf) == len(PdfReader(BytesIO(pdf)).pages)
    assert RARE_NAME in PdfReader(BytesIO(press.html(f"<p>{RARE_NAME}</p>"))).pages[0].extract_text()


def test_one_child_serves_many_prints_at_once(press: Press) -> None:
    drawn: list[bytes] = []
    threads = [threading.Thread(target=lambda: drawn.append(press.html("<p>好</p>"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    number = press.child.number
    assert [pdf[:5] for pdf in drawn] == [b"%PDF-"] * 4
    press.html("<p>好</p>")
    assert press.child.number == number != os.getpid()


def test_a_killed_child_is_replaced(press: Press) -> None:
    press.html("<p>好</p>")
    number = press.child.number
    assert number is not None
    os.kill(number, signal.SIGKILL)
    wait_until(lambda: press.child.number is None, 5, "the child being gone")
    assert press.html("<p>好</p>").startswith(b"%PDF-")
    assert press.child.number != number


def test_an_error_of_the_renderer_keeps_its_words(tmp_path: Path) -> None:
    with pytest.raises(FontsMissing, match=r"python -m printing\.fonts"):
        Press(tmp_path).html("<p>好</p>")


def test_an_unforeseen_fault_is_a_sentence(tmp_path: Path) -> None:
    def break_down(_fonts: Path) -> bytes:
        raise ZeroDivisionError

    outcome = answer(Job("broken", tmp_path, (), {}), {"broken": break_down})
    assert outcome.error is not None
    assert outcome.error.message == PrintError.default_message


def test_a_drawing_that_hangs_is_stopped(tmp_path: Path) -> None:
    child = Child(seconds=0.3, arguments=_HANGING)
    with pytest.raises(PrintError, match="用时过长"):
        Press(tmp_path, child).html("<p>好</p>")
    assert child.number is None


@pytest.mark.parametrize("arguments", [_CRASHING, _LEAVING])
def test_a_child_that_is_lost_costs_one_print(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    child = Child(arguments=arguments)
    with pytest.raises(PrintError, match="意外退出"):
        Press(tmp_path, child).html("<p>好</p>")
    assert child.number is None


def test_a_child_that_was_just_leaving_is_followed_by_another(
    press: Press, fonts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = Child(arguments=_LEAVING)
    started = module.subprocess.Popen

    def start(command: list[str], **how: object) -> object:
        child._arguments = ("-m", "printing.worker")  # the next one is a good one
        return started(command, **how)

    monkeypatch.setattr(module.subprocess, "Popen", start)
    assert Press(fonts, child).html("<p>好</p>").startswith(b"%PDF-")
    child.close()


def test_the_child_leaves_when_idle_and_when_its_parent_is_gone() -> None:
    ours, theirs = Pipe()
    with ours, theirs:
        serve(theirs, idle_seconds=0.05)
        ours.close()
        serve(theirs, idle_seconds=60)


def test_the_child_knows_no_secret_of_the_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAFEI_SECRET_KEY", "hidden")
    told = tmp_path / "told"
    script = f"import os; open({str(told)!r}, 'w').write(' '.join(os.environ))"
    with pytest.raises(PrintError):
        Press(tmp_path, Child(arguments=("-c", script))).html("<p>好</p>")
    assert "PATH" in told.read_text()
    assert "MAFEI" not in told.read_text()
