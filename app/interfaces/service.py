"""Commands on the outbox: what must go outward is written with the change that causes it."""

import secrets
from typing import Any

from sqlalchemy import update

from app.core.db import db
from app.interfaces.models import OutboxMessage

_SUPERSEDABLE = ("schedule_changed",)


def enqueue(endpoint: str, kind: str, lane: str, payload: dict[str, Any], patient_no: str = "") -> OutboxMessage:
    """Put a message into the outbox in the current transaction. A newer change replaces one still waiting."""
    if kind in _SUPERSEDABLE:
        db.session.execute(
            update(OutboxMessage)
            .where(
                OutboxMessage.endpoint == endpoint,
                OutboxMessage.lane == lane,
                OutboxMessage.kind == kind,
                OutboxMessage.state == "due",
                OutboxMessage.attempts == 0,
            )
            .values(state="superseded")
        )
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
