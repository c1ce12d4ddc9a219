"""A station against the real web application over loopback HTTP, with printers that misbehave."""

import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.serving import make_server

from app.core import unit_of_work
from app.core.audit import SystemActor
from app.core.db import db
from app.printjobs import service
from app.printjobs.models import PrintJob, PrintQueue
from printing.station import Station, TokenRefused, WebAway, WebChannel, main
from tests.processes import ROOT, wait_until

DEMO = SystemActor("job:demo", "演示数据")
PDF = b"%PDF-1.4 " + b"x" * 3000


@pytest.fixture
def url(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    serving.join()
    server.server_close()


@pytest.fixture
def station(app: Flask, url: str, tmp_path: Path) -> Station:
    token = app.extensions["mafei.settings"].station_token
    return Station(WebChannel(url, token, "station-1"), tmp_path)


@pytest.fixture
def enqueue(app: Flask) -> Callable[..., int]:
    def put(kind: str = "folder", target: str = "printed", copies: int = 1, pdf: bytes = PDF) -> int:
        with app.app_context(), unit_of_work.writing():
            service.ensure_queue(DEMO, f"{kind} {target}", kind=kind, target=target)
            queue = db.session.scalars(select(PrintQueue).where(PrintQueue.target == target)).one()
            return service.enqueue_print(DEMO, queue, "麻醉记录单", pdf, copies, document_kind="record").id

    return put


def state_of(app: Flask, job_id: int) -> tuple[str, str]:
    with app.app_context():
        job = db.session.get(PrintJob, job_id)
        assert job is not None
        return job.state, job.error


class Printer:
    """A printer on a raw port: keeps what it got, one document a connection."""

    def __init__(self, *, reads: bool = True) -> None:
        self.got: list[bytes] = []
        self.connected = threading.Event()
        self._reads = reads
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.target = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connected.set()
            if not self._reads:
                self._open.append(connection)
                continue
            with connection, connection.makefile("rb") as stream:
                self.got.append(stream.read())

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for connection in self._open:
            connection.close()


@pytest.fixture
def printer() -> Iterator[Printer]:
    made = Printer()
    yield made
    made.close()


@pytest.fixture
def deaf_printer() -> Iterator[Printer]:
    made = Printer(reads=False)
    yield made
    made.close()


def test_the_folder_gets_the_pdf_once_a_copy(
    app: Flask, station: Station, enqueue: Callable[..., int], tmp_path: Path
) -> None:
    number = enqueue(copies=2)
    assert station.work_once()
    files = sorted((tmp_path / "printed").iterdir())
    assert [file.name for file in files] == [f"{number:06d}-record-copy2.pdf", f"{number:06d}-record.pdf"]
    assert {file.read_bytes() for file in files} == {PDF}
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files)
    assert state_of(app, number)[0] == "done"
    assert not station.work_once()
    assert list((tmp_path / "print-station").iterdir()) == []


def test_a_raw_printer_gets_the_pdf_once_a_copy(
    app: Flask, station: Station, enqueue: Callable[..., int], printer: Printer
) -> None:
    number = enqueue("raw9100", printer.target, copies=3)
    assert station.work_once()
    wait_until(lambda: len(printer.got) == 3, 5, "three documents at the printer")
    assert printer.got == [PDF] * 3
    assert state_of(app, number)[0] == "done"


def test_cups_gets_the_pdf_and_no_name(
    app: Flask, station: Station, enqueue: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_lp(tmp_path, f'printf "%s " "$@" > {tmp_path}/arguments; cat > {tmp_path}/paper', monkeypatch)
    number = enqueue("cups", "OR_LASER", copies=2)
    assert station.work_once()
    assert (tmp_path / "paper").read_bytes() == PDF
    assert (tmp_path / "arguments").read_text() == f"-d OR_LASER -n 2 -t Mafei-{number} -- - "
    assert state_of(app, number)[0] == "done"


def fake_lp(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "bin" / "lp"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


def test_what_cups_says_reaches_the_page(
    app: Flask, station: Station, enqueue: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_lp(tmp_path, 'cat >/dev/null; echo "lp: Error - no such printer" >&2; exit 1', monkeypatch)
    number = enqueue("cups", "GONE")
    station.work_once()
    assert state_of(app, number) == ("queued", "CUPS 拒绝了打印：lp: Error - no such printer")


def test_a_printer_that_is_off_is_tried_again(app: Flask, station: Station, enqueue: Callable[..., int]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = enqueue("raw9100", f"127.0.0.1:{free.getsockname()[1]}")
        station.work_once()
    state, error = state_of(app, number)
    assert state == "queued"
    assert error.startswith("连不上打印机")


def die_before_reporting(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the station end between the printer and the report, as a power cut would."""

    def gone(*_arguments: object, **_more: object) -> None:
        raise WebAway("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(WebChannel, "report", gone)
        with pytest.raises(WebAway):
            station.work_once()


def test_what_was_printed_before_the_station_died_is_not_printed_again(
    app: Flask,
    station: Station,
    enqueue: Callable[..., int],
    printer: Printer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    number = enqueue("raw9100", printer.target)
    die_before_reporting(station, monkeypatch)
    assert state_of(app, number)[0] == "printing"
    reborn = Station(station._channel, tmp_path)
    assert not reborn.work_once()
    assert state_of(app, number)[0] == "done"
    assert printer.got == [PDF]


def test_a_mark_of_another_database_reports_nothing(
    app: Flask,
    station: Station,
    enqueue: Callable[..., int],
    printer: Printer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    number = enqueue("raw9100", printer.target)
    die_before_reporting(station, monkeypatch)
    with app.app_context(), unit_of_work.writing():  # the same number, another document
        job = service.load_job(number)
        job.pdf, job.digest, job.state, job.attempts = b"%PDF-1.4 other", "ab" * 32, "cancelled", 0
    assert not Station(station._channel, tmp_path).work_once()
    assert state_of(app, number)[0] == "cancelled"
    assert list((tmp_path / "print-station").iterdir()) == []


def test_a_damaged_document_is_not_printed(
    app: Flask, station: Station, enqueue: Callable[..., int], tmp_path: Path
) -> None:
    number = enqueue()
    with app.app_context(), unit_of_work.writing():
        service.load_job(number).pdf = b"%PDF-1.4 damaged"
    station.work_once()
    state, error = state_of(app, number)
    assert state == "failed"
    assert "校验不符" in error
    assert not (tmp_path / "printed").exists()


def test_a_wrong_token_is_told_apart_from_a_web_process_that_is_away(url: str, tmp_path: Path) -> None:
    with pytest.raises(TokenRefused):
        Station(WebChannel(url, "w" * 64, "station-1"), tmp_path).work_once()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(WebAway):
            Station(WebChannel(nobody, "w" * 64, "station-1"), tmp_path).work_once()


@pytest.mark.reliability
def test_kill_9_in_the_middle_of_a_page_leaves_the_decision_to_a_person(
    app: Flask, url: str, enqueue: Callable[..., int], deaf_printer: Printer, tmp_path: Path
) -> None:
    number = enqueue("raw9100", deaf_printer.target, pdf=b"%PDF-1.4 " + b"x" * 9_000_000)
    (tmp_path / "token").write_text(app.extensions["mafei.settings"].station_token, encoding="ascii")
    command = [sys.executable, "-m", "printing.station", "--instance", str(tmp_path), "--url", url]
    command += ["--token-file", str(tmp_path / "token")]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAFEI_")}

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    first = start()
    try:
        assert deaf_printer.connected.wait(20)
    finally:
        first.kill()
        first.wait()
    assert state_of(app, number)[0] == "printing"
    second = start()
    try:
        wait_until(lambda: state_of(app, number)[0] == "failed", 20, "the doubtful job being told")
    finally:
        second.send_signal(signal.SIGTERM)
        assert second.wait(10) == 0
    assert "不能确定是否已打出" in state_of(app, number)[1]


def test_the_command_refuses_what_it_cannot_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("MAFEI_")]:
        monkeypatch.delenv(name)
    assert main(["--instance", str(tmp_path), "--url", "ftp://host"]) == 2
    assert "http://" in capsys.readouterr().err
    assert main(["--instance", str(tmp_path), "--token-file", str(tmp_path / "absent")]) == 2
    assert "读不到令牌文件" in capsys.readouterr().err
