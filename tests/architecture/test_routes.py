"""Every route declares its rights; URLs are kebab-case; mutating routes are never GET."""

import re

import pytest
from flask import Flask

from app.accounts.queries import user_by_name
from app.core.permissions import Permission
from tests.cast import CAST, STRANGER, Person

# Open to anybody on purpose, each with its reason.
PUBLIC = {
    "account.sign_in_page": "the way in",
    "account.sign_in": "the way in",
    "assets.file": "style and scripts of the sign-in page; no data",
    "ops.alive": "watched by machines",
    "ops.ready": "watched by machines",
    "print_station.next_job": "print stations show the station token",
    "print_station.report_job": "print stations show the station token",
    "ops.take_changes": "our own processes, by token",
}
_KEBAB = re.compile(r"^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+)?$")


def test_every_view_declares_its_rights(app: Flask) -> None:
    undeclared = [
        rule.endpoint for rule in app.url_map.iter_rules() if not hasattr(app.view_functions[rule.endpoint], "needs")
    ]
    assert undeclared == []


def test_only_the_known_views_are_public(app: Flask) -> None:
    public = {rule.endpoint for rule in app.url_map.iter_rules() if app.view_functions[rule.endpoint].needs == ()}
    assert public == set(PUBLIC)


def test_urls_are_kebab_case(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        for part in rule.rule.strip("/").split("/"):
            assert not part or part.startswith("<") or _KEBAB.match(part) or part == "_fragments", rule.rule


def test_what_changes_something_is_never_reached_by_get(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        methods = (rule.methods or set()) - {"HEAD", "OPTIONS"}
        assert methods == {"GET"} or "GET" not in methods, rule.rule


def _plain_get_urls(app: Flask) -> list[tuple[str, tuple[Permission, ...]]]:
    return [
        (rule.rule, app.view_functions[rule.endpoint].needs)
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or set()) and not rule.arguments and rule.endpoint not in PUBLIC
    ]


def test_nobody_enters_without_signing_in(app: Flask, client) -> None:  # type: ignore[no-untyped-def]
    for url, _needs in _plain_get_urls(app):
        answer = client.get(url)
        assert answer.status_code in (302, 401), url
        assert "/sign-in" in answer.headers.get("Location", "/sign-in"), url


@pytest.mark.parametrize("person", [*CAST[:1], *CAST[3:]], ids=lambda person: person.username)
def test_each_role_gets_what_it_may_and_nothing_else(app: Flask, sign_in, person: Person) -> None:  # type: ignore[no-untyped-def]
    client = sign_in(person)
    with app.app_context():
        user = user_by_name(person.username)
        assert user is not None
        rights = user.permissions
    for url, needs in _plain_get_urls(app):
        if url in ("/lock",):  # opening it locks the session
            continue
        answer = client.get(url)
        if any(permission.value in rights for permission in needs):
            assert answer.status_code in (200, 302), (person.username, url, answer.status_code)
        else:
            assert answer.status_code == 403, (person.username, url, answer.status_code)


def test_the_stranger_has_no_rights(app: Flask, sign_in) -> None:  # type: ignore[no-untyped-def]
    client = sign_in(STRANGER)
    assert client.get("/").status_code == 200
    assert "还没有分配工作权限" in client.get("/").get_data(as_text=True)
