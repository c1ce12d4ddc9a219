"""What all routes of the theatre share: the blueprint, guards, reading a form, the line that tells what was written."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import wraps
from typing import Any, TypeVar, cast

from flask import Blueprint, Response, current_app, make_response, request
from flask.typing import ResponseReturnValue
from sqlalchemy import bindparam, select

from app.anesthesia.models import AnesthesiaRecord
from app.core import clock, unit_of_work
from app.core.db import db
from app.core.errors import Conflict, InvalidInput, NotFound
from app.scheduling.models import CaseEvent, OperatingRoom, SurgicalCase
from app.scheduling.rules import EventKind
from blueprints.common.fragments import fragment
from blueprints.common.guards import load_case

View = TypeVar("View", bound=Callable[..., Any])

blueprint = Blueprint("theatre", __name__)
_AHEAD = timedelta(minutes=2)
_QUESTIONS = frozenset({"needs_confirmation", "needs_reason"})
_ANSWERS = frozenset({"confirm", "order_reason", "csrf_token"})
# Built once, on the table and not on the model: every write asks it.
_RECORDS = AnesthesiaRecord.__table__.c
_RECORD_ID = select(_RECORDS.id).where(_RECORDS.case_id == bindparam("case"))


def load_room(code: str) -> OperatingRoom:
    """The room with this code, or `NotFound`."""
    room = db.session.scalar(select(OperatingRoom).where(OperatingRoom.code == code))
    if room is None:
        raise NotFound("没有这个手术间。")
    return room


def find_record(case_id: int) -> AnesthesiaRecord | None:
    """The record of a case, when it has been opened."""
    return db.session.scalar(select(AnesthesiaRecord).where(AnesthesiaRecord.case_id == case_id))


def load_record_id(case_id: int) -> int:
    """Number of the open record of a case; the fast path of every write."""
    record_id = db.session.scalar(_RECORD_ID, {"case": case_id})
    if record_id is None:
        load_case(case_id)
        raise Conflict("患者还没有入室，不能记录。请先核对患者并点“入手术间”。")
    return int(record_id)


def load_event(case_id: int, event_id: int) -> CaseEvent:
    """An event of this case."""
    event = db.session.get(CaseEvent, event_id)
    if event is None or event.case_id != case_id:
        raise NotFound("没有这条事件。")
    return event


def reference(case: SurgicalCase) -> datetime:
    """The moment that a bare time of day is nearest to: now, or the end of a case that is over."""
    times = case.times
    return min(clock.now(), times.get(EventKind.OUT_OF_ROOM, clock.now()))


def form_time(case_id: int, field: str = "at") -> datetime | None:
    """A time of the form: blank is None (now), an ISO moment, or HH:MM nearest to the case."""
    text = request.form.get(field, "").strip()
    if not text:
        return None
    if "T" in text:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise InvalidInput(fields={field: "时间格式不对"}) from None
        return moment if moment.tzinfo else clock.from_hospital(moment)
    return nearest_time(text, reference(load_case(case_id)), field)


def kept_time(case_id: int, field: str, stored: datetime | None) -> datetime | None:
    """A time of a correction: the stored one, to the second, when the minute on the form is still its minute."""
    typed = form_time(case_id, field)
    if typed and stored and f"{clock.to_hospital(stored):%H:%M}" == f"{clock.to_hospital(typed):%H:%M}":
        return stored
    return typed


def panel_time() -> str:
    """HH:MM for the time field of a panel that was opened from a place of the chart; blank means now."""
    try:
        moment = datetime.fromisoformat(request.args["at"])
    except (KeyError, ValueError):
        return ""
    return f"{clock.to_hospital(moment):%H:%M}" if moment.tzinfo else ""


def nearest_time(text: str, around: datetime, field: str = "at") -> datetime:
    """HH:MM (also 0935, 9.35) on the day that brings it nearest to `around` without lying ahead of now."""
    digits = text.replace("：", ":").replace(".", ":").replace(" ", "")
    if ":" not in digits and digits.isdigit() and len(digits) in (3, 4):
        digits = f"{digits[:-2]}:{digits[-2:]}"
    hour, _, minute = digits.partition(":")
    if not (hour.isdigit() and minute.isdigit() and int(hour) < 24 and int(minute) < 60):
        raise InvalidInput(fields={field: "请输入时间，例如 9:35 或 0935"})
    day = clock.to_hospital(around).date()
    candidates = [clock.at(day + timedelta(days=shift), int(hour), int(minute)) for shift in (-1, 0, 1)]
    possible = [moment for moment in candidates if moment <= clock.now() + _AHEAD]
    return min(possible, key=lambda moment: abs(moment - around))


def form_decimal(field: str, label: str) -> Decimal:
    """A number of the form. Raises `InvalidInput`."""
    text = request.form.get(field, "").strip().replace("，", ".").replace(",", ".")
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise InvalidInput(fields={field: f"请填写{label}（数字）"}) from None
    if not value.is_finite():
        raise InvalidInput(fields={field: f"请填写{label}（数字）"})
    return value


def form_text(field: str, limit: int = 255) -> str:
    """A text of the form."""
    return request.form.get(field, "").strip()[:limit]


def is_confirmed() -> bool:
    """Whether the person has answered the second question with yes."""
    return request.form.get("confirm") == "yes"


def written(text: str, undo_url: str = "", undo_note: str = "撤销") -> Response:
    """The short answer to a write: what was written and how to take it back. The page closes the panel it came from."""
    # Without the names of the shell: building the navigation would cost more than the write itself.
    template = current_app.jinja_env.get_template("theatre/_written.html")
    response = make_response(template.render(text=text, undo_url=undo_url, undo_note=undo_note))
    response.headers["HX-Trigger"] = "written"
    return response


def asks(view: View) -> View:
    """What is unusual is a question and no refusal: the same post with a yes, or with a reason, is accepted."""

    @wraps(view)
    def answer(*args: Any, **kwargs: Any) -> ResponseReturnValue:
        try:
            return cast(ResponseReturnValue, view(*args, **kwargs))
        except InvalidInput as error:
            if error.code not in _QUESTIONS or "HX-Request" not in request.headers:
                raise
            unit_of_work.rollback()
            return _question(error.message, wants_reason=error.code == "needs_reason")

    return cast(View, answer)


def _question(question: str, *, wants_reason: bool) -> Response:
    """The dialog that repeats the post; what was typed stays in its form until the answer is yes."""
    fields = [(name, value) for name, value in request.form.items(multi=True) if name not in _ANSWERS]
    html = fragment(
        "theatre/_ask.html",
        question=question,
        wants_reason=wants_reason,
        url=request.path,
        target=f"#{request.headers.get('HX-Target') or 'written'}",
        fields=fields,
    )
    response = make_response(html, 422)
    response.headers["HX-Retarget"] = "#dialog"
    return response
