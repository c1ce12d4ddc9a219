"""Interfaces: what came, what must go, and how the peers are doing."""

from blueprints.interfaces.routes import blueprint

__all__ = ["blueprint"]
