"""Who may call a route. Every view declares it; what declares nothing is refused."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

from flask import Flask, current_app, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.accounts.models import User
from app.accounts.rules import is_expired
from app.core import clock
from app.core.errors import NotAllowed
from app.core.permissions import Permission
from app.core.settings import Settings

View = TypeVar("View", bound=Callable[..., Any])
_log = logging.getLogger("mafei.access")

# Endpoints that a person with a locked session or an overdue password may still reach.
_GATE_ENDPOINTS = frozenset({"account.lock_page", "account.unlock", "account.sign_out", "account.password_page",
                             "account.change_password"})  # fmt: skip

# A sign of life younger than this is not written again: each writing signs and sends a new cookie.
_SEEN_STEP_S = 15

# Pages that are looked at for hours with the hands elsewhere.
_WATCHED_ENDPOINTS = frozenset({"theatre.case_page", "theatre.room_page"})


def needs(*permissions: Permission) -> Callable[[View], View]:
    """Declare the rights of a view: any one of them suffices."""

    def mark(view: View) -> View:
        cast(Any, view).needs = permissions
        return view

    return mark


def public(view: View) -> View:
    """Declare that a view is open to anybody, or checks a token by itself."""
    cast(Any, view).needs = ()
    return view


def actor() -> User:
    """The signed-in user of this request."""
    return cast(User, current_user._get_current_object())


def settings() -> Settings:
    """Settings of the running application."""
    return cast(Settings, current_app.extensions["mafei.settings"])


def may(permission: Permission) -> bool:
    """Whether the user of this request has the right; for templates and for views that show less."""
    return bool(current_user.is_authenticated and current_user.may(permission))


def init_app(app: Flask) -> None:
    """Refuse every request whose view does not declare its rights or whose user lacks them."""
    app.before_request(_guard)


def _guard() -> ResponseReturnValue | None:
    view = current_app.view_functions.get(request.endpoint or "")
    if view is None:  # an unknown URL: the 404 page
        return None
    if request.endpoint == "static":
        raise NotAllowed
    required: tuple[Permission, ...] | None = getattr(view, "needs", None)
    if required is None:
        _log.error("view without declared permission", extra={"endpoint": request.endpoint})
        raise NotAllowed
    if not required:
        return None
    if not current_user.is_authenticated:
        return _to_sign_in()
    if (answer := _gate()) is not None:
        return answer
    if not any(current_user.may(permission) for permission in required):
        raise NotAllowed
    return None


def _gate() -> ResponseReturnValue | None:
    """Idle lock and overdue password come before any page."""
    if request.endpoint in _GATE_ENDPOINTS:
        return None
    moment = clock.now()
    if session.get("locked") or _idle_for_too_long(moment):
        session["locked"] = True
        return _go(url_for("account.lock_page", next=_return_path()))
    if request.method == "GET" and "HX-Request" not in request.headers:
        is_watching = request.endpoint in _WATCHED_ENDPOINTS
        if session.get("watching") is not is_watching:
            session["watching"] = is_watching
    # A background refetch is no sign of life of the person.
    if "HX-Request" not in request.headers or request.headers.get("HX-Trigger-Name") or request.method != "GET":
        _note_seen(int(moment.timestamp()))
    user = actor()
    if user.must_change_password or is_expired(user.password_changed_at, moment, settings().password_max_age_days):
        return _go(url_for("account.password_page"))
    return None


def _note_seen(second: int) -> None:
    if not 0 <= second - session.get("seen", 0) < _SEEN_STEP_S:
        session["seen"] = second


def _idle_for_too_long(moment: datetime) -> bool:
    seen = session.get("seen")
    if seen is None:
        return False
    return moment - datetime.fromtimestamp(seen, moment.tzinfo) > timedelta(minutes=idle_minutes())


def idle_minutes() -> int:
    """Minutes without a touch until the screen locks. Who watches a running case looks, and seldom touches."""
    return settings().theatre_idle_minutes if session.get("watching") else settings().session_idle_minutes


def _to_sign_in() -> ResponseReturnValue:
    return _go(url_for("account.sign_in_page", next=_return_path()))


def _return_path() -> str:
    path = request.headers.get("HX-Current-URL", "") if "HX-Request" in request.headers else request.full_path
    if "://" in path:
        path = "/" + path.split("://", 1)[1].partition("/")[2]
    return path.rstrip("?") if request.method == "GET" else "/"


def _go(url: str) -> ResponseReturnValue:
    if "HX-Request" in request.headers:
        return "", 401, {"HX-Redirect": url}
    if request.path.startswith("/api/"):
        return {"error": "unauthenticated", "message": "请先登录。"}, 401
    return redirect(url)


def safe_next(target: str | None) -> str:
    """A path of this site to go on to; anything else becomes the start page."""
    # Browsers drop tabs and line breaks inside an address, so "/<tab>/elsewhere" would leave this site.
    if target and target.isprintable() and target.startswith("/") and target[1:2] != "/" and "\\" not in target:
        return target
    return url_for("home.page")


def workstation() -> str:
    """Name of the workstation for the audit trail: its address."""
    return cast(str, g.get("workstation") or request.remote_addr or "")
