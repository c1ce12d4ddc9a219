"""The jobs themselves."""

from datetime import timedelta

from sqlalchemy import select

from app.accounts import sessions
from app.anesthesia.service import fill_chart
from app.core import clock, unit_of_work
from app.core.audit import SystemActor, verify_chain
from app.core.db import db
from app.devices.models import Binding
from app.jobs.device_data import DEVICE_JOBS
from app.jobs.service import Job
from app.vitals import service as vitals

_COMPACT_IDLE_SEGMENTS = 20
_LOOK_BACK = timedelta(hours=2)
JOB = SystemActor("job:loop", "后台任务")


def verify_audit() -> str:
    """Read the audit chain; a break is a failure that the job list shows."""
    verdict = verify_chain()
    if not verdict.is_intact:
        raise RuntimeError(f"audit chain broken at {verdict.broken_at}")
    return f"审计日志完整，共 {verdict.entries} 条"


def compact_vitals() -> str:
    """Compact devices that fell silent before their segments were many enough."""
    compacted = 0
    for device_id, count in vitals.segment_counts().items():
        if count >= _COMPACT_IDLE_SEGMENTS:
            with unit_of_work.writing():
                compacted += vitals.compact(device_id)
    return f"合并了 {compacted} 段"


def fill_charts() -> str:
    """Chart what arrived late or while the web process was ending: the last two hours of every bound device."""
    since = clock.now() - _LOOK_BACK
    devices = list(db.session.scalars(select(Binding.device_id).where(Binding.released_at.is_(None))))
    if not devices:
        return "没有绑定的设备"
    with unit_of_work.writing():
        filled = fill_chart(JOB, devices, clock.to_ms(since), clock.now_ms(), now_ms=clock.now_ms())
    return f"补记 {filled} 格"


def checkpoint() -> str:
    """Fold the write-ahead log of SQLite into the database, so that it does not grow."""
    if db.engine.dialect.name != "sqlite":
        return "无需处理"
    with db.engine.connect() as connection:
        connection.rollback()
        raw = connection.connection.cursor()
        raw.execute("PRAGMA wal_checkpoint(PASSIVE)")
        raw.close()
    return "已整理"


def end_old_sessions() -> str:
    """End sessions that were never signed out."""
    with unit_of_work.writing():
        return f"结束了 {sessions.end_old()} 个过期登录"


BASIC_JOBS = (
    Job("fill_charts", "补齐体征格", timedelta(minutes=1), fill_charts),
    Job("checkpoint", "整理数据库日志", timedelta(minutes=5), checkpoint),
    Job("compact_vitals", "合并设备数据", timedelta(minutes=10), compact_vitals),
    Job("verify_audit", "核对审计日志", timedelta(hours=24), verify_audit),
    Job("end_old_sessions", "结束过期登录", timedelta(hours=6), end_old_sessions),
    *DEVICE_JOBS,
)
