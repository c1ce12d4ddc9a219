"""Commands of the installation say what is wrong and how to mend it."""

import shutil
from collections import namedtuple
from datetime import timedelta
from unittest.mock import Mock

import pytest
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from app.accounts.queries import user_by_name
from app.cli.doctor import Finding, examine_database, examine_files
from app.core import clock
from app.core.db import db
from app.core.types import field_cipher
from app.devices.models import Device, DeviceStatus
from app.patients.models import Patient


def test_audit_verify_of_an_untouched_trail(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=["audit", "verify"])
    assert result.exit_code == 0
    assert "审计日志完整" in result.output


def test_setup_is_safe_to_repeat(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=["setup", "basics"])
    assert result.exit_code == 0
    assert "新增角色 0 个，字典条目 0 条" in result.output


def test_first_account_of_a_hospital(app: Flask) -> None:
    runner: FlaskCliRunner = app.test_cli_runner()
    weak = runner.invoke(args=["setup", "user", "chief", "科主任", "--role", "system_admin"], input="short\n")
    assert weak.exit_code == 1
    assert "至少 8 位" in weak.output
    made = runner.invoke(args=["setup", "user", "chief", "科主任", "--role", "system_admin"], input="Good-2026\n")
    assert made.exit_code == 0, made.output
    with app.app_context():
        user = user_by_name("chief")
        assert user is not None
        assert user.must_change_password


def test_the_demonstration_stays_out_of_a_real_installation(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=["demo", "load"])
    assert result.exit_code == 1
    assert "不是演示安装" in result.output


def test_doctor_names_each_fault_with_its_remedy(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=["doctor"])
    assert result.exit_code == 1
    # The test database is made without migrations: the doctor must see that and say what to do.
    assert "✘ 数据库结构" in result.output
    assert "flask db upgrade" in result.output
    assert "✔ 密钥 secret_key：权限 600" in result.output


def test_doctor_sees_a_secret_that_others_can_read(app: Flask) -> None:
    secret = app.extensions["mafei.settings"].instance_dir / "bridge_token"
    secret.chmod(0o644)
    try:
        result = app.test_cli_runner().invoke(args=["doctor"])
    finally:
        secret.chmod(0o600)
    assert "✘ 密钥 bridge_token：权限 644" in result.output
    assert "chmod 600" in result.output


def diagnosis(app: Flask, monkeypatch: pytest.MonkeyPatch) -> dict[str, Finding]:
    """What the doctor says of a database that he takes for migrated."""
    heads = tuple(ScriptDirectory(str(app.extensions["migrate"].directory)).get_heads())
    monkeypatch.setattr(MigrationContext, "get_current_heads", lambda _self: heads)
    settings = app.extensions["mafei.settings"]
    with app.app_context():
        return {one.title: one for one in (*examine_files(settings), *examine_database(settings))}


def test_doctor_tells_a_lost_key_a_full_disk_and_a_silent_bridge(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    assert diagnosis(app, monkeypatch)["加密内容"].is_fine
    with app.app_context():
        patient = Patient(patient_no="P1", name="覃小芳", phone="13900000000")
        patient.index_name()
        device = Device(key="OR1-MON", kind="monitor", driver="mindray_pds", transport={"kind": "tcp_client"})
        db.session.add_all([patient, device])
        db.session.flush()
        status = DeviceStatus(device_id=device.id, state="receiving", since=clock.now(), reported_at=clock.now())
        db.session.add(status)
        db.session.commit()
        assert diagnosis(app, monkeypatch)["设备采集"].is_fine
        db.session.get_one(DeviceStatus, device.id).reported_at = clock.now() - timedelta(minutes=3)
        db.session.commit()
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: namedtuple("Usage", "free")(500 * 1024**2))
    field_cipher.use_key("another key of more than thirty-two characters")
    try:
        found = diagnosis(app, monkeypatch)
    finally:
        field_cipher.use_key(app.extensions["mafei.settings"].column_key)
    assert not found["加密内容"].is_fine
    assert "离线备份" in found["加密内容"].remedy
    assert (found["磁盘空间"].is_fine, found["磁盘空间"].detail) == (False, "剩余 0.5 GB")
    assert "起没有报告" in found["设备采集"].detail
    assert "device_bridge" in found["设备采集"].remedy


def test_doctor_tells_a_newer_schema_and_an_unreachable_database(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = app.extensions["mafei.settings"]
    with app.app_context():
        monkeypatch.setattr(MigrationContext, "get_current_heads", lambda _self: ("ffff_future",))
        (*_, last) = examine_database(settings)
        assert (last.title, last.is_fine) == ("数据库结构", False)
        assert "更新版本" in last.remedy
        for words, remedy in (("file is not a database", "恢复备份"), ("connection refused", "MAFEI_DATABASE_URL")):
            refusal = OperationalError("SELECT 1", {}, Exception(words))
            monkeypatch.setattr(db.session, "execute", Mock(side_effect=refusal))
            (only,) = examine_database(settings)
            assert remedy in only.remedy


def test_jobs_run_by_hand(app: Flask) -> None:
    runner = app.test_cli_runner()
    done = runner.invoke(args=["jobs", "once", "verify_audit"])
    assert done.exit_code == 0, done.output
    assert "审计日志完整" in done.output
    unknown = runner.invoke(args=["jobs", "once", "tea"])
    assert unknown.exit_code == 1
    assert "没有任务 tea" in unknown.output


def test_a_broken_trail_is_a_failed_job(app: Flask) -> None:
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            db.session.execute(text("DROP TRIGGER audit_entry_no_update"))
        else:
            db.session.execute(text("DROP TRIGGER audit_entry_append_only ON audit_entry"))
        db.session.commit()
    runner = app.test_cli_runner()
    runner.invoke(args=["setup", "user", "first", "某人", "--role", "auditor"], input="Good-2026\n")
    with app.app_context():
        db.session.execute(text("UPDATE audit_entry SET reason = 'altered'"))
        db.session.commit()
    assert runner.invoke(args=["jobs", "once", "verify_audit"]).exit_code == 1
    assert "内容与摘要不符" in runner.invoke(args=["audit", "verify"]).output
