"""Sign in and out, idle lock, password and PIN, theme."""

from blueprints.account.routes import blueprint

__all__ = ["blueprint"]
