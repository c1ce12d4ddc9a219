"""The result of the records query as a workbook, and the statistics of a field."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from io import BytesIO
from typing import Any

import xlsxwriter

from app.documents.definition import Field
from app.documents.kinds import kind_of
from app.documents.models import Document
from app.documents.queries.field_statistics import FieldStatistics
from app.documents.queries.records import RecordQuery
from app.documents.rules.statistics import Observation, Summary
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
    key = query.field.split(".")[1] if "." in query.field else ""
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


_STATISTICS_HEAD = ("分组", "文书份数", "已填", "未填", "未填占比%", "不适用", "旧版无此字段", "例数", "最小", "下四分位", "中位",
                    "上四分位", "最大", "均值")  # fmt: skip
_DETAIL_HEAD = ("手术日期", "姓名", "住院号", "手术编号", "文书", "分组", "填写", "内容")


def statistics_workbook(found: FieldStatistics, documents: Iterable[Document]) -> bytes:
    """Summaries, classes of values, and every document behind them, one sheet each."""
    target = BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    bold = book.add_format({"bold": True})
    bars = [(row.group or "全部", bar.label, bar.count, bar.share) for row in found.summaries for bar in row.bars]
    by_number = {document.id: document for document in documents}
    sheets: tuple[tuple[str, Sequence[str], Iterable[Sequence[Any]]], ...] = (
        ("汇总", _STATISTICS_HEAD, [_summary_cells(row) for row in found.summaries]),
        ("分布", ("分组", f"{found.label}{f'（{found.unit}）' if found.unit else ''}", "份数", "占比%"), bars),
        ("明细", _DETAIL_HEAD, [_detail_cells(one, by_number[one.document_id]) for one in found.observations
                              if one.document_id in by_number]),
    )  # fmt: skip
    for name, head, rows in sheets:
        sheet = book.add_worksheet(name)
        for number, cells in enumerate((head, *rows)):
            for column, cell in enumerate(cells):
                _write(sheet, number, column, cell, None if number else bold)
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, len(head), 14)
    book.close()
    return target.getvalue()


def _write(sheet: Any, row: int, column: int, cell: Any, form: Any) -> None:
    if isinstance(cell, int | Decimal):
        sheet.write_number(row, column, cell, form)
    else:
        sheet.write_string(row, column, "" if cell is None else str(cell), form)


def _summary_cells(row: Summary) -> Sequence[Any]:
    figures = row.figures
    numbers = (figures.count, figures.low, figures.quartile_1, figures.median, figures.quartile_3, figures.high,
               figures.mean) if figures else ()  # fmt: skip
    return (row.group or "全部", row.total, row.filled, row.missing, row.missing_share, row.not_applicable,
            row.no_field, *numbers)  # fmt: skip


def _detail_cells(one: Observation, document: Document) -> Sequence[Any]:
    case = document.case
    visit = case.encounter
    alone = one.readings[0] if len(one.readings) == 1 else "；".join(str(reading) for reading in one.readings)
    return (case.day.isoformat() if case.day else "", case.patient.name, (visit.inpatient_no or "") if visit else "",
            case.case_no, document.title, one.group, one.presence.label, alone)  # fmt: skip
