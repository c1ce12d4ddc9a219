"""Reads on accounts and staff."""

from collections.abc import Sequence

from sqlalchemy import or_, select

from app.accounts.models import StaffMember, User
from app.core.db import db


def load_session_user(session_id: str) -> User | None:
    """The user of a session cookie; None when the sessions of that user were ended."""
    user_id, _, epoch = session_id.partition(".")
    if not user_id.isdigit() or not epoch.isdigit():
        return None
    user = db.session.get(User, int(user_id))
    return user if user and user.enabled and user.session_epoch == int(epoch) else None


def search_staff(text: str, kinds: Sequence[str] = (), limit: int = 12) -> list[StaffMember]:
    """Active staff whose name, initials, full pinyin or code begins with (or name contains) the text."""
    text = text.strip().lower()
    statement = select(StaffMember).where(StaffMember.is_active)
    if kinds:
        statement = statement.where(StaffMember.kind.in_(kinds))
    if text:
        pattern = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        statement = statement.where(
            or_(
                StaffMember.name.like(f"%{pattern}%", escape="\\"),
                StaffMember.pinyin.like(f"{pattern}%", escape="\\"),
                StaffMember.pinyin_full.like(f"{pattern}%", escape="\\"),
                StaffMember.code.like(f"{pattern}%", escape="\\"),
            )
        )
    return list(db.session.scalars(statement.order_by(StaffMember.pinyin, StaffMember.id).limit(limit)))


def user_by_name(username: str) -> User | None:
    """The account with this user name."""
    return db.session.scalar(select(User).where(User.username == username))
