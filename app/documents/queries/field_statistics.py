"""Statistics of any field of any kind over a period, by room, department or anesthesiologist."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.accounts.models import Department
from app.core.db import db
from app.core.errors import InvalidInput, NotFound
from app.documents.definition import Field, FieldType, Kind
from app.documents.expressions import Expression
from app.documents.facts import CaseFacts, FormEnvironment
from app.documents.gather import gather
from app.documents.kinds import all_kinds, kind_of_definition
from app.documents.models import Document, DocumentContent, DocumentDefinition
from app.documents.rules.completeness import fill
from app.documents.rules.statistics import Measure, Observation, Presence, Summary, measure_of, readings_of, summaries
from app.documents.rules.values import natives
from app.scheduling.models import OperatingRoom, StaffAssignment, SurgicalCase

MAX_DOCUMENTS = 20_000
GROUPS: Mapping[str, str] = {
    "": "不分组", "room": "手术间", "department": "申请科室", "anesthesiologist": "主麻医师",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class StatisticsQuery:
    """Which field over which operations. `field` is a key, or `table.column`."""

    kind: str
    field: str
    since: date
    until: date
    group_by: str = ""
    state: str = ""  # empty: every document that is not struck; done: signed and archived


@dataclass(frozen=True, slots=True)
class FieldStatistics:
    """The answer: one summary of all, one of each group."""

    kind: Kind
    label: str
    unit: str
    measure: Measure
    summaries: tuple[Summary, ...]
    observations: tuple[Observation, ...]

    @property
    def is_cut(self) -> bool:
        """Whether the period holds more documents than are counted."""
        return len(self.observations) >= MAX_DOCUMENTS


def countable(kind: Kind) -> list[tuple[str, str]]:
    """Fields that can be counted: (`key` or `table.column`, Chinese label with its section)."""
    found = []
    for section, item in kind.fields():
        found.append((item.key, f"{section.title}：{item.label}"))
        found += [(f"{item.key}.{column.key}", f"{section.title}：{item.label} / {column.label}")
                  for column in item.columns]  # fmt: skip
    return found


def field_statistics(query: StatisticsQuery) -> FieldStatistics:
    """Count the field. Raises `InvalidInput` for a period that makes no sense, `NotFound` for an unknown field."""
    kind = all_kinds().get(query.kind)
    field, column = _found(kind, query.field)
    if kind is None or field is None:
        raise NotFound("请选择文书和字段。")
    if query.until < query.since:
        raise InvalidInput(fields={"until": "结束日期不能早于开始日期"})
    rows = tuple(_observations(query))
    measure = measure_of(column or field)
    if field.type is FieldType.COMPUTED and any(not isinstance(r, str) for row in rows for r in row.readings):
        measure = Measure.NUMBER
    label = f"{field.label} / {column.label}" if column else field.label
    unit = (column or field).unit if (column or field).type not in (FieldType.TABLE, FieldType.DRUG_ROWS) else "行"
    return FieldStatistics(kind, label, unit, measure, tuple(summaries(rows, measure)), rows)


def _found(kind: Kind | None, path: str) -> tuple[Field | None, Field | None]:
    key, _, column_key = path.partition(".")
    field = kind.find(key) if kind else None
    column = next((c for c in field.columns if c.key == column_key), None) if field and column_key else None
    return (None, None) if column_key and column is None else (field, column)


def _observations(query: StatisticsQuery) -> Iterable[Observation]:
    statement = (
        select(Document.id, Document.definition_id, Document.case_id, DocumentContent.values, OperatingRoom.name,
               Department.name)
        .join(DocumentContent, DocumentContent.document_id == Document.id)
        .join(SurgicalCase, SurgicalCase.id == Document.case_id)
        .outerjoin(OperatingRoom, OperatingRoom.id == SurgicalCase.room_id)
        .outerjoin(Department, Department.id == SurgicalCase.department_id)
        .where(Document.kind == query.kind, Document.struck_at.is_(None), SurgicalCase.day >= query.since,
               SurgicalCase.day <= query.until)
        .order_by(SurgicalCase.day, Document.id)
        .limit(MAX_DOCUMENTS)
    )  # fmt: skip
    if query.state == "done":
        statement = statement.where(Document.state.in_(("signed", "archived")))
    rows = db.session.execute(statement).all()
    kinds = _definitions({row[1] for row in rows})
    names = _anesthesiologists({row[2] for row in rows}) if query.group_by == "anesthesiologist" else {}
    for number, definition, case_id, values, room, department in rows:
        group = {"room": room or "未排手术间", "department": department or "科室未填",
                 "anesthesiologist": names.get(case_id, "主麻未填")}.get(query.group_by, "")  # fmt: skip
        yield _observation(number, group, kinds[definition], query.field, values, case_id)


def _definitions(numbers: set[int]) -> dict[int, Kind]:
    rows = db.session.scalars(select(DocumentDefinition).where(DocumentDefinition.id.in_(numbers)))
    return {row.id: kind_of_definition(row) for row in rows}


def _anesthesiologists(cases: set[int]) -> dict[int, str]:
    ordered: list[int] = sorted(cases)
    found: dict[int, str] = {}
    for start in range(0, len(ordered), 500):  # SQLite takes a limited number of parameters
        statement = (
            select(StaffAssignment.case_id, StaffAssignment.name)
            .where(
                StaffAssignment.role == "anesthesiologist", StaffAssignment.case_id.in_(ordered[start : start + 500])
            )
            .order_by(StaffAssignment.ordinal.desc())
        )
        found.update((case_id, name) for case_id, name in db.session.execute(statement))
    return found


def _observation(
    number: int, group: str, kind: Kind, path: str, values: Mapping[str, Any], case_id: int
) -> Observation:
    field, column = _found(kind, path)
    if field is None:
        return Observation(number, group, Presence.NO_FIELD)
    value, applies = _value(kind, field, values, case_id)
    if not applies:
        return Observation(number, group, Presence.NOT_APPLICABLE)
    readings = readings_of(field, column, value)
    return Observation(number, group, Presence.FILLED if readings else Presence.MISSING, readings)


def _value(kind: Kind, field: Field, values: Mapping[str, Any], case_id: int) -> tuple[Any, bool]:
    """The value and whether the field applies. Facts of the case are gathered only when an expression looks at them."""
    home = next(section for section, item in kind.fields() if item.key == field.key)
    conditions = [expression for expression in (home.visible, field.visible) if expression is not None]
    computed = {item.key for _, item in kind.fields() if item.compute is not None}
    if field.compute is not None or any(expression.fields & computed for expression in conditions):
        filled = fill(kind, values, _facts(case_id, _all_expressions(kind)))
        return filled.value(field), filled.is_visible(home, field)
    if not conditions:
        return values.get(field.key), True
    environment = FormEnvironment(natives(kind, values), _facts(case_id, conditions))
    return values.get(field.key), all(expression.holds(environment) for expression in conditions)


def _all_expressions(kind: Kind) -> list[Expression]:
    return [e for section in kind.sections for item in section.fields
            for e in (section.visible, item.visible, item.compute) if e is not None]  # fmt: skip


def _facts(case_id: int, expressions: Sequence[Expression]) -> CaseFacts:
    if not any(e.facts or e.charts or e.labs for e in expressions):
        return CaseFacts(case_id)
    return gather(db.session.get_one(SurgicalCase, case_id))


def documents_of(numbers: Sequence[int], limit: int) -> list[Document]:
    """The documents with these numbers in the same order, at most `limit`."""
    found: dict[int, Document] = {}
    for start in range(0, min(len(numbers), limit), 500):
        part = numbers[start : min(start + 500, limit)]
        rows = db.session.scalars(select(Document).where(Document.id.in_(part)).options(selectinload(Document.content)))
        found |= {row.id: row for row in rows}
    return [found[number] for number in numbers[:limit] if number in found]
