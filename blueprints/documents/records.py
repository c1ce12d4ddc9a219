"""Routes of the records: what a department still has to write, saved searches, the result as a workbook."""

from datetime import date, timedelta
from io import BytesIO
from urllib.parse import urlencode

from flask import request, send_file, url_for
from flask.typing import ResponseReturnValue

from app.core import audit, clock
from app.core.errors import InvalidInput
from app.core.permissions import Permission
from app.documents.queries.duties import MAX_DAYS, department_duties
from app.documents.queries.records import search_records
from app.documents.service.common import STATE_LABELS
from app.documents.service.searches import forget_search, keep_search
from app.documents.workbook import workbook_of
from blueprints.common.access import actor, needs
from blueprints.common.fragments import go
from blueprints.common.fragments import page as render
from blueprints.documents.forms import anchor, mending_url
from blueprints.documents.routes import asked_words, blueprint, record_query

P = Permission
_EXPORTED = 5000
_MIME = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@blueprint.get("/documents/missing")
@needs(P.VIEW_DOCUMENTS)
def missing_page() -> ResponseReturnValue:
    """Documents that are due or overdue, by day and department, each line with its jump."""
    today = clock.today()
    since, until, error = today - timedelta(days=2), today, ""
    try:
        until = date.fromisoformat(request.args.get("until") or until.isoformat())
        since = date.fromisoformat(request.args.get("since") or (until - timedelta(days=2)).isoformat())
    except ValueError:
        error = "日期应为 年-月-日，例如 2026-11-22。"
    if not error and not timedelta(0) <= until - since < timedelta(days=MAX_DAYS):
        error = f"日期范围应在 {MAX_DAYS} 天以内，且开始不晚于结束。"
    department = request.args.get("department", "").strip()[:60]
    groups, cases = ([], 0) if error else department_duties(since, until)
    return render(
        "documents/duties.html", since=since, until=until, department=department, error=error, anchor=anchor, mending_url=mending_url,
        names=sorted({group.name for group in groups} | ({department} if department else set())),
        cases=cases, groups=[group for group in groups if department in ("", group.name)],
    )  # fmt: skip


@blueprint.post("/documents/result.xlsx")
@needs(P.VIEW_DOCUMENTS)
def export_result() -> ResponseReturnValue:
    """The result as a workbook: identity, kind, state, the asked field. Who takes it out is noted in the audit."""
    query, error = record_query()
    if error or query.is_blank:
        raise InvalidInput(error or "请先填写查询条件。")
    found = search_records(query, _EXPORTED)
    asked = asked_words()
    audit.record(actor(), "documents.export_result", "records", after={**asked, "documents": len(found)})
    name = f"records-{clock.today():%Y%m%d}.xlsx"
    content = BytesIO(workbook_of(found, query, STATE_LABELS))
    return send_file(content, mimetype=_MIME, as_attachment=True, download_name=name)


@blueprint.post("/documents/searches")
@needs(P.VIEW_DOCUMENTS)
def save_search() -> ResponseReturnValue:
    """Keep the query under a name."""
    asked = asked_words()
    keep_search(actor(), request.form.get("name", ""), asked)
    return go(f"{url_for('documents.page')}?{urlencode(asked)}")


@blueprint.post("/documents/searches/<int:search_id>/forget")
@needs(P.VIEW_DOCUMENTS)
def drop_search(search_id: int) -> ResponseReturnValue:
    """Delete a saved search of one's own."""
    forget_search(actor(), search_id)
    return go(url_for("documents.page"))
