"""Answers of the scheduling routes: the day again, the inspector again, or what collides."""

import json
from collections.abc import Callable
from typing import Any

from flask import Response, make_response, request
from flask.typing import ResponseReturnValue

from app.core import unit_of_work
from app.core.permissions import Permission
from app.scheduling.models import SurgicalCase
from app.scheduling.queries import agenda, case_detail, day_board
from app.scheduling.service import ScheduleConflict
from blueprints.common.access import may
from blueprints.common.fragments import fragment, go
from blueprints.schedule import places
from blueprints.schedule.places import Place
from blueprints.schedule.timeline import gantt_of

STATE_CHIPS = {
    "applied": "idle", "scheduled": "planned", "published": "planned", "in_transit": "due", "in_room": "active",
    "anesthesia_started": "active", "surgery_started": "active", "surgery_ended": "active",
    "anesthesia_ended": "active", "out_of_room": "done", "pacu_in": "done", "pacu_out": "done", "ward": "done",
    "icu": "done", "er": "done", "home": "done", "dead": "off", "cancelled": "off",
}  # fmt: skip


def day_context(place: Place) -> dict[str, Any]:
    """What page and fragment of a day need; one builder for both."""
    board = day_board(place.day)
    context: dict[str, Any] = {
        "place": place,
        "board": board,
        "views": places.VIEWS,
        "chips": STATE_CHIPS,
        "can_edit": may(Permission.EDIT_SCHEDULE),
    }
    if place.view == "gantt":
        context["gantt"] = gantt_of(board)
    if place.view == "agenda":
        context["agenda"] = agenda(place.day)
    return context


def day_again(message: str = "", kind: str = "success") -> ResponseReturnValue:
    """The fragment of the day that the viewer looks at; a page without HTMX. A toast only for what it does not show."""
    place = places.of_viewer()
    if "HX-Request" not in request.headers:
        return go(place.url())
    return told(fragment("schedule/_day.html", **day_context(place)), message, kind)


def inspector(case: SurgicalCase) -> str:
    """The side panel of a case."""
    return fragment("schedule/_inspector.html", **inspector_context(case))


def inspector_context(case: SurgicalCase) -> dict[str, Any]:
    """What the side panel needs."""
    return {
        "detail": case_detail(case),
        "chips": STATE_CHIPS,
        "can_edit": may(Permission.EDIT_SCHEDULE),
        "can_cancel": may(Permission.CANCEL_CASE),
    }


def inspector_again(case: SurgicalCase, message: str = "", kind: str = "success") -> ResponseReturnValue:
    """The side panel after a change, with a toast; a page without HTMX."""
    if "HX-Request" not in request.headers:
        return go(Place(case.day or places.of_viewer().day).url())
    return told(inspector(case), message, kind)


def told(html: str, message: str, kind: str = "success") -> Response:
    """An answer that closes the dialog and shows a toast."""
    response = make_response(html)
    events: dict[str, Any] = {"close-dialog": True}
    if message:
        events["toast"] = {"message": message, "kind": kind}
    response.headers["HX-Trigger"] = json.dumps(events)
    return response


def unless_conflict(action: Callable[[], ResponseReturnValue], url: str, target: str) -> ResponseReturnValue:
    """Do it; when it collides, roll back and ask in a dialog, which posts the same again with a reason.

    The dialog carries every field of the refused form, so that nothing has to be typed twice.
    """
    try:
        return action()
    except ScheduleConflict as conflict:
        unit_of_work.rollback()
        fields = {name: value for name, value in request.form.items() if name not in ("csrf_token", "reason")}
        html = fragment("schedule/_conflict.html", conflicts=conflict.conflicts, url=url, fields=fields, target=target)
        return html, 409, {"HX-Retarget": "#dialog", "HX-Reswap": "innerHTML"}
