"""Security headers on every answer; errors as a page, a toast or JSON in the same words."""

import json

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.cast import HE_YU, LI_MING
from tests.pages import read_page


def test_headers_are_on_every_kind_of_answer(sign_in) -> None:  # type: ignore[no-untyped-def]
    client: FlaskClient = sign_in(LI_MING)
    for url in ("/account/password", "/nowhere", "/healthz", "/admin/audit", "/sign-in"):
        headers = client.get(url).headers
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"], url
        assert headers["X-Content-Type-Options"] == "nosniff", url
        assert headers["Referrer-Policy"] == "same-origin", url
        assert headers["Cache-Control"] == "no-store", url
        assert "camera=()" in headers["Permissions-Policy"], url


def test_the_session_cookie_is_out_of_reach_of_scripts(client: FlaskClient) -> None:
    answer = client.post("/sign-in", data={"username": "lim", "password": "Theatre-2026"})
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_static_files_are_immutable_under_their_digest_only(client: FlaskClient) -> None:
    page = client.get("/sign-in").get_data(as_text=True)
    url = page.split('rel="stylesheet" href="')[1].split('"')[0]
    fresh = client.get(url)
    assert fresh.status_code == 200
    assert "immutable" in fresh.headers["Cache-Control"]
    stale = client.get("/assets/000000000000/css/base.css")
    assert stale.headers["Cache-Control"] == "no-store"
    for outside in ("/assets/000000000000/../app/core/settings.py", "/assets/000000000000/%2e%2e/wsgi.py"):
        assert client.get(outside).status_code == 404, outside


def test_large_answers_are_compressed_when_the_browser_can(sign_in) -> None:  # type: ignore[no-untyped-def]
    client = sign_in(LI_MING)
    packed = client.get("/styleguide", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.get_data()) * 2 < len(client.get("/styleguide").get_data())
    assert "Accept-Encoding" in packed.headers["Vary"]


@pytest.mark.parametrize(("url", "status", "words"), [("/nowhere", 404, "没有找到"), ("/admin/audit", 403, "没有权限")])
def test_an_error_is_a_whole_page(sign_in, url: str, status: int, words: str) -> None:  # type: ignore[no-untyped-def]
    page = read_page(sign_in(LI_MING), url, status)
    assert words in page.select("h1")[0]


def test_an_error_of_a_fragment_is_a_toast(sign_in) -> None:  # type: ignore[no-untyped-def]
    answer = sign_in(HE_YU).get("/devices/999/live", headers={"HX-Request": "true"})
    assert answer.status_code == 404
    toast = json.loads(answer.headers["HX-Trigger"])["toast"]
    assert (toast["kind"], toast["message"]) == ("danger", "没有这台设备。")
    assert "<html" not in answer.get_data(as_text=True)


def test_an_error_for_a_machine_is_json(client: FlaskClient) -> None:
    answer = client.get("/api/nowhere")
    assert answer.status_code == 404
    assert answer.get_json()["error"] == "http_404"


def test_a_wrong_method_is_told(sign_in) -> None:  # type: ignore[no-untyped-def]
    assert sign_in(LI_MING).get("/sign-out").status_code == 405


def test_a_fault_of_ours_has_a_number_and_no_details(app: Flask, sign_in) -> None:  # type: ignore[no-untyped-def]
    def broken(**_values: object) -> str:
        raise RuntimeError("患者张三的内部错误")

    broken.needs = ()  # type: ignore[attr-defined]
    app.view_functions["ops.alive"] = broken
    client = sign_in(LI_MING)
    answer = client.get("/healthz", headers={"Accept": "text/html"})
    text = answer.get_data(as_text=True)
    assert answer.status_code == 500
    assert "编号" in text
    assert "张三" not in text
    assert "Traceback" not in text


def test_a_view_without_declared_rights_is_refused(app: Flask, sign_in) -> None:  # type: ignore[no-untyped-def]
    client = sign_in(LI_MING)
    app.view_functions["ops.alive"] = lambda: "secret"
    answer = client.get("/healthz")
    assert answer.status_code == 403
    assert "secret" not in answer.get_data(as_text=True)
