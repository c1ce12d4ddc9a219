"""Commands on accounts: sign in, unlock, change password, create users, assign roles, edit roles."""

import re
from collections.abc import Collection, Sequence

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import select

from app.accounts import rules, sessions
from app.accounts.models import Role, StaffMember, User
from app.core import audit, clock
from app.core.audit import Actor, SystemActor
from app.core.db import db
from app.core.errors import Conflict, InvalidInput, NotFound
from app.core.permissions import Permission

# 19 MiB, two passes: the second recommended option of OWASP; about 30 ms here.
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_DUMMY_HASH = _hasher.hash("no such user")
GATE = SystemActor("gate", "登录")
_SEPARATION = "系统管理员、安全管理员、审计员必须由不同的人担任"


class SignInRefused(InvalidInput):
    """Wrong name or password, locked or disabled. The failure has been counted and audited."""

    code = "sign_in_refused"


def hash_secret(secret: str) -> str:
    """Argon2id hash of a password or PIN."""
    return _hasher.hash(secret)


def secret_matches(hashed: str, secret: str) -> bool:
    """Whether the secret fits the hash; an empty or foreign hash never fits."""
    try:
        return _hasher.verify(hashed, secret)
    except (VerificationError, InvalidHashError):
        return False


def sign_in(username: str, password: str) -> User | SignInRefused:
    """Check the password. A refusal is returned, not raised, so that its count and audit are committed."""
    moment = clock.now()
    user = db.session.scalar(select(User).where(User.username == username.strip()).with_for_update(of=User))
    if user is None:
        secret_matches(_DUMMY_HASH, password)  # the same time as for a known name
        audit.record(GATE, "accounts.sign_in", "user:unknown", outcome="refused", reason="用户名不存在")
        return SignInRefused("用户名或密码不正确。")
    if rules.is_locked(user.locked_until, moment):
        audit.record(user, "accounts.sign_in", _subject(user), outcome="refused", reason="账户锁定中")
        return _locked_refusal(user)
    if not secret_matches(user.password_hash, password):
        return _count_failure(user, "accounts.sign_in", "密码错误", "用户名或密码不正确。")
    if not user.enabled:
        audit.record(user, "accounts.sign_in", _subject(user), outcome="refused", reason="账户已停用")
        return SignInRefused("账户已停用，请联系系统管理员。")
    user.failed_attempts, user.locked_until, user.last_sign_in_at = 0, None, moment
    audit.record(user, "accounts.sign_in", _subject(user))
    return user


def verify_presence(user: User, secret: str) -> SignInRefused | None:
    """Check the PIN, or else the password, of a user at this moment (unlocking, signing). None when right."""
    _hold(user)
    if rules.is_locked(user.locked_until, clock.now()):
        return _locked_refusal(user)
    if (user.pin_hash and secret_matches(user.pin_hash, secret)) or secret_matches(user.password_hash, secret):
        user.failed_attempts = 0
        return None
    return _count_failure(user, "accounts.verify_presence", "PIN 或密码错误", "PIN 或密码不正确。")


def _hold(user: User) -> None:
    """Read the account again and keep others from changing it: it may have been read before this transaction."""
    db.session.refresh(user, with_for_update={"of": User})


def _count_failure(user: User, action: str, reason: str, message: str) -> SignInRefused:
    user.failed_attempts += 1
    if rules.locks_out(user.failed_attempts):
        user.failed_attempts, user.locked_until = 0, clock.now() + rules.LOCK_OUT
        audit.record(user, "accounts.lock_out", _subject(user), reason="连续 5 次失败")
        return _locked_refusal(user)
    audit.record(user, action, _subject(user), outcome="refused", reason=reason)
    left = rules.MAX_FAILED_ATTEMPTS - user.failed_attempts
    return SignInRefused(f"{message}再错 {left} 次将锁定 15 分钟。")


def _locked_refusal(user: User) -> SignInRefused:
    until = user.locked_until or clock.now()
    return SignInRefused(f"连续错误次数过多，账户已锁定到 {clock.to_hospital(until):%H:%M}。", code="locked_out")


def sign_out(user: User) -> None:
    """End the session by which the user came: every copy of its cookie is worth nothing from now on."""
    audit.record(user, "accounts.sign_out", _subject(user))
    sessions.end(user.session_id)


def change_password(user: User, current: str, new: str) -> None:
    """Set a new password after checking the present one, the policy and the history."""
    _hold(user)
    if not secret_matches(user.password_hash, current):
        raise InvalidInput(fields={"current": "当前密码不正确"})
    _check_new_password(user, new)
    _set_password(user, new)
    user.must_change_password = False
    audit.record(user, "accounts.change_password", _subject(user))


def reset_password(actor: Actor, user: User, new: str) -> None:
    """Set a password for somebody else; it must be changed at the next sign-in."""
    _check_new_password(user, new)
    _set_password(user, new)
    user.must_change_password, user.locked_until, user.failed_attempts = True, None, 0
    audit.record(actor, "accounts.reset_password", _subject(user))


def _check_new_password(user: User, new: str) -> None:
    faults = rules.password_faults(new, user.username)
    if any(secret_matches(old, new) for old in [user.password_hash, *user.password_history]):
        faults.append(f"不能与最近 {rules.PASSWORD_HISTORY} 次用过的密码相同")
    if faults:
        raise InvalidInput(fields={"new": "；".join(faults)})


def _set_password(user: User, new: str) -> None:
    user.password_history = [user.password_hash, *user.password_history][: rules.PASSWORD_HISTORY]
    user.password_hash = hash_secret(new)
    user.password_changed_at = clock.now()
    sessions.end_all(user)


def set_pin(user: User, password: str, pin: str) -> None:
    """Set the PIN that unlocks an idle workstation and signs documents."""
    _hold(user)
    if not secret_matches(user.password_hash, password):
        raise InvalidInput(fields={"password": "密码不正确"})
    faults = rules.pin_faults(pin)
    if faults:
        raise InvalidInput(fields={"pin": "；".join(faults)})
    user.pin_hash = hash_secret(pin)
    audit.record(user, "accounts.set_pin", _subject(user))


def create_user(
    actor: Actor,
    username: str,
    display_name: str,
    password: str,
    role_names: Sequence[str],
    staff: StaffMember | None = None,
    must_change_password: bool = True,
) -> User:
    """Make an account. Raises `InvalidInput` for a bad name, password or set of roles."""
    username = username.strip()
    fields: dict[str, str] = {}
    if not (2 <= len(username) <= 32 and username.isascii() and username.replace("_", "a").isalnum()):
        fields["username"] = "用户名为 2–32 位字母、数字或下划线"
    elif db.session.scalar(select(User.id).where(User.username == username)):
        fields["username"] = "用户名已存在"
    if not display_name.strip():
        fields["display_name"] = "请填写姓名"
    if faults := rules.password_faults(password, username):
        fields["password"] = "；".join(faults)
    if fields:
        raise InvalidInput(fields=fields)
    user = User(
        username=username,
        display_name=display_name.strip(),
        staff=staff,
        password_hash=hash_secret(password),
        password_changed_at=clock.now(),
        must_change_password=must_change_password,
        roles=_roles(role_names),
    )
    db.session.add(user)
    db.session.flush()
    audit.record(actor, "accounts.create_user", _subject(user), after={"username": username, "roles": list(role_names)})
    return user


def assign_roles(actor: Actor, user: User, role_names: Sequence[str]) -> None:
    """Replace the roles of a user; the three administrators exclude each other."""
    if isinstance(actor, User) and actor.id == user.id:
        raise Conflict("不能修改自己的角色，请由另一位管理员操作。")
    before = [role.name for role in user.roles]
    user.roles = _roles(role_names)
    audit.record(
        actor,
        "accounts.assign_roles",
        _subject(user),
        before={"roles": before},
        after={"roles": list(role_names)},
    )


def _roles(names: Sequence[str]) -> list[Role]:
    if rules.exclusive_conflict(names):
        raise InvalidInput(fields={"roles": _SEPARATION})
    roles = list(db.session.scalars(select(Role).where(Role.name.in_(names))))
    missing = set(names) - {role.name for role in roles}
    if missing:
        raise NotFound(f"没有角色：{'、'.join(sorted(missing))}")
    if rules.separated_rights_conflict(right for role in roles for right in role.permissions):
        raise InvalidInput(fields={"roles": _SEPARATION})
    return roles


def create_role(actor: Actor, name: str, label: str, permissions: Collection[str] = ()) -> Role:
    """Make a role. `name` is the stable key, `label` what people read. Raises `InvalidInput`."""
    name, label = name.strip(), label.strip()
    fields: dict[str, str] = {}
    if not re.fullmatch(r"[a-z][a-z0-9_]{1,31}", name):
        fields["name"] = "标识为 2–32 位小写字母、数字或下划线，以字母开头"
    elif db.session.scalar(select(Role.id).where(Role.name == name)):
        fields["name"] = "标识已存在"
    if not 1 <= len(label) <= 32:
        fields["label"] = "请填写 1–32 字的角色名称"
    elif db.session.scalar(select(Role.id).where(Role.label == label)):
        fields["label"] = "已有同名角色"
    if fields:
        raise InvalidInput(fields=fields)
    rights = _checked_rights(permissions)
    role = Role(name=name, label=label, permissions=rights)
    db.session.add(role)
    db.session.flush()
    audit.record(
        actor, "accounts.create_role", f"role:{role.id}", after={"name": name, "label": label, "permissions": rights}
    )
    return role


def set_role_permissions(actor: Actor, role: Role, permissions: Collection[str]) -> None:
    """Replace the rights of a role. Raises `InvalidInput` when administrators' rights would come together in the
    role or in somebody who holds it, or when nobody could administer the installation any more.
    """
    rights = _checked_rights(permissions)
    before = sorted(role.permissions)
    if rights == before:
        return
    role.permissions = rights
    db.session.flush()
    _check_separation(role)
    _check_indispensable()
    audit.record(
        actor,
        "accounts.set_role_permissions",
        f"role:{role.id}",
        before={"role": role.name, "removed": sorted(set(before) - set(rights))},
        after={"role": role.name, "added": sorted(set(rights) - set(before))},
    )


def _checked_rights(permissions: Collection[str]) -> list[str]:
    rights = sorted(set(permissions) - {Permission.SIGNED_IN.value})
    unknown = set(rights) - {permission.value for permission in Permission}
    if unknown:
        raise InvalidInput(f"没有这项权限：{'、'.join(sorted(unknown))}")
    if rules.separated_rights_conflict(rights):
        raise InvalidInput(fields={"permissions": "系统管理、安全管理、审计三类权限不能同时授予一个角色"})
    return rights


def _check_separation(role: Role) -> None:
    holders = db.session.scalars(select(User).where(User.roles.any(Role.id == role.id)))
    names = [user.display_name for user in holders if rules.separated_rights_conflict(user.permissions)]
    if names:
        raise InvalidInput(fields={"permissions": f"{_SEPARATION}，而{'、'.join(names[:5])}还有其他管理角色"})


def _check_indispensable() -> None:
    granted = {right for rights in db.session.scalars(select(Role.permissions)) for right in rights}
    lost = [right.label for right in rules.INDISPENSABLE_RIGHTS if right.value not in granted]
    if lost:
        raise InvalidInput(fields={"permissions": f"至少要有一个角色保留“{'、'.join(lost)}”权限"})


def set_enabled(actor: Actor, user: User, enabled: bool) -> None:
    """Enable or disable an account; disabling ends its sessions."""
    if isinstance(actor, User) and actor.id == user.id and not enabled:
        raise Conflict("不能停用自己的账户。")
    before, user.enabled = user.enabled, enabled
    if not enabled:
        sessions.end_all(user)
    audit.record(actor, "accounts.set_enabled", _subject(user), before={"enabled": before}, after={"enabled": enabled})


def unlock_user(actor: Actor, user: User) -> None:
    """End the lock-out after failed sign-ins before its time."""
    if not rules.is_locked(user.locked_until, clock.now()):
        return
    before, user.locked_until, user.failed_attempts = user.locked_until, None, 0
    audit.record(actor, "accounts.unlock_user", _subject(user), before={"locked_until": before})


def choose_theme(user: User, theme: str) -> None:
    """Remember the colour theme of a user."""
    if theme not in ("light", "dark", "contrast"):
        raise InvalidInput("没有这个主题。")
    user.theme = theme


def _subject(user: User) -> str:
    return f"user:{user.id}"
