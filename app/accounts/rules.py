"""Password policy, lock-out and role exclusion. Source: GB/T 22239-2019 8.1.4.1, 8.1.4.2 (等保三级)."""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise

from app.core.permissions import EXCLUSIVE_ROLES, Permission

MAX_FAILED_ATTEMPTS = 5
LOCK_OUT = timedelta(minutes=15)
PASSWORD_MIN_LENGTH = 8
PASSWORD_HISTORY = 5
PIN_MIN_LENGTH, PIN_MAX_LENGTH = 4, 8
DORMANT_AFTER = timedelta(days=90)
# Rights of the system, security and audit administrator: no role and no person may hold rights of two of them.
SEPARATED_RIGHTS: tuple[frozenset[str], ...] = (
    frozenset({Permission.MANAGE_USERS.value, Permission.MANAGE_SYSTEM.value}),
    frozenset({Permission.MANAGE_ROLES.value}),
    frozenset({Permission.VIEW_AUDIT.value}),
)
# Without a role that holds these nobody could administer the installation any more.
INDISPENSABLE_RIGHTS = (Permission.MANAGE_USERS, Permission.MANAGE_ROLES, Permission.VIEW_AUDIT)
# Without 0 O 1 l I, which people mix up when they read a password aloud.
_READABLE = ("abcdefghjkmnpqrstuvwxyz", "ABCDEFGHJKLMNPQRSTUVWXYZ", "23456789")


def password_faults(password: str, username: str) -> list[str]:
    """What is wrong with a new password, in Chinese; empty when it is acceptable."""
    faults = []
    if len(password) < PASSWORD_MIN_LENGTH:
        faults.append(f"至少 {PASSWORD_MIN_LENGTH} 位")
    if len(password) > 128:
        faults.append("不超过 128 位")
    if character_classes(password) < 3:
        faults.append("大写字母、小写字母、数字、符号中至少包含三类")
    if username and username.lower() in password.lower():
        faults.append("不能包含用户名")
    return faults


def character_classes(text: str) -> int:
    """How many of upper case, lower case, digit, other occur."""
    return sum(
        (
            any(c.isascii() and c.isupper() for c in text),
            any(c.isascii() and c.islower() for c in text),
            any(c.isascii() and c.isdigit() for c in text),
            any(not (c.isascii() and c.isalnum()) for c in text),
        )
    )


def pin_faults(pin: str) -> list[str]:
    """What is wrong with a PIN, in Chinese."""
    if not (pin.isascii() and pin.isdigit() and PIN_MIN_LENGTH <= len(pin) <= PIN_MAX_LENGTH):
        return [f"PIN 应为 {PIN_MIN_LENGTH}–{PIN_MAX_LENGTH} 位数字"]
    steps = {int(b) - int(a) for a, b in pairwise(pin)}
    if len(steps) == 1 and steps <= {0, 1, -1}:
        return ["PIN 过于简单，不能是相同或连续的数字"]
    return []


def locks_out(failed_attempts: int) -> bool:
    """Whether this many failures in a row lock the account."""
    return failed_attempts >= MAX_FAILED_ATTEMPTS


def is_locked(locked_until: datetime | None, moment: datetime) -> bool:
    """Whether the account is locked at `moment`."""
    return locked_until is not None and moment < locked_until


def is_expired(changed_at: datetime, moment: datetime, max_age_days: int) -> bool:
    """Whether the password is older than the policy permits; 0 days means it never expires."""
    return max_age_days > 0 and moment - changed_at > timedelta(days=max_age_days)


def exclusive_conflict(role_names: Iterable[str]) -> bool:
    """Whether two of the three administrators (system, security, audit) would be one person."""
    return len(EXCLUSIVE_ROLES & set(role_names)) > 1


def separated_rights_conflict(rights: Iterable[str]) -> bool:
    """Whether the rights of two of the three administrators come together."""
    held = set(rights)
    return sum(bool(held & group) for group in SEPARATED_RIGHTS) > 1


def is_dormant(last_sign_in_at: datetime | None, created_at: datetime, moment: datetime) -> bool:
    """Whether nobody has signed in with the account for 90 days (since it was made, when never)."""
    return moment - (last_sign_in_at or created_at) > DORMANT_AFTER


def suggest_password() -> str:
    """A first password of 12 characters that meets the policy and can be read aloud."""
    parts = [secrets.choice(letters) for letters in _READABLE for _ in range(4)]
    secrets.SystemRandom().shuffle(parts)
    return "".join(parts)
