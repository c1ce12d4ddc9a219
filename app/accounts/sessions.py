"""Commands on sessions: they live at the server, so that an end is an end in every copy of the cookie."""

import secrets
from datetime import timedelta

from sqlalchemy import delete, select

from app.accounts.models import User, UserSession
from app.core import clock, signals, unit_of_work
from app.core.db import db

# Nobody stays signed in for longer, whatever is open where.
LIFETIME = timedelta(days=30)


def begin(user: User, workstation: str = "") -> None:
    """Open a session for a user who has just proved who he is."""
    user.session_id = secrets.token_urlsafe(32)
    db.session.add(
        UserSession(id=user.session_id, user_id=user.id, started_at=clock.now(), workstation=workstation[:64])
    )
    db.session.flush()


def end(session_id: str) -> None:
    """End one session; an unknown one has ended already."""
    db.session.execute(delete(UserSession).where(UserSession.id == session_id))
    unit_of_work.after_commit(signals.session_ended, session_id)


def end_all(user: User) -> None:
    """End every session of a user, wherever he is signed in."""
    for session_id in db.session.scalars(select(UserSession.id).where(UserSession.user_id == user.id)).all():
        end(session_id)


def end_old() -> int:
    """End what nobody ended; tells how many."""
    old = db.session.scalars(select(UserSession.id).where(UserSession.started_at < clock.now() - LIFETIME)).all()
    for session_id in old:
        end(session_id)
    return len(old)
