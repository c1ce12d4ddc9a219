"""For machines that watch the installation: is it alive, is it ready; and the style guide."""

from flask import Blueprint
from flask.typing import ResponseReturnValue
from sqlalchemy import text

from app.core import clock
from app.core.db import db
from app.core.permissions import Permission
from blueprints.common.access import needs, public
from blueprints.common.fragments import page as render

blueprint = Blueprint("ops", __name__)
styleguide = Blueprint("styleguide", __name__)


@blueprint.get("/healthz")
@public
def alive() -> ResponseReturnValue:
    """The process answers."""
    return {"status": "alive", "time": clock.now().isoformat()}


@blueprint.get("/readyz")
@public
def ready() -> ResponseReturnValue:
    """The database answers and has a schema."""
    try:
        revision = db.session.scalar(text("SELECT version_num FROM alembic_version"))
    except Exception:  # whatever the driver raises: the answer is the same
        return {"status": "not ready", "database": "unreachable or without schema"}, 503
    return {"status": "ready", "schema": revision}


@styleguide.get("/styleguide")
@needs(Permission.SIGNED_IN)
def page() -> ResponseReturnValue:
    """Every component in every state."""
    return render("styleguide/page.html")
