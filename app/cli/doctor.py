"""`flask doctor`: what is wrong with this installation, and how to mend it."""

import os
import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import click
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app
from flask.cli import with_appcontext
from flask_migrate import Migrate
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from app.accounts.models import User
from app.core import clock
from app.core.db import db
from app.core.settings import PROJECT_ROOT, Settings
from app.core.types import UNREADABLE
from app.devices.models import Device, DeviceStatus
from app.documents.service.stamping import due_count, oldest_due_hours
from app.interfaces.models import OutboxMessage
from app.jobs.models import JobRun
from app.patients.models import Patient
from app.terminology.models import Term

_MIN_FREE_BYTES = 2 * 1024**3
_STAMP_OVERDUE_HOURS = 1
_BRIDGE_SILENT_MS = 20_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    title: str
    is_fine: bool
    detail: str
    remedy: str = ""


@click.command("doctor")
@with_appcontext
def doctor_command() -> None:
    """检查安装：设置、密钥、数据库、字体、前端文件、采集、接口、后台任务。"""
    settings: Settings = current_app.extensions["mafei.settings"]
    findings = [*examine_files(settings), *examine_database(settings)]
    for finding in findings:
        click.echo(f"{'✔' if finding.is_fine else '✘'} {finding.title}：{finding.detail}")
        if not finding.is_fine and finding.remedy:
            click.echo(f"    → {finding.remedy}")
    faults = sum(not finding.is_fine for finding in findings)
    click.echo(
        f"共检查 {len(findings)} 项，{faults} 项需要处理。" if faults else f"共检查 {len(findings)} 项，全部正常。"
    )
    sys.exit(1 if faults else 0)


def examine_files(settings: Settings) -> Iterator[Finding]:
    """What lies on disk: directory, secrets, space, fonts, front-end files."""
    instance = settings.instance_dir
    writable = os.access(instance, os.W_OK)
    yield Finding("数据目录", writable, str(instance), "请把目录的属主改为运行麻沸的用户")
    for name in ("secret_key", "column_key", "relay_token", "bridge_token", "station_token"):
        path = instance / name
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
        fine = os.name != "posix" or not mode & 0o077
        yield Finding(f"密钥 {name}", fine, f"权限 {mode:o}", f"请执行 chmod 600 {path}")
    free = shutil.disk_usage(instance).free
    yield Finding(
        "磁盘空间", free > _MIN_FREE_BYTES, f"剩余 {free / 1024**3:.1f} GB", "请清理磁盘或扩容，至少保留 2 GB"
    )
    fonts = list((instance / "fonts").glob("*.ttf"))
    yield Finding(
        "打印字体",
        len(fonts) >= 2,
        f"{len(fonts)} 个",
        "请执行 ./run.sh，或 python -m printing.fonts --instance 数据目录",
    )
    vendor = PROJECT_ROOT / "static" / "vendor" / "htmx.min.js"
    yield Finding(
        "前端文件", vendor.exists(), "已就绪" if vendor.exists() else "缺失", "请执行 python scripts/vendor_assets.py"
    )


def examine_database(settings: Settings) -> Iterator[Finding]:
    """What the database says: reachable, schema, people, dictionaries, devices, outbox, jobs."""
    try:
        db.session.execute(text("SELECT 1"))
        present = MigrationContext.configure(db.session.connection()).get_current_heads()
    except SQLAlchemyError as error:
        yield _unreachable(error)
        return
    migrations: Migrate = current_app.extensions["migrate"]
    heads = ScriptDirectory(str(migrations.directory)).get_heads()
    fine = set(present) == set(heads)
    known = {revision.revision for revision in ScriptDirectory(str(migrations.directory)).walk_revisions()}
    is_newer = not set(present) <= known
    remedy = (
        "数据库由更新版本的麻沸建立，请安装那个版本，或恢复升级前的备份"
        if is_newer
        else "请执行 flask db upgrade（升级前先备份）"
    )
    yield Finding("数据库结构", fine, "、".join(present) or "尚未建立", remedy)
    if not fine:
        return
    users = db.session.scalar(select(func.count(User.id)).where(User.enabled)) or 0
    yield Finding("可用账户", users > 0, f"{users} 个", "请执行 flask setup user 用户名 姓名 --role system_admin")
    yield _examine_encryption()
    terms = db.session.scalar(select(func.count(Term.id))) or 0
    yield Finding("基础字典", terms > 0, f"{terms} 条", "请执行 flask setup basics")
    yield _examine_devices()
    dead = db.session.scalar(select(func.count(OutboxMessage.id)).where(OutboxMessage.state == "dead")) or 0
    yield Finding("待发消息", dead == 0, f"{dead} 条被对方拒收", "请在“接口”页查看原因并重发")
    yield from _examine_time_stamps(settings)
    failed = list(db.session.scalars(select(JobRun.job).where(JobRun.outcome == "failed")))
    yield Finding(
        "后台任务", not failed, "、".join(failed) or "最近运行均成功", "请执行 flask jobs once 任务名，并查看日志"
    )
    yield _examine_port(settings)


def _unreachable(error: SQLAlchemyError) -> Finding:
    reason = str(error).splitlines()[0]
    is_broken = any(word in reason for word in ("not a database", "malformed"))
    return Finding(
        "数据库",
        False,
        reason,
        "数据库文件已损坏：请停止全部进程，保留这份文件，按 docs/install.md 恢复备份"
        if is_broken
        else "请检查 MAFEI_DATABASE_URL、数据库服务与文件权限",
    )


def _examine_encryption() -> Finding:
    """The oldest encrypted value is read: with another key than it was written with it cannot be."""
    oldest = (
        db.session.scalar(select(column).where(column.is_not(None)).order_by(Patient.id).limit(1))
        for column in (Patient.national_id, Patient.phone)
    )
    is_readable = UNREADABLE not in list(oldest)
    return Finding(
        "加密内容",
        is_readable,
        "可以解密" if is_readable else "现在的 column_key 解不开已有的证件号、电话",
        "请停止全部进程，把离线备份的 column_key 放回数据目录",
    )


def _examine_time_stamps(settings: Settings) -> Iterator[Finding]:
    if not settings.tsa_url:
        return
    hours = oldest_due_hours()
    yield Finding(
        "文书时间戳",
        hours < _STAMP_OVERDUE_HOURS,
        f"待补 {due_count()} 份",
        "请确认时间戳机构可以访问（MAFEI_TSA_URL），并执行 flask jobs once time_stamps 查看原因",
    )


def _examine_devices() -> Finding:
    total = db.session.scalar(select(func.count(Device.id)).where(Device.enabled)) or 0
    receiving = (
        db.session.scalar(
            select(func.count(DeviceStatus.device_id)).where(
                DeviceStatus.state == "receiving",
                DeviceStatus.reported_at > clock.from_ms(clock.now_ms() - _BRIDGE_SILENT_MS),
            )
        )
        or 0
    )
    last = db.session.scalar(select(func.max(DeviceStatus.reported_at)))
    if total and (last is None or last < clock.from_ms(clock.now_ms() - _BRIDGE_SILENT_MS)):
        since = f"自 {clock.to_hospital(last):%m-%d %H:%M} 起没有报告" if last else "从未报告"
        remedy = "请启动采集服务（device_bridge），并核对它的服务器地址与 bridge_token"
        return Finding("设备采集", False, f"登记 {total} 台，采集服务{since}", remedy)
    return Finding(
        "设备采集",
        total == 0 or receiving > 0,
        f"登记 {total} 台，接收中 {receiving} 台",
        "采集服务已运行但没有设备在接收，请在“设备”页查看每台的原因",
    )


def _examine_port(settings: Settings) -> Finding:
    with socket.socket() as probe:
        probe.settimeout(1)
        answers = probe.connect_ex((settings.host, settings.port)) == 0
    return Finding(
        "网页服务",
        answers,
        f"{settings.host}:{settings.port} {'有应答' if answers else '无应答'}",
        "请用 ./run.sh 或 systemd 启动",
    )
