"""What every page must keep, checked whenever a test opens one."""

import re
from collections import Counter
from dataclasses import dataclass

import html5lib
from bs4 import BeautifulSoup
from flask.testing import FlaskClient

# html5lib reports these for correct HTML5 of ours (unknown attribute prefixes of SVG and the like).
_TOLERATED = frozenset({"unexpected-null-character"})


@dataclass(frozen=True, slots=True)
class Page:
    """A page that passed the checks."""

    url: str
    html: str
    soup: BeautifulSoup

    @property
    def text(self) -> str:
        """Visible text, white space folded."""
        return re.sub(r"\s+", " ", self.soup.get_text(" ")).strip()

    def select(self, selector: str) -> list[str]:
        """Texts of the elements of a CSS selector."""
        return [re.sub(r"\s+", " ", tag.get_text(" ")).strip() for tag in self.soup.select(selector)]


def read_page(client: FlaskClient, url: str, status: int = 200) -> Page:
    """GET the page, following redirects, and check it."""
    answer = client.get(url, follow_redirects=True)
    assert answer.status_code == status, f"{url}: {answer.status_code}"
    html = answer.get_data(as_text=True)
    page = Page(url, html, BeautifulSoup(html, "html.parser"))
    check_headers(dict(answer.headers))
    check_html(page)
    return page


def check_headers(headers: dict[str, str]) -> None:
    """The security headers of a page."""
    policy = headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"


def check_html(page: Page) -> None:
    """Strict HTML5, a title that the h1 agrees with, one h1, unique ids, nothing inline, nothing from outside."""
    parser = html5lib.HTMLParser(strict=False)
    parser.parse(page.html)
    faults = [error for error in parser.errors if error[1] not in _TOLERATED]
    assert not faults, f"{page.url}: HTML faults {faults[:5]}"
    soup = page.soup
    assert soup.title is not None, f"{page.url}: no title"
    assert soup.title.get_text(strip=True), f"{page.url}: empty title"
    assert len(soup.find_all("h1")) == 1, f"{page.url}: {len(soup.find_all('h1'))} h1"
    ids = Counter(tag["id"] for tag in soup.find_all(id=True))
    doubled = [name for name, count in ids.items() if count > 1]
    assert not doubled, f"{page.url}: ids used twice: {doubled}"
    for tag in soup.find_all(True):
        assert not tag.has_attr("style"), f"{page.url}: inline style on {tag.name}"
        assert not [name for name in tag.attrs if name.startswith("on")], f"{page.url}: inline handler on {tag.name}"
    for script in soup.find_all("script"):
        assert script.get("src"), f"{page.url}: inline script"
    for tag in soup.find_all(["script", "link", "img", "iframe"]):
        target = tag.get("src") or tag.get("href") or ""
        assert not re.match(r"(https?:)?//", target), f"{page.url}: outside resource {target}"
    for form in soup.find_all("form"):
        if form.get("method", "get").lower() == "post":
            assert form.select_one('[name="csrf_token"]') or form.has_attr("hx-post"), f"{page.url}: form without CSRF"
    for label in soup.find_all("label"):
        target = label.get("for")
        assert not target or soup.find(id=target), f"{page.url}: label for missing {target}"
