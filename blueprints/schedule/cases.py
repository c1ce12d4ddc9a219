"""Routes of one case on the board: inspect, move, staff, details, cancel, pause, differences of the HIS."""

from flask import request, url_for
from flask.typing import ResponseReturnValue

from app.accounts.queries import search_staff
from app.core import clock
from app.core.db import db
from app.core.errors import InvalidInput, NotFound
from app.core.permissions import Permission
from app.scheduling import service
from app.scheduling.models import OperatingRoom, StaffAssignment, SurgicalCase
from app.scheduling.queries.cards import rooms
from app.scheduling.rules import Role
from app.scheduling.service.common import kinds_for
from app.scheduling.service.staffing import SHARED_ROLES
from blueprints.common.access import actor, needs
from blueprints.common.fragments import fragment
from blueprints.common.guards import load_case
from blueprints.schedule import places
from blueprints.schedule.answers import day_again, inspector, inspector_again, unless_conflict
from blueprints.schedule.routes import blueprint

CANCEL_REASONS = (
    ("patient", "患者原因（拒绝、未禁食、未到）"),
    ("medical", "病情变化（发热、检查异常）"),
    ("preparation", "术前准备不足"),
    ("surgeon", "手术医师原因"),
    ("anesthesia", "麻醉评估不通过"),
    ("resource", "设备、床位、血源等原因"),
    ("other", "其他"),
)


def _whole(name: str) -> int | None:
    text = request.form.get(name, "").strip()
    return int(text) if text.isascii() and text.isdigit() else None


def _reason() -> str:
    return request.form.get("reason", "")


@blueprint.get("/schedule/cases/<int:case_id>")
@needs(Permission.VIEW_SCHEDULE)
def inspect(case_id: int) -> ResponseReturnValue:
    """The side panel of a case."""
    return inspector(load_case(case_id))


@blueprint.get("/schedule/cases/<int:case_id>/move")
@needs(Permission.EDIT_SCHEDULE)
def move_dialog(case_id: int) -> ResponseReturnValue:
    """The twin of dragging: room, time and length in a dialog."""
    case, day = load_case(case_id), places.of_viewer().day
    start = case.planned_start or clock.at(day, 8)
    options = [(room.id, room.name) for room in rooms()]
    return fragment("schedule/_move.html", case=case, room_options=options, start=clock.to_hospital(start))


@blueprint.post("/schedule/cases/<int:case_id>/place")
@needs(Permission.EDIT_SCHEDULE)
def place(case_id: int) -> ResponseReturnValue:
    """Put the case into a room at a time."""
    case = load_case(case_id)
    room = db.session.get(OperatingRoom, _whole("room_id") or 0)
    start = places.hospital_time(request.form.get("start", ""))
    if room is None or start is None:
        raise InvalidInput("请选择手术间和开始时间。")

    def act() -> ResponseReturnValue:
        service.place_case(actor(), case, room, start, _whole("minutes"), _whole("version"), _reason())
        return day_again()

    return unless_conflict(act, url_for("schedule.place", case_id=case_id), "#day")


@blueprint.post("/schedule/cases/<int:case_id>/resize")
@needs(Permission.EDIT_SCHEDULE)
def resize(case_id: int) -> ResponseReturnValue:
    """Change the planned length."""
    case = load_case(case_id)

    def act() -> ResponseReturnValue:
        service.resize_case(actor(), case, _whole("minutes") or 0, _whole("version"), _reason())
        return day_again()

    return unless_conflict(act, url_for("schedule.resize", case_id=case_id), "#day")


@blueprint.post("/schedule/cases/<int:case_id>/unplace")
@needs(Permission.EDIT_SCHEDULE)
def unplace(case_id: int) -> ResponseReturnValue:
    """Put the case back among the pending ones."""
    case = load_case(case_id)
    service.unplace_case(actor(), case, _whole("version"))
    return day_again()


@blueprint.get("/schedule/cases/<int:case_id>/staff-options")
@needs(Permission.EDIT_SCHEDULE)
def staff_options(case_id: int) -> ResponseReturnValue:
    """People for a role, those who are free at that time first."""
    case = load_case(case_id)
    role = _role(request.args.get("role", ""))
    busy: set[int] = set()
    if case.planned_start is not None and case.planned_end is not None:
        busy = service.busy_staff_ids(case.planned_start, case.planned_end, case.id)
    found = sorted(search_staff(request.args.get("q", ""), kinds_for(role), limit=30), key=lambda s: s.id in busy)
    items = [
        {
            "value": person.id,
            "text": person.name,
            "note": " · ".join(
                part for part in (person.title, "同时段有手术" if person.id in busy else "空闲") if part
            ),
        }
        for person in found[:12]
    ]
    return fragment("schedule/_options.html", items=items)


@blueprint.post("/schedule/cases/<int:case_id>/staff")
@needs(Permission.EDIT_SCHEDULE)
def assign(case_id: int) -> ResponseReturnValue:
    """Give somebody a role; a blank choice empties a role that only one person has."""
    case, role, staff_id = load_case(case_id), _role(request.form.get("role", "")), _whole("staff_id")
    present = [item for item in case.assignments if item.role == role]
    if staff_id is None and role not in SHARED_ROLES:
        for item in present:
            service.remove_staff(actor(), item, _whole("version"))
        return inspector_again(case)

    def act() -> ResponseReturnValue:
        service.assign_staff(
            actor(), case, role, staff_id, version=_whole("version"), accept_conflicts_reason=_reason()
        )
        return inspector_again(case)

    return unless_conflict(act, url_for("schedule.assign", case_id=case_id), "#side")


def _role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError:
        raise InvalidInput("没有这个角色。") from None


@blueprint.post("/schedule/cases/<int:case_id>/staff/<int:assignment_id>/remove")
@needs(Permission.EDIT_SCHEDULE)
def remove_member(case_id: int, assignment_id: int) -> ResponseReturnValue:
    """Take somebody out of the team."""
    case = load_case(case_id)
    item = db.session.get(StaffAssignment, assignment_id)
    if item is None or item.case_id != case.id:
        raise NotFound("这位人员已不在本台手术中。")
    service.remove_staff(actor(), item, _whole("version"))
    return inspector_again(case)


@blueprint.post("/schedule/cases/<int:case_id>/details")
@needs(Permission.EDIT_SCHEDULE)
def amend(case_id: int) -> ResponseReturnValue:
    """Save anesthesia method, position, isolation, equipment and notes."""
    case = load_case(case_id)
    names = ("anesthesia_method", "position", "isolation", "special_equipment", "notes")
    values = {name: request.form[name] for name in names if name in request.form}
    service.amend_case(actor(), case, values, _whole("version"))
    return inspector_again(case, "已保存")


@blueprint.post("/schedule/cases/<int:case_id>/acknowledge")
@needs(Permission.EDIT_SCHEDULE)
def acknowledge(case_id: int) -> ResponseReturnValue:
    """Mark the differences of the HIS as seen."""
    case = load_case(case_id)
    service.acknowledge_changes(actor(), case)
    return inspector_again(case, "已标记为已阅")


@blueprint.post("/schedule/cases/<int:case_id>/adopt/<int:index>")
@needs(Permission.EDIT_SCHEDULE)
def adopt(case_id: int, index: int) -> ResponseReturnValue:
    """Take over one difference of the HIS."""
    case = load_case(case_id)
    service.adopt_change(actor(), case, index)
    return inspector_again(case, "已采用 HIS 的修改")


@blueprint.get("/schedule/cases/<int:case_id>/cancel")
@needs(Permission.CANCEL_CASE)
def cancel_dialog(case_id: int) -> ResponseReturnValue:
    """Why the case is cancelled; the stage follows from its times."""
    return _reason_dialog(load_case(case_id), "cancel")


@blueprint.post("/schedule/cases/<int:case_id>/cancel")
@needs(Permission.CANCEL_CASE)
def cancel(case_id: int) -> ResponseReturnValue:
    """Cancel the case."""
    case, code = load_case(case_id), request.form.get("code", "")
    words = dict(CANCEL_REASONS).get(code, "").partition("（")[0]
    reason = "：".join(part for part in (words, _reason().strip()) if part)
    stage = service.cancel_case(actor(), case, reason, code if code in dict(CANCEL_REASONS) else "", _whole("version"))
    return day_again(f"{case.patient.name} 的手术已取消（{stage.label}）", "warning")


@blueprint.post("/schedule/cases/<int:case_id>/restore")
@needs(Permission.CANCEL_CASE)
def restore(case_id: int) -> ResponseReturnValue:
    """Take a cancellation back."""
    case = load_case(case_id)
    service.restore_case(actor(), case, _reason())
    return inspector_again(case, f"{case.patient.name} 的手术已恢复")


@blueprint.get("/schedule/cases/<int:case_id>/pause")
@needs(Permission.CANCEL_CASE)
def pause_dialog(case_id: int) -> ResponseReturnValue:
    """Why the case is held."""
    return _reason_dialog(load_case(case_id), "pause")


@blueprint.post("/schedule/cases/<int:case_id>/pause")
@needs(Permission.CANCEL_CASE)
def pause(case_id: int) -> ResponseReturnValue:
    """Hold the case."""
    case = load_case(case_id)
    service.pause_case(actor(), case, _reason(), _whole("version"))
    return inspector_again(case, f"{case.patient.name} 的手术已暂停", "warning")


@blueprint.post("/schedule/cases/<int:case_id>/resume")
@needs(Permission.CANCEL_CASE)
def resume(case_id: int) -> ResponseReturnValue:
    """Go on after a pause."""
    case = load_case(case_id)
    service.resume_case(actor(), case, _whole("version"))
    return inspector_again(case, f"{case.patient.name} 的手术已继续")


def _reason_dialog(case: SurgicalCase, action: str) -> str:
    return fragment("schedule/_reason.html", case=case, action=action, codes=CANCEL_REASONS)
