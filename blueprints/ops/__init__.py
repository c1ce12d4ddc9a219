"""For machines that watch the installation: is it alive, is it ready; and the style guide."""

import hmac

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from sqlalchemy import text

from app.core import clock, relay, signals
from app.core.db import db
from app.core.errors import NotAllowed
from app.core.extensions import csrf
from app.core.permissions import Permission
from blueprints.common.access import needs, public, settings
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


@blueprint.post(relay.PATH)
@public
def take_changes() -> ResponseReturnValue:
    """What another process of ours has committed: passed on to the pages that show it."""
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not hmac.compare_digest(token.encode(), settings().relay_token.encode()):
        raise NotAllowed
    for change in (request.get_json(silent=True) or {}).get("changes", []):
        if "device" in change:
            signals.devices_changed.send(str(change["device"]))
        else:
            signals.changed.send(str(change.get("topic", "")), what=str(change.get("what", "")))
    return "", 204


csrf.exempt(take_changes)


@styleguide.get("/styleguide")
@needs(Permission.SIGNED_IN)
def page() -> ResponseReturnValue:
    """Every component in every state."""
    return render("styleguide/page.html")
