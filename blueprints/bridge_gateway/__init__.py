"""Where device bridges deliver: the one place of the web that knows their wire shapes."""

from blueprints.bridge_gateway.handlers import blueprint, init_app

__all__ = ["blueprint", "init_app"]
