"""`flask device-data`: back up and restore raw device data apart from the record."""

from pathlib import Path

import click
from flask.cli import AppGroup

from app.core import unit_of_work
from app.vitals import backup

device_data_group = AppGroup("device-data", help="设备原始数据的备份与恢复。")


@device_data_group.command("backup")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def back_up(folder: Path) -> None:
    """Write what came since the last backup in FOLDER, and read the file again."""
    with unit_of_work.writing():
        backup.compact_all()
    made = backup.write(folder)
    if made is None:
        click.echo("没有新数据。")
        return
    click.echo(f"{made.path.name}：{sum(made.rows.values())} 行，恢复检查读出 {backup.verify(made.path)} 个值。")


@device_data_group.command("restore")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def restore(folder: Path) -> None:
    """Put back the rows that are missing; what is here stays as it is."""
    try:
        checked = sum(backup.verify(path) for path in backup.files(folder))
    except ValueError as error:
        raise click.ClickException(f"备份文件损坏：{error}。没有恢复任何数据。") from error
    with unit_of_work.writing():
        restored = backup.restore(folder)
    click.echo(f"备份中有 {checked} 个值；补回 {sum(restored.values())} 行，已有的数据未改动。")
