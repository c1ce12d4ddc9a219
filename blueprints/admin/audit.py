"""Routes of the audit trail: look, verify, export."""

import csv
import io
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from app.core import audit as trail
from app.core import clock
from app.core.audit import AuditEntry
from app.core.audit_queries import OUTCOMES, AuditFilter, all_entries, find_entries
from app.core.db import db
from app.core.errors import InvalidInput
from app.core.permissions import Permission
from app.patients.models import Patient
from blueprints.admin.blueprint import blueprint, tabs
from blueprints.admin.words import ROOMS, action_word
from blueprints.common.access import actor, needs
from blueprints.common.changes import changes
from blueprints.common.fact_words import subject_words
from blueprints.common.fragments import fragment, page

_COLUMNS = ("编号", "时间", "操作者", "操作者标识", "工作站", "操作", "操作代码", "对象", "病人编号", "结果", "原因",
            "改前", "改后", "摘要")  # fmt: skip
_KEPT = ("first_day", "last_day", "actor", "action", "outcome", "subject", "patient")
_MAX_EXPORT_DAYS = 366
# A spreadsheet runs what begins with these as a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@blueprint.get("/admin/audit")
@needs(Permission.VIEW_AUDIT)
def audit_page() -> ResponseReturnValue:
    """Entries of the days asked for, newest first."""
    wanted = _filter()
    kept = _kept()
    return page(
        "admin/audit.html",
        wanted=wanted,
        found=(found := find_entries(wanted, request.args.get("page", 1, int))),
        patients=_patient_numbers(found.entries),
        patient_no=request.args.get("patient", ""),
        kept=kept,
        page_url=url_for("admin.audit_page", **kept),
        action_options=[(f"{room}.", word) for room, word in ROOMS.items()],
        outcomes=OUTCOMES,
        action_word=action_word,
        changes=changes,
        subject_words=subject_words,
        **tabs("admin.audit_page"),
    )


def _kept() -> dict[str, Any]:
    return {key: request.values[key] for key in _KEPT if request.values.get(key)}


@blueprint.post("/admin/audit/verification")
@needs(Permission.VIEW_AUDIT)
def verify_audit() -> ResponseReturnValue:
    """Read the whole chain and say whether it is intact."""
    verdict = trail.verify_chain()
    trail.record(
        actor(),
        "audit.verify",
        outcome="done" if verdict.is_intact else "failed",
        after={"entries": verdict.entries, "broken_at": verdict.broken_at},
    )
    return fragment("admin/_verdict.html", verdict=verdict)


@blueprint.post("/admin/audit/export")
@needs(Permission.VIEW_AUDIT)
def export_audit() -> ResponseReturnValue:
    """The entries asked for as a CSV file for a spreadsheet; the export is itself an entry."""
    wanted = _filter()
    if (wanted.last_day - wanted.first_day).days > _MAX_EXPORT_DAYS:
        raise InvalidInput("一次最多导出一年的审计日志，请缩小日期范围。")
    text = _csv(all_entries(wanted))
    trail.record(actor(), "audit.export", after={key: value for key, value in _kept().items() if key != "patient"})
    name = f"audit-{wanted.first_day:%Y%m%d}-{wanted.last_day:%Y%m%d}.csv"
    # The byte order mark tells spreadsheets that the file is UTF-8.
    response = Response("\ufeff" + text, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _csv(entries: Iterable[AuditEntry]) -> str:
    numbers = dict(db.session.execute(select(Patient.id, Patient.patient_no)).all())
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_COLUMNS)
    for entry in entries:
        writer.writerow([_safe(cell) for cell in _cells(entry, numbers)])
    return out.getvalue()


def _cells(entry: AuditEntry, numbers: dict[int, str]) -> tuple[str, ...]:
    return (
        str(entry.id),
        f"{clock.to_hospital(entry.at):%Y-%m-%d %H:%M:%S}",
        entry.actor_name,
        entry.actor,
        entry.workstation,
        action_word(entry.action),
        entry.action,
        entry.subject,
        numbers.get(entry.patient_id, "") if entry.patient_id is not None else "",
        OUTCOMES.get(entry.outcome, entry.outcome),
        entry.reason,
        entry.before,
        entry.after,
        entry.hash,
    )


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _filter() -> AuditFilter:
    today = clock.today()
    given = request.values
    return AuditFilter(
        first_day=_day(given.get("first_day", ""), today - timedelta(days=6)),
        last_day=_day(given.get("last_day", ""), today),
        actor=given.get("actor", "").strip(),
        action=given.get("action", ""),
        outcome=given.get("outcome", ""),
        subject=given.get("subject", "").strip(),
        patient_id=_patient_id(given.get("patient", "").strip()),
    )


def _day(text: str, default: date) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return default


def _patient_id(patient_no: str) -> int | None:
    """Number of our own; 0, which nobody has, for a 病人编号 that does not exist."""
    if not patient_no:
        return None
    return db.session.scalar(select(Patient.id).where(Patient.patient_no == patient_no)) or 0


def _patient_numbers(entries: Iterable[AuditEntry]) -> dict[int, str]:
    ids = {entry.patient_id for entry in entries if entry.patient_id is not None}
    return dict(db.session.execute(select(Patient.id, Patient.patient_no).where(Patient.id.in_(ids))).all())
