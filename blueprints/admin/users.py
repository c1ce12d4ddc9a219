"""Routes of accounts: list, make, reset, lock, roles."""

from collections.abc import Mapping
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue

from app.accounts import queries, rules, service
from app.accounts.models import StaffMember, User
from app.core import unit_of_work
from app.core.db import db
from app.core.errors import InvalidInput, NotFound
from app.core.permissions import Permission
from blueprints.admin.blueprint import blueprint, saved, tabs
from blueprints.common.access import actor, needs
from blueprints.common.fragments import fragment, page

_CHANGED = "users-changed"


def load_user(user_id: int) -> User:
    """The account, or `NotFound`."""
    user = db.session.get(User, user_id)
    if user is None:
        raise NotFound("没有这个用户。")
    return user


@blueprint.get("/admin/users")
@needs(Permission.MANAGE_USERS, Permission.MANAGE_ROLES)
def users_page() -> ResponseReturnValue:
    """All accounts."""
    return page("admin/users.html", **_listing(), **tabs("admin.users_page"))


@blueprint.get("/admin/users/list")
@needs(Permission.MANAGE_USERS, Permission.MANAGE_ROLES)
def users_list() -> ResponseReturnValue:
    """The table alone."""
    return fragment("admin/_users.html", **_listing())


def _listing() -> dict[str, Any]:
    text, state, role = (request.args.get(name, "") for name in ("q", "state", "role"))
    return {
        "users": queries.user_rows(text, state, role),
        "role_options": [(one.name, one.label) for one in queries.all_roles()],
        "states": queries.USER_STATES,
        "q": text,
        "state": state,
        "role": role,
    }


@blueprint.get("/admin/users/<int:user_id>")
@needs(Permission.MANAGE_USERS, Permission.MANAGE_ROLES)
def user_panel(user_id: int) -> ResponseReturnValue:
    """One account beside the list."""
    return _panel(load_user(user_id))


def _panel(user: User, errors: Mapping[str, str] | None = None, chosen: list[str] | None = None) -> str:
    return fragment(
        "admin/_user_panel.html",
        user=queries.user_row(user),
        is_self=user.id == actor().id,
        roles=queries.all_roles(),
        chosen=[role.name for role in user.roles] if chosen is None else chosen,
        errors=errors or {},
        suggestion=rules.suggest_password(),
    )


@blueprint.get("/admin/users/new")
@needs(Permission.MANAGE_USERS)
def new_user() -> ResponseReturnValue:
    """The form of a new account."""
    return _new_form({"password": rules.suggest_password()}, [], {})


def _new_form(values: Mapping[str, str], chosen: list[str], errors: Mapping[str, str]) -> str:
    staff_id = values.get("staff_id", "")
    member = db.session.get(StaffMember, int(staff_id)) if staff_id.isdigit() else None
    return fragment(
        "admin/_user_form.html",
        values=values,
        chosen=chosen,
        errors=errors,
        roles=queries.all_roles(),
        staff_text=f"{member.name} {member.code}" if member else "",
    )


@blueprint.get("/admin/users/staff")
@needs(Permission.MANAGE_USERS)
def staff_options() -> ResponseReturnValue:
    """Staff for the search field of a new account."""
    found = queries.search_staff(request.args.get("q", ""))
    return fragment("admin/_staff_options.html", found=found)


@blueprint.post("/admin/users")
@needs(Permission.MANAGE_USERS)
def create_user() -> ResponseReturnValue:
    """Make an account; its password must be changed at the first sign-in."""
    given, chosen = request.form, request.form.getlist("roles")
    try:
        member = _staff_of(given.get("staff_id", ""))
        user = service.create_user(
            actor(), given.get("username", ""), given.get("display_name", ""), given.get("password", ""), chosen, member
        )
    except InvalidInput as error:
        unit_of_work.rollback()
        return _new_form(given, chosen, error.fields), 422
    # An empty answer closes the dialog.
    return saved("", f"已创建用户 {user.username}，首次登录须修改密码", _CHANGED)


def _staff_of(text: str) -> StaffMember | None:
    if not text:
        return None
    member = db.session.get(StaffMember, int(text)) if text.isdigit() else None
    if member is None:
        raise InvalidInput(fields={"staff_id": "没有这位人员"})
    if db.session.query(User.id).filter(User.staff_id == member.id).first():
        raise InvalidInput(fields={"staff_id": f"{member.name}已有账户"})
    return member


@blueprint.post("/admin/users/<int:user_id>/roles")
@needs(Permission.MANAGE_USERS, Permission.MANAGE_ROLES)
def assign_roles(user_id: int) -> ResponseReturnValue:
    """Replace the roles of an account."""
    user, chosen = load_user(user_id), request.form.getlist("roles")
    try:
        service.assign_roles(actor(), user, chosen)
    except InvalidInput as error:
        unit_of_work.rollback()
        return _panel(load_user(user_id), error.fields, chosen), 422
    return saved(_panel(user), "角色已保存", _CHANGED)


@blueprint.post("/admin/users/<int:user_id>/password")
@needs(Permission.MANAGE_USERS)
def reset_password(user_id: int) -> ResponseReturnValue:
    """Set a password for somebody who forgot it; ends the sessions of the account."""
    user = load_user(user_id)
    try:
        service.reset_password(actor(), user, request.form.get("new", ""))
    except InvalidInput as error:
        unit_of_work.rollback()
        return _panel(load_user(user_id), error.fields), 422
    return saved(_panel(user), f"已重置 {user.display_name} 的密码，下次登录须修改", _CHANGED)


@blueprint.post("/admin/users/<int:user_id>/enabled")
@needs(Permission.MANAGE_USERS)
def enable_user(user_id: int) -> ResponseReturnValue:
    """Enable or disable an account."""
    user, enabled = load_user(user_id), request.form.get("enabled") == "1"
    service.set_enabled(actor(), user, enabled)
    return saved(_panel(user), "账户已启用" if enabled else "账户已停用，其会话已结束", _CHANGED)


@blueprint.post("/admin/users/<int:user_id>/unlock")
@needs(Permission.MANAGE_USERS)
def unlock_user(user_id: int) -> ResponseReturnValue:
    """End a lock-out before its time."""
    user = load_user(user_id)
    service.unlock_user(actor(), user)
    return saved(_panel(user), "账户已解锁", _CHANGED)
