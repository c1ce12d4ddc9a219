"""`flask demo`: the demonstration hospital."""

import click
from flask import current_app
from flask.cli import AppGroup

from app.core import unit_of_work
from app.core.relay import start_relay
from app.core.settings import Settings
from app.demo import director, hospital

demo_group = AppGroup("demo", help="演示医院。")


def _require_demo() -> None:
    settings: Settings = current_app.extensions["mafei.settings"]
    if not settings.demo:
        raise click.ClickException("本机不是演示安装（MAFEI_DEMO=false），没有载入任何演示数据。")


@demo_group.command("load")
def load() -> None:
    """People, rooms, accounts; safe to repeat."""
    _require_demo()
    with unit_of_work.writing():
        message = hospital.load()
    click.echo(message)


@demo_group.command("devices")
@click.option("--port", "ports", multiple=True, metavar="DRIVER=PORT", help="驱动=端口，可重复。")
def devices(ports: tuple[str, ...]) -> None:
    """Point the registry at the simulators of this start."""
    _require_demo()
    with unit_of_work.writing():
        hospital.place_devices({driver: int(port) for driver, port in (word.split("=", 1) for word in ports)})


@demo_group.command("direct")
def direct() -> None:
    """Work as the department does: schedule what the HIS asks for and keep two theatres busy."""
    _require_demo()
    start_relay(current_app.extensions["mafei.settings"])
    director.run()
