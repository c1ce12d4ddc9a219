"""Policy of passwords, PINs, lock-out, dormancy and separation. Source: GB/T 22239-2019 8.1.4.1, 8.1.4.2, 8.1.5."""

from datetime import UTC, datetime, timedelta

import pytest

from app.accounts import rules
from app.accounts.defaults import DEFAULT_ROLES
from app.core.permissions import Permission

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("password", "faults"),
    [
        ("Theatre-2026", 0),
        ("abcDEF12", 0),
        ("abc-1234", 0),
        ("手术室Aa12", 1),  # 7 characters
        ("手术室Aa123", 0),
        ("Abc-123", 1),
        ("abcdefgh", 1),
        ("abcd1234", 1),
        ("ABCD1234", 1),
        ("Lim-20261122", 1),
        ("x" * 129, 2),
        ("", 2),
    ],
)
def test_password_policy(password: str, faults: int) -> None:
    assert len(rules.password_faults(password, "lim")) == faults


@pytest.mark.parametrize(
    ("pin", "is_good"),
    [
        ("2580", True), ("19283746", True), ("1357", True), ("1234", False), ("9876", False), ("0000", False),
        ("123", False), ("123456789", False), ("25a0", False), ("２５８０", False), ("", False), ("1243", True),
    ],
)  # fmt: skip
def test_pin_policy(pin: str, is_good: bool) -> None:
    assert (rules.pin_faults(pin) == []) is is_good


@pytest.mark.parametrize(("failures", "locks"), [(0, False), (4, False), (5, True), (6, True)])
def test_five_failures_lock(failures: int, locks: bool) -> None:
    assert rules.locks_out(failures) is locks


def test_a_lock_ends_at_its_time() -> None:
    until = NOON + rules.LOCK_OUT
    assert timedelta(minutes=15) == rules.LOCK_OUT
    assert rules.is_locked(until, NOON)
    assert rules.is_locked(until, until - timedelta(seconds=1))
    assert not rules.is_locked(until, until)
    assert not rules.is_locked(None, NOON)


@pytest.mark.parametrize(
    ("days", "limit", "expired"), [(89, 90, False), (90, 90, False), (91, 90, True), (999, 0, False)]
)
def test_expiry(days: int, limit: int, expired: bool) -> None:
    assert rules.is_expired(NOON - timedelta(days=days), NOON, limit) is expired


@pytest.mark.parametrize(
    ("last", "created", "dormant"),
    [(None, 10, False), (None, 91, True), (5, 500, False), (91, 500, True), (90, 500, False)],
)
def test_dormancy(last: int | None, created: int, dormant: bool) -> None:
    signed_in = None if last is None else NOON - timedelta(days=last)
    assert rules.is_dormant(signed_in, NOON - timedelta(days=created), NOON) is dormant


@pytest.mark.parametrize(
    ("roles", "conflict"),
    [
        ([], False),
        (["system_admin"], False),
        (["system_admin", "it_engineer"], False),
        (["system_admin", "security_admin"], True),
        (["system_admin", "auditor"], True),
        (["security_admin", "auditor"], True),
    ],
)
def test_the_three_administrators_exclude_each_other(roles: list[str], conflict: bool) -> None:
    assert rules.exclusive_conflict(roles) is conflict
    rights = [right.value for role in roles for right in DEFAULT_ROLES[role][1]]
    assert rules.separated_rights_conflict(rights) is conflict


def test_no_default_role_brings_separated_rights_together() -> None:
    for name, (_label, rights) in DEFAULT_ROLES.items():
        assert not rules.separated_rights_conflict(right.value for right in rights), name
    granted = {right for _label, rights in DEFAULT_ROLES.values() for right in rights}
    assert set(rules.INDISPENSABLE_RIGHTS) <= granted


def test_every_right_has_words_and_a_default_holder() -> None:
    granted = {right for _label, rights in DEFAULT_ROLES.values() for right in rights}
    assert {right for right in Permission if not right.label} == set()
    assert set(Permission) - granted == {Permission.SIGNED_IN}


def test_suggested_passwords_meet_the_policy_and_differ() -> None:
    made = {rules.suggest_password() for _ in range(50)}
    assert len(made) == 50
    for password in made:
        assert rules.password_faults(password, "lim") == []
        assert not set(password) & set("0O1lI")
