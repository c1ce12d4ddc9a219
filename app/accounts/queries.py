"""Reads on accounts and staff."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, func, or_, select
from sqlalchemy.orm import defer, joinedload, lazyload

from app.accounts import rules
from app.accounts.models import Department, Role, StaffMember, User, UserSession
from app.core import clock
from app.core.db import db
from app.core.pinyin import name_full, name_initials

USER_STATES: dict[str, str] = {"enabled": "启用", "locked": "已锁定", "disabled": "已停用", "dormant": "90 天未登录"}


@dataclass(frozen=True, slots=True)
class UserRow:
    """An account as the administrator's list shows it."""

    id: int
    username: str
    display_name: str
    staff_code: str
    department: str
    roles: tuple[str, ...]
    role_names: tuple[str, ...]
    last_sign_in_at: datetime | None
    locked_until: datetime | None
    enabled: bool
    is_locked: bool
    is_dormant: bool
    must_change_password: bool


@dataclass(frozen=True, slots=True)
class DepartmentRow:
    """A department and how many people work there."""

    id: int
    code: str
    name: str
    is_active: bool
    staff: int


# Every request begins with this read: one statement, built once, without what few requests look at.
_OF_SESSION = (
    select(User)
    .join(UserSession, UserSession.user_id == User.id)
    .where(UserSession.id == bindparam("session"), User.enabled)
    .options(joinedload(User.roles), lazyload(User.staff), defer(User.password_history), defer(User.pin_hash))
)


def load_session_user(session_id: str) -> User | None:
    """The user of a session cookie; None when that session was ended."""
    user = db.session.scalars(_OF_SESSION, {"session": session_id}).unique().one_or_none()
    if user is not None:
        user.session_id = session_id
    return user


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


def user_rows(text: str = "", state: str = "", role: str = "") -> list[UserRow]:
    """Accounts by user name, name, pinyin or 工号, of a state of `USER_STATES`, with a role. A hospital has hundreds."""
    moment = clock.now()
    statement = select(User).options(joinedload(User.staff).joinedload(StaffMember.department)).order_by(User.username)
    rows = [_user_row(user, moment) for user in db.session.scalars(statement) if _named(user, text.strip().lower())]
    return [row for row in rows if _in_state(row, state) and (not role or role in row.role_names)]


def _named(user: User, text: str) -> bool:
    name = user.display_name
    return (
        not text
        or text in user.username.lower()
        or text in name.lower()
        or name_initials(name).startswith(text)
        or name_full(name).startswith(text)
        or (user.staff is not None and user.staff.code.lower().startswith(text))
    )


def _in_state(row: UserRow, state: str) -> bool:
    return {
        "enabled": row.enabled,
        "locked": row.is_locked,
        "disabled": not row.enabled,
        "dormant": row.enabled and row.is_dormant,
    }.get(state, True)


def _user_row(user: User, moment: datetime) -> UserRow:
    staff = user.staff
    return UserRow(
        id=user.id,
        username=user.username,
        display_name=user.display_name,
        staff_code=staff.code if staff else "",
        department=staff.department.name if staff and staff.department else "",
        roles=tuple(role.label for role in user.roles),
        role_names=tuple(role.name for role in user.roles),
        last_sign_in_at=user.last_sign_in_at,
        locked_until=user.locked_until,
        enabled=user.enabled,
        is_locked=rules.is_locked(user.locked_until, moment),
        is_dormant=rules.is_dormant(user.last_sign_in_at, user.created_at, moment),
        must_change_password=user.must_change_password,
    )


def user_row(user: User) -> UserRow:
    """One account as the list shows it."""
    return _user_row(user, clock.now())


def all_roles() -> list[Role]:
    """Roles in the order in which they were made."""
    return list(db.session.scalars(select(Role).order_by(Role.id)))


def role_holders() -> dict[int, int]:
    """How many enabled accounts hold each role."""
    statement = (
        select(Role.id, func.count(User.id))
        .select_from(User)
        .join(User.roles)
        .where(User.enabled)
        .group_by(Role.id)
        .order_by(Role.id)
    )
    return dict(db.session.execute(statement).all())


def staff_register(text: str = "", kind: str = "", active: str = "") -> list[StaffMember]:
    """The staff register, also of those who left: by name, pinyin or 工号, of a kind; `active` is "", "yes" or "no"."""
    statement = select(StaffMember).options(joinedload(StaffMember.department))
    if kind:
        statement = statement.where(StaffMember.kind == kind)
    if active:
        statement = statement.where(StaffMember.is_active.is_(active == "yes"))
    text = text.strip().lower()
    found = db.session.scalars(statement.order_by(StaffMember.kind, StaffMember.pinyin, StaffMember.id))
    return [
        member
        for member in found
        if text in member.name.lower()
        or member.code.lower().startswith(text)
        or member.pinyin.startswith(text)
        or member.pinyin_full.startswith(text)
    ]


def department_rows() -> list[DepartmentRow]:
    """Departments with the number of people who work there."""
    statement = (
        select(Department, func.count(StaffMember.id))
        .outerjoin(StaffMember, (StaffMember.department_id == Department.id) & StaffMember.is_active)
        .group_by(Department.id)
        .order_by(Department.code)
    )
    return [
        DepartmentRow(department.id, department.code, department.name, department.is_active, staff)
        for department, staff in db.session.execute(statement)
    ]
