"""The demonstration works by itself: it schedules what the HIS asks for and keeps the second theatre busy.

It acts through the same services as people do, under the names of the demonstration's accounts.
"""

import logging
import signal
import threading
from datetime import datetime, timedelta
from decimal import Decimal
from types import FrameType

from sqlalchemy import func, select

from app.accounts.models import StaffMember, User
from app.accounts.queries import user_by_name
from app.anesthesia import service as anesthesia
from app.core import clock, unit_of_work
from app.core.db import db
from app.core.errors import DomainError
from app.demo import bedside, history
from app.demo.script import COURSE, Moment
from app.devices import service as devices
from app.devices.models import Device
from app.scheduling import service as scheduling
from app.scheduling.models import CaseEvent, OperatingRoom, SurgicalCase
from app.scheduling.rules import EventKind
from app.scheduling.service import ScheduleConflict

BUSY_ROOM, BUSY_DEVICE = "OR2", "OR2-MON"
_PENDING_LEFT_FOR_PEOPLE = 6
_HEAD_START = timedelta(minutes=85)
_PAUSE_S = 5.0
_log = logging.getLogger("mafei.demo")


def run() -> None:
    """Work until stopped."""
    stop = threading.Event()

    def _stop(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    while not stop.wait(_PAUSE_S):
        for work in (schedule_one, keep_theatre_busy, bedside.tell_simulators):
            try:
                with unit_of_work.writing():
                    work()
            except DomainError as error:
                _log.info("the director could not", extra={"work": work.__name__, "code": error.code})
            finally:
                db.session.remove()


def _person(username: str) -> User:
    user = user_by_name(username)
    if user is None:
        raise LookupError(f"demonstration account {username} is missing")
    return user


def schedule_one() -> None:
    """Place one pending case of today, give it a team and publish; the last few are left for people."""
    pending = list(
        db.session.scalars(
            select(SurgicalCase)
            .where(SurgicalCase.room_id.is_(None), SurgicalCase.cancelled_at.is_(None))
            .order_by(SurgicalCase.id)
        )
    )
    if len(pending) <= _PENDING_LEFT_FOR_PEOPLE:
        return
    nurse, case = _person("zhaoq"), pending[0]
    room, start = _next_place(case)
    try:
        scheduling.place_case(nurse, case, room, start)
    except ScheduleConflict:  # the surgeon operates elsewhere: after that
        scheduling.place_case(nurse, case, room, start + timedelta(hours=3), accept_conflicts_reason="与术者商定")
    _give_team(nurse, case, room)
    scheduling.publish_day(nurse, clock.to_hospital(start).date())


def _next_place(case: SurgicalCase) -> tuple[OperatingRoom, datetime]:
    """The room that is free first (endoscopies in their own room), no earlier than half past eight or now."""
    is_endoscopy = case.kind in ("endoscopy", "painless")
    rooms = [
        room
        for room in db.session.scalars(
            select(OperatingRoom).where(OperatingRoom.is_active).order_by(OperatingRoom.sort)
        )
        if room.code.startswith("ENDO") == is_endoscopy and "急诊" not in room.name
    ]
    day = clock.today()
    earliest = max(clock.at(day, 8, 30), clock.now())
    free_at = {room.id: _free_at(room, earliest) for room in rooms}
    room = min(rooms, key=lambda one: free_at[one.id])
    start = free_at[room.id]
    return room, start + timedelta(minutes=-start.minute % 5, seconds=-start.second, microseconds=-start.microsecond)


def _free_at(room: OperatingRoom, earliest: datetime) -> datetime:
    cases = db.session.scalars(
        select(SurgicalCase).where(SurgicalCase.room_id == room.id, SurgicalCase.cancelled_at.is_(None))
    )
    ends = [case.planned_end for case in cases if case.planned_end is not None]
    return max([earliest, *(end + timedelta(minutes=20) for end in ends)])


def _give_team(nurse: User, case: SurgicalCase, room: OperatingRoom) -> None:
    doctors, nurses = _staff("anesthesiologist"), _staff("theatre_nurse")
    # A room keeps its team for the day; where the people do not suffice, a place stays open for somebody to decide.
    team = [("anesthesiologist", doctors[room.sort % len(doctors)])]
    if 2 * room.sort <= len(nurses):
        team += [("scrub_nurse", nurses[2 * room.sort - 2]), ("circulating_nurse", nurses[2 * room.sort - 1])]
    for role, member in team:
        try:
            scheduling.assign_staff(nurse, case, role, member.id)
        except ScheduleConflict:
            continue


def _staff(kind: str) -> list[StaffMember]:
    return list(db.session.scalars(select(StaffMember).where(StaffMember.kind == kind).order_by(StaffMember.id)))


def keep_theatre_busy() -> None:
    """Run the case of the busy theatre along its course; begin the next one when it is over."""
    case = _case_under_way()
    if case is None:
        _begin_next()
        return
    _write_due_steps(case)


def _case_under_way() -> SurgicalCase | None:
    room_id = db.session.scalar(select(OperatingRoom.id).where(OperatingRoom.code == BUSY_ROOM))
    cases = db.session.scalars(
        select(SurgicalCase).where(SurgicalCase.room_id == room_id, SurgicalCase.cancelled_at.is_(None))
    )
    return next((case for case in cases if case.state.is_under_way), None)


def _begin_next() -> None:
    room = db.session.scalar(select(OperatingRoom).where(OperatingRoom.code == BUSY_ROOM))
    device = db.session.scalar(select(Device).where(Device.key == BUSY_DEVICE))
    if room is None or device is None:
        return
    case = db.session.scalar(
        select(SurgicalCase)
        .where(
            SurgicalCase.room_id == room.id,
            SurgicalCase.cancelled_at.is_(None),
            SurgicalCase.published_at.is_not(None),
            ~SurgicalCase.events.any(CaseEvent.kind == EventKind.IN_ROOM.value),
        )
        .order_by(SurgicalCase.planned_start)
        .limit(1)
    )
    if case is None:
        return
    doctor = _person("lim")
    is_first = not db.session.scalar(select(func.count(CaseEvent.id)).where(CaseEvent.kind == EventKind.IN_ROOM.value))
    start = clock.now() - (_HEAD_START if is_first else timedelta())
    scheduling.mark_event(doctor, case, EventKind.IN_ROOM, start, idempotency_key=f"demo:{case.id}:in")
    devices.bind_device(doctor, device, case, since=start)
    for beside in db.session.scalars(
        select(Device).where(Device.room_id == room.id, Device.id != device.id, Device.enabled)
    ):
        devices.bind_device(doctor, beside, case, since=start)
    if case.weight_kg is None:
        scheduling.set_measurements(doctor, case, weight_kg=Decimal(50 + case.id % 25), asa=case.asa or "2")
    record = anesthesia.open_record(doctor, case.id, at=start)
    if is_first:
        history.write(device.id, f"case-{case.id}", start, clock.now() - timedelta(seconds=5))
        _write_due_steps(case)
        anesthesia.fill_chart(doctor, [device.id], clock.to_ms(start), clock.now_ms(), now_ms=clock.now_ms())
    _log.info("demonstration case begun", extra={"case": case.id, "record": record.id})


def _write_due_steps(case: SurgicalCase) -> None:
    doctor = _person("lim")
    record = anesthesia.open_record(doctor, case.id)
    begun = case.times[EventKind.IN_ROOM]
    for number, step in enumerate(COURSE):
        at = begun + timedelta(minutes=step.minute)
        if clock.now() >= at and not _is_written(case, number):
            step.write(Moment(doctor, case, record.id, at, f"demo:{case.id}:{number}"))
            _written.add((case.id, number))
    if EventKind.OUT_OF_ROOM in case.times:
        devices.release_all(doctor, case.id)
        anesthesia.finish_record(doctor, record.id)


# Steps have idempotency keys of their own; this only spares asking again every five seconds.
_written: set[tuple[int, int]] = set()


def _is_written(case: SurgicalCase, number: int) -> bool:
    return (case.id, number) in _written
