"""What the engine has written down, for tests."""

from datetime import UTC, datetime

from sqlalchemy import select

from app.core.audit import SystemActor
from app.core.db import db
from app.interfaces.models import InboundMessage, OutboxMessage

SCHEDULER = SystemActor("user:1", "赵倩")
DAY = datetime(2026, 11, 23, tzinfo=UTC).date()


def code_of(replies) -> str:
    (reply,) = replies
    return reply.first("MSA").text(1)


def journal():
    return db.session.scalars(select(InboundMessage).order_by(InboundMessage.id)).all()


def outbox():
    return db.session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)).all()
