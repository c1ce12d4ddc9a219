"""Cross-site posts are refused: these tests switch the protection on, which the other tests leave off."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.core.extensions import csrf
from tests.cast import PASSWORD

FORM = {"username": "lim", "password": PASSWORD}


@pytest.fixture
def browser(app: Flask) -> FlaskClient:
    assert app.config.get("WTF_CSRF_ENABLED", True)
    return app.test_client()


def token(browser: FlaskClient, url: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', browser.get(url).get_data(as_text=True))
    assert found
    return found[1]


def enter(browser: FlaskClient) -> None:
    answer = browser.post("/sign-in", data=FORM | {"csrf_token": token(browser, "/sign-in")})
    assert answer.status_code == 302


def test_a_post_without_token_is_refused(browser: FlaskClient) -> None:
    answer = browser.post("/sign-in", data=FORM)
    assert answer.status_code == 400
    assert "安全校验已过期" in answer.get_data(as_text=True)


def test_a_forged_token_is_refused(browser: FlaskClient) -> None:
    browser.get("/sign-in")
    assert browser.post("/sign-in", data=FORM | {"csrf_token": "forged"}).status_code == 400


def test_a_token_of_another_session_is_refused(app: Flask, browser: FlaskClient) -> None:
    foreign = token(app.test_client(), "/sign-in")
    browser.get("/sign-in")
    assert browser.post("/sign-in", data=FORM | {"csrf_token": foreign}).status_code == 400


def test_the_token_of_the_page_is_accepted_in_the_form_and_in_the_header(browser: FlaskClient) -> None:
    enter(browser)
    header = {"X-CSRFToken": token(browser, "/account/password"), "HX-Request": "true"}
    assert browser.post("/account/theme", data={"theme": "dark"}, headers=header).status_code == 204
    refused = browser.post("/account/theme", data={"theme": "dark"}, headers={"HX-Request": "true"})
    assert refused.status_code == 400
    assert "toast" in refused.headers["HX-Trigger"]


def test_every_post_route_of_people_refuses_without_token(app: Flask, browser: FlaskClient) -> None:
    enter(browser)
    tried = 0
    for rule in app.url_map.iter_rules():
        by_token = not app.view_functions[rule.endpoint].needs and rule.endpoint != "account.sign_in"
        if "POST" not in (rule.methods or set()) or by_token:  # machines show a token of their own
            continue
        url = re.sub(r"<any\((\w+)[^>]*>", r"\1", re.sub(r"<day:[^>]+>", "2026-11-22", rule.rule))
        url = re.sub(r"<[^>]+>", "1", url)
        answer = browser.post(url, headers={"Accept": "text/html"})
        assert answer.status_code == 400, (rule.rule, answer.status_code)
        tried += 1
    assert tried > 20


def test_only_machines_are_exempt(app: Flask) -> None:
    exempt_views: set[str] = csrf._exempt_views
    for endpoint, view in app.view_functions.items():
        name = f"{view.__module__}.{view.__name__}"
        exempt = name in exempt_views or endpoint.partition(".")[0] in csrf._exempt_blueprints
        assert not (exempt and view.needs), endpoint
