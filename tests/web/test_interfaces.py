"""Interfaces: journal, outbox, endpoints; content only with the right, and audited."""

import pytest
from flask import Flask
from sqlalchemy import select

from app.core import clock, unit_of_work
from app.core.audit import AuditEntry
from app.core.db import db
from app.interfaces import service
from app.interfaces.models import Endpoint, InboundMessage, OutboxMessage
from app.patients.models import Patient
from tests.cast import HE_YU, LU_HAI
from tests.web.people import HTMX, html

RAW = "MSH|^~\\&|HIS|||||||OMG^O19|1\rPID|1||P0001||张三"


@pytest.fixture
def messages(app: Flask) -> dict[str, int]:
    """A message that was done, one refused, one waiting to go, one given up."""
    with app.app_context(), unit_of_work.writing():
        db.session.add(Patient(patient_no="P0001", name="张三"))
        db.session.add(
            Endpoint(name="his", label="医院信息系统", state="down", detail="连接被拒绝", state_since=clock.now())
        )
        made = {
            "done": InboundMessage(
                endpoint="his", control_id="C-1", content_hash="1" * 64, message_type="OMG^O19", charset="gb18030",
                raw=RAW.encode("gb18030"), state="done", ack_code="AA", ack=b"MSH|A\rMSA|AA|C-1", patient_no="P0001",
                request_no="REQ-1", outcome=[{"label": "REQ-1", "result": "done", "text": "已登记"}], flags=["partly"],
            ),
            "refused": InboundMessage(
                endpoint="lis", control_id="C-2", content_hash="2" * 64, raw=b"x", state="refused", ack_code="AE",
                error="缺少拟施手术（OBR-4）", request_no="REQ-2",
            ),
            "due": OutboxMessage(endpoint="his", kind="schedule_new", lane="case:1", payload={}, control_id="MF1"),
            "dead": OutboxMessage(
                endpoint="his", kind="status", lane="case:2", payload={}, control_id="MF2", state="dead", attempts=9,
                error="HIS 应答 AE：申请号不存在", raw=RAW.encode(), patient_no="P0001",
            ),
        }  # fmt: skip
        db.session.add_all(made.values())
        db.session.flush()
        return {name: row.id for name, row in made.items()}


def audited(app: Flask) -> list[tuple[str, str, int | None]]:
    with app.app_context():
        found = db.session.scalars(
            select(AuditEntry).where(AuditEntry.action.like("interfaces.%")).order_by(AuditEntry.id)
        )
        return [(entry.action, entry.subject, entry.patient_id) for entry in found]


@pytest.mark.parametrize("url", ["/interfaces", "/interfaces/outbox", "/interfaces/endpoints"])
def test_pages_keep_the_rules_and_hold_no_content(messages: dict[str, int], sign_in, open_page, url: str) -> None:  # type: ignore[no-untyped-def]
    sign_in(LU_HAI)
    page = open_page(url)
    assert "接口" in page.select(".topnav [aria-current]")
    assert "张三" not in page.html


def test_the_journal_tells_the_reason_in_chinese(messages: dict[str, int], sign_in, open_page) -> None:  # type: ignore[no-untyped-def]
    sign_in(LU_HAI)
    rows = open_page("/interfaces").select("#messages tbody tr")
    assert "已拒绝" in rows[0]
    assert "缺少拟施手术（OBR-4）" in rows[0]
    assert "已处理" in rows[1]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("state=refused", ["REQ-2"]),
        ("peer=his", ["REQ-1"]),
        ("text=REQ-1", ["REQ-1"]),
        ("text=P0001", ["REQ-1"]),
        ("text=C-", ["REQ-2", "REQ-1"]),
        ("text=%25", []),
        ("first_day=2020-01-01&last_day=2020-01-31", []),
        ("endpoint=x&page=7&first_day=nonsense", ["REQ-2", "REQ-1"]),
    ],
)
def test_the_journal_is_filtered(messages: dict[str, int], sign_in, open_page, query: str, expected: list[str]) -> None:  # type: ignore[no-untyped-def]
    sign_in(LU_HAI)
    found = open_page(f"/interfaces?{query}").select("#messages tbody td:nth-child(5)")
    assert found == expected


def test_the_outbox_is_filtered(messages: dict[str, int], sign_in, open_page) -> None:  # type: ignore[no-untyped-def]
    sign_in(LU_HAI)
    assert open_page("/interfaces/outbox?state=dead").select("#messages tbody td:nth-child(4)") == ["MF2"]
    assert open_page("/interfaces/outbox?text=case:1").select("#messages tbody td:nth-child(4)") == ["MF1"]


def test_content_is_shown_on_demand_and_the_reading_audited(app: Flask, messages: dict[str, int], sign_in) -> None:  # type: ignore[no-untyped-def]
    client, url = sign_in(LU_HAI), f"/interfaces/inbound/{messages['done']}"
    panel = html(client, url)
    assert "张三" not in panel
    assert "只处理了一部分" in panel
    assert audited(app) == []
    raw = client.post(f"{url}/raw", headers=HTMX).get_data(as_text=True)
    assert "PID|1||P0001||张三" in raw
    assert "MSA|AA|C-1" in raw
    [(action, subject, patient)] = audited(app)
    assert (action, subject) == ("interfaces.read_raw", f"inbound:{messages['done']}")
    assert patient is not None


def test_a_message_that_was_given_up_is_sent_again(app: Flask, messages: dict[str, int], sign_in) -> None:  # type: ignore[no-untyped-def]
    client, url = sign_in(LU_HAI), f"/interfaces/outbox/{messages['dead']}"
    assert "重新发送" in html(client, url)
    answer = client.post(f"{url}/resend", headers=HTMX)
    assert answer.status_code == 200
    assert "待发送" in answer.get_data(as_text=True)
    with app.app_context():
        message = db.session.get_one(OutboxMessage, messages["dead"])
        assert (message.state, message.attempts, message.control_id) == ("due", 0, "MF2")
    assert client.post(f"{url}/resend", headers=HTMX).status_code == 409, "a second press does nothing"
    assert [action for action, _subject, _patient in audited(app)] == ["interfaces.resend"]


def test_endpoints_tell_what_waits(messages: dict[str, int], sign_in, open_page) -> None:  # type: ignore[no-untyped-def]
    sign_in(LU_HAI)
    rows = open_page("/interfaces/endpoints").select("#endpoints tbody tr")
    assert len(rows) == 2
    assert "医院信息系统 his 中断" in rows[0]
    assert "连接被拒绝" in rows[0]
    assert rows[0].split()[-3:-1] == ["1", "1"] or "1 1" in rows[0]


def test_the_device_engineer_sees_no_messages(messages: dict[str, int], sign_in, open_page) -> None:  # type: ignore[no-untyped-def]
    client = sign_in(HE_YU)
    assert "没有权限" in open_page("/interfaces", 403).text
    for url in (f"/interfaces/inbound/{messages['done']}/raw", f"/interfaces/outbox/{messages['dead']}/resend"):
        assert client.post(url, headers=HTMX).status_code == 403


@pytest.mark.parametrize(
    ("raw", "charset", "text"),
    [
        ("麻醉\r科".encode("gb18030"), "gb18030", "麻醉\n科"),
        ("麻醉".encode(), "", "麻醉"),
        ("麻醉".encode("gb18030"), "utf-8", "麻醉"),
        ("麻醉".encode(), "no-such-charset", "麻醉"),
        (b"\x0bMSH|\r\x1c\r", "ascii", "MSH|"),
        (b"\xff\xff", "utf-8", "\ufffd\ufffd"),
    ],
)
def test_bytes_become_readable_lines(raw: bytes, charset: str, text: str) -> None:
    assert service.as_text(raw, charset) == text
