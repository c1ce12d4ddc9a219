"""Routes of statistics: any field of any kind over a period; every total opens the cases behind it."""

from collections.abc import Callable
from datetime import date, timedelta
from io import BytesIO
from typing import Any

from flask import request, send_file, url_for
from flask.typing import ResponseReturnValue

from app.core import audit, clock
from app.core.errors import DomainError, InvalidInput
from app.core.permissions import Permission
from app.documents.kinds import all_kinds
from app.documents.queries.field_statistics import (
    GROUPS,
    MAX_DOCUMENTS,
    StatisticsQuery,
    countable,
    documents_of,
    field_statistics,
)
from app.documents.rules.statistics import Presence, chosen
from app.documents.service.common import STATE_LABELS
from app.documents.workbook import statistics_workbook
from blueprints.common.access import actor, needs
from blueprints.common.fragments import fragment, go
from blueprints.common.fragments import page as render
from blueprints.documents.guards import is_open
from blueprints.documents.routes import blueprint

P = Permission
_LISTED = 500
_MIME = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@blueprint.get("/documents/statistics")
@needs(P.VIEW_DOCUMENTS)
def statistics_page() -> ResponseReturnValue:
    """What a field says over a period, for all and by group."""
    found, error, query = None, "", None
    try:
        query = _query()
        found = field_statistics(query) if query.field else None
    except DomainError as problem:
        error = problem.message
    return render("documents/statistics.html", found=found, error=error, args=_asked(query), groups=GROUPS,
                  cases_url=_cases_url(query), most=MAX_DOCUMENTS, presences=Presence,
                  **_choice(request.args.get("kind", "")))  # fmt: skip


@blueprint.get("/documents/statistics/fields")
@needs(P.VIEW_DOCUMENTS)
def statistics_fields() -> ResponseReturnValue:
    """The fields of the chosen kind."""
    return fragment("documents/_statistics_field.html", args=request.args, **_choice(request.args.get("kind", "")))


def _choice(chosen_kind: str) -> dict[str, Any]:
    kinds = all_kinds()
    return {"kinds": kinds, "fields": countable(kinds[chosen_kind]) if chosen_kind in kinds else []}


def _query() -> StatisticsQuery:
    args, today = request.args, clock.today()
    try:
        until = date.fromisoformat(args.get("until") or today.isoformat())
        since = date.fromisoformat(args.get("since") or (until - timedelta(days=89)).isoformat())
    except ValueError:
        raise InvalidInput("日期应为 年-月-日，例如 2026-11-22。") from None
    group = args.get("group_by", "")
    return StatisticsQuery(args.get("kind", "")[:48], args.get("field", "")[:100], since, until,
                           group if group in GROUPS else "", "done" if args.get("state") == "done" else "")  # fmt: skip


def _asked(query: StatisticsQuery | None) -> dict[str, str]:
    if query is None:
        return request.args.to_dict()
    return {"kind": query.kind, "field": query.field, "since": query.since.isoformat(),
            "until": query.until.isoformat(), "group_by": query.group_by, "state": query.state}  # fmt: skip


def _cases_url(query: StatisticsQuery | None) -> Callable[[str, str], str]:
    asked: dict[str, Any] = {name: words for name, words in _asked(query).items() if words}
    return lambda group, key: url_for("documents.statistics_cases", **{**asked, "group": group, "of": key})


@blueprint.get("/documents/statistics/cases")
@needs(P.VIEW_DOCUMENTS)
def statistics_cases() -> ResponseReturnValue:
    """The documents behind a total."""
    query, group, key = _query(), request.args.get("group", ""), request.args.get("of", "")
    if not query.kind or not query.field:
        return go(url_for("documents.statistics_page"))
    found = field_statistics(query)
    rows = chosen(found.observations, group, key)
    documents = documents_of([one.document_id for one in rows], _LISTED)
    words = {one.document_id: one for one in rows}
    bars = {bar.key: bar.label for bar in found.summaries[0].bars}
    titles = {presence.value: presence.label for presence in Presence}
    back: dict[str, Any] = {name: text for name, text in _asked(query).items() if text}
    return render("documents/statistics_cases.html", found=found, documents=documents, words=words, total=len(rows), is_open=is_open,
                  group=group, title=bars.get(key) or titles.get(key, "全部"), query=query, states=STATE_LABELS,
                  back=url_for("documents.statistics_page", **back), most=_LISTED)  # fmt: skip


@blueprint.post("/documents/statistics.xlsx")
@needs(P.VIEW_DOCUMENTS)
def export_statistics() -> ResponseReturnValue:
    """Summaries, classes and every document as a workbook. Who takes it out is noted in the audit."""
    query = _query()
    found = field_statistics(query)
    documents = documents_of([one.document_id for one in found.observations], MAX_DOCUMENTS)
    audit.record(actor(), "documents.export_statistics", "records",
                 after={**_asked(query), "documents": len(documents)})  # fmt: skip
    content = BytesIO(statistics_workbook(found, documents))
    name = f"statistics-{query.kind}-{query.field}-{clock.today():%Y%m%d}.xlsx"
    return send_file(content, mimetype=_MIME, as_attachment=True, download_name=name)
