"""What every shell template reads: who is here, theme, clock, idle lock."""

from dataclasses import dataclass
from typing import Any

from flask import Flask, g, session, url_for
from flask_login import current_user

from app.core import clock
from app.core.permissions import Permission
from app.core.settings import Settings
from blueprints.common.access import idle_minutes, may


@dataclass(frozen=True, slots=True)
class MenuLink:
    """An entry of the user's menu."""

    label: str
    url: str


def init_app(app: Flask, settings: Settings) -> None:
    """Give every template the names of the shell."""
    app.jinja_env.globals.update(Permission=Permission, may=may, settings=settings)
    app.context_processor(lambda: _shell(settings))


def _shell(settings: Settings) -> dict[str, Any]:
    common: dict[str, Any] = {
        "hospital_name": settings.hospital_name,
        "department_name": settings.department_name,
        "server_now": clock.now_ms(),
        "live_mark": g.get("live_mark", ""),
    }
    if g.get("failsafe") or not current_user.is_authenticated:
        return common
    user = current_user
    return common | {
        "theme": user.theme,
        "density": session.get("density", "desk"),
        "user_name": user.display_name,
        "user_role": "、".join(role.label for role in user.roles),
        "theme_url": url_for("account.choose_theme"),
        "lock_url": url_for("account.lock_page"),
        "sign_out_url": url_for("account.sign_out"),
        "idle_minutes": idle_minutes(),
        "user_menu": [MenuLink("密码与 PIN", url_for("account.password_page"))],
    }
