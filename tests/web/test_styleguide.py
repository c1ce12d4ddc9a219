"""The style guide draws every component, and passes what every page must keep."""

from collections.abc import Callable

from flask.testing import FlaskClient

from tests.cast import LI_MING, Person
from tests.pages import Page


def test_shows_every_component(sign_in: Callable[[Person], FlaskClient], open_page: Callable[[str], Page]) -> None:
    sign_in(LI_MING)
    page = open_page("/styleguide")
    for part in (".chip-alert", ".toast-danger", ".numeric", ".patient", ".combobox", ".panel", ".dialog", ".tabs"):
        assert page.soup.select(part), part


def test_static_files_are_immutable_and_stale_addresses_are_not(
    sign_in: Callable[[Person], FlaskClient], open_page: Callable[[str], Page], client: FlaskClient
) -> None:
    sign_in(LI_MING)
    sheet = open_page("/styleguide").soup.select_one("link[rel=stylesheet]")
    assert sheet is not None
    assert "immutable" in client.get(str(sheet["href"])).headers["Cache-Control"]
    assert "immutable" not in client.get("/assets/000000000000/css/base.css").headers["Cache-Control"]
