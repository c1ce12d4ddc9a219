"""`flask documents …`: check the definitions, export documents of a case."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import cast

import click
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy import select

from app.core.db import db
from app.core.errors import DomainError
from app.core.settings import Settings
from app.documents.cda.export import export_cda
from app.documents.cda.options import NOT_ORIGINATED, load_options
from app.documents.lint import lint, lint_overlay
from app.documents.models import Document, DocumentOverlay, FrozenCopy
from app.documents.reader import DefinitionError, Fault
from app.documents.registry import catalogue
from app.documents.service.freezing import canonical_text
from app.documents.service.paper import paper_of
from app.documents.service.stamping import verify_copy

documents_group = AppGroup("documents", help="医疗文书：检查定义、导出。")


@documents_group.command("lint")
def lint_command() -> None:
    """检查全部文书定义、专科包和本院字段。"""
    faults: list[Fault] = []
    overlays = list(db.session.scalars(
        select(DocumentOverlay).where(DocumentOverlay.withdrawn_at.is_(None)).order_by(DocumentOverlay.id)
    ))  # fmt: skip
    checks: list[Callable[[], list[Fault]]] = [lint, *(partial(lint_overlay, row) for row in overlays)]
    for check in checks:
        try:
            faults += check()
        except DefinitionError as error:
            faults += error.faults
    for fault in faults:
        click.echo(str(fault), err=True)
    if faults:
        sys.exit(1)
    shipped = catalogue()
    count = sum(len(list(kind.fields())) for kind in shipped.kinds.values())
    click.echo(
        f"{len(shipped.kinds)} 种文书、{count} 个字段、{len(shipped.packages)} 个专科包、{len(overlays)} 个本院版本，全部正确。"
    )


@documents_group.command("verify")
def verify_command() -> None:
    """重算全部已签文书的摘要，并核对时间戳。"""
    count = 0
    faulty = []
    for copy in db.session.scalars(select(FrozenCopy).order_by(FrozenCopy.id).execution_options(yield_per=50)):
        count += 1
        verdict = verify_copy(copy)
        faulty += [f"文书 {verdict.document_id}（冻结件 {verdict.copy_id}）：{fault}" for fault in verdict.faults]
        db.session.expunge(copy)
    for line in faulty:
        click.echo(line, err=True)
    click.echo(f"核对 {count} 份，{len(faulty)} 处不符。" if faulty else f"核对 {count} 份，全部相符。")
    if faulty:
        sys.exit(1)


@documents_group.command("export")
@click.option("--case", "case_id", type=int, required=True, help="手术编号（数据库 id）")
@click.option("--kind", required=True, help="文书类型，如 C0011 或 anesthesia_record")
@click.option("--format", "form", type=click.Choice(["cda", "pdf", "json"]), default="cda")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="写入文件；不写则输出到屏幕")
def export_command(case_id: int, kind: str, form: str, output: Path | None) -> None:
    """导出一份文书：CDA、PDF 或 JSON。"""
    if kind in NOT_ORIGINATED:
        raise click.ClickException(f"本系统不产生 {kind}：{NOT_ORIGINATED[kind]}。")
    keys = [made.key for made in catalogue().kinds.values() if kind in (made.code, made.key)] or [kind]
    document = db.session.scalar(
        select(Document)
        .where(Document.case_id == case_id, Document.kind.in_(keys), Document.struck_at.is_(None))
        .order_by(Document.id.desc())
        .limit(1)
    )
    if document is None:
        raise click.ClickException("这台手术没有这种文书。")
    settings = cast(Settings, current_app.extensions["mafei.settings"])
    try:
        content = _content(document, form, settings)
    except DomainError as error:
        raise click.ClickException(error.message) from None
    if output is None:
        click.echo(content, nl=False)
    else:
        output.write_bytes(content)
        click.echo(f"已写入 {output}（{len(content)} 字节）。")


def _content(document: Document, form: str, settings: Settings) -> bytes:
    if form == "cda":
        return export_cda(document, load_options(settings.instance_dir, settings.hospital_name))
    if form == "json":
        return canonical_text(document).encode()
    return paper_of(document).pdf
