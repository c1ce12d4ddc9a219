"""The start page: sends everyone to the first place of their work."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.core.permissions import Permission
from blueprints.common.access import needs
from blueprints.common.fragments import go
from blueprints.common.fragments import page as render
from blueprints.common.nav import build_nav

blueprint = Blueprint("home", __name__)


@blueprint.get("/")
@needs(Permission.SIGNED_IN)
def page() -> ResponseReturnValue:
    """The first place of the navigation; a word of help for somebody whose role opens none."""
    places = build_nav()
    return go(places[0].url) if places else render("home/page.html")
