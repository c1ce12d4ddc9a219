"""The blueprint that the route modules of printers share."""

from flask import Blueprint

blueprint = Blueprint("printers", __name__)
