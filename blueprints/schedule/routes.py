"""Pages of a day: board, list, cards and week; publication; requests by hand."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from flask import Blueprint, request
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue

from app.accounts.queries import search_staff
from app.core import clock, unit_of_work
from app.core.errors import InvalidInput
from app.core.permissions import Permission
from app.patients.facts import PatientFacts
from app.scheduling import service
from app.scheduling.facts import PersonFacts, ProcedureFacts, RequestFacts
from app.scheduling.queries import find_cases
from app.scheduling.rules import LATERALITY_LABELS, RequestKind
from blueprints.common.access import actor, needs
from blueprints.common.fragments import fragment, go
from blueprints.common.fragments import page as render
from blueprints.schedule import places
from blueprints.schedule.answers import day_again, day_context

blueprint = Blueprint("schedule", __name__)


@blueprint.record_once
def _know_days(state: BlueprintSetupState) -> None:
    state.app.url_map.converters.setdefault("day", places.DayConverter)


@blueprint.get("/schedule")
@needs(Permission.VIEW_SCHEDULE)
def page() -> ResponseReturnValue:
    """Today, or the day chosen in the calendar."""
    try:
        day = date.fromisoformat(request.args.get("day", ""))
    except ValueError:
        day = clock.today()
    return go(places.of_request(day).url())


@blueprint.get("/schedule/<day:day>")
@needs(Permission.VIEW_SCHEDULE)
def day_page(day: date) -> ResponseReturnValue:
    """The page of a day."""
    return render(
        "schedule/page.html", today=clock.today(), one_day=timedelta(days=1), **day_context(places.of_request(day))
    )


@blueprint.get("/schedule/<day:day>/fragment")
@needs(Permission.VIEW_SCHEDULE)
def day_fragment(day: date) -> ResponseReturnValue:
    """The part of the page that changes, fetched again when somebody moves something."""
    return fragment("schedule/_day.html", **day_context(places.of_request(day)))


@blueprint.get("/schedule/search")
@needs(Permission.VIEW_SCHEDULE)
def search() -> ResponseReturnValue:
    """Cases of any day by name, pinyin or number."""
    text = request.args.get("q", "").strip()
    return fragment("schedule/_found.html", text=text, cards=find_cases(text))


@blueprint.get("/schedule/<day:day>/publication")
@needs(Permission.PUBLISH_SCHEDULE)
def publication(day: date) -> ResponseReturnValue:
    """What publishing would tell the HIS, before it does."""
    return fragment("schedule/_publication.html", day=day, items=service.pending_publications(day))


@blueprint.post("/schedule/<day:day>/publish")
@needs(Permission.PUBLISH_SCHEDULE)
def publish(day: date) -> ResponseReturnValue:
    """Publish the day."""
    count = len(service.publish_day(actor(), day))
    return day_again(f"已发布 {count} 项" if count else "没有需要发布的变更")


@blueprint.get("/schedule/requests/new")
@needs(Permission.REGISTER_REQUEST)
def new_request() -> ResponseReturnValue:
    """The form of a request by hand."""
    return _request_form({}, {})


@blueprint.post("/schedule/requests")
@needs(Permission.REGISTER_REQUEST)
def register_request() -> ResponseReturnValue:
    """Register a request by hand; it then waits among the pending ones."""
    try:
        case = service.register_request(actor(), _request_facts())
    except InvalidInput as refusal:
        unit_of_work.rollback()
        return _request_form(request.form, refusal.fields), 422, {"HX-Retarget": "#dialog", "HX-Reswap": "innerHTML"}
    return day_again(f"已登记：{case.patient.name} {case.procedure}")


def _request_form(values: Mapping[str, str], errors: dict[str, str]) -> str:
    kinds = [(kind.value, kind.label) for kind in RequestKind]
    sides = [("", "无"), *LATERALITY_LABELS.items()]
    return fragment("schedule/_request.html", values=values, errors=errors, kinds=kinds, sides=sides)


def _request_facts() -> RequestFacts:
    form = {name: value.strip() for name, value in request.form.items()}
    minutes = form.get("minutes", "")
    if minutes and not (minutes.isascii() and minutes.isdigit() and 10 <= int(minutes) <= 1440):
        raise InvalidInput(fields={"minutes": "预计时长为 10–1440 分钟的整数"})
    return RequestFacts(
        source="manual",
        request_no="",
        patient=PatientFacts(
            form.get("patient_no", ""),
            name=form.get("name", ""),
            sex=form.get("sex", ""),
            birth_date=_birth_date(form.get("birth_date", "")),
        ),
        kind=form.get("kind", ""),
        procedures=(ProcedureFacts(form.get("procedure", ""), laterality=form.get("laterality", "")),),
        surgeon=_surgeon(form.get("surgeon", ""), form.get("surgeon_text", "")),
        planned_at=_wished(form.get("planned_at", "")),
        planned_minutes=int(minutes) if minutes else None,
        anesthesia_method=form.get("anesthesia_method", ""),
        isolation=form.get("isolation", ""),
        notes=form.get("notes", ""),
        department_name=form.get("department", ""),
        applicant=actor().display_name,
    )


def _birth_date(text: str) -> date | None:
    try:
        born = date.fromisoformat(text) if text else None
    except ValueError:
        raise InvalidInput(fields={"birth_date": "出生日期应为 年-月-日"}) from None
    if born is not None and born > clock.today():
        raise InvalidInput(fields={"birth_date": "出生日期不能晚于今天"})
    return born


def _wished(text: str) -> datetime | None:
    wished = places.hospital_time(text)
    if text and wished is None:
        raise InvalidInput(fields={"planned_at": "请填写日期和时间"})
    return wished


def _surgeon(staff_code: str, name: str) -> PersonFacts:
    return PersonFacts(staff_code, name) if staff_code or name else PersonFacts()


@blueprint.get("/schedule/surgeon-options")
@needs(Permission.REGISTER_REQUEST)
def surgeon_options() -> ResponseReturnValue:
    """Surgeons by pinyin, for the request form; the value is the staff number."""
    found = search_staff(request.args.get("q", ""), ("surgeon",))
    items = [{"value": s.code, "text": s.name, "note": s.department.name if s.department else s.title} for s in found]
    return fragment("schedule/_options.html", items=items)
