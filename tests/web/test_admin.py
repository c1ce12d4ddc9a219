"""Administration: users, roles, staff, departments, the audit trail."""

import csv
import io

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text

from app.accounts.models import Role, StaffMember, User
from app.accounts.queries import user_by_name
from app.core import audit
from app.core.audit import AuditEntry
from app.core.clock import today
from app.core.db import db
from tests.cast import ADMIN, LI_MING, LU_HAI, PASSWORD, QIN_YU, SUN_LI, WANG_FANG
from tests.web.people import HTMX, SECURITY, add_security_admin, html, user_id


@pytest.mark.parametrize("url", ["/admin/users", "/admin/roles"])
def test_pages_of_the_system_administrator(sign_in, open_page, url: str) -> None:  # type: ignore[no-untyped-def]
    sign_in(ADMIN)
    page = open_page(url)
    assert "管理" in page.select(".topnav [aria-current]")


@pytest.mark.parametrize("url", ["/admin/staff", "/admin/departments"])
def test_pages_of_the_it_engineer(sign_in, open_page, url: str) -> None:  # type: ignore[no-untyped-def]
    sign_in(LU_HAI)
    page = open_page(url)
    assert page.select(".tabs a") == ["人员", "科室"]


def test_the_nurse_has_no_administration(sign_in, open_page) -> None:  # type: ignore[no-untyped-def]
    sign_in(WANG_FANG)
    for url in ("/admin/users", "/admin/roles", "/admin/staff", "/admin/departments", "/admin/audit"):
        assert "没有权限" in open_page(url, 403).text


def test_users_are_found_by_pinyin(sign_in, open_page) -> None:  # type: ignore[no-untyped-def]
    sign_in(ADMIN)
    assert open_page("/admin/users?q=qy").select("#users tbody td:first-child") == ["qiny"]
    assert "没有符合条件" in open_page("/admin/users?q=zzzz").text


def test_a_new_user_signs_in_and_must_change_the_password(app: Flask, sign_in) -> None:  # type: ignore[no-untyped-def]
    client: FlaskClient = sign_in(ADMIN)
    assert 'name="username"' in html(client, "/admin/users/new")
    form = {"username": "newone", "display_name": "新人", "password": PASSWORD, "roles": ["surgeon"]}
    made = client.post("/admin/users", data=form, headers=HTMX)
    assert (made.status_code, made.get_data()) == (200, b"")
    assert made.headers["HX-Trigger-After-Settle"] == "users-changed"
    twice = client.post("/admin/users", data=form, headers=HTMX)
    assert twice.status_code == 422
    assert "用户名已存在" in twice.get_data(as_text=True)
    other = app.test_client()
    assert other.post("/sign-in", data={"username": "newone", "password": PASSWORD}).status_code == 302
    assert other.get("/").headers["Location"] == "/account/password"


def test_one_person_has_one_account(app: Flask, sign_in) -> None:  # type: ignore[no-untyped-def]
    client = sign_in(ADMIN)
    with app.app_context():
        staff_id = db.session.scalar(select(StaffMember.id).where(StaffMember.name == LI_MING.name))
    form = {"username": "lim2", "display_name": "李明", "password": PASSWORD, "staff_id": staff_id}
    answer = client.post("/admin/users", data=form, headers=HTMX)
    assert answer.status_code == 422
    assert "已有账户" in answer.get_data(as_text=True)
    assert "李明 1001" in html(client, "/admin/users/staff?q=lm")


def test_exclusive_roles_are_refused_in_place(app: Flask, sign_in) -> None:  # type: ignore[no-untyped-def]
    client, url = sign_in(ADMIN), f"/admin/users/{user_id(app, QIN_YU)}"
    answer = client.post(f"{url}/roles", data={"roles": ["system_admin", "auditor"]}, headers=HTMX)
    text_of = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "必须由不同的人担任" in text_of
    assert 'value="auditor" checked' in text_of, "what was chosen stays chosen"
    assert 'value="anesthesia_nurse" checked' in html(client, url), "nothing was saved"
    good = client.post(f"{url}/roles", data={"roles": ["surgeon", "quality_officer"]}, headers=HTMX)
    assert good.status_code == 200
    assert 'value="quality_officer" checked' in html(client, url)


def test_a_forgotten_password_is_reset(app: Flask, sign_in) -> None:  # type: ignore[no-untyped-def]
    client, url = sign_in(ADMIN), f"/admin/users/{user_id(app, LI_MING)}"
    weak = client.post(f"{url}/password", data={"new": "short"}, headers=HTMX)
    assert weak.status_code == 422
    assert "至少 8 位" in weak.get_data(as_text=True)
    assert client.post(f"{url}/password", data={"new": "Spring-2027"}, headers=HTMX).status_code == 200
    other = app.test_client()
    assert other.post("/sign-in", data={"username": "lim", "password": PASSWORD}).status_code == 422
    assert other.post("/sign-in", data={"username": "lim", "password": "Spring-2027"}).status_code == 302


def test_locked_and_disabled_accounts_are_marked_and_freed(app: Flask, sign_in) -> None:  # type: ignore[no-untyped-def]
    other = app.test_client()
    client, url = sign_in(ADMIN), f"/admin/users/{user_id(app, LI_MING)}"
    for _ in range(5):
        other.post("/sign-in", data={"username": "lim", "password": "wrong"})
    assert "锁定到" in html(client, "/admin/users/list?q=lim")
    assert client.post(f"{url}/unlock", headers=HTMX).status_code == 200
    assert client.post(f"{url}/enabled", data={"enabled": "0"}, headers=HTMX).status_code == 200
    assert "已停用" in html(client, "/admin/users/list?q=lim&state=disabled")
    assert other.post("/sign-in", data={"username": "lim", "password": PASSWORD}).status_code == 422
    client.post(f"{url}/enabled", data={"enabled": "1"}, headers=HTMX)
    assert other.post("/sign-in", data={"username": "lim", "password": PASSWORD}).status_code == 302
    own = client.post(f"/admin/users/{user_id(app, ADMIN)}/enabled", data={"enabled": "0"}, headers=HTMX)
    assert own.status_code == 409


def matrix(app: Flask) -> dict[str, set[str]]:
    with app.app_context():
        return {role.name: set(role.permissions) for role in db.session.scalars(select(Role))}


def matrix_form(was: dict[str, set[str]], wanted: dict[str, set[str]]) -> dict[str, object]:
    form: dict[str, object] = {f"was-{name}": " ".join(sorted(rights)) for name, rights in was.items()}
    return form | {"grant": [f"{name}:{right}" for name, rights in wanted.items() for right in rights]}


def test_the_matrix_saves_what_was_changed(app: Flask, sign_in, open_page) -> None:  # type: ignore[no-untyped-def]
    add_security_admin(app)
    client, was = sign_in(SECURITY), matrix(app)
    page = open_page("/admin/roles")
    assert len(page.soup.select('input[name="grant"][checked]')) == sum(len(rights) for rights in was.values())
    wanted = was | {"surgeon": was["surgeon"] | {"record.print"}}
    assert client.post("/admin/roles/permissions", data=matrix_form(was, wanted)).status_code == 302
    assert matrix(app) == wanted
    with app.app_context():
        entries = db.session.scalars(
            select(AuditEntry).where(AuditEntry.action == "accounts.set_role_permissions")
        ).all()
        assert [entry.actor_name for entry in entries] == [SECURITY.name]


def test_a_stale_matrix_does_not_undo_what_others_changed(app: Flask, sign_in) -> None:  # type: ignore[no-untyped-def]
    add_security_admin(app)
    client, was = sign_in(SECURITY), matrix(app)
    first = was | {"surgeon": was["surgeon"] | {"record.print"}}
    client.post("/admin/roles/permissions", data=matrix_form(was, first))
    stale = was | {"surgeon": was["surgeon"] - {"document.sign"}}
    assert client.post("/admin/roles/permissions", data=matrix_form(was, stale)).status_code == 409
    assert matrix(app) == first


def test_a_matrix_that_breaks_the_separation_is_shown_again(app: Flask, sign_in) -> None:  # type: ignore[no-untyped-def]
    add_security_admin(app)
    client, was = sign_in(SECURITY), matrix(app)
    wanted = was | {"auditor": was["auditor"] | {"user.manage"}, "surgeon": was["surgeon"] | {"record.print"}}
    answer = client.post("/admin/roles/permissions", data=matrix_form(was, wanted))
    assert answer.status_code == 422
    assert "审计员：系统管理、安全管理、审计三类权限不能同时授予" in answer.get_data(as_text=True)
    assert matrix(app) == was, "nothing of it was saved"


def test_only_those_who_manage_roles_change_them(app: Flask, sign_in) -> None:  # type: ignore[no-untyped-def]
    client, was = sign_in(ADMIN), matrix(app)
    assert "disabled" in html(client, "/admin/roles")
    wanted = was | {"system_admin": was["system_admin"] | {"record.chart"}}
    assert client.post("/admin/roles/permissions", data=matrix_form(was, wanted)).status_code == 403
    assert matrix(app) == was


def test_a_new_role_starts_with_the_rights_of_another(app: Flask, sign_in) -> None:  # type: ignore[no-untyped-def]
    add_security_admin(app)
    client = sign_in(SECURITY)
    assert "权限同" in html(client, "/admin/roles/new")
    form = {"name": "head_nurse", "label": "护士长", "like": "theatre_nurse"}
    assert client.post("/admin/roles", data=form, headers=HTMX).headers["HX-Redirect"].startswith("/admin/roles")
    assert matrix(app)["head_nurse"] == matrix(app)["theatre_nurse"]
    assert client.post("/admin/roles", data=form, headers=HTMX).status_code == 422


def test_staff_are_added_and_changed(app: Flask, sign_in) -> None:  # type: ignore[no-untyped-def]
    client = sign_in(LU_HAI)
    form = {"code": "2001", "name": "曾小贤", "kind": "surgeon", "title": "主治医师", "is_active": "1"}
    assert client.post("/admin/staff", data=form, headers=HTMX).status_code == 200
    again = client.post("/admin/staff", data=form, headers=HTMX)
    assert (again.status_code, "工号已存在" in again.get_data(as_text=True)) == (422, True)
    assert "曾小贤" in html(client, "/admin/staff/list?q=zxx")
    with app.app_context():
        number = db.session.scalar(select(StaffMember.id).where(StaffMember.code == "2001"))
    assert 'value="曾小贤"' in html(client, f"/admin/staff/{number}")
    del form["is_active"]
    assert client.post(f"/admin/staff/{number}", data=form, headers=HTMX).status_code == 200
    assert "曾小贤" not in html(client, "/admin/staff/list?q=zxx")
    assert "离岗" in html(client, "/admin/staff/list?q=zxx&active=no")


def test_departments_are_added_and_changed(sign_in) -> None:  # type: ignore[no-untyped-def]
    client = sign_in(LU_HAI)
    assert (
        client.post("/admin/departments", data={"code": "GK", "name": "", "is_active": "1"}, headers=HTMX).status_code
        == 422
    )
    assert (
        client.post(
            "/admin/departments", data={"code": "GK", "name": "骨科", "is_active": "1"}, headers=HTMX
        ).status_code
        == 200
    )
    assert "骨科" in html(client, "/admin/departments/list")
    assert client.get("/admin/departments/999", headers=HTMX).status_code == 404


def test_the_trail_is_filtered(sign_in, open_page) -> None:  # type: ignore[no-untyped-def]
    client = sign_in(SUN_LI)
    client.post("/sign-in", data={"username": "lim", "password": "wrong"})
    page = open_page("/admin/audit")
    assert page.select("tbody td:nth-child(3)") == ["李明", "孙丽"]
    assert open_page("/admin/audit?outcome=refused").select("tbody td:nth-child(3)") == ["李明"]
    assert open_page("/admin/audit?actor=孙").select("tbody td:nth-child(3)") == ["孙丽"]
    for empty in ("action=devices.", "patient=P0001", "first_day=2020-01-01&last_day=2020-01-02"):
        assert "没有符合条件的记录" in open_page(f"/admin/audit?{empty}").text
    assert open_page("/admin/audit?first_day=nonsense&page=99&endpoint=x").select("tbody tr")


def test_an_entry_is_told_in_words_and_hospital_time(app: Flask, sign_in, open_page) -> None:  # type: ignore[no-untyped-def]
    surgeon = {"code": "2012", "name": "黄志明", "role": "surgeon"}
    nurse = {"code": "N06", "name": "卢婷婷", "role": "circulating_nurse"}
    with app.app_context():
        user = user_by_name("lim")
        assert isinstance(user, User)
        before, after = (
            {"team": [surgeon], "start": None},
            {"team": [surgeon, nurse], "start": "2026-11-28T12:00:00+00:00"},
        )
        audit.record(user, "scheduling.assign_staff", "case:6", before=before, after=after)
        db.session.commit()
    sign_in(SUN_LI)
    row = open_page("/admin/audit?action=scheduling.").select("tbody tr")[0]
    assert "手术 6" in row
    assert "人员 巡回护士 卢婷婷" in row, "only who came"
    assert "开始 空 → 2026-11-28 20:00" in row


def test_the_chain_is_verified_and_a_forgery_found(app: Flask, sign_in) -> None:  # type: ignore[no-untyped-def]
    client = sign_in(SUN_LI)
    assert "审计日志完整：共 1 条" in client.post("/admin/audit/verification", headers=HTMX).get_data(as_text=True)
    with app.app_context():
        trigger = (
            "audit_entry_append_only ON audit_entry"
            if db.engine.dialect.name == "postgresql"
            else "audit_entry_no_update"
        )
        db.session.execute(text(f"DROP TRIGGER {trigger}"))
        db.session.execute(text("UPDATE audit_entry SET actor_name = '无名氏' WHERE id = 1"))
        db.session.commit()
    verdict = client.post("/admin/audit/verification", headers=HTMX).get_data(as_text=True)
    assert "审计日志异常：第 1 号记录" in verdict


def test_the_export_is_a_spreadsheet_and_is_audited(app: Flask, sign_in) -> None:  # type: ignore[no-untyped-def]
    client = sign_in(SUN_LI)
    with app.app_context():
        user = user_by_name("lim")
        assert isinstance(user, User)
        user.display_name = "=HYPERLINK(1)"
        db.session.commit()
    client.post("/sign-in", data={"username": "lim", "password": "wrong"})
    answer = client.post("/admin/audit/export", data={"first_day": today().isoformat()})
    assert answer.headers["Content-Type"].startswith("text/csv")
    content = answer.get_data(as_text=True)
    assert content.startswith("\ufeff编号,")
    rows = list(csv.reader(io.StringIO(content.removeprefix("\ufeff"))))
    assert [row[2] for row in rows[1:]] == ["孙丽", "'=HYPERLINK(1)"], "no cell is a formula"
    with app.app_context():
        assert db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id.desc())).first() == "audit.export"
    assert client.post("/admin/audit/export", data={"first_day": "2020-01-01"}).status_code == 422
