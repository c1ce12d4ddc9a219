"""Curves of a device: the live picture and the twelve-hour review."""

import math
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue

from app.core import clock
from app.core.permissions import Permission
from app.vitals import queries as vitals
from app.vitals import wave_queries
from app.vitals.waves import Envelope
from blueprints.common.access import needs
from blueprints.common.fragments import page as render
from blueprints.devices.routes import blueprint, load_device

HOUR_MS = 3_600_000
SPANS = (("1", "1 小时"), ("4", "4 小时"), ("12", "12 小时"), ("24", "24 小时"))
_MIN_SPAN_MS, _MAX_SPAN_MS, _MAX_WIDTH = 1_000, 48 * HOUR_MS, 2_000


@blueprint.get("/devices/<int:device_id>/waves")
@needs(Permission.VIEW_DEVICES)
def waves_page(device_id: int) -> ResponseReturnValue:
    """The curves that come in just now."""
    device = load_device(device_id)
    now_ms = clock.now_ms()
    recent = wave_queries.channels(device.id, now_ms - 60_000, now_ms)
    return render("devices/waves.html", device=device, recent=recent, wanted=device.options.get("waves", []))


@blueprint.get("/devices/<int:device_id>/review")
@needs(Permission.VIEW_DEVICES)
def review_page(device_id: int) -> ResponseReturnValue:
    """Curves of the last hours, from afar; a click looks closer."""
    device = load_device(device_id)
    hours = request.args.get("hours", "12")
    hours = hours if hours in dict(SPANS) else "12"
    end_ms = request.args.get("end", type=int) or clock.now_ms()
    start_ms = end_ms - int(hours) * HOUR_MS
    return render(
        "devices/review.html",
        device=device,
        channels=wave_queries.channels(device.id, start_ms, end_ms),
        gaps=vitals.gaps(device.id, start_ms, end_ms),
        start_ms=start_ms,
        end_ms=end_ms,
        hours=hours,
        spans=SPANS,
    )


@blueprint.get("/devices/<int:device_id>/review/data")
@needs(Permission.VIEW_DEVICES)
def review_data(device_id: int) -> ResponseReturnValue:
    """Extremes of one channel per column of the picture, as JSON."""
    device = load_device(device_id)
    end_ms = request.args.get("end", clock.now_ms(), type=int)
    start_ms = request.args.get("start", end_ms - 12 * HOUR_MS, type=int)
    start_ms = max(min(start_ms, end_ms - _MIN_SPAN_MS), end_ms - _MAX_SPAN_MS)
    width = max(50, min(request.args.get("width", 1000, type=int), _MAX_WIDTH))
    drawn = wave_queries.picture(device.id, request.args.get("code", "")[:32], start_ms, end_ms, width)
    return _as_json(drawn) | {"start": start_ms, "end": end_ms}


def _as_json(drawn: Envelope) -> dict[str, Any]:
    return {"unit": drawn.unit, "low": _plain(drawn.low.tolist()), "high": _plain(drawn.high.tolist())}


def _plain(values: list[float]) -> list[float | None]:
    return [None if math.isnan(value) else round(value, 4) for value in values]
