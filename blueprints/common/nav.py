"""The few places of the main navigation; each shows only to those who may go there."""

from dataclasses import dataclass

from flask import Flask, current_app, g, request, url_for
from flask_login import current_user

from app.core.permissions import Permission


@dataclass(frozen=True, slots=True)
class NavItem:
    """A place as the shell draws it."""

    label: str
    url: str
    active: bool


# endpoint, label, right
PLACES: tuple[tuple[str, str, Permission], ...] = (
    ("schedule.page", "排班", Permission.VIEW_SCHEDULE),
    ("theatre.page", "术间", Permission.VIEW_CASE),
    ("documents.page", "文书", Permission.VIEW_DOCUMENTS),
    ("devices.page", "设备", Permission.VIEW_DEVICES),
    ("interfaces.page", "接口", Permission.VIEW_INTERFACES),
    ("admin.users_page", "用户", Permission.MANAGE_USERS),
    ("admin.audit_page", "审计", Permission.VIEW_AUDIT),
)


def build_nav() -> list[NavItem]:
    """Places of the signed-in user."""
    if g.get("failsafe") or not current_user.is_authenticated:
        return []
    here = (request.endpoint or "").partition(".")[0]
    return [
        NavItem(label, url_for(endpoint), active=endpoint.partition(".")[0] == here)
        for endpoint, label, permission in PLACES
        if endpoint in current_app.view_functions and current_user.may(permission)
    ]


def init_app(app: Flask) -> None:
    """Give templates `nav`."""
    app.context_processor(lambda: {"nav": build_nav()})
