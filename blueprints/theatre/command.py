"""The command line: `bbf 100` is understood first and written second."""

from app.anesthesia.commandline import interpret
from flask import request, url_for
from flask.typing import ResponseReturnValue

from app.core.permissions import Permission
from app.terminology import queries as terminology
from blueprints.common.access import needs
from blueprints.common.fragments import fragment
from blueprints.theatre.base import blueprint


@blueprint.get("/cases/<int:case_id>/command")
@needs(Permission.CHART)
def understand(case_id: int) -> ResponseReturnValue:
    """What the line would write, as forms to confirm; writes nothing."""
    text = request.args.get("text", "").strip()
    found = interpret(text, terminology.terms("drug")) if text else ()
    urls = {
        "bolus": url_for("theatre.bolus", case_id=case_id),
        "infusion": url_for("theatre.infusion", case_id=case_id),
    }
    return fragment("theatre/_understood.html", case_id=case_id, text=text, found=found, urls=urls)
