"""Sets of the print centre: ordered, worked on part by part, bound or zipped, cancelled. Nothing here commits."""

import csv
import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from flask import current_app
from sqlalchemy import delete, select
from sqlalchemy.orm import undefer

from app.accounts.models import User
from app.core import audit, clock, signals, unit_of_work
from app.core.audit import Actor
from app.core.db import db
from app.core.errors import Conflict, DomainError, InvalidInput
from app.core.settings import Settings
from app.documents import ports
from app.documents.batch_models import PrintBatch, PrintBatchPart
from app.documents.cda.export import MissingElements, SchemaFaults, export_cda
from app.documents.cda.options import load_options
from app.documents.facts import CaseFacts
from app.documents.kinds import kind_of
from app.documents.models import Document
from app.documents.printset import SetCover, SetPart
from app.documents.queries.sheets import hospital_name
from app.documents.service.common import subject
from app.documents.service.paper import DRAFT, READINESS_LABELS, Readiness, check_of, paper_of
from app.documents.service.printing import copies_of, log_print, reprint_mark

FORMS = {"print": "打印成册", "cda": "导出共享文档"}
BATCH_STATES = {"queued": "排队中", "running": "进行中", "done": "已完成", "failed": "失败", "cancelled": "已取消"}
MAX_DOCUMENTS = 1000
_HEAD = ("日期", "患者", "住院号", "手术编号", "文书", "状态")


@dataclass(frozen=True, slots=True)
class Product:
    """A finished set before it is stored. `prints`: (document, copy number, pages, readiness)."""

    content: bytes
    pages: int = 0
    prints: list[tuple[int, int, int, str]] = field(default_factory=list)
    exported: list[int] = field(default_factory=list)
    refused: list[dict[str, Any]] = field(default_factory=list)


def begin_batch(
    user: User, form: str, title: str, documents: Sequence[Document], *, with_drafts: bool = False
) -> PrintBatch:
    """Order a set. Raises `InvalidInput` for an empty or too large one."""
    if form not in FORMS:
        raise InvalidInput(fields={"form": "请选择打印成册或导出共享文档"})
    if not documents:
        raise InvalidInput("没有选择文书。", fields={"document": "请至少选择一份文书"})
    if len(documents) > MAX_DOCUMENTS:
        raise InvalidInput(f"一次最多 {MAX_DOCUMENTS} 份文书，请缩小范围。", fields={"document": "文书太多"})
    batch = PrintBatch(
        form=form,
        title=title[:120],
        documents=[document.id for document in documents],
        with_drafts=with_drafts,
        total=len(documents),
        user_id=user.id,
        by=user.actor_id,
        by_name=user.actor_name,
    )
    db.session.add(batch)
    db.session.flush()
    audit.record(user, "documents.order_batch", batch_subject(batch),
                 after={"form": form, "title": batch.title, "documents": batch.documents, "drafts": with_drafts})  # fmt: skip
    tell(batch)
    return batch


def cancel_batch(actor: Actor, batch: PrintBatch) -> None:
    """Stop a set that is not finished; what was made so far is thrown away and nothing counts as printed."""
    if batch.is_over:
        raise Conflict("这批任务已经结束，不能取消。")
    close(batch, "cancelled")
    audit.record(actor, "documents.cancel_batch", batch_subject(batch), after={"done": batch.done})


def batch_subject(batch: PrintBatch) -> str:
    """Subject in the audit trail."""
    return f"document_batch:{batch.id}"


def tell(batch: PrintBatch) -> None:
    """Let the pages that show the set refetch."""
    unit_of_work.after_commit(signals.changed, f"documents:{batch.id}", what="batch")


def close(batch: PrintBatch, state: str, message: str = "") -> None:
    """End a set and drop its parts."""
    batch.state, batch.finished_at, batch.message = state, clock.now(), message
    db.session.execute(delete(PrintBatchPart).where(PrintBatchPart.batch_id == batch.id))
    tell(batch)


def make_part(batch: PrintBatch, position: int, facts: CaseFacts) -> PrintBatchPart:
    """One document of the set as paper or XML, or why it is refused. Reads only; the part is not added."""
    document = db.session.get_one(Document, batch.documents[position])
    part = PrintBatchPart(batch_id=batch.id, position=position, document_id=document.id, content=b"", reasons=[])
    if document.struck_at is not None:
        part.reasons = ["已被新版本取代或作废"]
    elif batch.form == "cda":
        _export(part, document)
    else:
        _draw(part, document, facts, with_drafts=batch.with_drafts)
    return part


def _draw(part: PrintBatchPart, document: Document, facts: CaseFacts, *, with_drafts: bool) -> None:
    check = check_of(document, facts)
    if check.gaps and not with_drafts:
        part.reasons = [gap.message for gap in check.gaps]
        return
    try:
        paper = paper_of(document, facts, check=check)
    except DomainError as error:  # one that cannot be drawn must not keep the others from paper
        part.reasons = [error.message]
        return
    part.content, part.readiness = paper.pdf, paper.readiness.value


def _export(part: PrintBatchPart, document: Document) -> None:
    if document.state not in ("signed", "archived"):
        part.reasons = ["尚未签名，不能导出"]
        return
    settings = cast(Settings, current_app.extensions["mafei.settings"])
    try:
        part.content = export_cda(document, load_options(settings.instance_dir, settings.hospital_name))
    except MissingElements as error:
        part.reasons = [f"缺少数据元 {name}" for name in error.missing]
    except SchemaFaults as error:
        part.reasons = list(error.faults)
    except DomainError as error:
        part.reasons = [error.message]
    else:
        part.readiness = Readiness.FINAL.value


def parts_of(batch: PrintBatch) -> list[PrintBatchPart]:
    """Finished parts in order, with their content."""
    statement = select(PrintBatchPart).where(PrintBatchPart.batch_id == batch.id).order_by(PrintBatchPart.position)
    return list(db.session.scalars(statement.options(undefer(PrintBatchPart.content))))


def assemble(batch: PrintBatch, parts: Sequence[PrintBatchPart]) -> Product:
    """Bind or zip the finished parts. Reads only. Raises `InvalidInput` when every document was refused."""
    found = {part.document_id: db.session.get_one(Document, part.document_id) for part in parts}
    refused = [_refusal(found[part.document_id], part.reasons) for part in parts if not part.readiness]
    made = [part for part in parts if part.readiness]
    if not made:
        told = "；".join(f"{item['title']} {item['case_no']}：{'、'.join(item['reasons'][:3])}" for item in refused[:5])
        raise AllRefused(f"没有一份文书可以{FORMS[batch.form]}。{told}", refused)
    return _bound(batch, made, found, refused) if batch.form == "print" else _zipped(batch, made, found, refused)


class AllRefused(InvalidInput):
    """Every document of a set was refused; `refused` tells why."""

    code = "all_refused"

    def __init__(self, message: str, refused: list[dict[str, Any]]) -> None:
        self.refused = refused
        super().__init__(message)


def _refusal(document: Document, reasons: Sequence[str]) -> dict[str, Any]:
    return {"document": document.id, "title": document.title, "case_no": document.case.case_no,
            "reasons": list(reasons)}  # fmt: skip


def _bound(batch: PrintBatch, parts: Sequence[PrintBatchPart], found: dict[int, Document],
           refused: list[dict[str, Any]]) -> Product:  # fmt: skip
    copies = copies_of([part.document_id for part in parts])
    numbers = {part.document_id: copies.get(part.document_id, 0) + 1 for part in parts}
    leaves = [
        SetPart(
            part.content, _columns(found[part.document_id], part.readiness), reprint_mark(numbers[part.document_id])
        )
        for part in parts
    ]
    drafts = sum(part.readiness == Readiness.DRAFT for part in parts)
    counted = f"共 {len(parts)} 份" + (f"，其中{DRAFT} {drafts} 份" if drafts else "")
    cover = SetCover(
        hospital=hospital_name(),
        title="文书打印清单",
        lines=(
            f"{batch.title}　{counted}{f'，未打印 {len(refused)} 份' if refused else ''}",
            f"打印人：{batch.by_name}　打印时间：{clock.to_hospital(clock.now()):%Y-%m-%d %H:%M}　批次 {batch.id}",
        ),
        head=_HEAD,
        refused=tuple(f"{item['title']} {item['case_no']}：{'、'.join(item['reasons'][:6])}" for item in refused),
    )
    made = ports.renderer().bind(cover, leaves)
    prints = [
        (part.document_id, numbers[part.document_id], pages, part.readiness)
        for part, pages in zip(parts, made.pages, strict=True)
    ]
    return Product(made.pdf, made.cover_pages + sum(made.pages), prints=prints, refused=refused)


def _columns(document: Document, readiness: str) -> tuple[str, ...]:
    case = document.case
    visit = case.encounter
    state = READINESS_LABELS[Readiness(readiness)] if readiness != Readiness.DRAFT else DRAFT
    return (
        case.day.isoformat() if case.day else "",
        case.patient.name,
        (visit.inpatient_no or visit.outpatient_no) if visit else "",
        case.case_no,
        f"{document.title}{f'（{document.number}）' if document.number > 1 else ''}",
        f"{state} 第 {document.version_no} 版",
    )


def _zipped(batch: PrintBatch, parts: Sequence[PrintBatchPart], found: dict[int, Document],
            refused: list[dict[str, Any]]) -> Product:  # fmt: skip
    """XML files with a manifest in JSON and CSV, and the list of the refused. File names hold no patient's name."""
    buffer = io.BytesIO()
    moment = clock.to_hospital(clock.now()).timetuple()[:6]
    manifest = []
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:

        def add(name: str, content: bytes | str) -> None:
            archive.writestr(zipfile.ZipInfo(name, moment), content, zipfile.ZIP_DEFLATED)

        for number, part in enumerate(parts, start=1):
            document = found[part.document_id]
            name = f"{number:04d}-{kind_of(document).code}-{document.uid}.xml"
            add(f"documents/{name}", part.content)
            manifest.append(
                {"file": f"documents/{name}", "title": document.title, "code": kind_of(document).code,
                 "uid": document.uid, "case_no": document.case.case_no, "version": document.version_no,
                 "bytes": len(part.content), "sha256": ports.sha256(part.content)}
            )  # fmt: skip
        head = {"batch": batch.id, "title": batch.title, "by": batch.by_name, "at": clock.now().isoformat(),
                "documents": manifest, "refused": refused}  # fmt: skip
        add("manifest.json", json.dumps(head, ensure_ascii=False, indent=1))
        add("manifest.csv", _csv(("文件", "文书", "代码", "文档号", "手术编号", "版本", "字节", "SHA-256"),
                                 [list(item.values()) for item in manifest]))  # fmt: skip
        add("refused.csv", _csv(("文书", "手术编号", "原因"),
                                [[item["title"], item["case_no"], "；".join(item["reasons"])] for item in refused]))  # fmt: skip
    return Product(buffer.getvalue(), exported=[part.document_id for part in parts], refused=refused)


def _csv(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(head)
    writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig")


def store(batch: PrintBatch, product: Product) -> None:
    """Keep the result, count every print and write the audit."""
    user = db.session.get_one(User, batch.user_id)
    batch.result, batch.size_bytes = product.content, len(product.content)
    batch.sha256, batch.pages, batch.refused = ports.sha256(product.content), product.pages, product.refused
    batch.done = batch.total
    for document_id, copy_no, pages, readiness in product.prints:
        document = db.session.get_one(Document, document_id)
        log_print(user, document, copy_no, pages, Readiness(readiness), batch=f"{batch.id} {batch.title}")
    for document_id in product.exported:
        document = db.session.get_one(Document, document_id)
        audit.record(user, "documents.export_cda", subject(document), patient_id=document.case.patient_id,
                     after={"batch": batch.id})  # fmt: skip
    audit.record(user, "documents.finish_batch", batch_subject(batch),
                 after={"sha256": batch.sha256, "pages": batch.pages, "refused": len(product.refused)})  # fmt: skip
    close(batch, "done")
