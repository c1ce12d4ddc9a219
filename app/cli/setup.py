"""`flask setup`: what a new installation needs before its first start, safe to repeat."""

import getpass
import sys

import click
from flask.cli import AppGroup
from sqlalchemy import select

from app.accounts import service
from app.accounts.defaults import DEFAULT_ROLES
from app.accounts.models import Role, User
from app.core import audit, unit_of_work
from app.core.audit import SystemActor
from app.core.db import db
from app.core.errors import DomainError
from app.scheduling.models import OperatingRoom
from app.terminology.service import load_default_terms

setup_group = AppGroup("setup", help="安装与初始化。")
INSTALLER = SystemActor("job:setup", "安装程序")


def install_roles() -> int:
    """Add the default roles that are missing; existing ones stay as the hospital edited them."""
    present = set(db.session.scalars(select(Role.name)))
    missing = [name for name in DEFAULT_ROLES if name not in present]
    for name in missing:
        label, permissions = DEFAULT_ROLES[name]
        db.session.add(Role(name=name, label=label, permissions=[p.value for p in permissions]))
    db.session.flush()
    return len(missing)


@setup_group.command("basics")
def basics() -> None:
    """Default roles and dictionaries."""
    with unit_of_work.writing():
        roles = install_roles()
        terms = load_default_terms()
    click.echo(f"新增角色 {roles} 个，字典条目 {terms} 条。")


@setup_group.command("user")
@click.argument("username")
@click.argument("display_name")
@click.option("--role", "roles", multiple=True, required=True, help="角色，可重复")
def user(username: str, display_name: str, roles: tuple[str, ...]) -> None:
    """Make the first accounts of a hospital; asks for the password."""
    password = getpass.getpass("初始密码：") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    try:
        with unit_of_work.writing():
            made: User = service.create_user(INSTALLER, username, display_name, password, roles)
            number = made.id
    except DomainError as error:
        raise click.ClickException(error.message) from error
    click.echo(f"已创建用户 {username}（编号 {number}），首次登录须修改密码。")


@setup_group.command("room")
@click.argument("code")
@click.argument("name")
@click.option("--sort", type=int, default=100, show_default=True, help="显示顺序，小的在前")
@click.option("--turnover", type=click.IntRange(0, 240), default=0, show_default=True, help="接台清洁分钟数")
@click.option("--retire", is_flag=True, help="停用这个手术间")
def room(code: str, name: str, sort: int, turnover: int, retire: bool) -> None:
    """Add an operating room, or change the one of this code."""
    if not (code.isascii() and code.replace("-", "a").isalnum() and len(code) <= 16 and name.strip()):
        raise click.ClickException(
            "手术间代码为 1–16 位字母、数字或 -，名称不能为空，例如：flask setup room OR1 1号手术间"
        )
    with unit_of_work.writing():
        found = db.session.scalar(select(OperatingRoom).where(OperatingRoom.code == code))
        made = found is None
        found = found or OperatingRoom(code=code)
        found.name, found.sort, found.turnover_minutes, found.is_active = name.strip()[:32], sort, turnover, not retire
        db.session.add(found)
        db.session.flush()
        after = {"code": code, "name": found.name, "active": found.is_active}
        audit.record(INSTALLER, "scheduling.save_room", f"room:{found.id}", after=after)
    click.echo(f"{'新增' if made else '修改'}手术间 {code} {name}{'（已停用）' if retire else ''}。")
