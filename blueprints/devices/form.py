"""The form of the registry: text in, facts of a device out."""

import json
import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from app.core.db import db
from app.core.errors import InvalidInput
from app.devices.driver_options import parse_options, shown
from app.devices.drivers import DEVICE_KINDS, DRIVERS, TRANSPORTS, parse_transport
from app.devices.models import Device
from app.scheduling.models import OperatingRoom

_TEXTS = {"brand": 32, "model": 64, "serial_no": 64, "asset_no": 64, "bridge": 64}
_TEXT_LABELS = {
    "brand": "品牌",
    "model": "型号",
    "serial_no": "序列号",
    "asset_no": "资产编号",
    "bridge": "采集服务名称",
}


# Kind of device → seconds between data, seconds until it counts as silent; others speak all the time.
_RHYTHM = {"blood_gas": ("3600", "86400")}


def rooms() -> list[OperatingRoom]:
    """Rooms that a device can stand in."""
    statement = select(OperatingRoom).where(OperatingRoom.is_active).order_by(OperatingRoom.sort, OperatingRoom.id)
    return list(db.session.scalars(statement))


def blank(driver: str = "", transport: str = "") -> dict[str, str]:
    """A new device, filled with what is usual for the driver."""
    chosen = DRIVERS.get(driver)
    kind = transport if chosen and transport in chosen.transports else (chosen.transports[0] if chosen else "")
    sort = chosen.kinds[0] if chosen else "monitor"
    period, stale = _RHYTHM.get(sort, ("2", "10"))
    values = {
        "driver": driver,
        "transport_kind": kind,
        "kind": sort,
        "expected_period_s": period,
        "stale_after_s": stale,
        "timezone": "Asia/Shanghai",
    }
    if kind:
        usual = chosen.defaults if chosen else {}
        for field in TRANSPORTS[kind][1]:
            fits = field.key in usual and not (field.key == "port" and field.kind == "text")
            values[f"transport.{field.key}"] = usual[field.key] if fits else field.default
    return values


def values_of(device: Device) -> dict[str, str]:
    """A registered device as the form shows it."""
    names = (*_TEXTS, "key", "kind", "driver", "timezone")
    values = {name: str(getattr(device, name)) for name in names}
    values["room_id"] = str(device.room_id or "")
    values["waves"] = _as_text(list(device.options.get("waves", [])))
    values["expected_period_s"] = f"{device.expected_period_s:g}"
    values["stale_after_s"] = f"{device.stale_after_s:g}"
    values["transport_kind"] = str(device.transport.get("kind", ""))
    for key, value in device.transport.items():
        values[f"transport.{key}"] = _as_text(value)
    return values | shown(device.driver, device.options)


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else ""
    if isinstance(value, list):
        return ", ".join(str(part) for part in value)
    return str(value)


def from_config(text: str) -> dict[str, str]:
    """A new device as the wizard of the bridge (`device_bridge listen`) described it. Raises `InvalidInput`."""
    try:
        config = json.loads(text)
        driver, transport, options = str(config["driver"]), dict(config["transport"]), dict(config.get("options", {}))
    except (ValueError, TypeError, KeyError) as error:
        raise InvalidInput("采集向导给出的配置无法识别，请重新复制。") from error
    values = blank(driver, str(transport.get("kind", "")))
    values |= {f"transport.{key}": _as_text(value) for key, value in transport.items()}
    values["transport_kind"] = str(transport.get("kind", values["transport_kind"]))
    values["key"] = str(config.get("device_id", ""))[:64]
    values["waves"] = _as_text(list(options.get("waves", [])))
    for name in ("expected_period_s", "stale_after_s"):
        if values["kind"] not in _RHYTHM and isinstance(config.get(name), int | float):
            values[name] = f"{config[name]:g}"
    return values | shown(driver, options)


def parse(given: Mapping[str, str], options: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Facts for `register_device` and `change_device`; `options` are those the device has, of which the form
    knows the channels of curves and those of the driver. Raises `InvalidInput` naming every faulty field."""
    faults: dict[str, str] = {}
    facts: dict[str, Any] = {}
    for name, length in _TEXTS.items():
        facts[name] = given.get(name, "").strip()
        if len(facts[name]) > length:
            faults[name] = f"{_TEXT_LABELS[name]}不超过 {length} 字"
    facts["kind"] = _chosen(given, "kind", DEVICE_KINDS, "请选择设备类别", faults)
    facts["driver"] = _chosen(given, "driver", DRIVERS, "请选择驱动", faults)
    facts["room_id"] = _room(given.get("room_id", ""), faults)
    facts["expected_period_s"] = _seconds(given, "expected_period_s", 3600, faults)
    facts["stale_after_s"] = _seconds(given, "stale_after_s", 86_400, faults)
    if "waves" in given:
        facts["options"] = {**(options or {}), "waves": _channels(given["waves"], faults)}
        try:
            facts["options"] = parse_options(facts["driver"], given, facts["options"])
        except InvalidInput as error:
            faults |= error.fields
    try:
        facts["transport"] = _transport(given, facts["driver"])
    except InvalidInput as error:
        faults |= error.fields
    if faults:
        raise InvalidInput(fields=faults)
    return facts


def _channels(text: str, faults: dict[str, str]) -> list[str]:
    listed = [part for part in re.split(r"[\s,，、]+", text) if part]
    if len(listed) > 16 or any(len(part) > 32 for part in listed):
        faults["waves"] = "最多 16 个通道，每个不超过 32 字"
    return listed


def _chosen(given: Mapping[str, str], name: str, known: Mapping[str, Any], fault: str, faults: dict[str, str]) -> str:
    if given.get(name, "") not in known:
        faults[name] = fault
    return given.get(name, "")


def _room(text: str, faults: dict[str, str]) -> int | None:
    if not text:
        return None
    if not text.isdigit() or db.session.get(OperatingRoom, int(text)) is None:
        faults["room_id"] = "没有这个手术间"
        return None
    return int(text)


def _seconds(given: Mapping[str, str], name: str, top: float, faults: dict[str, str]) -> float:
    try:
        value = float(given.get(name, ""))
    except ValueError:
        value = 0.0
    if not 0 < value <= top:
        faults[name] = f"应为大于 0、不超过 {top:g} 的秒数"
    return value


def _transport(given: Mapping[str, str], driver: str) -> dict[str, Any]:
    kind = given.get("transport_kind", "")
    if driver in DRIVERS and kind not in DRIVERS[driver].transports:
        raise InvalidInput(fields={"transport_kind": "这个驱动不支持所选的连接方式"})
    return parse_transport(kind, given)
