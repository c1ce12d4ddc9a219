"""`flask setup`: what a new installation needs before its first start, safe to repeat."""

import getpass
import sys

import click
from flask.cli import AppGroup
from sqlalchemy import select

from app.accounts import service
from app.accounts.defaults import DEFAULT_ROLES
from app.accounts.models import Role, User
from app.core import unit_of_work
from app.core.audit import SystemActor
from app.core.db import db
from app.core.errors import DomainError
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
