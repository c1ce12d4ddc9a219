"""Time stamps of signed documents, with a real authority (openssl ts) on the loopback, and the SM3 digest."""

import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.accounts.models import User
from app.core import unit_of_work
from app.core.audit import AuditEntry
from app.core.db import db
from app.documents import ports
from app.documents.models import FrozenCopy
from app.documents.ports import NoTimeStamp
from app.documents.queries.proof import proofs_of
from app.documents.service.stamping import due_count, stamp_signed, verify_copy
from app.scheduling.models import SurgicalCase
from integrations.time_stamps import TimeStampAuthority
from tests.cast import LI_MING
from tests.documents.helpers import signed

_CONFIG = """
[req]
distinguished_name = dn
[dn]
[tsa_ext]
extendedKeyUsage = critical,timeStamping
[tsa]
default_tsa = tsa_config
[tsa_config]
serial = {folder}/serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
"""


class Authority:
    """An authority of time stamps: openssl behind HTTP. `is_away`: it answers 503."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.is_away, self.asked = folder, False, 0
        (folder / "serial").write_text("01\n", encoding="ascii")
        (folder / "ts.cnf").write_text(_CONFIG.format(folder=folder), encoding="ascii")
        self._openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "30",
                      "-subj", "/CN=Test Root", "-config", "ts.cnf")  # fmt: skip
        self._openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "tsa.key", "-out", "tsa.csr", "-subj",
                      "/CN=Test TSA", "-config", "ts.cnf")  # fmt: skip
        self._openssl("x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out",
                      "tsa.pem", "-days", "30", "-extfile", "ts.cnf", "-extensions", "tsa_ext")  # fmt: skip

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)

    def answer(self, query: bytes) -> bytes:
        self.asked += 1
        (self.folder / "query").write_bytes(query)
        self._openssl("ts", "-reply", "-queryfile", "query", "-signer", "tsa.pem", "-inkey", "tsa.key", "-out", "reply",
                      "-config", "ts.cnf", "-section", "tsa_config")  # fmt: skip
        return (self.folder / "reply").read_bytes()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Authority, TimeStampAuthority]]:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl on this machine")
    real = Authority(tmp_path_factory.mktemp("tsa"))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["Content-Length"]))
            body = b"" if real.is_away else real.answer(query)
            self.send_response(503 if real.is_away else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/"
    yield real, TimeStampAuthority.of(url, str(real.folder / "ca.pem"))
    server.shutdown()


@pytest.fixture
def stamped(authority: tuple[Authority, TimeStampAuthority]) -> Iterator[Authority]:
    """The authority, plugged in."""
    ports.plug_stamper(authority[1])
    authority[0].is_away = False
    yield authority[0]
    ports.plug_stamper(None)


def test_a_stamp_is_of_its_content_and_of_nothing_else(authority: tuple[Authority, TimeStampAuthority]) -> None:
    stamp = authority[1](b"content")
    assert stamp.authority == "CN=Test TSA"
    assert authority[1].verify(stamp.token, b"content") == stamp
    with pytest.raises(NoTimeStamp, match="没有通过验证"):
        authority[1].verify(stamp.token, b"other content")


def test_a_stamp_of_somebody_else_is_refused(authority: tuple[Authority, TimeStampAuthority], tmp_path: Path) -> None:
    stranger = Authority(tmp_path)
    mine = TimeStampAuthority.of("http://127.0.0.1:9/", str(stranger.folder / "ca.pem"))
    with pytest.raises(NoTimeStamp, match="没有通过验证"):
        mine.verify(authority[1](b"content").token, b"content")


def test_the_signature_does_not_wait_and_the_stamp_follows(
    make_case: Callable[..., SurgicalCase], users: dict[str, User], stamped: Authority
) -> None:
    """The authority is away when the document is signed: the signature stands, the stamp is due, and comes later."""
    stamped.is_away = True
    document = signed(users, make_case(), "safety_check")
    unit_of_work.commit()
    assert document.state == "signed"
    assert "没有应答" in stamp_signed()
    assert due_count() == 1
    assert proofs_of(document)[0].stamped_at is None

    stamped.is_away = False
    assert stamp_signed() == "补时间戳 1 份"
    proof = proofs_of(document)[0]
    assert proof.stamped_at is not None
    assert (proof.stamped_by, proof.faults) == ("CN=Test TSA", ())
    copy = db.session.scalars(select(FrozenCopy)).one()
    assert verify_copy(copy).faults == ()
    assert db.session.scalar(select(AuditEntry.subject).where(AuditEntry.action == "documents.time_stamp"))

    asked = stamped.asked
    assert stamp_signed() == "没有待补的时间戳"
    assert stamped.asked == asked


def test_changed_content_is_found(
    make_case: Callable[..., SurgicalCase], users: dict[str, User], stamped: Authority
) -> None:
    document = signed(users, make_case(), "safety_check")
    unit_of_work.commit()
    stamp_signed()
    copy = db.session.scalars(select(FrozenCopy)).one()
    copy.canonical = copy.canonical.replace("李明", "李朋")
    faults = verify_copy(copy).faults
    assert "内容与 SHA-256 摘要不符" in faults
    assert any("没有通过验证" in fault for fault in faults)
    assert not proofs_of(document)[0].is_intact


def test_sm3_is_kept_printed_and_reckoned_again(
    make_case: Callable[..., SurgicalCase], users: dict[str, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports._ports, "with_sm3", True)
    signed(users, make_case(), "safety_check")
    copy = db.session.scalars(select(FrozenCopy)).one()
    assert copy.sm3 == ports.sm3_of(copy.canonical)
    assert verify_copy(copy).faults == ()
    copy.sm3 = "0" * 64
    assert verify_copy(copy).faults == ("内容与 SM3 摘要不符",)


def test_the_verification_page_says_what_is_intact_and_what_is_due(
    world: Callable[..., Any], sign_in: Callable[..., Any], open_page: Callable[..., Any], app: Flask
) -> None:
    app.extensions["mafei.settings"] = replace(app.extensions["mafei.settings"], tsa_url="http://127.0.0.1:9/")
    number = world(lambda case, users: signed(users, case, "safety_check").id)
    sign_in(LI_MING)
    page = open_page(f"/documents/{number}/proof")
    assert "摘要相符" in page.text
    assert "时间戳待补" in page.text
    assert "时间戳待补" in open_page(f"/documents/{number}").text
