"""The registry as a bridge takes it."""

from typing import Any

from app.core import clock
from app.devices import queries as devices
from app.devices import reports
from app.devices.models import Device
from device_bridge.wire import DeviceConfig


def answer(bridge: str) -> dict[str, Any]:
    """All devices that a bridge shall read."""
    found = devices.devices_for_bridge(bridge)
    return {"version": str(clock.now_ms()), "devices": [config.to_json() for config in configurations(found)]}


def configurations(found: list[Device]) -> list[DeviceConfig]:
    """Devices with what people have mapped for their drivers."""
    maps = reports.mappings_of({device.driver for device in found})
    return [_config(device, maps.get(device.driver, {})) for device in found]


def _config(device: Device, mapped: dict[str, list[object]]) -> DeviceConfig:
    return DeviceConfig(
        device_id=device.key,
        driver=device.driver,
        transport=device.transport,
        options={**device.options, "map": mapped} if mapped else device.options,
        label=device.title,
        place=device.room.name if device.room else "",
        enabled=device.enabled,
        timezone=device.timezone,
        expected_period_s=device.expected_period_s,
        stale_after_s=device.stale_after_s,
    )
