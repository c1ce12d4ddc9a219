"""Helpers of the web tests."""

from flask import Flask
from flask.testing import FlaskClient

from app.accounts import service
from app.accounts.queries import user_by_name
from app.core import unit_of_work
from app.core.audit import SystemActor
from tests.cast import PASSWORD, Person

SECURITY = Person("sec1", "安全员乙", "security_admin", "other")
INSTALLER = SystemActor("job:test", "测试")
HTMX = {"HX-Request": "true"}


def add_security_admin(app: Flask) -> None:
    """The cast has no security administrator: make one."""
    with app.app_context(), unit_of_work.writing():
        service.create_user(
            INSTALLER, SECURITY.username, SECURITY.name, PASSWORD, [SECURITY.role], must_change_password=False
        )


def user_id(app: Flask, person: Person) -> int:
    """Number of the account of a person."""
    with app.app_context():
        user = user_by_name(person.username)
        assert user is not None
        return user.id


def html(client: FlaskClient, url: str) -> str:
    """Text of a page or fragment that must open."""
    answer = client.get(url, headers=HTMX)
    assert answer.status_code == 200, (url, answer.status_code)
    return answer.get_data(as_text=True)
