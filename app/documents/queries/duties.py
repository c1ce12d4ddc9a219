"""还差什么 of a department: every case of some days with the documents it still needs, what is overdue first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from app.core.db import db
from app.documents.queries.lists import WITH_ALL, CaseFolder, case_folders
from app.scheduling.models import SurgicalCase

MAX_DAYS = 14
_MAX_CASES = 400
_TOGETHER = 50  # cases read with one query a table


@dataclass(frozen=True, slots=True)
class CaseDuties:
    """A case with what it lacks."""

    folder: CaseFolder
    department: str
    overdue: int
    missing: int

    @property
    def case(self) -> SurgicalCase:
        """The case."""
        return self.folder.case


@dataclass(frozen=True, slots=True)
class DepartmentDuties:
    """A department with its cases that lack something."""

    name: str
    cases: tuple[CaseDuties, ...]

    @property
    def overdue(self) -> int:
        """Documents of the department that are overdue."""
        return sum(item.overdue for item in self.cases)

    @property
    def missing(self) -> int:
        """Everything that is missing."""
        return sum(item.missing for item in self.cases)


def department_duties(since: date, until: date) -> tuple[list[DepartmentDuties], int]:
    """Departments with cases of these days that lack something, and how many cases there are in all."""
    statement = (
        select(SurgicalCase)
        .where(SurgicalCase.day.between(since, until), SurgicalCase.cancelled_at.is_(None))
        .order_by(SurgicalCase.day, SurgicalCase.id)
        .limit(_MAX_CASES)
    )
    by_name: dict[str, list[CaseDuties]] = {}
    cases = list(db.session.scalars(statement.options(*WITH_ALL)))
    for start in range(0, len(cases), _TOGETHER):
        for duties in map(_duties, case_folders(cases[start : start + _TOGETHER])):
            if duties.missing:
                by_name.setdefault(duties.department, []).append(duties)
    made = [DepartmentDuties(name, _sorted(owing)) for name, owing in by_name.items()]
    return sorted(made, key=lambda item: (-item.overdue, item.name)), len(cases)


def _sorted(cases: Sequence[CaseDuties]) -> tuple[CaseDuties, ...]:
    return tuple(sorted(cases, key=lambda item: (-item.overdue, item.case.day or date.min, item.case.id)))


def _duties(folder: CaseFolder) -> CaseDuties:
    overdue = sum(row.overdue for row in folder.rows) + sum(row.overdue for row in folder.wanted)
    name = folder.facts.text("case.department") or folder.facts.text("encounter.department") or "未填科室"
    return CaseDuties(folder, name, overdue, folder.open_count + len(folder.wanted))
