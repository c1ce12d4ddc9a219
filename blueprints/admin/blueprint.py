"""The blueprint that the route modules of administration share, and the tabs that lead between its pages."""

from typing import Any

from flask import Blueprint, Response, url_for
from flask.typing import ResponseReturnValue

from app.core.permissions import Permission
from blueprints.common.access import may
from blueprints.common.fragments import toast

blueprint = Blueprint("admin", __name__)

# endpoint, label, rights of which one suffices
_PLACES: tuple[tuple[str, str, tuple[Permission, ...]], ...] = (
    ("admin.users_page", "用户", (Permission.MANAGE_USERS, Permission.MANAGE_ROLES)),
    ("admin.roles_page", "角色与权限", (Permission.MANAGE_ROLES, Permission.MANAGE_USERS)),
    ("admin.staff_page", "人员", (Permission.MANAGE_TERMS,)),
    ("admin.departments_page", "科室", (Permission.MANAGE_TERMS,)),
    ("admin.audit_page", "审计日志", (Permission.VIEW_AUDIT,)),
)


def tabs(active: str) -> dict[str, Any]:
    """Template context: the pages of administration that the user may open."""
    return {
        "places": [
            {"label": label, "url": url_for(endpoint), "active": endpoint == active}
            for endpoint, label, rights in _PLACES
            if any(may(right) for right in rights)
        ]
    }


def saved(answer: ResponseReturnValue, message: str, event: str) -> Response:
    """The answer with a toast; `event` tells the list on the page to fetch itself again."""
    response = toast(answer, message)
    response.headers["HX-Trigger-After-Settle"] = event
    return response
