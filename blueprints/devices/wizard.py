"""The wizard: a bridge listens on a line, recognises the device, and the form of the registry is filled."""

import json
from collections.abc import Mapping
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from app.core import unit_of_work
from app.core.errors import InvalidInput
from app.core.permissions import Permission
from app.devices import drivers, errands
from app.devices.drivers import parse_transport
from app.devices.models import BridgeErrand
from blueprints.common.access import actor, needs
from blueprints.common.fragments import fragment, go
from blueprints.common.fragments import page as render
from blueprints.devices.routes import blueprint

LINES = {
    "serial": "串口（插在采集机上）",
    "serial_url": "串口服务器",
    "tcp_client": "网络：连接到设备",
    "tcp_listener": "网络：等待设备连接",
    "udp": "网络：接收 UDP",
}
_SECONDS = (("3", "3 秒"), ("10", "10 秒"), ("30", "30 秒"))


@blueprint.get("/devices/wizard")
@needs(Permission.MANAGE_DEVICES)
def wizard_page() -> ResponseReturnValue:
    """Where to listen."""
    return _page(request.args, None)


@blueprint.get("/devices/wizard/line")
@needs(Permission.MANAGE_DEVICES)
def wizard_line() -> ResponseReturnValue:
    """The fields of the line that was just chosen."""
    return fragment("devices/_wizard_line.html", **_shown(request.args, None))


@blueprint.post("/devices/wizard")
@needs(Permission.MANAGE_DEVICES)
def wizard_listen() -> ResponseReturnValue:
    """Let the bridge listen."""
    try:
        errand = errands.give(actor(), request.form.get("bridge", ""), "listen", _request(request.form))
    except InvalidInput as error:
        unit_of_work.rollback()
        return _page(request.form, error), 422
    return go(url_for("devices.errand_page", errand_id=errand.id))


def _request(given: Mapping[str, str]) -> dict[str, Any]:
    kind = given.get("line", "")
    if kind not in LINES:
        raise InvalidInput(fields={"line": "请选择线路"})
    driver = given.get("driver", "")
    if driver and driver not in drivers.DRIVERS:
        raise InvalidInput(fields={"driver": "没有这个驱动"})
    seconds = given.get("seconds", "3")
    return {
        "transport": parse_transport(kind, {**_usual(kind), **given}),
        "vary": kind == "serial" and given.get("vary") == "1",
        "ask": given.get("ask") == "1",
        "seconds": float(seconds) if seconds in dict(_SECONDS) else 3.0,
        "driver": driver,
        "device_id": given.get("device_id", "").strip()[:64],
    }


def _usual(kind: str) -> dict[str, str]:
    return {f"transport.{field.key}": field.default for field in drivers.TRANSPORTS[kind][1] if field.default}


def _page(given: Mapping[str, str], error: InvalidInput | None) -> str:
    return render("devices/wizard.html", **_shown(given, error))


def _shown(given: Mapping[str, str], error: InvalidInput | None) -> dict[str, Any]:
    known = errands.bridges()
    line = given.get("line", "")
    line = line if line in LINES else "serial"
    chosen = given.get("bridge") or (known[0].name if known else "")
    here = next((bridge.serial_ports for bridge in known if bridge.name == chosen), ())
    ports = [(port, port if text == port else f"{port}（{text}）") for port, text in here]
    return {
        "values": {**_usual(line), **given, "line": line, "bridge": chosen},
        "bridges": known,
        "bridge_options": [
            (b.name, f"{b.name}（{b.host or '未知主机'}{'' if b.is_here else '，离线'}）") for b in known
        ],
        "line_options": list(LINES.items()),
        "fields": drivers.TRANSPORTS[line][1],
        "ports": ports,
        "driver_options": [(one.name, one.label) for one in drivers.DRIVERS.values() if one.name != "passive"],
        "second_options": _SECONDS,
        "errors": error.fields if error else {},
    }


def register_url(errand: BridgeErrand) -> str:
    """The form of the registry, filled with what was found."""
    config = json.dumps(errand.result.get("config", {}), ensure_ascii=False, separators=(",", ":"))
    return url_for("devices.new_page", config=config, bridge=errand.bridge)
