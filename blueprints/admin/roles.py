"""Routes of the matrix of roles and rights."""

from dataclasses import dataclass
from itertools import groupby
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from app.accounts import queries, service
from app.accounts.models import Role
from app.core import unit_of_work
from app.core.errors import Conflict, InvalidInput
from app.core.permissions import Permission
from blueprints.admin.blueprint import blueprint, tabs
from blueprints.common.access import actor, needs
from blueprints.common.fragments import fragment, go, page

# first word of a permission → the subject people know it by
_SUBJECTS = {
    "schedule": "排班", "request": "排班", "case": "手术", "record": "麻醉记录", "device": "设备", "document": "文书",
    "interface": "接口", "user": "管理", "role": "管理", "term": "管理", "system": "管理", "audit": "管理",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class RightsGroup:
    """The rights of one subject, as rows of the matrix."""

    label: str
    permissions: tuple[Permission, ...]


def rights_groups() -> list[RightsGroup]:
    """All rights that can be granted, by subject, in the order of their declaration."""
    grantable = [permission for permission in Permission if permission is not Permission.SIGNED_IN]
    order = list(dict.fromkeys([*_SUBJECTS.values(), "其他"]))
    in_order = sorted(grantable, key=lambda permission: order.index(_subject(permission)))
    return [RightsGroup(label, tuple(group)) for label, group in groupby(in_order, key=_subject)]


def _subject(permission: Permission) -> str:
    return _SUBJECTS.get(permission.value.partition(".")[0], "其他")


@blueprint.get("/admin/roles")
@needs(Permission.MANAGE_ROLES, Permission.MANAGE_USERS)
def roles_page() -> ResponseReturnValue:
    """The matrix; only those who manage roles may change it."""
    return _matrix({role.name: set(role.permissions) for role in queries.all_roles()})


def _matrix(granted: dict[str, set[str]], message: str = "") -> str:
    return page(
        "admin/roles.html",
        roles=queries.all_roles(),
        holders=queries.role_holders(),
        groups=rights_groups(),
        granted=granted,
        message=message,
        **tabs("admin.roles_page"),
    )


@blueprint.post("/admin/roles/permissions")
@needs(Permission.MANAGE_ROLES)
def save_roles() -> ResponseReturnValue:
    """Save what was changed in the matrix; a role that somebody else changed meanwhile is a conflict."""
    wanted = _wanted()
    try:
        for role in queries.all_roles():
            _save(role, wanted.get(role.name, set()), request.form.get(f"was-{role.name}"))
    except InvalidInput as error:
        unit_of_work.rollback()
        return _matrix(wanted, error.message), 422
    return go(url_for("admin.roles_page", saved=1))


def _wanted() -> dict[str, set[str]]:
    wanted: dict[str, set[str]] = {role.name: set() for role in queries.all_roles()}
    for grant in request.form.getlist("grant"):
        name, _, permission = grant.partition(":")
        wanted.setdefault(name, set()).add(permission)
    return wanted


def _save(role: Role, wanted: set[str], was: str | None) -> None:
    if was is None or wanted == set(was.split()):
        return
    if set(was.split()) != set(role.permissions):
        raise Conflict(f"“{role.label}”的权限刚刚被他人修改，您的改动没有保存。请刷新后再试。")
    try:
        service.set_role_permissions(actor(), role, wanted)
    except InvalidInput as error:
        raise InvalidInput(f"{role.label}：{error.message}") from error


@blueprint.get("/admin/roles/new")
@needs(Permission.MANAGE_ROLES)
def new_role() -> ResponseReturnValue:
    """The form of a new role."""
    return _new_form({}, {})


def _new_form(values: Any, errors: dict[str, str]) -> str:
    options = [(role.name, role.label) for role in queries.all_roles()]
    return fragment("admin/_role_form.html", values=values, errors=errors, role_options=options)


@blueprint.post("/admin/roles")
@needs(Permission.MANAGE_ROLES)
def create_role() -> ResponseReturnValue:
    """Make a role, with the rights of another one or none."""
    given = request.form
    rights = next((role.permissions for role in queries.all_roles() if role.name == given.get("like")), [])
    try:
        service.create_role(actor(), given.get("name", ""), given.get("label", ""), rights)
    except InvalidInput as error:
        unit_of_work.rollback()
        return _new_form(given, error.fields), 422
    return go(url_for("admin.roles_page", saved=1))
