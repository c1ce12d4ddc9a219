"""Commands on results: take over what a laboratory reports. Nothing is overwritten: a correction follows its former."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from app.core import audit, clock, signals, unit_of_work
from app.core.audit import Actor
from app.core.db import db
from app.labs.items import LabItems, hospital_items
from app.labs.models import LabResult
from app.labs.rules import is_older, parse_number
from app.patients.models import Encounter, Patient
from app.scheduling.models import SurgicalCase

_SHOWN_FOR = timedelta(days=30)  # pages of cases that were planned longer ago are not open any more


@dataclass(frozen=True, slots=True)
class ResultFacts:
    """One item as a report tells it."""

    item_code: str
    item_name: str = ""
    sub_id: str = ""
    text: str = ""
    unit: str = ""
    reference: str = ""
    flag: str = ""
    status: str = "final"
    taken_at: datetime | None = None
    reported_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """One report of a laboratory."""

    source: str
    report_no: str
    results: Sequence[ResultFacts]
    panel: str = ""
    specimen: str = ""
    visit_no: str = ""
    message_no: str = ""


@dataclass(slots=True)
class Received:
    """What came of a report, in numbers of items."""

    new: int = 0
    replaced: int = 0
    withdrawn: int = 0
    same: int = 0
    late: int = 0  # overtaken on the way: kept, but the newer one stands

    @property
    def label(self) -> str:
        """Chinese, for the journal."""
        words = ((self.new, "新增"), (self.replaced, "更正"), (self.withdrawn, "撤回"), (self.late, "迟到未采用"),
                 (self.same, "已有"))  # fmt: skip
        return "，".join(f"{word} {count} 项" for count, word in words if count) or "没有结果"


def receive_report(actor: Actor, patient: Patient, report: ReportFacts, items: LabItems | None = None) -> Received:
    """Store the items of a report of a patient; an item that is told again replaces the former, which stays."""
    known = items or hospital_items()
    visit = _visit(patient, report.visit_no)
    held = _held(report)
    done, trace = Received(), []
    for told in report.results:
        key = (told.item_code[:64], told.sub_id[:20])
        former = held.get(key)
        if former is not None and _is_same(former, told):
            done.same += 1
            continue
        row = _row(patient, visit, report, told, known)
        db.session.add(row)
        db.session.flush()
        if former is None:
            done.new += 1
        elif is_older(told.status, told.reported_at, former.status, former.reported_at):
            row.replaced_by_id, row.replaced_at = former.id, clock.now()
            done.late += 1
            continue
        else:
            _replace(former, row, done)
            trace.append({"item": told.item_name or told.item_code, "old": _said(former), "new": _said(row)})
        held[key] = row
    db.session.flush()
    if done.new or done.replaced or done.withdrawn or done.late:
        after: dict[str, Any] = {"source": report.source, "report_no": report.report_no, "done": done.label}
        audit.record(actor, "labs.receive", f"patient:{patient.id}", patient_id=patient.id,
                     before={"replaced": trace} if trace else None, after=after)  # fmt: skip
        _tell(patient)
    return done


def _replace(former: LabResult, row: LabResult, done: Received) -> None:
    former.replaced_by_id, former.replaced_at = row.id, clock.now()
    if row.status == "withdrawn":
        done.withdrawn += 1
    else:
        done.replaced += 1
        if former.status in ("final", "corrected") and row.status == "final" and _said(former) != _said(row):
            row.status = "corrected"  # some laboratories send a changed value as final again


def _held(report: ReportFacts) -> dict[tuple[str, str], LabResult]:
    rows = db.session.scalars(
        select(LabResult).where(
            LabResult.source == report.source,
            LabResult.report_no == report.report_no[:64],
            LabResult.replaced_by_id.is_(None),
        )
    )
    return {(row.item_code, row.sub_id): row for row in rows}


def _is_same(former: LabResult, told: ResultFacts) -> bool:
    return (former.text, former.unit, former.reference, former.flag, former.status) == (
        told.text, told.unit[:32], told.reference[:64], told.flag[:8], told.status,
    )  # fmt: skip


def _row(
    patient: Patient, visit: Encounter | None, report: ReportFacts, told: ResultFacts, items: LabItems
) -> LabResult:
    item = items.find(told.item_code, told.item_name, about=f"{report.specimen} {report.panel}".strip())
    comparator, value = parse_number(told.text)
    return LabResult(
        patient_id=patient.id,
        encounter_id=visit.id if visit else None,
        source=report.source,
        report_no=report.report_no[:64],
        panel=report.panel[:128],
        item_code=told.item_code[:64],
        item_name=told.item_name[:128],
        sub_id=told.sub_id[:20],
        code=item.code if item else "",
        value=value,
        comparator=comparator,
        text=told.text,
        unit=told.unit[:32],
        reference=told.reference[:64],
        flag=told.flag[:8],
        specimen=report.specimen[:64],
        taken_at=told.taken_at or told.reported_at or clock.now(),
        reported_at=told.reported_at,
        status=told.status,
        message_no=report.message_no[:64],
    )


def _visit(patient: Patient, visit_no: str) -> Encounter | None:
    if not visit_no:
        return None
    return db.session.scalar(
        select(Encounter).where(Encounter.patient_id == patient.id, Encounter.visit_no == visit_no[:32])
    )


def _said(row: LabResult) -> str:
    return "" if row.status == "withdrawn" else f"{row.text} {row.unit}".strip()


def _tell(patient: Patient) -> None:
    day = clock.today() - _SHOWN_FOR
    cases = select(SurgicalCase.id).where(
        SurgicalCase.patient_id == patient.id, SurgicalCase.cancelled_at.is_(None), SurgicalCase.day >= day
    )
    for case_id in db.session.scalars(cases):
        unit_of_work.after_commit(signals.changed, f"case:{case_id}", what="labs")
