"""The person's own account in the browser: in, out, locked, forced to a new password."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.accounts.queries import user_by_name
from app.core import clock, unit_of_work
from app.core.extensions import socketio
from tests.cast import LI_MING, PASSWORD, PIN

NEW = "Spring-2027"
FORM = {"username": "lim", "password": PASSWORD}


def change(app: Flask, **facts: object) -> None:
    """Alter the account of Li Ming behind the back of the browser."""
    with app.app_context(), unit_of_work.writing():
        user = user_by_name("lim")
        for name, value in facts.items():
            setattr(user, name, value)


def test_pages_of_the_account_keep_the_rules(open_page, client: FlaskClient) -> None:  # type: ignore[no-untyped-def]
    assert open_page("/sign-in").select("h1")
    client.post("/sign-in", data=FORM)
    assert "设置 PIN" in open_page("/account/password").text
    assert open_page("/lock").select("h1")


def test_a_refusal_is_shown_in_place_and_counted(client: FlaskClient) -> None:
    for left in (4, 3, 2, 1):
        answer = client.post("/sign-in", data={"username": "lim", "password": "wrong"})
        assert answer.status_code == 422
        assert f"再错 {left} 次" in answer.get_data(as_text=True)
    answer = client.post("/sign-in", data={"username": "lim", "password": "wrong"})
    assert "已锁定到" in answer.get_data(as_text=True)
    assert client.post("/sign-in", data=FORM).status_code == 422
    with clock.fixed(clock.now() + timedelta(minutes=15, seconds=1)):
        assert client.post("/sign-in", data=FORM).status_code == 302


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/\n/evil.example",
        "/\r/evil.example",
        "\t//evil.example",
    ],
)
def test_signing_in_never_leads_away(client: FlaskClient, target: str) -> None:
    assert client.post("/sign-in", data=FORM | {"next": target}).headers["Location"] == "/"


def test_signing_in_leads_back_to_the_page_asked_for(client: FlaskClient) -> None:
    location = client.get("/devices?room=1").headers["Location"]
    assert location.startswith("/sign-in?next=")
    assert client.post("/sign-in", data=FORM | {"next": "/devices?room=1"}).headers["Location"] == "/devices?room=1"


def test_signing_out_ends_the_session(sign_in) -> None:  # type: ignore[no-untyped-def]
    client = sign_in(LI_MING)
    assert client.post("/sign-out").status_code == 302
    assert "/sign-in" in client.get("/account/password").headers["Location"]


def test_a_copied_cookie_is_worth_nothing_after_the_sign_out(app: Flask, sign_in) -> None:  # type: ignore[no-untyped-def]
    client = sign_in(LI_MING)
    thief = _copy_of(client, app)
    listener = socketio.test_client(app, flask_test_client=thief)
    assert thief.get("/devices").status_code == 200
    client.post("/sign-out")
    assert "/sign-in" in thief.get("/devices").headers["Location"]
    assert not listener.is_connected(), "its open live channel is cut as well"
    assert not socketio.test_client(app, flask_test_client=thief).is_connected()


def test_a_copied_cookie_is_worth_nothing_after_a_new_password_or_sign_in(app: Flask, sign_in) -> None:  # type: ignore[no-untyped-def]
    client = sign_in(LI_MING)
    first = _copy_of(client, app)
    client.post("/sign-in", data=FORM)  # without signing out before
    assert "/sign-in" in first.get("/devices").headers["Location"]
    second = _copy_of(client, app)
    client.post("/account/password", data={"current": PASSWORD, "new": NEW, "again": NEW})
    assert "/sign-in" in second.get("/devices").headers["Location"]
    assert client.get("/devices").status_code == 200


def _copy_of(client: FlaskClient, app: Flask) -> FlaskClient:
    """Another browser with the same cookie."""
    cookie = client.get_cookie("mafei")
    assert cookie is not None
    other = app.test_client()
    other.set_cookie("mafei", cookie.value)
    return other


def test_an_idle_session_locks_and_opens_by_pin(sign_in) -> None:  # type: ignore[no-untyped-def]
    client = sign_in(LI_MING)
    later = clock.now() + timedelta(minutes=15, seconds=30)
    with clock.fixed(later):
        answer = client.get("/devices")
        assert "/lock" in answer.headers["Location"]
        refused = client.get("/devices", headers={"HX-Request": "true"})
        assert refused.status_code == 401
        assert "/lock" in refused.headers["HX-Redirect"]
        assert client.post("/lock", data={"pin": "0000"}).status_code == 422
        assert "/lock" in client.get("/devices").headers["Location"], "a wrong PIN keeps it locked"
        opened = client.post("/lock", data={"pin": PIN, "next": "/devices"})
        assert opened.headers["Location"] == "/devices"
        assert client.get("/devices").status_code == 200


def test_a_background_refetch_is_no_sign_of_life(sign_in) -> None:  # type: ignore[no-untyped-def]
    client, start = sign_in(LI_MING), clock.now()
    for minutes in (5, 10, 14):
        with clock.fixed(start + timedelta(minutes=minutes)):
            assert client.get("/devices/board", headers={"HX-Request": "true"}).status_code == 200
    with clock.fixed(start + timedelta(minutes=16)):
        assert client.get("/devices/board", headers={"HX-Request": "true"}).status_code == 401


def test_work_keeps_a_session_open(sign_in) -> None:  # type: ignore[no-untyped-def]
    client, start = sign_in(LI_MING), clock.now()
    for minutes in (14, 28, 42):
        with clock.fixed(start + timedelta(minutes=minutes)):
            assert client.get("/devices").status_code == 200


def test_locking_by_hand_holds(sign_in) -> None:  # type: ignore[no-untyped-def]
    client = sign_in(LI_MING)
    client.get("/lock")
    assert "/lock" in client.get("/").headers["Location"]
    assert client.post("/account/pin", data={"password": PASSWORD, "pin": "86421"}).status_code == 302


def test_a_first_sign_in_must_choose_a_password(app: Flask, sign_in) -> None:  # type: ignore[no-untyped-def]
    change(app, must_change_password=True)
    client = sign_in(LI_MING)
    assert client.get("/devices").headers["Location"] == "/account/password"
    assert client.post("/account/pin", data={"password": PASSWORD, "pin": "86421"}).status_code == 302
    form = {"current": PASSWORD, "new": NEW, "again": "Spring-2028"}
    assert "两次输入不一致" in client.post("/account/password", data=form).get_data(as_text=True)
    weak = client.post("/account/password", data=form | {"new": "short", "again": "short"})
    assert weak.status_code == 422
    assert "至少 8 位" in weak.get_data(as_text=True)
    assert client.post("/account/password", data=form | {"again": NEW}).status_code == 302
    assert client.get("/devices").status_code == 200


def test_an_expired_password_must_be_changed(app: Flask, sign_in) -> None:  # type: ignore[no-untyped-def]
    change(app, password_changed_at=clock.now() - timedelta(days=91))
    assert sign_in(LI_MING).get("/devices").headers["Location"] == "/account/password"


def test_a_new_password_ends_the_other_sessions_and_keeps_this_one(app: Flask, sign_in) -> None:  # type: ignore[no-untyped-def]
    here, there = sign_in(LI_MING), app.test_client()
    there.post("/sign-in", data=FORM)
    assert there.get("/devices").status_code == 200
    here.post("/account/password", data={"current": PASSWORD, "new": NEW, "again": NEW})
    assert here.get("/devices").status_code == 200
    assert "/sign-in" in there.get("/devices").headers["Location"]


def test_a_disabled_account_is_out_at_its_next_request(app: Flask, sign_in) -> None:  # type: ignore[no-untyped-def]
    client = sign_in(LI_MING)
    change(app, enabled=False)
    assert "/sign-in" in client.get("/devices").headers["Location"]


def test_the_theme_stays_with_the_user(sign_in, open_page) -> None:  # type: ignore[no-untyped-def]
    client = sign_in(LI_MING)
    client.post("/account/theme", data={"theme": "dark"})
    assert 'data-theme="dark"' in open_page("/devices").html
    assert client.post("/account/theme", data={"theme": "pink"}).status_code == 422


def test_a_watched_case_does_not_lock_as_soon_as_a_desk(sign_in) -> None:  # type: ignore[no-untyped-def]
    browser = sign_in(LI_MING)
    start = clock.now()
    with clock.fixed(start):
        assert browser.get("/theatre/OR1").status_code == 200
    with clock.fixed(start + timedelta(minutes=90)):
        assert browser.get("/theatre/_fragments/rooms", headers={"HX-Request": "true"}).status_code == 200
        assert browser.get("/theatre").status_code == 200  # a touch: from here on it is a desk again
    with clock.fixed(start + timedelta(minutes=106)):
        assert "/lock" in browser.get("/theatre").headers["Location"]
