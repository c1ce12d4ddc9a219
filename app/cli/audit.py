"""`flask audit verify`: is the audit trail intact?"""

import sys

import click
from flask.cli import AppGroup

from app.core.audit import verify_chain

audit_group = AppGroup("audit", help="审计日志。")


@audit_group.command("verify")
def verify() -> None:
    """Check every hash of the chain; exit 1 with the place where it breaks."""
    verdict = verify_chain()
    if verdict.is_intact:
        click.echo(f"审计日志完整：共 {verdict.entries} 条，哈希链无断裂。")
        return
    click.echo(f"审计日志异常：第 {verdict.broken_at} 号记录——{verdict.reason}。请保留现场并联系安全管理员。")
    sys.exit(1)
