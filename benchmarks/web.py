"""A browser's part of HTTP for benchmarks: keep-alive over one socket, cookies, CSRF; costs the machine next to nothing.

The load generator shares two cores with the server under test, so it must not do the work of a full HTTP library.
"""

import re
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"|"X-CSRFToken": "([^"]+)"')


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status, header lines in lower case, body, seconds, bytes on the wire."""

    status: int
    headers: str
    body: bytes
    seconds: float
    wire: int


class Visitor:
    """One browser of one person."""

    def __init__(self, port: int) -> None:
        self._address = ("127.0.0.1", port)
        self._socket: socket.socket | None = None
        self.cookies: dict[str, str] = {}
        self.token = ""

    def get(self, path: str, **headers: str) -> Answer:
        """GET; redirects are not followed."""
        return self._ask("GET", path, b"", headers)

    def post(self, path: str, fields: Mapping[str, str]) -> Answer:
        """POST a form as HTMX does, with the CSRF token of the page."""
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-CSRFToken": self.token,
            "HX-Request": "true",
        }
        return self._ask("POST", path, urlencode(fields).encode(), headers)

    def sign_in(self, username: str, password: str) -> Answer:
        """Sign in as a person does; the answer of the POST. Raises `AssertionError` when it is refused."""
        page = self.get("/sign-in")
        self.token = self._token_of(page)
        answer = self.post("/sign-in", {"username": username, "password": password})
        assert answer.status in (200, 302), (answer.status, answer.body[:300])
        return answer

    def take_token(self, path: str) -> Answer:
        """Open a page and keep its CSRF token, as the browser does with every page."""
        answer = self.get(path)
        assert answer.status == 200, (path, answer.status, answer.body[:300])
        self.token = self._token_of(answer)
        return answer

    @staticmethod
    def _token_of(answer: Answer) -> str:
        found = _TOKEN.search(answer.body.decode())
        assert found, "the page has no CSRF token"
        return found.group(1) or found.group(2)

    def _ask(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
        if self.cookies:
            lines.append("Cookie: " + "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        lines += [f"{name}: {value}" for name, value in headers.items()]
        data = "\r\n".join(lines).encode() + b"\r\n\r\n" + body
        began = time.perf_counter()
        status, head, content = self._exchange(data)
        seconds = time.perf_counter() - began
        for line in head.split("\r\n"):
            name, _, value = line.partition(": ")
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.partition(";")[0]
        return Answer(status, head.lower(), content, seconds, len(head) + 4 + len(content))

    def _exchange(self, data: bytes) -> tuple[int, str, bytes]:
        if self._socket is None:
            self._socket = socket.create_connection(self._address, timeout=30)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(data)
        buffer = b""
        while b"\r\n\r\n" not in buffer:
            buffer += self._more()
        raw, _, body = buffer.partition(b"\r\n\r\n")
        head = raw.decode("latin-1")
        length = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
        assert length, head
        while len(body) < int(length.group(1)):
            body += self._more()
        if "connection: close" in head.lower():
            self.close()
        return int(head[9:12]), head, body

    def _more(self) -> bytes:
        assert self._socket is not None
        chunk = self._socket.recv(65_536)
        if not chunk:
            raise ConnectionError("the server has closed the connection")
        return chunk

    def close(self) -> None:
        """Close the connection; the next request opens one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
