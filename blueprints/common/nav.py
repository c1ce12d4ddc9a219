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


# endpoint, label, right; of several entries of one label the first that the user may open is shown
PLACES: tuple[tuple[str, str, Permission], ...] = (
    ("schedule.page", "排班", Permission.VIEW_SCHEDULE),
    ("theatre.rooms_page", "术间", Permission.VIEW_CASE),
    ("documents.page", "文书", Permission.VIEW_DOCUMENTS),
    ("devices.page", "设备", Permission.VIEW_DEVICES),
    ("interfaces.page", "接口", Permission.VIEW_INTERFACES),
    ("printers.page", "打印", Permission.PRINT_RECORD),
    ("printers.page", "打印", Permission.MANAGE_SYSTEM),
    ("admin.users_page", "管理", Permission.MANAGE_USERS),
    ("admin.roles_page", "管理", Permission.MANAGE_ROLES),
    ("admin.staff_page", "管理", Permission.MANAGE_TERMS),
    ("admin.audit_page", "管理", Permission.VIEW_AUDIT),
)


def build_nav() -> list[NavItem]:
    """Places of the signed-in user."""
    if g.get("failsafe") or not current_user.is_authenticated:
        return []
    here = (request.endpoint or "").partition(".")[0]
    shown: dict[str, NavItem] = {}
    for endpoint, label, permission in PLACES:
        if label not in shown and endpoint in current_app.view_functions and current_user.may(permission):
            shown[label] = NavItem(label, url_for(endpoint), active=endpoint.partition(".")[0] == here)
    return list(shown.values())


def init_app(app: Flask) -> None:
    """Give templates `nav`."""
    app.context_processor(lambda: {"nav": build_nav()})
