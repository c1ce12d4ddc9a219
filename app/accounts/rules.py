"""Password policy, lock-out and role exclusion. Source: GB/T 22239-2019 8.1.4.1, 8.1.4.2 (等保三级)."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise

from app.core.permissions import EXCLUSIVE_ROLES

MAX_FAILED_ATTEMPTS = 5
LOCK_OUT = timedelta(minutes=15)
PASSWORD_MIN_LENGTH = 8
PASSWORD_HISTORY = 5
PIN_MIN_LENGTH, PIN_MAX_LENGTH = 4, 8


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
