"""The proof that the system reads and never commands; and the codes that wait to be mapped."""

from collections.abc import Mapping
from datetime import date, timedelta
from itertools import groupby

from flask import request, url_for
from flask.typing import ResponseReturnValue

from app.core import clock, unit_of_work
from app.core.db import db
from app.core.errors import InvalidInput, NotFound
from app.core.permissions import Permission
from app.devices import reports
from app.devices.models import DeviceCodeMap
from blueprints.common.access import actor, needs
from blueprints.common.fragments import go
from blueprints.common.fragments import page as render
from blueprints.devices.routes import blueprint
from device_bridge.parameters import PARAMETERS

# How the page calls what a codec says about a request; a test holds it to the codecs of the bridge.
REASONS = {
    "transmission request": "请求传输数值",
    "wave request": "请求传输波形",
    "heartbeat": "心跳",
    "data query": "查询数据",
    "data request": "读取请求",
    "acknowledgement": "确认收到",
    "frame answer": "逐帧应答",
    "line monitor": "线路应答",
    "communication": "通信握手",
    "identity": "回答身份",
    "not understood": "回答不支持",
    "start of the stream": "请求数据流",
    "association request": "建立关联",
    "creation confirmation": "确认设备就绪",
    "poll": "读取请求",
    "keep alive": "保持连接",
    "subscription": "读取与订阅",
}


@blueprint.get("/devices/proof")
@needs(Permission.VIEW_DEVICES)
def proof_page() -> ResponseReturnValue:
    """What was sent to each device on each day; printable."""
    today = clock.today()
    last = _day(request.args.get("last", ""), today)
    first = min(_day(request.args.get("first", ""), last - timedelta(days=6)), last)
    rows = reports.proof(first.isoformat(), last.isoformat())
    days = [(day, list(group)) for day, group in groupby(rows, key=lambda row: row.day)]
    return render(
        "devices/proof.html",
        days=days,
        first=first,
        last=last,
        total=sum(row.bytes for row in rows),
        messages=sum(row.messages for row in rows),
        refused=sum(row.refused for row in rows),
        reasons=REASONS,
        silent=reports.never_addressed(first.isoformat(), last.isoformat()),
        printed_at=clock.now(),
    )


def _day(text: str, default: date) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return default


@blueprint.get("/devices/codes")
@needs(Permission.VIEW_DEVICES)
def codes_page() -> ResponseReturnValue:
    """Codes that devices offer and no table knows, and what people have mapped."""
    return _codes({}, None)


@blueprint.post("/devices/codes")
@needs(Permission.MANAGE_DEVICES)
def map_code() -> ResponseReturnValue:
    """Say what a code is."""
    given = request.form
    try:
        factor = float(given.get("factor", "1") or "1")
    except ValueError:
        factor = 0.0
    try:
        reports.map_code(
            actor(), given.get("driver", ""), given.get("source_code", ""), given.get("code", ""), factor, PARAMETERS
        )
    except InvalidInput as error:
        unit_of_work.rollback()
        return _codes(given, error), 422
    return go(url_for("devices.codes_page"))


@blueprint.post("/devices/codes/remove")
@needs(Permission.MANAGE_DEVICES)
def unmap_code() -> ResponseReturnValue:
    """Take a mapping back."""
    row = db.session.get(DeviceCodeMap, (request.form.get("driver", ""), request.form.get("source_code", "")))
    if row is None:
        raise NotFound("没有这条对照。")
    reports.unmap_code(actor(), row, request.form.get("reason", "").strip())
    return go(url_for("devices.codes_page"))


def _codes(given: Mapping[str, str], error: InvalidInput | None) -> str:
    return render(
        "devices/codes.html",
        waiting=reports.unmapped(),
        mapped=reports.mappings(),
        parameters=[(p.code, f"{p.name} {p.code}（{p.unit}）") for p in PARAMETERS.values()],
        given=given,
        errors=error.fields if error else {},
    )
