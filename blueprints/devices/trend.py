"""Parameters over any span, up to years; and the raw data of a case as files."""

import math
from typing import Any

from flask import Response, request
from flask.typing import ResponseReturnValue

from app.core import clock
from app.core.permissions import Permission
from app.devices import exports, queries
from app.vitals import summary
from blueprints.common.access import actor, needs
from blueprints.common.fragments import page as render
from blueprints.common.guards import load_case
from blueprints.devices import views
from blueprints.devices.routes import blueprint, load_device
from device_bridge.parameters import PARAMETERS

DAY_MS = 86_400_000
SPANS = (("1", "1 天"), ("7", "7 天"), ("30", "30 天"), ("365", "1 年"))


@blueprint.get("/devices/<int:device_id>/trend")
@needs(Permission.VIEW_DEVICES)
def trend_page(device_id: int) -> ResponseReturnValue:
    """One parameter over days or a year; and the cases whose raw data can be taken out."""
    device = load_device(device_id)
    days = request.args.get("days", "1")
    days = days if days in dict(SPANS) else "1"
    now_ms = clock.now_ms()
    return render(
        "devices/trend.html",
        device=device,
        days=days,
        spans=SPANS,
        code=request.args.get("code", "HR")[:32],
        parameters=[(p.code, f"{p.name} {p.code}") for p in PARAMETERS.values()],
        start_ms=now_ms - int(days) * DAY_MS,
        end_ms=now_ms,
        bindings=queries.bindings_of_device(device.id, 30),
        stored=views.build_story(device).values_stored,
    )


@blueprint.get("/devices/<int:device_id>/trend/data")
@needs(Permission.VIEW_DEVICES)
def trend_data(device_id: int) -> ResponseReturnValue:
    """Extremes of a parameter per column, as JSON; a year comes from the kept summaries."""
    device = load_device(device_id)
    end_ms = request.args.get("end", clock.now_ms(), type=int)
    start_ms = min(request.args.get("start", end_ms - DAY_MS, type=int), end_ms - 60_000)
    start_ms = max(start_ms, end_ms - 3 * 366 * DAY_MS)
    width = max(50, min(request.args.get("width", 1000, type=int), 2_000))
    found = summary.trend(device.id, request.args.get("code", "")[:32], start_ms, end_ms, width)
    rows = {"low": found.low, "high": found.high, "mean": found.mean}
    columns: dict[str, Any] = {name: _plain(row.tolist()) for name, row in rows.items()}
    return columns | {"unit": found.unit, "count": found.count, "start": start_ms, "end": end_ms}


def _plain(values: list[float]) -> list[float | None]:
    return [None if math.isnan(value) else round(value, 3) for value in values]


@blueprint.post("/devices/export/<int:case_id>")
@needs(Permission.PRINT_RECORD)
def export_case(case_id: int) -> ResponseReturnValue:
    """Raw device data of a case as a file; the audit remembers who took it."""
    made = exports.export_case(actor(), load_case(case_id), request.form.get("format", "csv"), clock.HOSPITAL_ZONE)
    disposition = f"attachment; filename={made.name}"
    return Response(made.content, mimetype=made.mime, headers={"Content-Disposition": disposition})
