"""The jobs on device data run on real tables and say what they did."""

import shutil
import sqlite3
from pathlib import Path

from flask import Flask

from app.core import clock, unit_of_work
from app.core.db import db
from app.jobs.device_data import DEVICE_JOBS
from app.vitals import backup, queries, service
from app.vitals.columns import SeriesColumns
from app.vitals.models import VitalChunk, VitalSummary
from blueprints.common.access import settings


def test_every_job_runs_and_leaves_its_trace(app: Flask, tmp_path: Path) -> None:
    yesterday = clock.now_ms() - 86_400_000
    with app.app_context():
        with unit_of_work.writing():
            series = SeriesColumns("HR", "/min", [yesterday], [61.0], [0])
            service.ingest("b", "s", 1, 0, [service.DeviceData(3, (series,))])
            service.compact(3)
        said = {job.name: job.run() for job in DEVICE_JOBS}
        assert said["summarise_vitals"] == "汇总了 1 行"
        assert said["back_up_devices"].endswith("恢复检查读出 1 个值")
        assert db.session.query(VitalSummary).one().code == "HR"
        folder = str(settings().instance_dir / "device-backup")
        runner = app.test_cli_runner()
        assert "没有新数据" in runner.invoke(args=["device-data", "backup", folder]).output
        db.session.query(VitalChunk).delete()
        db.session.commit()
        assert "补回 1 行" in runner.invoke(args=["device-data", "restore", folder]).output
        assert queries.samples(3, (), 0, 2**60)["HR"].values.tolist() == [61.0]
        for path in backup.files(settings().instance_dir / "device-backup"):
            shutil.copy(path, tmp_path)
        with sqlite3.connect(next(iter(backup.files(tmp_path)))) as broken:
            broken.execute("UPDATE vital_chunk SET payload = x'00'")
        answer = runner.invoke(args=["device-data", "restore", str(tmp_path)])
        assert answer.exit_code == 1
        assert "没有恢复任何数据" in answer.output
        again = {job.name: job.run() for job in DEVICE_JOBS}
        assert again["back_up_devices"] == "没有新数据"
        assert again["forget_vitals"] == "波形 0、原始数值 0、设备报警与中断 0"
