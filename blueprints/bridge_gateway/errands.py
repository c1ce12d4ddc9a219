"""Errands of engineers: handed to the bridge that asks, and what it brings back."""

import base64
import binascii
import logging
import zlib
from collections.abc import Callable
from typing import Any

from app.core import signals, unit_of_work
from app.core.db import db
from app.core.extensions import socketio
from app.devices import errands
from app.devices import queries as devices
from app.devices.models import BridgeErrand, Device
from blueprints.bridge_gateway.configs import configurations
from device_bridge.wire import NAMESPACE

_log = logging.getLogger("mafei.bridge")
Handler = Callable[[str, dict[str, Any]], dict[str, Any]]


def init_app(bridge: Callable[[], str]) -> None:
    """Register the handlers; `bridge` names who is speaking."""
    for event, handle in (("errands", _asked), ("errand_said", _said), ("errand_part", _part), ("errand_done", _done)):
        socketio.on_event(event, _guarded(handle, bridge), namespace=NAMESPACE)
    signals.errands_given.connect(_given)


def _guarded(handle: Handler, bridge: Callable[[], str]) -> Callable[[Any], dict[str, Any]]:
    """What is malformed is refused and leaves nothing."""

    def run(data: Any = None) -> dict[str, Any]:
        try:
            with unit_of_work.writing():
                return handle(bridge(), data)
        except (KeyError, TypeError, ValueError, AttributeError, binascii.Error, zlib.error) as error:
            _log.warning("errand refused", extra={"bridge": bridge(), "reason": repr(error)[:200]})
            return {"error": "malformed", "message": str(error)[:200]}

    return run


def _asked(bridge: str, data: dict[str, Any]) -> dict[str, Any]:
    errands.note_seen(bridge, str(data.get("host", "")), list(data.get("serial_ports", [])))
    return {"errands": [_task(errand) for errand in errands.waiting_for(bridge)]}


def _task(errand: BridgeErrand) -> dict[str, Any]:
    request = dict(errand.request)
    device = db.session.get(Device, errand.device_id) if errand.device_id else None
    if device is not None and errand.kind == "capture":
        request["device"] = device.key
        (request["config"],) = (one.to_json() for one in configurations([device]))
    elif device is not None:
        (request["device"],) = (one.to_json() for one in configurations([device]))
        request["sources"] = [one.to_json() for one in configurations(_sources(device, errand.bridge))]
    return {"id": errand.id, "kind": errand.kind, "request": request}


def _sources(device: Device, bridge: str) -> list[Device]:
    """Whose raw bytes speak of a device: its own, or those of the gateways of its bridge."""
    if device.transport.get("kind") != "gateway":
        return [device]
    everything = devices.devices_for_bridge(bridge)
    return [one for one in everything if one.driver == device.driver and one.transport.get("kind") != "gateway"]


def _said(bridge: str, data: dict[str, Any]) -> dict[str, Any]:
    errands.note_said(bridge, int(data["id"]), str(data["line"]))
    return {"ok": True}


def _part(bridge: str, data: dict[str, Any]) -> dict[str, Any]:
    payload = base64.b64decode(data["data"], validate=True)
    errands.note_part(
        bridge, int(data["id"]), int(data["part"]), str(data.get("code", "")), str(data.get("unit", "")),
        int(data["count"]), payload,
    )  # fmt: skip
    return {"ok": True}


def _done(bridge: str, data: dict[str, Any]) -> dict[str, Any]:
    result = data.get("result", {})
    if not isinstance(result, dict):
        raise ValueError("a result is an object")
    errands.note_done(bridge, int(data["id"]), int(data["parts"]), result, str(data.get("failed", "")))
    return {"ok": True}


def _given(_sender: str) -> None:
    socketio.emit("errands_changed", {}, namespace=NAMESPACE)
