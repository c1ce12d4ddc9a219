"""Routes of the person's own account."""

from flask import Blueprint, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_user, logout_user

from app.accounts import service, sessions
from app.accounts.models import User
from app.accounts.service import SignInRefused
from app.core import clock, unit_of_work
from app.core.errors import InvalidInput
from app.core.extensions import limiter
from app.core.permissions import Permission
from app.demo import hospital
from blueprints.common.access import actor, needs, public, safe_next, settings, workstation
from blueprints.common.fragments import go, page, toast

blueprint = Blueprint("account", __name__)


@blueprint.get("/sign-in")
@public
def sign_in_page() -> ResponseReturnValue:
    """The sign-in form."""
    if current_user.is_authenticated and not session.get("locked"):
        return go(safe_next(request.args.get("next")))
    return _sign_in_page(request.args.get("next", ""))


def _sign_in_page(next_path: str, username: str = "", error: str = "") -> str:
    shown = hospital.accounts_shown() if settings().demo else []
    return page(
        "account/sign_in.html",
        next_path=next_path,
        username=username,
        error=error,
        demo_accounts=shown,
        demo_password=hospital.PASSWORD,
    )


@blueprint.post("/sign-in")
@public
@limiter.limit("30 per minute")
def sign_in() -> ResponseReturnValue:
    """Check name and password; count and audit what fails."""
    username, next_path = request.form.get("username", ""), request.form.get("next", "")
    outcome = service.sign_in(username, request.form.get("password", ""))
    if isinstance(outcome, SignInRefused):
        unit_of_work.commit()  # the count and the audit entry of a refusal stay
        return _sign_in_page(next_path, username, outcome.message), 422
    if current_user.is_authenticated:
        sessions.end(current_user.session_id)  # who signs in anew leaves no second way in behind
    session.clear()
    _begin_session(outcome)
    session["seen"] = int(clock.now().timestamp())
    return go(safe_next(next_path))


def _begin_session(user: User) -> None:
    sessions.begin(user, workstation())
    login_user(user)


@blueprint.post("/sign-out")
@needs(Permission.SIGNED_IN)
def sign_out() -> ResponseReturnValue:
    """End the session, here and in every copy of its cookie."""
    service.sign_out(actor())
    logout_user()
    session.clear()
    return go(url_for("account.sign_in_page"))


@blueprint.get("/lock")
@needs(Permission.SIGNED_IN)
def lock_page() -> ResponseReturnValue:
    """Lock the screen at once; also where an idle session ends up."""
    session["locked"] = True
    return page("account/lock.html", next_path=request.args.get("next", ""), error="")


@blueprint.post("/lock")
@needs(Permission.SIGNED_IN)
@limiter.limit("30 per minute")
def unlock() -> ResponseReturnValue:
    """Unlock by PIN, or by password."""
    next_path = request.form.get("next", "")
    refusal = service.verify_presence(actor(), request.form.get("pin", ""))
    if refusal is not None:
        unit_of_work.commit()
        return page("account/lock.html", next_path=next_path, error=refusal.message), 422
    session.pop("locked", None)
    session["seen"] = int(clock.now().timestamp())
    return go(safe_next(next_path))


@blueprint.get("/account/password")
@needs(Permission.SIGNED_IN)
def password_page() -> ResponseReturnValue:
    """Form for a new password and the PIN."""
    return page("account/password.html", errors={}, saved="")


@blueprint.post("/account/password")
@needs(Permission.SIGNED_IN)
def change_password() -> ResponseReturnValue:
    """Set the new password; every session of the user ends, this browser gets a new one."""
    user = actor()
    try:
        if request.form.get("new") != request.form.get("again"):
            raise InvalidInput(fields={"again": "两次输入不一致"})
        service.change_password(user, request.form.get("current", ""), request.form.get("new", ""))
    except InvalidInput as error:
        unit_of_work.rollback()
        return page("account/password.html", errors=error.fields, saved=""), 422
    _begin_session(user)
    return toast(go(url_for("home.page")), "密码已修改")


@blueprint.post("/account/pin")
@needs(Permission.SIGNED_IN)
def set_pin() -> ResponseReturnValue:
    """Set the PIN."""
    try:
        service.set_pin(actor(), request.form.get("password", ""), request.form.get("pin", ""))
    except InvalidInput as error:
        unit_of_work.rollback()
        return page("account/password.html", errors=error.fields, saved=""), 422
    return page("account/password.html", errors={}, saved="PIN 已设置，可用于解锁屏幕和签名。")


@blueprint.post("/account/theme")
@needs(Permission.SIGNED_IN)
def choose_theme() -> ResponseReturnValue:
    """Switch the colour theme (kept with the user) or the density (kept with this workstation's session)."""
    if "density" in request.form:
        density = request.form["density"]
        session["density"] = density if density in ("desk", "theatre") else "desk"
    else:
        service.choose_theme(actor(), request.form.get("theme", ""))
    if "HX-Request" in request.headers:
        return "", 204
    return go(safe_next(_path_of(request.referrer)))


def _path_of(url: str | None) -> str:
    return "/" + url.split("://", 1)[1].partition("/")[2] if url and "://" in url else ""
