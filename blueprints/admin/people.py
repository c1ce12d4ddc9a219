"""Routes of the staff register and of departments."""

from collections.abc import Mapping
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue

from app.accounts import queries, staff
from app.accounts.models import Department, StaffMember
from app.accounts.staff import StaffFacts
from app.core import unit_of_work
from app.core.db import db
from app.core.errors import InvalidInput, NotFound
from app.core.permissions import Permission
from blueprints.admin.blueprint import blueprint, saved, tabs
from blueprints.common.access import actor, needs
from blueprints.common.fragments import fragment, page


def load_staff(staff_id: int) -> StaffMember:
    """The person, or `NotFound`."""
    member = db.session.get(StaffMember, staff_id)
    if member is None:
        raise NotFound("没有这位人员。")
    return member


def load_department(department_id: int) -> Department:
    """The department, or `NotFound`."""
    department = db.session.get(Department, department_id)
    if department is None:
        raise NotFound("没有这个科室。")
    return department


@blueprint.get("/admin/staff")
@needs(Permission.MANAGE_TERMS)
def staff_page() -> ResponseReturnValue:
    """All who work here."""
    return page("admin/staff.html", **_register(), **tabs("admin.staff_page"))


@blueprint.get("/admin/staff/list")
@needs(Permission.MANAGE_TERMS)
def staff_list() -> ResponseReturnValue:
    """The table alone."""
    return fragment("admin/_staff.html", **_register())


def _register() -> dict[str, Any]:
    text, kind = request.args.get("q", ""), request.args.get("kind", "")
    active = request.args.get("active", "yes")
    return {
        "members": queries.staff_register(text, kind, active),
        "kinds": staff.STAFF_KINDS,
        "q": text,
        "kind": kind,
        "active": active,
    }


@blueprint.get("/admin/staff/new")
@needs(Permission.MANAGE_TERMS)
def new_staff() -> ResponseReturnValue:
    """The form of a new person."""
    return _staff_form(None, {"is_active": "1"}, {})


@blueprint.get("/admin/staff/<int:staff_id>")
@needs(Permission.MANAGE_TERMS)
def edit_staff(staff_id: int) -> ResponseReturnValue:
    """The form of a person."""
    member = load_staff(staff_id)
    values = {name: str(getattr(member, name) or "") for name in ("code", "name", "kind", "title", "department_id")}
    return _staff_form(member, values | {"is_active": "1" if member.is_active else ""}, {})


def _staff_form(member: StaffMember | None, values: Mapping[str, str], errors: Mapping[str, str]) -> str:
    choices = [(row.id, row.name) for row in queries.department_rows() if row.is_active]
    return fragment(
        "admin/_staff_form.html",
        member=member,
        values=values,
        errors=errors,
        kinds=staff.STAFF_KINDS,
        departments=choices,
    )


@blueprint.post("/admin/staff")
@needs(Permission.MANAGE_TERMS)
def create_staff() -> ResponseReturnValue:
    """Add a person."""
    return _save_staff(None)


@blueprint.post("/admin/staff/<int:staff_id>")
@needs(Permission.MANAGE_TERMS)
def change_staff(staff_id: int) -> ResponseReturnValue:
    """Change a person."""
    return _save_staff(load_staff(staff_id))


def _save_staff(member: StaffMember | None) -> ResponseReturnValue:
    given = request.form
    department = given.get("department_id", "")
    facts = StaffFacts(
        code=given.get("code", "").strip(),
        name=given.get("name", "").strip(),
        kind=given.get("kind", ""),
        title=given.get("title", "").strip(),
        department_id=int(department) if department.isdigit() else None,
        is_active=given.get("is_active") == "1",
    )
    try:
        staff.save_staff(actor(), facts, member)
    except InvalidInput as error:
        unit_of_work.rollback()
        return _staff_form(member, given, error.fields), 422
    return saved("", f"已保存：{facts.name}", "staff-changed")


@blueprint.get("/admin/departments")
@needs(Permission.MANAGE_TERMS)
def departments_page() -> ResponseReturnValue:
    """All departments."""
    return page("admin/departments.html", departments=queries.department_rows(), **tabs("admin.departments_page"))


@blueprint.get("/admin/departments/list")
@needs(Permission.MANAGE_TERMS)
def departments_list() -> ResponseReturnValue:
    """The table alone."""
    return fragment("admin/_departments.html", departments=queries.department_rows())


@blueprint.get("/admin/departments/new")
@needs(Permission.MANAGE_TERMS)
def new_department() -> ResponseReturnValue:
    """The form of a new department."""
    return _department_form(None, {"is_active": "1"}, {})


@blueprint.get("/admin/departments/<int:department_id>")
@needs(Permission.MANAGE_TERMS)
def edit_department(department_id: int) -> ResponseReturnValue:
    """The form of a department."""
    department = load_department(department_id)
    active = "1" if department.is_active else ""
    return _department_form(department, {"code": department.code, "name": department.name, "is_active": active}, {})


def _department_form(department: Department | None, values: Mapping[str, str], errors: Mapping[str, str]) -> str:
    return fragment("admin/_department_form.html", department=department, values=values, errors=errors)


@blueprint.post("/admin/departments")
@needs(Permission.MANAGE_TERMS)
def create_department() -> ResponseReturnValue:
    """Add a department."""
    return _save_department(None)


@blueprint.post("/admin/departments/<int:department_id>")
@needs(Permission.MANAGE_TERMS)
def change_department(department_id: int) -> ResponseReturnValue:
    """Change a department."""
    return _save_department(load_department(department_id))


def _save_department(department: Department | None) -> ResponseReturnValue:
    given = request.form
    code, name = given.get("code", "").strip(), given.get("name", "").strip()
    try:
        staff.save_department(actor(), code, name, given.get("is_active") == "1", department)
    except InvalidInput as error:
        unit_of_work.rollback()
        return _department_form(department, given, error.fields), 422
    return saved("", f"已保存：{name}", "departments-changed")
