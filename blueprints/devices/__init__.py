"""Devices: the health board of engineers, the registry, one device with what it sends."""

from blueprints.devices.routes import blueprint

__all__ = ["blueprint"]
