"""Tables of users, roles, departments and staff."""

from datetime import datetime

from sqlalchemy import Column, ForeignKey, Index, String, Table
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Base, Stamped
from app.core.permissions import Permission
from app.core.pinyin import initials, name_full, name_initials

user_role = Table(
    "user_role",
    Base.metadata,
    Column("user_id", ForeignKey("user.id"), primary_key=True),
    Column("role_id", ForeignKey("role.id"), primary_key=True),
)


class Role(Base):
    """A named, editable set of permissions."""

    __tablename__ = "role"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(32), unique=True, comment="stable key, e.g. anesthesiologist")
    label: Mapped[str] = mapped_column(String(32))
    permissions: Mapped[list[str]] = mapped_column(comment="values of core.permissions.Permission")


class Department(Base):
    """A department or ward of the hospital."""

    __tablename__ = "department"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(32), unique=True, comment="department code of the HIS")
    name: Mapped[str] = mapped_column(String(64))
    pinyin: Mapped[str] = mapped_column(String(64), default="")
    is_active: Mapped[bool] = mapped_column(default=True)

    def index_name(self) -> None:
        """Refresh the pinyin initials after the name was set."""
        self.pinyin = initials(self.name)


class StaffMember(Base):
    """A person who works here: surgeon, anesthesiologist, nurse. An account is optional."""

    __tablename__ = "staff_member"
    __table_args__ = (Index("ix_staff_member_kind_pinyin", "kind", "pinyin"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(32), unique=True, comment="工号, the HIS staff code")
    name: Mapped[str] = mapped_column(String(64))
    pinyin: Mapped[str] = mapped_column(String(64), default="", comment="initials")
    pinyin_full: Mapped[str] = mapped_column(String(128), default="")
    kind: Mapped[str] = mapped_column(
        String(24), comment="surgeon, anesthesiologist, anesthesia_nurse, theatre_nurse, ward_nurse, other"
    )
    title: Mapped[str] = mapped_column(String(32), default="", comment="职称")
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"))
    is_active: Mapped[bool] = mapped_column(default=True)

    department: Mapped[Department | None] = relationship()

    def index_name(self) -> None:
        """Refresh the pinyin keys after the name was set."""
        self.pinyin, self.pinyin_full = name_initials(self.name), name_full(self.name)


class User(Base, Stamped):
    """An account. Also an actor of services and a user of Flask-Login."""

    __tablename__ = "user"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(32), unique=True)
    display_name: Mapped[str] = mapped_column(String(64))
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff_member.id"), unique=True)
    password_hash: Mapped[str] = mapped_column(String(255))
    password_changed_at: Mapped[datetime] = mapped_column(comment="UTC")
    password_history: Mapped[list[str]] = mapped_column(default=list, comment="argon2 hashes of the last 5")
    pin_hash: Mapped[str] = mapped_column(String(255), default="", comment="argon2; unlocks an idle session")
    must_change_password: Mapped[bool] = mapped_column(default=True)
    failed_attempts: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None] = mapped_column(comment="UTC")
    last_sign_in_at: Mapped[datetime | None] = mapped_column(comment="UTC")
    theme: Mapped[str] = mapped_column(String(16), default="light", comment="light, dark, contrast")
    enabled: Mapped[bool] = mapped_column(default=True)

    roles: Mapped[list[Role]] = relationship(secondary=user_role, lazy="selectin", order_by=Role.id)
    staff: Mapped[StaffMember | None] = relationship(lazy="joined")

    @property
    def actor_id(self) -> str:
        """Identity in the audit trail."""
        return f"user:{self.id}"

    @property
    def actor_name(self) -> str:
        """Name in the audit trail."""
        return self.display_name

    @property
    def permissions(self) -> frozenset[str]:
        """All rights of all roles; being signed in is one."""
        rights = {right for role in self.roles for right in role.permissions}
        return frozenset(rights | {Permission.SIGNED_IN.value})

    def may(self, permission: Permission) -> bool:
        """Whether the user has the right."""
        return permission.value in self.permissions

    # Flask-Login
    is_authenticated = True
    is_anonymous = False
    session_id = ""  # of the session by which the user came; not stored here

    @property
    def is_active(self) -> bool:
        """A disabled account is signed out at its next request."""
        return self.enabled

    def get_id(self) -> str:
        """Identity in the session cookie: the session, which ends at the server and so in every copy of the cookie."""
        return self.session_id


class UserSession(Base):
    """Somebody signed in at a workstation. Without its row a cookie is worth nothing."""

    __tablename__ = "user_session"

    id: Mapped[str] = mapped_column(String(43), primary_key=True, comment="256 random bits; in the signed cookie")
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    started_at: Mapped[datetime] = mapped_column(comment="UTC")
    workstation: Mapped[str] = mapped_column(String(64), default="", comment="address at sign-in")
