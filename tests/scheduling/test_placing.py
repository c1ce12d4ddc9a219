"""Rooms, times, conflicts, sequence, team, versions and what other screens are told."""

from collections.abc import Callable
from datetime import datetime

import pytest
from sqlalchemy import select

from app.accounts.models import StaffMember, User
from app.core import clock, signals, unit_of_work
from app.core.audit import AuditEntry, verify_chain
from app.core.db import db
from app.core.errors import Conflict, InvalidInput, NotFound
from app.scheduling.facts import PersonFacts
from app.scheduling.models import SurgicalCase
from app.scheduling.rules import CaseState, ConflictKind, EventKind, Role
from app.scheduling.service import (
    ScheduleConflict,
    assign_staff,
    cancel_case,
    mark_event,
    place_case,
    remove_staff,
    resize_case,
    restore_case,
    unplace_case,
)
from app.scheduling.service.common import occupied_span
from tests.cast import HUANG_WEI, LI_MING, WANG_FANG, ZHAO_QIAN, Person
from tests.scheduling.samples import DAY, at, later, received, room


@pytest.fixture
def zhao(as_user: Callable[[Person], User]) -> User:
    """The scheduler, who acts."""
    return as_user(ZHAO_QIAN)


def staff_id(person: Person) -> int:
    return db.session.scalars(select(StaffMember.id).where(StaffMember.name == person.name)).one()


def other_surgeon(number: int) -> PersonFacts:
    return PersonFacts(f"90{number}", f"术者{number}")


def placed(zhao: User, number: int, hour: int, room_no: int = 1, **more: object) -> SurgicalCase:
    case = received(number, **{"surgeon": other_surgeon(number), **more})
    return place_case(zhao, case, room(room_no), at(hour))


def test_placing_sets_room_time_day_and_state(zhao: User) -> None:
    case = place_case(zhao, received(), room(), at(9) + later(2), 45)
    assert (case.planned_start, case.planned_minutes, case.day) == (at(9), 45, DAY)
    assert (case.sequence, case.state) == (1, CaseState.SCHEDULED)


def test_day_is_the_hospital_day(zhao: User) -> None:
    case = place_case(zhao, received(), room(), at(1))  # 01:00 in the hospital is the day before in UTC
    assert case.day == DAY


def test_sequence_follows_the_plan_and_neighbours_keep_their_version(zhao: User) -> None:
    first, second = placed(zhao, 1, 8), placed(zhao, 2, 12)
    version = first.version
    third = placed(zhao, 3, 10)
    assert [case.sequence for case in (first, third, second)] == [1, 2, 3]
    place_case(zhao, third, room(2), at(10))
    assert [case.sequence for case in (first, second, third)] == [1, 2, 1]
    assert first.version == version


def test_collision_is_refused_and_nothing_is_changed(zhao: User) -> None:
    placed(zhao, 1, 9)
    case = received(2, surgeon=other_surgeon(2))
    with pytest.raises(ScheduleConflict) as refusal:
        place_case(zhao, case, room(), at(9, 30))
    assert [item.kind for item in refusal.value.conflicts] == [ConflictKind.ROOM]
    assert "1号手术间已有手术（覃小芳）" in refusal.value.message
    assert (case.room, case.planned_start) == (None, None)


def test_back_to_back_is_no_collision(zhao: User) -> None:
    placed(zhao, 1, 9)
    assert placed(zhao, 2, 10).sequence == 2


def test_collision_is_accepted_with_a_reason_and_not_asked_again(zhao: User) -> None:
    other = placed(zhao, 1, 9)
    case = received(2, surgeon=other_surgeon(2))
    place_case(zhao, case, room(), at(9, 30), accept_conflicts_reason="上一台预计提前结束")
    row = case.conflicts_accepted[0]
    assert (row["kind"], row["with_case_id"], row["by"]) == ("room", other.id, "赵倩")
    assert row["reason"] == "上一台预计提前结束"
    resize_case(zhao, case, 90)
    assert case.planned_minutes == 90
    place_case(zhao, case, room(), at(11))
    assert case.conflicts_accepted == [], "what no longer collides is forgotten"
    with pytest.raises(ScheduleConflict):
        place_case(zhao, case, room(), at(9, 30))


def test_surgeon_in_two_rooms_is_a_collision(zhao: User) -> None:
    place_case(zhao, received(1), room(1), at(9))
    with pytest.raises(ScheduleConflict, match="周杰 同时在1号手术间"):
        place_case(zhao, received(2), room(2), at(9))


def test_cancelled_case_frees_its_room_and_comes_back(zhao: User) -> None:
    case = placed(zhao, 1, 9)
    cancel_case(zhao, case, "患者拒绝")
    assert placed(zhao, 2, 9).sequence == 1
    with pytest.raises(Conflict, match="已取消"):
        place_case(zhao, case, room(2), at(9))
    restore_case(zhao, case)
    assert case.state is CaseState.SCHEDULED


def test_room_is_free_when_the_patient_left_early(zhao: User) -> None:
    case = placed(zhao, 1, 9)
    with clock.fixed(at(9, 30)):
        mark_event(zhao, case, EventKind.IN_ROOM, at(9))
        mark_event(zhao, case, EventKind.OUT_OF_ROOM, at(9, 30))
    assert place_case(zhao, received(2, surgeon=other_surgeon(2)), room(), at(9, 30)).room_id == case.room_id


@pytest.mark.parametrize(("entered", "until"), [(at(7), at(8)), (at(9, 40), at(10, 40))], ids=["early", "late"])
def test_a_case_under_way_keeps_its_planned_length(zhao: User, entered: datetime, until: datetime) -> None:
    case = placed(zhao, 1, 9)
    with clock.fixed(entered):
        mark_event(zhao, case, EventKind.IN_ROOM, entered)
    assert occupied_span(case, entered) == (entered, until)


def test_turnover_of_the_room_is_kept_free(zhao: User) -> None:
    room().turnover_minutes = 20
    placed(zhao, 1, 9)
    with pytest.raises(ScheduleConflict, match="20 分钟的清洁准备时间"):
        placed(zhao, 2, 10)


def test_case_under_way_cannot_be_moved_but_prolonged(zhao: User) -> None:
    case = placed(zhao, 1, 9)
    mark_event(zhao, case, EventKind.IN_ROOM)
    with pytest.raises(Conflict, match="已入室"):
        place_case(zhao, case, room(2), at(9))
    with pytest.raises(Conflict, match="已入室"):
        unplace_case(zhao, case)
    assert resize_case(zhao, case, 120).planned_minutes == 120


@pytest.mark.parametrize("minutes", [5, 24 * 60 + 5, -10])
def test_impossible_lengths_are_refused(zhao: User, minutes: int) -> None:
    with pytest.raises(InvalidInput):
        resize_case(zhao, placed(zhao, 1, 9), minutes)


def test_room_out_of_use_is_refused(zhao: User) -> None:
    room(3).is_active = False
    with pytest.raises(InvalidInput, match="已停用"):
        placed(zhao, 1, 9, room_no=3)


def test_old_version_is_refused_and_says_who_changed_it(zhao: User, as_user: Callable[[Person], User]) -> None:
    case = placed(zhao, 1, 9)
    version = case.version
    place_case(as_user(HUANG_WEI), case, room(2), at(9), version=version)
    with pytest.raises(Conflict, match=r"黄伟于 .* 修改"):
        place_case(zhao, case, room(3), at(9), version=version)
    assert case.room is not None
    assert case.room.code == "OR2"


def test_unplacing_returns_the_case_to_the_pending_ones(zhao: User) -> None:
    first, second = placed(zhao, 1, 8), placed(zhao, 2, 10)
    unplace_case(zhao, first)
    assert (first.state, first.day, first.sequence, second.sequence) == (CaseState.APPLIED, None, None, 1)


def test_staff_is_assigned_replaced_and_removed(zhao: User) -> None:
    case = placed(zhao, 1, 9)
    version = case.version
    assign_staff(zhao, case, Role.ANESTHESIOLOGIST, staff_id(LI_MING), version=version)
    assert case.version > version
    assign_staff(zhao, case, "anesthesiologist", staff_id(HUANG_WEI))
    nurse = assign_staff(zhao, case, Role.CIRCULATING_NURSE, staff_id(WANG_FANG))
    assign_staff(zhao, case, Role.CIRCULATING_NURSE, staff_id(WANG_FANG))
    assign_staff(zhao, case, Role.CIRCULATING_NURSE, name="进修护士")
    assert case.staff_names("anesthesiologist") == "黄伟"
    assert case.staff_names("circulating_nurse") == "王芳、进修护士"
    remove_staff(zhao, nurse)
    assert case.staff_names("circulating_nurse") == "进修护士"
    assert verify_chain().is_intact


def test_anesthesiologist_in_two_rooms_needs_a_reason(zhao: User) -> None:
    first, second = placed(zhao, 1, 9), placed(zhao, 2, 9, room_no=2)
    assign_staff(zhao, first, Role.ANESTHESIOLOGIST, staff_id(LI_MING))
    with pytest.raises(ScheduleConflict, match="麻醉医师 李明 同时在1号手术间"):
        assign_staff(zhao, second, Role.ANESTHESIOLOGIST, staff_id(LI_MING))


def test_wrong_roles_and_people_are_refused(zhao: User) -> None:
    case = placed(zhao, 1, 9)
    with pytest.raises(InvalidInput):
        assign_staff(zhao, case, "cook", staff_id(LI_MING))
    with pytest.raises(InvalidInput):
        assign_staff(zhao, case, Role.SURGEON)
    with pytest.raises(NotFound):
        assign_staff(zhao, case, Role.SURGEON, 99_999)


def test_other_screens_hear_of_a_move_after_the_commit_only(zhao: User) -> None:
    heard: list[tuple[str, str]] = []

    def listen(sender: str, what: str = "", **_: object) -> None:
        heard.append((sender, what))

    case = received()
    unit_of_work.commit()
    with signals.changed.connected_to(listen):
        place_case(zhao, case, room(), at(9))
        assert heard == []
        unit_of_work.commit()
    assert {(f"schedule:{DAY}", "board"), ("schedule:any", "pending"), (f"case:{case.id}", "plan")} <= set(heard)


def test_each_move_is_in_the_trail_with_before_and_after(zhao: User) -> None:
    case = placed(zhao, 1, 9)
    place_case(zhao, case, room(2), at(10))
    entry = db.session.scalars(
        select(AuditEntry).where(AuditEntry.action == "scheduling.place_case").order_by(AuditEntry.id.desc())
    ).first()
    assert entry is not None
    assert (entry.actor_name, entry.subject, entry.patient_id) == ("赵倩", f"case:{case.id}", case.patient_id)
    assert '"room":"OR1"' in entry.before
    assert '"room":"OR2"' in entry.after
