"""Accounts, roles and their rights; staff and departments."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.accounts import queries, service, sessions, staff
from app.accounts.models import Department, Role, StaffMember, User
from app.accounts.staff import StaffFacts
from app.core import clock
from app.core.audit import AuditEntry
from app.core.db import db
from app.core.errors import Conflict, InvalidInput, NotFound
from app.core.permissions import Permission
from tests.cast import ADMIN, HE_YU, LI_MING, PASSWORD, SUN_LI, Person

AsUser = Callable[[Person], User]


def role(name: str) -> Role:
    return db.session.scalars(select(Role).where(Role.name == name)).one()


def last_entry() -> AuditEntry:
    return db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()


@pytest.mark.parametrize(
    ("username", "name", "password", "field"),
    [
        ("x", "某人", PASSWORD, "username"),
        ("有中文", "某人", PASSWORD, "username"),
        ("a b", "某人", PASSWORD, "username"),
        ("lim", "某人", PASSWORD, "username"),
        ("newone", " ", PASSWORD, "display_name"),
        ("newone", "某人", "short", "password"),
    ],
)
def test_a_bad_account_is_refused_by_field(
    as_user: AsUser, username: str, name: str, password: str, field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        service.create_user(as_user(ADMIN), username, name, password, [])
    assert set(caught.value.fields) == {field}


def test_a_new_account_must_change_its_password(as_user: AsUser) -> None:
    user = service.create_user(as_user(ADMIN), "newone", "新人", PASSWORD, ["anesthesiologist"])
    assert user.must_change_password
    assert user.may(Permission.CHART)
    assert not user.may(Permission.MANAGE_USERS)


def test_administrators_exclude_each_other(as_user: AsUser) -> None:
    for roles in (["system_admin", "auditor"], ["auditor", "security_admin"]):
        with pytest.raises(InvalidInput, match="不同的人"):
            service.assign_roles(as_user(ADMIN), as_user(LI_MING), roles)
        with pytest.raises(InvalidInput, match="不同的人"):
            service.create_user(as_user(ADMIN), "newone", "新人", PASSWORD, roles)


def test_a_role_of_another_name_does_not_evade_the_separation(as_user: AsUser) -> None:
    service.create_role(as_user(ADMIN), "log_reader", "日志查看", [Permission.VIEW_AUDIT.value])
    with pytest.raises(InvalidInput, match="不同的人"):
        service.assign_roles(as_user(SUN_LI), as_user(ADMIN), ["system_admin", "log_reader"])


def test_nobody_changes_the_own_roles(as_user: AsUser) -> None:
    with pytest.raises(Conflict, match="自己的角色"):
        service.assign_roles(as_user(ADMIN), as_user(ADMIN), ["anesthesiologist"])
    with pytest.raises(Conflict, match="自己的账户"):
        service.set_enabled(as_user(ADMIN), as_user(ADMIN), False)


def test_an_unknown_role_is_not_found(as_user: AsUser) -> None:
    with pytest.raises(NotFound, match="wizard"):
        service.assign_roles(as_user(ADMIN), as_user(LI_MING), ["wizard"])


def test_rights_of_a_role_take_effect_at_once_and_are_audited(as_user: AsUser) -> None:
    surgeon = role("surgeon")
    rights = [*surgeon.permissions, Permission.PRINT_RECORD.value]
    rights.remove(Permission.SIGN_DOCUMENTS.value)
    service.set_role_permissions(as_user(ADMIN), surgeon, rights)
    assert Permission.PRINT_RECORD.value in role("surgeon").permissions
    entry = last_entry()
    assert entry.action == "accounts.set_role_permissions"
    assert json.loads(entry.after)["added"] == ["record.print"]
    assert json.loads(entry.before)["removed"] == ["document.sign"]


def test_the_same_rights_leave_no_trace(as_user: AsUser) -> None:
    surgeon = role("surgeon")
    service.set_role_permissions(as_user(ADMIN), surgeon, [*surgeon.permissions, Permission.SIGNED_IN.value])
    assert db.session.scalars(select(AuditEntry)).all() == []


@pytest.mark.parametrize(
    ("name", "rights", "words"),
    [
        ("surgeon", ["no.such.right"], "没有这项权限"),
        ("surgeon", ["audit.view", "user.manage"], "不能同时授予"),
        ("auditor", [], "至少要有一个角色保留"),
        ("security_admin", [], "至少要有一个角色保留"),
    ],
)
def test_rights_that_break_the_order_are_refused(as_user: AsUser, name: str, rights: list[str], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        service.set_role_permissions(as_user(ADMIN), role(name), rights)


def test_a_right_that_its_holder_may_not_have_is_refused(as_user: AsUser) -> None:
    service.assign_roles(as_user(SUN_LI), as_user(ADMIN), ["system_admin", "surgeon"])
    surgeon = role("surgeon")
    with pytest.raises(InvalidInput, match=ADMIN.name):
        service.set_role_permissions(as_user(SUN_LI), surgeon, [*surgeon.permissions, "audit.view"])


@pytest.mark.parametrize(
    ("name", "label", "field"),
    [
        ("Nurse", "护士长", "name"),
        ("9x", "护士长", "name"),
        ("surgeon", "护士长", "name"),
        ("head", "", "label"),
        ("head", "审计员", "label"),
    ],
)
def test_a_bad_role_is_refused(as_user: AsUser, name: str, label: str, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        service.create_role(as_user(ADMIN), name, label)
    assert set(caught.value.fields) == {field}


@pytest.mark.parametrize(
    ("text", "found"),
    [("qy", "qiny"), ("qinyu", "qiny"), ("覃", "qiny"), ("QINY", "qiny"), ("1006", "qiny"), ("tan", None)],
)
def test_accounts_are_found_by_pinyin_name_and_number(context: None, text: str, found: str | None) -> None:
    names = [row.username for row in queries.user_rows(text)]
    assert (found in names) if found else names == []


def test_accounts_are_listed_by_state_and_role(as_user: AsUser) -> None:
    as_user(LI_MING).locked_until = clock.now() + timedelta(minutes=5)
    as_user(HE_YU).enabled = False
    as_user(SUN_LI).created_at = clock.now() - timedelta(days=91)
    db.session.flush()
    states = {state: [row.username for row in queries.user_rows(state=state)] for state in queries.USER_STATES}
    assert states["locked"] == ["lim"]
    assert states["disabled"] == ["heyu"]
    assert states["dormant"] == ["sunl"]
    assert "heyu" not in states["enabled"]
    assert [row.username for row in queries.user_rows(role="auditor")] == ["sunl"]
    assert queries.role_holders()[role("anesthesiologist").id] == 2


def test_a_session_cookie_names_a_living_session(as_user: AsUser) -> None:
    user = as_user(LI_MING)
    sessions.begin(user, "10.1.2.3")
    assert queries.load_session_user(user.get_id()) is user
    for wrong in ("", "1", f"{user.id}.1", user.get_id()[:-1]):
        assert queries.load_session_user(wrong) is None
    with clock.fixed(clock.now() + sessions.LIFETIME + timedelta(minutes=1)):
        assert sessions.end_old() == 1
    assert queries.load_session_user(user.get_id()) is None


def test_staff_are_kept_with_their_search_keys(as_user: AsUser) -> None:
    member = staff.save_staff(as_user(ADMIN), StaffFacts("2001", "曾小贤", "surgeon", "主治医师"))
    assert (member.pinyin, member.pinyin_full) == ("zxx", "zengxiaoxian")
    assert [one.code for one in queries.search_staff("zxx")] == ["2001"]
    staff.save_staff(as_user(ADMIN), StaffFacts("2001", "曾小贤", "surgeon", "主治医师", is_active=False), member)
    assert json.loads(last_entry().after) == {"is_active": False}
    assert queries.search_staff("zxx") == []
    assert [one.code for one in queries.staff_register("zxx", active="no")] == ["2001"]


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        (StaffFacts("", "某人", "surgeon"), "code"),
        (StaffFacts("1001", "某人", "surgeon"), "code"),
        (StaffFacts("2001", "", "surgeon"), "name"),
        (StaffFacts("2001", "某人", "wizard"), "kind"),
        (StaffFacts("2001", "某人", "surgeon", department_id=99), "department_id"),
    ],
)
def test_a_bad_staff_entry_is_refused(as_user: AsUser, facts: StaffFacts, field: str) -> None:
    count = len(db.session.scalars(select(StaffMember)).all())
    with pytest.raises(InvalidInput) as caught:
        staff.save_staff(as_user(ADMIN), facts)
    assert set(caught.value.fields) == {field}
    assert len(db.session.scalars(select(StaffMember)).all()) == count


def test_departments_count_who_works_there(as_user: AsUser) -> None:
    staff.save_department(as_user(ADMIN), "GK", "骨科", True)
    rows = {row.code: row for row in queries.department_rows()}
    assert (rows["GK"].staff, rows["WK1"].staff) == (0, 1)
    made = db.session.scalars(select(Department).where(Department.code == "GK")).one()
    assert made.pinyin == "gk"
    with pytest.raises(InvalidInput, match="已存在"):
        staff.save_department(as_user(ADMIN), "WK1", "骨科", True, made)
