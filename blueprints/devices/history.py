"""History of a device: move, replace, lend, maintain; its sheet as PDF; the ledger of all devices."""

import csv
import io

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue

from app.core import clock, unit_of_work
from app.core.db import db
from app.core.errors import InvalidInput
from app.core.permissions import Permission
from app.devices import drivers, history, queries, reports
from app.devices.models import Device
from app.scheduling.models import OperatingRoom
from blueprints.common.access import actor, needs, settings
from blueprints.common.fragments import fragment, go
from blueprints.common.fragments import page as render
from blueprints.common.paper import press
from blueprints.devices import form, views
from blueprints.devices.routes import blueprint, load_device
from printing.sizes import PaperForm


@blueprint.get("/devices/<int:device_id>/history")
@needs(Permission.VIEW_DEVICES)
def history_page(device_id: int) -> ResponseReturnValue:
    """The history and what can be done with the device."""
    return _page(load_device(device_id), None)


def _page(device: Device, error: InvalidInput | None) -> str:
    others = db.session.query(Device).filter(Device.id != device.id).order_by(Device.key)
    return render(
        "devices/history.html",
        device=device,
        events=history.events_of(device.id),
        kinds=history.EVENT_KINDS,
        noted=[(kind, history.EVENT_KINDS[kind]) for kind in history.NOTED],
        room_options=[(room.id, room.name) for room in form.rooms()],
        other_options=[(other.id, f"{other.key} {other.title}") for other in others],
        errors=error.fields if error else {},
    )


@blueprint.post("/devices/<int:device_id>/history")
@needs(Permission.MANAGE_DEVICES)
def note_event(device_id: int) -> ResponseReturnValue:
    """Note an event, move the device, or let it take the place of another."""
    device = load_device(device_id)
    given = request.form
    note, act = given.get("note", "").strip(), given.get("act", "note")
    try:
        if act == "move":
            history.move_device(actor(), device, _room(given.get("room_id", "")), note)
        elif act == "replace":
            other = given.get("other", "")
            if not other.isdigit():
                raise InvalidInput(fields={"other": "请选择被替换的设备"})
            history.replace_device(actor(), load_device(int(other)), device, note)
        else:
            history.note_event(actor(), device, given.get("kind", ""), note, given.get("to_place", ""))
    except InvalidInput as error:
        unit_of_work.rollback()
        return _page(load_device(device_id), error), 422
    return go(url_for("devices.history_page", device_id=device_id))


def _room(text: str) -> OperatingRoom | None:
    if not text:
        return None
    room = db.session.get(OperatingRoom, int(text)) if text.isdigit() else None
    if room is None:
        raise InvalidInput(fields={"room_id": "没有这个手术间"})
    return room


@blueprint.get("/devices/<int:device_id>/sheet.pdf")
@needs(Permission.VIEW_DEVICES)
def sheet(device_id: int) -> ResponseReturnValue:
    """The sheet of a device for the folder of the equipment department."""
    device = load_device(device_id)
    today = clock.today()
    html = fragment(
        "devices/sheet.html",
        device=device,
        story=views.build_story(device),
        row=queries.device_row(device),
        events=history.events_of(device.id),
        kinds=history.EVENT_KINDS,
        proof=reports.proof(today.replace(day=1).isoformat(), today.isoformat(), device.id),
        hospital=settings().hospital_name,
        department=settings().department_name,
        offset_words=views.offset_words,
        clock_use=views.clock_use,
        drivers=drivers.DRIVERS,
        transports=drivers.TRANSPORTS,
        device_kinds=drivers.DEVICE_KINDS,
        fields={field.key: field.label for field in drivers.TRANSPORTS.get(device.transport["kind"], ("", ()))[1]},
    )
    pdf = press().html(html, PaperForm(210, 297))
    name = f"device-{device.id}.pdf"
    return Response(pdf, mimetype="application/pdf", headers={"Content-Disposition": f"inline; filename={name}"})


@blueprint.get("/devices/ledger")
@needs(Permission.VIEW_DEVICES)
def ledger_page() -> ResponseReturnValue:
    """All devices with what an equipment department asks, and the connections of each year."""
    return render(
        "devices/ledger.html",
        rows=history.ledger(),
        drivers=drivers.DRIVERS,
        device_kinds=drivers.DEVICE_KINDS,
        accesses=history.accesses_by_year(),
        limit=settings().device_access_limit,
        year=clock.today().year,
    )


@blueprint.get("/devices/ledger.csv")
@needs(Permission.VIEW_DEVICES)
def ledger_file() -> ResponseReturnValue:
    """The ledger as a table for a spreadsheet."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(["设备标识", "类别", "品牌", "型号", "序列号", "资产编号", "位置", "驱动", "首次接入", "最近维护维修",
                     "最近校准检定", "本年维护次数", "借用", "状态"])  # fmt: skip
    for row in history.ledger():
        one = row.device
        kind = drivers.DEVICE_KINDS.get(one.kind, one.kind)
        writer.writerow([
            one.key, kind, one.brand, one.model, one.serial_no, one.asset_no, one.room.name if one.room else "",
            drivers.DRIVERS[one.driver].label if one.driver in drivers.DRIVERS else one.driver, row.first_day,
            row.last_maintained or "", row.last_calibrated or "", row.services_this_year, row.whereabouts,
            "使用" if one.enabled else "停用",
        ])  # fmt: skip
    headers = {"Content-Disposition": f"attachment; filename=devices-{clock.today():%Y%m%d}.csv"}
    return Response("\ufeff" + text.getvalue(), content_type="text/csv; charset=utf-8", headers=headers)
