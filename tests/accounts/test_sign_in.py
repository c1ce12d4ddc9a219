"""Signing in, being locked out, changing passwords: services and what they audit."""

from collections.abc import Callable
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from flask import Flask
from sqlalchemy import select

from app.accounts import service, sessions
from app.accounts.models import User
from app.accounts.queries import load_session_user
from app.accounts.service import SignInRefused
from app.core import clock
from app.core.audit import AuditEntry
from app.core.db import db
from app.core.errors import InvalidInput
from tests.cast import HE_YU, LI_MING, PASSWORD, PIN, Person
from tests.economy import HASHER_OF_THE_HOUSE

AsUser = Callable[[Person], User]
NEW = ["Spring-2027", "Summer-2027", "Autumn-2027", "Winter-2027", "Frost-2027", "Thaw-2028"]


def told(action: str) -> list[tuple[str, str]]:
    found = db.session.scalars(select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.id))
    return [(entry.outcome, entry.reason) for entry in found]


def refused(username: str, password: str) -> SignInRefused:
    outcome = service.sign_in(username, password)
    assert isinstance(outcome, SignInRefused)
    return outcome


def test_the_right_password_enters_and_is_noted(as_user: AsUser) -> None:
    user = as_user(LI_MING)
    assert service.sign_in(" lim ", PASSWORD) is user
    assert user.last_sign_in_at is not None
    assert told("accounts.sign_in") == [("done", "")]


def test_an_unknown_name_gets_the_same_words_as_a_wrong_password(context: None) -> None:
    assert refused("nobody", PASSWORD).message == "用户名或密码不正确。"
    assert refused("lim", "wrong").message.startswith("用户名或密码不正确。")
    assert told("accounts.sign_in") == [("refused", "用户名不存在"), ("refused", "密码错误")]


def test_five_failures_lock_for_fifteen_minutes(as_user: AsUser) -> None:
    user, moment = as_user(LI_MING), clock.now()
    with clock.fixed(moment):
        words = [refused("lim", "wrong").message for _ in range(4)]
        assert [f"再错 {left} 次" in text for left, text in zip((4, 3, 2, 1), words, strict=True)] == [True] * 4
        assert refused("lim", "wrong").code == "locked_out"
        assert refused("lim", PASSWORD).code == "locked_out", "the right password does not open a locked account"
    with clock.fixed(moment + timedelta(minutes=14, seconds=59)):
        assert refused("lim", PASSWORD).code == "locked_out"
    with clock.fixed(moment + timedelta(minutes=15)):
        assert service.sign_in("lim", PASSWORD) is user
    assert told("accounts.lock_out") == [("done", "连续 5 次失败")]


def test_a_stolen_hash_is_dear_to_guess() -> None:
    """19 MiB and two passes, the second option of the OWASP password storage cheat sheet."""
    assert HASHER_OF_THE_HOUSE.hash(PASSWORD).startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_a_success_begins_the_count_anew(as_user: AsUser) -> None:
    user = as_user(LI_MING)
    for _ in range(4):
        refused("lim", "wrong")
    assert service.sign_in("lim", PASSWORD) is user
    for _ in range(4):
        assert refused("lim", "wrong").code == "sign_in_refused"


def test_failures_at_four_workstations_at_once_all_count(app: Flask) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    together = Barrier(4)

    def guess() -> None:
        workstation = app.test_client()
        workstation.post("/sign-in", data={"username": LI_MING.username, "password": PASSWORD})
        together.wait(30)
        assert workstation.post("/lock", data={"pin": "0000"}).status_code == 422

    people = [Thread(target=guess) for _ in range(4)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    with app.app_context():
        assert db.session.scalar(select(User.failed_attempts).where(User.username == LI_MING.username)) == 4


def test_failures_of_the_pin_lock_too(as_user: AsUser) -> None:
    user = as_user(LI_MING)
    assert service.verify_presence(user, PIN) is None
    assert service.verify_presence(user, PASSWORD) is None
    for _ in range(5):
        assert service.verify_presence(user, "0000") is not None
    refusal = service.verify_presence(user, PIN)
    assert refusal is not None
    assert refusal.code == "locked_out"


def test_an_administrator_unlocks(as_user: AsUser) -> None:
    user, engineer = as_user(LI_MING), as_user(HE_YU)
    for _ in range(5):
        refused("lim", "wrong")
    service.unlock_user(engineer, user)
    service.unlock_user(engineer, user)
    assert service.sign_in("lim", PASSWORD) is user
    assert len(told("accounts.unlock_user")) == 1


def begun(user: User) -> str:
    """A new session of the user."""
    sessions.begin(user)
    return user.get_id()


def test_a_disabled_account_stays_out_and_its_sessions_end(as_user: AsUser) -> None:
    user, session_id = as_user(LI_MING), begun(as_user(LI_MING))
    service.set_enabled(as_user(HE_YU), user, False)
    assert "停用" in refused("lim", PASSWORD).message
    user.enabled = True
    db.session.flush()
    assert load_session_user(session_id) is None


def test_an_empty_or_foreign_hash_fits_nothing() -> None:
    assert not service.secret_matches("", "")
    assert not service.secret_matches("pbkdf2:sha256:1$x$y", "x")


def test_the_last_five_passwords_are_refused(as_user: AsUser) -> None:
    user, current = as_user(LI_MING), PASSWORD
    for password in NEW[:5]:
        service.change_password(user, current, password)
        current = password
    for old in (PASSWORD, *NEW[:5]):
        with pytest.raises(InvalidInput, match="最近 5 次"):
            service.change_password(user, current, old)
    service.change_password(user, current, NEW[5])
    service.change_password(user, NEW[5], PASSWORD)  # six passwords ago


def test_a_changed_password_ends_the_sessions(as_user: AsUser) -> None:
    user = as_user(LI_MING)
    here, there, other = begun(user), begun(user), begun(as_user(HE_YU))
    service.change_password(user, PASSWORD, NEW[0])
    assert [load_session_user(one) for one in (here, there)] == [None, None]
    assert load_session_user(other) is not None
    refused("lim", PASSWORD)
    assert service.sign_in("lim", NEW[0]) is user


def test_the_present_password_is_asked_for(as_user: AsUser) -> None:
    with pytest.raises(InvalidInput) as caught:
        service.change_password(as_user(LI_MING), "wrong", NEW[0])
    assert set(caught.value.fields) == {"current"}


def test_a_reset_password_must_be_changed(as_user: AsUser) -> None:
    user = as_user(LI_MING)
    for _ in range(5):
        refused("lim", "wrong")
    service.reset_password(as_user(HE_YU), user, NEW[0])
    assert service.sign_in("lim", NEW[0]) is user
    assert user.must_change_password
    service.change_password(user, NEW[0], NEW[1])
    assert not user.must_change_password


def test_a_pin_needs_the_password_and_the_policy(as_user: AsUser) -> None:
    user = as_user(LI_MING)
    for password, pin, field in (("wrong", "8642", "password"), (PASSWORD, "1234", "pin")):
        with pytest.raises(InvalidInput) as caught:
            service.set_pin(user, password, pin)
        assert set(caught.value.fields) == {field}
    service.set_pin(user, PASSWORD, "86421")
    assert service.verify_presence(user, "86421") is None


def test_secrets_never_reach_the_trail(as_user: AsUser) -> None:
    user = as_user(LI_MING)
    service.change_password(user, PASSWORD, NEW[0])
    service.set_pin(user, NEW[0], "86421")
    refused("lim", "Secret-Typed-Wrong1")
    text = " ".join(f"{e.before}{e.after}{e.reason}" for e in db.session.scalars(select(AuditEntry)))
    assert not [secret for secret in (PASSWORD, NEW[0], "86421", "Secret-Typed", "argon2") if secret in text]
