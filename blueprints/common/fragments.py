"""Answers: pages, fragments, toasts and redirects that work with and without HTMX."""

import json
from typing import Any

from flask import Response, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue


def page(template: str, **context: Any) -> str:
    """A whole page."""
    return render_template(template, **context)


def fragment(template: str, **context: Any) -> str:
    """A piece of a page; its file name begins with an underscore."""
    return render_template(template, **context)


def toast(answer: ResponseReturnValue, message: str, *, kind: str = "success", status: int | None = None) -> Response:
    """The answer with a short message that the page shows: success, warning or danger."""
    response = make_response(answer)
    if status is not None:
        response.status_code = status
    # Headers carry ASCII only; JSON escapes the Chinese.
    response.headers["HX-Trigger"] = json.dumps({"toast": {"message": message, "kind": kind}})
    return response


def go(url: str) -> ResponseReturnValue:
    """Go to another page, also from an HTMX request."""
    if "HX-Request" in request.headers:
        return "", 200, {"HX-Redirect": url}
    return redirect(url)
