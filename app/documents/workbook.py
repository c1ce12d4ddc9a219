"""The result of the records query as a workbook, and how often each value of a field occurs."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO

import xlsxwriter

from app.documents.definition import Field
from app.documents.kinds import kind_of
from app.documents.models import Document
from app.documents.queries.records import RecordQuery
from app.documents.rules.values import shown

_HEAD = (
    "手术日期",
    "姓名",
    "性别",
    "住院号",
    "病人ID",
    "手术编号",
    "手术名称",
    "诊断",
    "文书",
    "状态",
    "书写",
    "签名时间",
)


def workbook_of(documents: Iterable[Document], query: RecordQuery, states: Mapping[str, str]) -> bytes:
    """The documents as rows; the asked field is the last column. Every cell is text, so no cell can be a formula."""
    target = BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet, bold = book.add_worksheet("查询结果"), book.add_format({"bold": True})
    key = query.field.partition(".")[2]
    label = ""
    for number, document in enumerate(documents, 1):
        item = kind_of(document).find(key) if key else None
        label = item.label if item else label
        for column, text in enumerate(_row(document, item, states)):
            sheet.write_string(number, column, text)
    for column, text in enumerate((*_HEAD, *([label or key] if key else []))):
        sheet.write_string(0, column, text, bold)
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, len(_HEAD), 16)
    book.close()
    return target.getvalue()


def _row(document: Document, item: Field | None, states: Mapping[str, str]) -> Sequence[str]:
    case, visit = document.case, document.case.encounter
    main = [row for row in case.diagnoses if row.get("name")]
    cells = [
        case.day.isoformat() if case.day else "",
        case.patient.name,
        {"male": "男", "female": "女"}.get(case.patient.sex, ""),
        (visit.inpatient_no or "") if visit else "",
        case.patient.patient_no,
        case.case_no,
        "；".join(str(row.get("name") or "") for row in case.procedures),
        "；".join(str(row["name"]) for row in main),
        document.title,
        states[document.state],
        document.created_by_name,
        document.signed_at.isoformat(timespec="minutes") if document.signed_at else "",
    ]
    if item is not None:
        cells.append(shown(item, document.content.values.get(item.key)))
    return cells


@dataclass(frozen=True, slots=True)
class ValueCount:
    """How many documents say this."""

    words: str
    count: int


def count_values(documents: Iterable[Document], field: str) -> list[ValueCount]:
    """Count per value of a field (`kind.key`) over documents, the most frequent first; several choices count each."""
    kind, _, key = field.partition(".")
    counted: Counter[str] = Counter()
    for document in documents:
        item = kind_of(document).find(key)
        if document.kind != kind or item is None:
            continue
        value = document.content.values.get(key)
        for part in value if isinstance(value, list) and value and isinstance(value[0], str) else [value]:
            words = shown(item, [part] if isinstance(value, list) and isinstance(part, str) else part)
            counted[words or "未填写"] += 1
    return [ValueCount(words, count) for words, count in counted.most_common()]
