"""Routes of the device pages."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from app.core import clock, unit_of_work
from app.core.db import db
from app.core.errors import InvalidInput, NotFound
from app.core.permissions import Permission
from app.devices import driver_options, drivers, errands, reports, service
from app.devices.models import Device
from blueprints.common.access import actor, needs
from blueprints.common.changes import changes
from blueprints.common.fragments import fragment, go
from blueprints.common.fragments import page as render
from blueprints.devices import form, sparks, views

blueprint = Blueprint("devices", __name__)


def load_device(device_id: int) -> Device:
    """The device, or `NotFound`."""
    device = db.session.get(Device, device_id)
    if device is None:
        raise NotFound("没有这台设备。")
    return device


@blueprint.get("/devices")
@needs(Permission.VIEW_DEVICES)
def page() -> ResponseReturnValue:
    """The health board of all rooms."""
    return render("devices/page.html", rooms=form.rooms(), **_board())


@blueprint.get("/devices/board")
@needs(Permission.VIEW_DEVICES)
def board() -> ResponseReturnValue:
    """The board alone, fetched again when something changes."""
    return fragment("devices/_board.html", **_board())


def _board() -> dict[str, Any]:
    room, state = request.args.get("room", ""), request.args.get("state", "")
    wrong = [bridge for bridge in errands.bridges() if bridge.has_wrong_clock]
    return _words() | {"board": views.build_board(room, state), "room": room, "state": state, "wrong_clocks": wrong}


def _words() -> dict[str, Any]:
    return {
        "chips": views.STATE_CHIPS,
        "refused": reports.refused_since((clock.today() - timedelta(days=1)).isoformat()),
        "byte_words": views.byte_words,
        "offset_words": views.offset_words,
        "clock_use": views.clock_use,
        "drivers": drivers.DRIVERS,
        "kinds": drivers.DEVICE_KINDS,
        "transports": drivers.TRANSPORTS,
        "driver_settings": driver_options.OPTIONS,
    }


@blueprint.get("/devices/<int:device_id>")
@needs(Permission.VIEW_DEVICES)
def device_page(device_id: int) -> ResponseReturnValue:
    """One device: health, values, curves, alarms, bindings, changes."""
    device = load_device(device_id)
    return render(
        "devices/device.html",
        story=views.build_story(device),
        changes=changes,
        unmapped=reports.unmapped(device.id)[:20],
        **_live(device),
    )


@blueprint.get("/devices/<int:device_id>/live")
@needs(Permission.VIEW_DEVICES)
def live(device_id: int) -> ResponseReturnValue:
    """What changes by itself on the page of a device."""
    return fragment("devices/_live.html", **_live(load_device(device_id)))


def _live(device: Device) -> dict[str, Any]:
    shape = {"width": sparks.WIDTH, "height": sparks.HEIGHT, "priorities": views.PRIORITIES, "phases": views.PHASES}
    return _words() | shape | {"live": views.build_live(device)}


@blueprint.get("/devices/new")
@needs(Permission.MANAGE_DEVICES)
def new_page() -> ResponseReturnValue:
    """The form of a new device, blank or as the wizard of the bridge described it."""
    if config := request.args.get("config"):
        return _form(None, form.from_config(config) | {"bridge": request.args.get("bridge", "")[:64]})
    return _form(None, form.blank(request.args.get("driver", "")))


@blueprint.get("/devices/connection")
@needs(Permission.MANAGE_DEVICES)
def connection() -> ResponseReturnValue:
    """The fields of a way to connect, for the driver that was just chosen."""
    values = form.blank(request.args.get("driver", ""), request.args.get("transport_kind", ""))
    return fragment("devices/_connection.html", values=values, errors={}, **_choices(values), **_words())


@blueprint.post("/devices")
@needs(Permission.MANAGE_DEVICES)
def register() -> ResponseReturnValue:
    """Register a device."""
    try:
        device = service.register_device(actor(), request.form.get("key", ""), **form.parse(request.form))
    except InvalidInput as error:
        unit_of_work.rollback()
        return _form(None, request.form, error), 422
    return go(url_for("devices.device_page", device_id=device.id))


@blueprint.get("/devices/<int:device_id>/edit")
@needs(Permission.MANAGE_DEVICES)
def edit_page(device_id: int) -> ResponseReturnValue:
    """The form of a registered device."""
    device = load_device(device_id)
    return _form(device, form.values_of(device))


@blueprint.post("/devices/<int:device_id>")
@needs(Permission.MANAGE_DEVICES)
def change(device_id: int) -> ResponseReturnValue:
    """Change a device; the bridge reloads this one only."""
    device = load_device(device_id)
    try:
        service.change_device(
            actor(), device, request.form.get("reason", "").strip(), **form.parse(request.form, device.options)
        )
    except InvalidInput as error:
        unit_of_work.rollback()
        return _form(load_device(device_id), request.form, error), 422
    return go(url_for("devices.device_page", device_id=device.id))


@blueprint.post("/devices/<int:device_id>/enabled")
@needs(Permission.MANAGE_DEVICES)
def set_enabled(device_id: int) -> ResponseReturnValue:
    """Take a device into service or out of it."""
    device = load_device(device_id)
    service.change_device(actor(), device, enabled=request.form.get("enabled") == "1")
    return go(url_for("devices.device_page", device_id=device.id))


def _form(device: Device | None, values: Mapping[str, str], error: InvalidInput | None = None) -> str:
    return render(
        "devices/form.html",
        device=device,
        values=values,
        errors=error.fields if error else {},
        message=error.message if error and not error.fields else "",
        room_options=[(room.id, room.name) for room in form.rooms()],
        **_choices(values),
        **_words(),
    )


def _choices(values: Mapping[str, str]) -> dict[str, Any]:
    driver = drivers.DRIVERS.get(values.get("driver", ""))
    ways = driver.transports if driver else ()
    return {
        "driver_options": [(one.name, one.label) for one in drivers.DRIVERS.values()],
        "transport_options": [(way, drivers.TRANSPORTS[way][0]) for way in ways],
    }
