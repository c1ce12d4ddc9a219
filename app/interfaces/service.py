"""Commands on the outbox: what must go outward is written with the change that causes it; reading what travelled."""

import secrets
from typing import Any

from sqlalchemy import select

from app.core import audit, clock
from app.core.audit import Actor
from app.core.db import db
from app.core.errors import Conflict
from app.interfaces.models import InboundMessage, OutboxMessage
from app.patients.models import Patient


def enqueue(endpoint: str, kind: str, lane: str, payload: dict[str, Any], patient_no: str = "") -> OutboxMessage:
    """Put a message into the outbox in the current transaction. The deliverer drops what a newer one replaces."""
    message = OutboxMessage(
        endpoint=endpoint,
        kind=kind,
        lane=lane,
        payload=payload,
        control_id=f"MF{secrets.token_hex(8).upper()}",
        patient_no=patient_no,
    )
    db.session.add(message)
    db.session.flush()
    return message


def resend(actor: Actor, message: OutboxMessage) -> None:
    """Put a message that was given up back into the queue. Raises `Conflict` for any other."""
    if message.state != "dead":
        raise Conflict("只有已停止的消息可以重新发送；这条消息的状态已经变化，请刷新。")
    before = {"state": message.state, "attempts": message.attempts, "error": message.error}
    message.state, message.attempts, message.next_attempt_at = "due", 0, clock.now()
    audit.record(
        actor,
        "interfaces.resend",
        f"outbox:{message.id}",
        patient_id=_patient_id(message.patient_no),
        before=before,
        after={"state": "due"},
    )


def read_raw(actor: Actor, message: InboundMessage | OutboxMessage) -> tuple[str, str]:
    """Content and answer of a message as text, one segment a line. Holds patient data: the reading is audited."""
    inbound = isinstance(message, InboundMessage)
    audit.record(
        actor,
        "interfaces.read_raw",
        f"{'inbound' if inbound else 'outbox'}:{message.id}",
        patient_id=_patient_id(message.patient_no),
    )
    charset = message.charset if isinstance(message, InboundMessage) else ""
    answer = message.ack if isinstance(message, InboundMessage) else None
    return as_text(message.raw or b"", charset), as_text(answer or b"", charset)


def _patient_id(patient_no: str) -> int | None:
    return db.session.scalar(select(Patient.id).where(Patient.patient_no == patient_no)) if patient_no else None


def as_text(raw: bytes, charset: str) -> str:
    """Bytes of a message as lines of text: in its own character set, else UTF-8, else GB 18030."""
    for name in (charset, "utf-8", "gb18030"):
        try:
            return raw.decode(name).replace("\r\n", "\n").replace("\r", "\n").strip("\x0b\x1c\n")
        except (LookupError, UnicodeDecodeError):
            continue
    return raw.decode("utf-8", "replace").replace("\r", "\n").strip("\x0b\x1c\n")
