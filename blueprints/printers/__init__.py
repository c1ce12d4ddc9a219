"""Printers: the page of queues and jobs, and the channel of print stations."""

from blueprints.printers import record, routes
from blueprints.printers.base import blueprint
from blueprints.printers.station import station_blueprint

__all__ = ["blueprint", "record", "routes", "station_blueprint"]
