"""Start of a case and its times: identify, in room, devices, milestones, corrections."""

from datetime import datetime

from flask import request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import or_, select

from app.anesthesia import service as anesthesia
from app.core import clock
from app.core.db import db
from app.core.errors import Conflict, DomainError, InvalidInput, NotFound
from app.core.permissions import Permission
from app.devices import presence
from app.devices import queries as device_queries
from app.devices import service as devices
from app.devices.models import Binding, Device
from app.patients.models import Encounter, Patient
from app.scheduling import service as scheduling
from app.scheduling.models import CaseEvent, OperatingRoom, SurgicalCase
from app.scheduling.rules import EventKind
from blueprints.common.access import actor, needs, settings
from blueprints.common.banner import banner_of
from blueprints.common.fragments import fragment, go
from blueprints.common.guards import load_case
from blueprints.theatre.base import (
    asks,
    blueprint,
    find_record,
    form_text,
    form_time,
    is_confirmed,
    kept_time,
    load_event,
    load_record_id,
    load_room,
    panel_time,
    written,
)
from blueprints.theatre.gate import pass_gate
from blueprints.theatre.view import can_write


@blueprint.post("/theatre/<room_code>/identify")
@needs(Permission.RUN_CASE)
def identify(room_code: str) -> ResponseReturnValue:
    """Find the case of a scanned wristband; a patient of another room is refused loudly, by name."""
    room = load_room(room_code)
    try:
        return _identified(_case_of_code(form_text("code", 64), room), room, scanned=True)
    except (Conflict, NotFound) as refusal:
        return _refused(refusal)


@blueprint.get("/theatre/<room_code>/cases/<int:case_id>/confirm")
@needs(Permission.RUN_CASE)
def confirm(room_code: str, case_id: int) -> ResponseReturnValue:
    """Ask to compare name and number with the wristband, when the case was chosen from the list."""
    room, case = load_room(room_code), load_case(case_id)
    try:
        _check_room(case, room)
    except Conflict as refusal:
        return _refused(refusal)
    return _identified(case, room, scanned=False)


def _refused(refusal: DomainError) -> ResponseReturnValue:
    """The refusal takes the place of the patient who was shown before, so that nobody starts the wrong case."""
    if "HX-Request" not in request.headers:
        raise refusal
    return fragment("theatre/_refused.html", message=refusal.message), 422


def _identified(case: SurgicalCase, room: OperatingRoom, *, scanned: bool) -> str:
    devices_here = device_queries.device_rows(room_id=room.id)
    return fragment(
        "theatre/_identified.html", case=case, patient=banner_of(case), scanned=scanned, devices=devices_here
    )


def _case_of_code(code: str, room: OperatingRoom) -> SurgicalCase:
    if not code:
        raise InvalidInput(fields={"code": "请扫描腕带或输入住院号"})
    statement = (
        select(SurgicalCase)
        .join(Patient, Patient.id == SurgicalCase.patient_id)
        .outerjoin(Encounter, Encounter.id == SurgicalCase.encounter_id)
        .where(
            SurgicalCase.cancelled_at.is_(None),
            or_(
                Patient.patient_no == code,
                Encounter.inpatient_no == code,
                Encounter.outpatient_no == code,
                Encounter.visit_no == code,
                SurgicalCase.case_no == code,
            ),
        )
        .order_by(SurgicalCase.planned_start.desc())
    )
    cases = [case for case in db.session.scalars(statement) if not case.state.is_over]
    if not cases:
        raise NotFound(f"没有找到号码为 {code} 的待手术患者。请核对腕带，或从列表中选择。")
    here = [case for case in cases if case.room_id == room.id]
    if not here:
        _check_room(cases[0], room)
    return here[0]


def _check_room(case: SurgicalCase, room: OperatingRoom) -> None:
    if case.room_id == room.id:
        return
    place = f"安排在{case.room.name}" if case.room else "还没有安排手术间"
    raise Conflict(f"患者不符：{case.patient.name} {place}，不是{room.name}。请立即核对患者身份。", code="wrong_room")


@blueprint.post("/cases/<int:case_id>/in-room")
@needs(Permission.RUN_CASE)
@asks
def in_room(case_id: int) -> ResponseReturnValue:
    """The patient is in the room: time, record, devices of the room, all in one step."""
    case, user = load_case(case_id), actor()
    _check_room_is_free(case)
    event = scheduling.mark_event(
        user,
        case,
        EventKind.IN_ROOM,
        form_time(case_id),
        order_reason=form_text("order_reason", 200),
        idempotency_key=form_text("idempotency_key", 64) or None,
    )
    anesthesia.open_record(user, case.id, interval_minutes=settings().chart_interval_minutes, at=event.at)
    for device_id in request.form.getlist("device", type=int):
        devices.bind_device(user, db.session.get_one(Device, device_id), case, since=event.at)
    return go(url_for("theatre.room_page", room_code=case.room.code if case.room else ""))


def _check_room_is_free(case: SurgicalCase) -> None:
    others = db.session.scalars(
        select(SurgicalCase).where(
            SurgicalCase.room_id == case.room_id, SurgicalCase.id != case.id, SurgicalCase.cancelled_at.is_(None)
        )
    )
    present = next((other for other in others if other.state.is_under_way), None)
    if present is not None:
        raise Conflict(f"{present.patient.name} 在本手术间，请先为其登记“出手术间”。", code="room_occupied")


@blueprint.post("/cases/<int:case_id>/events")
@needs(Permission.RUN_CASE)
@asks
def mark(case_id: int) -> ResponseReturnValue:
    """Mark a time of the case."""
    case, user = load_case(case_id), actor()
    kind = form_text("kind", 32)
    anesthesia.check_course_open(case_id, kind, is_new=True)
    gate = pass_gate(case, kind)
    if gate.question is not None:
        return gate.question
    event = scheduling.mark_event(
        user,
        case,
        kind,
        form_time(case_id),
        gate.remark or form_text("remark"),
        order_reason=form_text("order_reason", 200),
        idempotency_key=form_text("idempotency_key", 64) or None,
    )
    if event.kind == EventKind.ANESTHESIA_START:
        anesthesia.open_record(user, case.id, interval_minutes=settings().chart_interval_minutes, at=event.at)
    if event.kind == EventKind.OUT_OF_ROOM:
        devices.release_all(user, case.id, event.at)
        if (record := find_record(case_id)) is not None and record.state == "open":
            anesthesia.follow_stay(user, case.id, clock.now(), event.at, event.label)
    undo = url_for("theatre.withdraw", case_id=case_id, event_id=event.id)
    return gate.told(written(f"{event.label} {clock.to_hospital(event.at):%H:%M}", undo))


@blueprint.get("/cases/<int:case_id>/times/<kind>")
@needs(Permission.RUN_CASE)
def time_panel(case_id: int, kind: str) -> ResponseReturnValue:
    """Form for a time that was not marked when it happened."""
    if kind not in {known.value for known in EventKind}:
        raise NotFound("没有这种时间。")
    return fragment("theatre/_time.html", case_id=case_id, kind=EventKind(kind), at=panel_time())


@blueprint.get("/cases/<int:case_id>/events/<int:event_id>")
@needs(Permission.VIEW_CASE)
def event_panel(case_id: int, event_id: int) -> ResponseReturnValue:
    """One time or event with its history, and the form to correct it."""
    writable = can_write(actor(), find_record(case_id))
    return fragment("theatre/_event.html", case_id=case_id, event=load_event(case_id, event_id), writable=writable)


@blueprint.post("/cases/<int:case_id>/events/<int:event_id>/time")
@needs(Permission.RUN_CASE)
@asks
def correct_time(case_id: int, event_id: int) -> ResponseReturnValue:
    """Set another time with a reason."""
    event, followed = load_event(case_id, event_id), ""
    at = kept_time(case_id, "at", event.at)
    if at is None:
        raise InvalidInput(fields={"at": "请填写正确的时间"})
    if event.kind == EventKind.NOTED:
        anesthesia.correct_event(
            actor(),
            load_record_id(case_id),
            event.id,
            form_text("reason"),
            at=at,
            label=form_text("label", 64) or None,
            remark=form_text("remark"),
        )
    else:
        anesthesia.check_course_open(case_id, event.kind)
        old = event.at
        scheduling.correct_event_time(actor(), event, at, form_text("reason"), confirm=is_confirmed())
        followed = _follow_time(event, old, form_text("reason"))
    return written(f"{event.label} 已更正为 {clock.to_hospital(event.at):%H:%M}{followed}")


def _follow_time(event: CaseEvent, old: datetime, reason: str) -> str:
    """Bindings and charted values end where the stay ends and begin where it begins. Says what followed."""
    moves = {EventKind.OUT_OF_ROOM.value: presence.move_leaving, EventKind.IN_ROOM.value: presence.move_entering}
    if event.kind not in moves:
        return ""
    words = ["设备绑定"] if moves[event.kind](actor(), event.case, old, event.at, reason) else []
    words += ["曲线"] if anesthesia.follow_stay(actor(), event.case_id, old, event.at, reason) else []
    return f"，{'与'.join(words)}已随之调整" if words else ""


@blueprint.post("/cases/<int:case_id>/events/<int:event_id>/withdraw")
@needs(Permission.RUN_CASE)
def withdraw(case_id: int, event_id: int) -> ResponseReturnValue:
    """Withdraw a time or event; it stays readable as withdrawn."""
    event = load_event(case_id, event_id)
    reason = form_text("reason") or "撤销误记"
    if event.kind == EventKind.NOTED:
        anesthesia.void_event(actor(), load_record_id(case_id), event.id, reason)
        return written(f"已撤销 {event.label}")
    anesthesia.check_course_open(case_id, event.kind)
    was_here = event.case.state.is_under_way
    scheduling.void_event(actor(), event, reason)
    return written(f"已撤销 {event.label}{_follow_presence(event, was_here)}")


def _follow_presence(event: CaseEvent, was_here: bool) -> str:
    """The devices follow the patient: back to the case when leaving is withdrawn, free when entering is. Says so."""
    case, reason = event.case, f"撤销{event.label}"
    if case.state.is_under_way == was_here:
        return ""
    if was_here:
        devices.release_all(actor(), case.id)
        return "，设备已解除绑定"
    _check_room_is_free(case)
    left = {event.at, *(datetime.fromisoformat(row["old"]) for row in event.history)}
    bound, taken = devices.bind_again(actor(), case, left, reason)
    anesthesia.follow_stay(actor(), case.id, event.at, clock.now(), reason)
    words = [f"已重新绑定 {'、'.join(device.title for device in bound)}"] if bound else []
    words += [f"{'、'.join(device.title for device in taken)} 已用于另一台手术，请在“设备”中处理"] if taken else []
    return "".join(f"，{one}" for one in words)


@blueprint.get("/cases/<int:case_id>/devices")
@needs(Permission.VIEW_CASE)
def devices_panel(case_id: int) -> ResponseReturnValue:
    """Devices of the case and of its room: bind, release, health."""
    case = load_case(case_id)
    bound = device_queries.device_rows(case_id=case_id)
    known = {row.id for row in bound}
    others = [row for row in device_queries.device_rows() if row.id not in known and row.enabled]
    others.sort(key=lambda row: (row.room != (case.room.name if case.room else ""), row.case_id is not None, row.key))
    return fragment("theatre/_devices.html", case_id=case_id, bound=bound, others=others)


@blueprint.post("/cases/<int:case_id>/devices/<int:device_id>/bind")
@needs(Permission.BIND_DEVICE)
def bind(case_id: int, device_id: int) -> ResponseReturnValue:
    """From now (or the given time) the device's data belongs to this case."""
    device = _load_device(device_id)
    devices.bind_device(actor(), device, load_case(case_id), form_time(case_id))
    return written(f"已绑定 {device.title}")


@blueprint.post("/cases/<int:case_id>/devices/<int:device_id>/release")
@needs(Permission.BIND_DEVICE)
def release(case_id: int, device_id: int) -> ResponseReturnValue:
    """End the binding."""
    binding = db.session.scalar(
        select(Binding).where(Binding.case_id == case_id, Binding.device_id == device_id, Binding.released_at.is_(None))
    )
    if binding is None:
        raise NotFound("这台设备没有绑定到本台手术。")
    devices.release_device(actor(), binding)
    return written(f"已解除 {binding.device.title}")


def _load_device(device_id: int) -> Device:
    device = db.session.get(Device, device_id)
    if device is None or not device.enabled:
        raise NotFound("没有这台设备，或已停用。")
    return device
