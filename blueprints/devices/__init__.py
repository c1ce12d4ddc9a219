"""Devices: the health board of engineers, the registry, one device with what it sends, its curves and its history."""

from blueprints.devices import history, proof, trend, waves
from blueprints.devices.routes import blueprint

__all__ = ["blueprint", "history", "proof", "trend", "waves"]
