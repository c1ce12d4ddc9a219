"""The command line: `bbf 100` is understood first and written second."""

from dataclasses import dataclass

from flask import request, url_for
from flask.typing import ResponseReturnValue

from app.anesthesia.commandline import Action, Interpretation
from app.anesthesia.commandline import understand as understand_line
from app.core.permissions import Permission
from app.terminology import queries as terminology
from blueprints.common.access import needs
from blueprints.common.filters import dose
from blueprints.common.fragments import fragment
from blueprints.theatre.base import blueprint

_ENDPOINTS = {
    Action.BOLUS: "theatre.bolus",
    Action.INFUSION: "theatre.infusion",
    Action.INTAKE: "theatre.intake",
    Action.OUTPUT: "theatre.output",
    Action.EVENT: "theatre.note",
}


@dataclass(frozen=True, slots=True)
class Offer:
    """One understanding as a form: where it posts to and what it carries."""

    text: str
    at: str
    warning: str
    url: str
    fields: dict[str, str]


@blueprint.get("/cases/<int:case_id>/command")
@needs(Permission.CHART)
def understand(case_id: int) -> ResponseReturnValue:
    """What the line would write, as forms to confirm; writes nothing."""
    text = request.args.get("text", "").strip()
    if not text:
        return ""
    found = understand_line(text, terminology.terms("drug", "fluid", "output", "event"))
    offers = [_offer(case_id, one) for one in found.candidates]
    return fragment("theatre/_understood.html", offers=offers, problem=found.problem)


def _offer(case_id: int, one: Interpretation) -> Offer:
    at = f"{one.hour_minute[0]:02}:{one.hour_minute[1]:02}" if one.hour_minute else ""
    amount = dose(one.amount) if one.amount is not None else ""
    fields = {"code": one.term_code, "at": at}
    match one.action:
        case Action.BOLUS:
            fields |= {"dose": amount, "unit": one.unit, "route": one.route}
        case Action.INFUSION:
            fields |= {"rate": amount, "rate_unit": one.unit, "route": one.route}
        case Action.EVENT:
            fields |= {"label": one.name}
        case _:
            fields |= {"volume": amount}
    return Offer(one.text, at, one.warning, url_for(_ENDPOINTS[one.action], case_id=case_id), fields)
