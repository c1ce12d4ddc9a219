"""Security headers, cache rules and compression of every answer."""

import gzip

from flask import Flask, Response, request

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-ancestors 'none'; form-action 'self'; base-uri 'none'; object-src 'none'"
)
_FIXED = (
    ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), microphone=(), geolocation=()"),
)
_COMPRESSIBLE = ("text/html", "image/svg+xml", "application/json", "text/plain")
_MIN_BYTES = 1200


def init_app(app: Flask) -> None:
    """Add the headers after each request."""
    app.after_request(_finish)


def _finish(response: Response) -> Response:
    headers = response.headers
    headers.extend(_FIXED)  # no view sets one of these
    if request.is_secure:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    if "Cache-Control" not in headers:
        headers["Cache-Control"] = "no-store"  # pages hold patient data
    _compress(response)
    return response


def _compress(response: Response) -> None:
    if (
        (response.content_length or 0) < _MIN_BYTES  # most answers end here
        or response.direct_passthrough
        or response.is_streamed
        or "Content-Encoding" in response.headers
        or response.mimetype not in _COMPRESSIBLE
        or request.accept_encodings.quality("gzip") <= 0
    ):
        return
    response.set_data(gzip.compress(response.get_data(), compresslevel=4))
    response.headers["Content-Encoding"] = "gzip"
    response.headers.add("Vary", "Accept-Encoding")
