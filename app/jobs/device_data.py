"""Jobs on raw device data: look-from-afar summaries, retention by class, a backup of its own."""

from datetime import timedelta

from flask import current_app

from app.core import unit_of_work
from app.core.settings import Settings
from app.devices import errands
from app.jobs.service import Job
from app.vitals import backup, retention, summary, wave_service

_LABELS = retention.LABELS


def compact_curves() -> str:
    """Compact the curves of devices that fell silent."""
    compacted = 0
    for device_id in wave_service.wave_segment_counts():
        with unit_of_work.writing():
            compacted += wave_service.compact_waves(device_id)
    return f"合并了 {compacted} 段波形"


def summarise() -> str:
    """Extremes of each five minutes of the last full days."""
    with unit_of_work.writing():
        return f"汇总了 {summary.summarise_due()} 行"


def forget_old() -> str:
    """Delete raw data that is older than its class allows; summaries are made before."""
    settings: Settings = current_app.extensions["mafei.settings"]
    with unit_of_work.writing():
        gone = retention.forget_old(retention.classes(settings.keep_waves_days, settings.keep_numerics_days))
        errands.forget_old()
    return "、".join(f"{_LABELS[name]} {count}" for name, count in gone.items())


def back_up_devices() -> str:
    """Write what came since the last backup, and read the file again as a restore would."""
    settings: Settings = current_app.extensions["mafei.settings"]
    with unit_of_work.writing():
        backup.compact_all()
    made = backup.write(settings.instance_dir / "device-backup")
    if made is None:
        return "没有新数据"
    return f"{made.path.name}：{sum(made.rows.values())} 行，恢复检查读出 {backup.verify(made.path)} 个值"


DEVICE_JOBS = (
    Job("compact_curves", "合并波形", timedelta(minutes=10), compact_curves),
    Job("summarise_vitals", "汇总设备数据", timedelta(hours=6), summarise),
    Job("back_up_devices", "备份设备数据", timedelta(hours=12), back_up_devices),
    Job("forget_vitals", "清理过期设备数据", timedelta(hours=24), forget_old),
)
