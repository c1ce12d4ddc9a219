"""Devices: the health board of engineers, the registry, one device with what it sends, its curves and its history."""

from blueprints.devices import errands, history, proof, trend, waves, wizard
from blueprints.devices.routes import blueprint

__all__ = ["blueprint", "errands", "history", "proof", "trend", "waves", "wizard"]
