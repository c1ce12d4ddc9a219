"""Export of a signed document: refused with a list of what is missing, checked by the hospital's schemas."""

from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from lxml import etree

from app.core.db import db
from app.core.errors import InvalidInput, NotFound
from app.documents.cda.body import write_body
from app.documents.cda.header import Head, Signer, write_head
from app.documents.cda.options import CdaOptions
from app.documents.cda.writer import Writer
from app.documents.definition import Kind
from app.documents.gather import gather
from app.documents.kinds import kind_of
from app.documents.models import Document
from app.documents.rules.completeness import Filled, fill


class MissingElements(InvalidInput):
    """Data elements that the shared document needs and the document does not tell."""

    code = "missing_elements"

    def __init__(self, title: str, missing: list[str]) -> None:
        self.missing = list(dict.fromkeys(missing))
        super().__init__(f"《{title}》不能导出，缺少数据元：{'、'.join(self.missing)}。")


class SchemaFaults(InvalidInput):
    """The written document does not fit the hospital's schema set."""

    code = "schema_faults"

    def __init__(self, title: str, faults: list[str]) -> None:
        self.faults = faults
        super().__init__(f"《{title}》不符合 {len(faults)} 处 schema 要求：{'；'.join(faults[:5])}")


def export_cda(document: Document, options: CdaOptions) -> bytes:
    """UTF-8 XML of the document. Raises `NotFound`, `MissingElements` or `SchemaFaults`."""
    kind = kind_of(document)
    if not kind.code or kind.cda is None:
        raise NotFound(f"《{kind.title}》没有对应的 WS/T 500 共享文档。")
    facts = gather(document.case)
    filled = fill(kind, document.content.values, facts)
    people = [str(row.get("name")) for row in document.content.values.get(str(kind.cda.get("participants")), [])]
    head = Head(
        code=kind.code,
        title=kind.title,
        uid=document.uid,
        version_no=document.version_no,
        previous_uid=_previous_uid(document),
        made_at=document.signed_at or document.created_at,
        facts=facts,
        signers=_signers(document),
        options=options,
        template=kind.cda,
        people=people,
        days_after=_days_after(kind, filled),
    )
    root = write_head(head)
    writer = Writer(kind.code, filled, options)
    write_body(root, kind.cda["sections"], writer, bool(kind.cda.get("one_entry")))
    if missing := [*head.missing, *writer.missing]:
        raise MissingElements(document.title, missing)
    xml: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    if options.schema_dir and (faults := schema_faults(xml, Path(options.schema_dir), kind.code)):
        raise SchemaFaults(document.title, faults)
    return xml


def _days_after(kind: Kind, filled: Filled) -> str:
    """Value of the field that the mapping names for 手术后天数; empty where the schema has no place for it."""
    item = kind.find(str((kind.cda or {}).get("days_after", "")))
    value = filled.value(item) if item is not None else None
    return str(value) if value is not None else ""


def _previous_uid(document: Document) -> str:
    previous = db.session.get(Document, document.previous_id) if document.previous_id else None
    return previous.uid if previous else ""


def _signers(document: Document) -> list[Signer]:
    relation = str(document.content.values.get("signer_relation") or "")
    made: list[Signer] = []
    for row in document.signatures:
        if row.withdrawn_at is None:
            at: datetime = row.signed_at
            made.append(
                Signer(row.slot, row.label, row.staff_code, row.name, at, row.title, relation, row.user_id is None)
            )
    return made


@lru_cache(maxsize=64)
def _schema(path: Path, changed_ns: int) -> etree.XMLSchema:
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    return etree.XMLSchema(etree.parse(str(path), parser))


def schema_faults(xml: bytes, folder: Path, code: str) -> list[str]:
    """What a schema of the folder finds wrong; empty when it fits. Raises `NotFound` when it has no such schema."""
    path = folder / f"{code}.xsd"
    if not path.exists():
        raise NotFound(f"schema 目录中没有 {code}.xsd，请检查设置 schema_dir。")
    schema = _schema(path, path.stat().st_mtime_ns)
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    document = etree.fromstring(xml, parser)
    if schema.validate(document):
        return []
    return [f"第 {error.line} 行：{error.message}" for error in cast(Any, schema.error_log)]
