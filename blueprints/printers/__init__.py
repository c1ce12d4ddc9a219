"""Printers: the page of queues and jobs, and the channel of print stations."""

from blueprints.printers.routes import blueprint
from blueprints.printers.station import station_blueprint

__all__ = ["blueprint", "station_blueprint"]
