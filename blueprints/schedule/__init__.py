"""Scheduling: the board of a day by drag, menu and keyboard, lists and week, requests by hand, publication."""

from blueprints.schedule import cases, routes

__all__ = ["blueprint", "cases"]

blueprint = routes.blueprint
