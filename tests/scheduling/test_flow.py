"""Times of a case: marking, correcting, withdrawing, cancelling, pausing, and what the HIS is told."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.accounts.models import User
from app.core import clock
from app.core.db import db
from app.core.errors import Conflict, InvalidInput
from app.interfaces.models import OutboxMessage
from app.patients.facts import PatientFacts
from app.scheduling.facts import PersonFacts, ProcedureFacts, RequestFacts
from app.scheduling.models import SurgicalCase
from app.scheduling.rules import CancelStage, CaseState, EventKind, order_warnings
from app.scheduling.service import (
    cancel_case,
    correct_event_time,
    mark_event,
    pause_case,
    place_case,
    publish_day,
    register_request,
    restore_case,
    resume_case,
    void_event,
)
from tests.cast import LI_MING, ZHAO_QIAN, Person
from tests.scheduling.samples import DAY, at, received, room


@pytest.fixture
def li(as_user: Callable[[Person], User]) -> User:
    """The anesthesiologist, who acts."""
    return as_user(LI_MING)


@pytest.fixture
def case(as_user: Callable[[Person], User]) -> SurgicalCase:
    """A placed case."""
    return place_case(as_user(ZHAO_QIAN), received(), room(), at(9))


def outbox(kind: str) -> list[OutboxMessage]:
    return list(db.session.scalars(select(OutboxMessage).where(OutboxMessage.kind == kind).order_by(OutboxMessage.id)))


def run(actor: User, case: SurgicalCase, *kinds: EventKind) -> None:
    start = clock.now() - timedelta(minutes=10 * len(kinds))
    for number, kind in enumerate(kinds):
        mark_event(actor, case, kind, start + timedelta(minutes=10 * number))


def test_times_make_the_state(li: User, case: SurgicalCase) -> None:
    run(li, case, EventKind.IN_ROOM, EventKind.ANESTHESIA_START, EventKind.SURGERY_START)
    assert case.state is CaseState.SURGERY_STARTED
    assert [event.by_name for event in case.events] == ["李明"] * 3


def test_same_form_twice_makes_one_event(li: User, case: SurgicalCase) -> None:
    first = mark_event(li, case, EventKind.IN_ROOM, idempotency_key="k1")
    assert mark_event(li, case, EventKind.IN_ROOM, idempotency_key="k1") is first
    other = place_case(li, received(2, surgeon=PersonFacts("77", "邓海")), room(2), at(9))
    with pytest.raises(Conflict, match="另一台手术"):
        mark_event(li, other, EventKind.IN_ROOM, idempotency_key="k1")


def test_milestone_happens_once_and_an_event_as_often_as_it_does(li: User, case: SurgicalCase) -> None:
    mark_event(li, case, EventKind.IN_ROOM)
    with pytest.raises(Conflict, match=r"入手术间已记录为 \d\d:\d\d"):
        mark_event(li, case, EventKind.IN_ROOM)
    for _ in range(2):
        mark_event(li, case, EventKind.INTUBATION)
        mark_event(li, case, EventKind.NOTED, label="体位改变", remark="左侧卧位")
    assert [event.label for event in case.events].count("体位改变") == 2
    assert EventKind.NOTED not in case.times


def test_time_ahead_is_refused_and_a_small_difference_of_clocks_is_not(li: User, case: SurgicalCase) -> None:
    with pytest.raises(InvalidInput, match="不能晚于现在"):
        mark_event(li, case, EventKind.IN_ROOM, clock.now() + timedelta(minutes=5))
    mark_event(li, case, EventKind.IN_ROOM, clock.now() + timedelta(seconds=90))


def test_without_a_room_nobody_enters_it(li: User) -> None:
    with pytest.raises(Conflict, match="尚未安排手术间"):
        mark_event(li, received(), EventKind.IN_ROOM)


def test_wrong_order_needs_a_reason_and_stays_a_warning(li: User, case: SurgicalCase) -> None:
    run(li, case, EventKind.SURGERY_START)
    now = clock.now()
    with pytest.raises(InvalidInput, match=r"手术开始 \d\d:\d\d 早于麻醉开始") as asked:
        mark_event(li, case, EventKind.ANESTHESIA_START, now)
    assert asked.value.code == "needs_reason"
    event = mark_event(li, case, EventKind.ANESTHESIA_START, now, order_reason="局麻下先行清创")
    assert "局麻下先行清创" in event.remark
    mark_event(li, case, EventKind.SURGERY_END, now)  # what was accepted is not asked again
    assert [item.message for item in order_warnings(case.times)] == ["手术开始早于麻醉开始，请核对时间"]


def test_correction_keeps_the_old_time_with_reason(li: User, case: SurgicalCase) -> None:
    event = mark_event(li, case, EventKind.IN_ROOM)
    old, new = event.at, event.at - timedelta(minutes=7)
    correct_event_time(li, event, new, "补记")
    row = event.history[0]
    assert (event.at, row["old"], row["new"], row["reason"], row["by_name"]) == (
        new, old.isoformat(), new.isoformat(), "补记", "李明",
    )  # fmt: skip
    with pytest.raises(InvalidInput, match="理由"):
        correct_event_time(li, event, old, " ")


def test_withdrawn_event_no_longer_counts_and_stays(li: User, case: SurgicalCase) -> None:
    run(li, case, EventKind.IN_ROOM, EventKind.ANESTHESIA_START)
    event = case.events[-1]
    void_event(li, event, "误点")
    assert case.state is CaseState.IN_ROOM
    assert len(case.events) == 2
    with pytest.raises(Conflict, match="已作废"):
        void_event(li, event, "误点")
    mark_event(li, case, EventKind.ANESTHESIA_START)
    assert case.state is CaseState.ANESTHESIA_STARTED


@pytest.mark.parametrize(
    ("kinds", "stage"),
    [
        ((), CancelStage.BEFORE_ROOM),
        ((EventKind.IN_ROOM,), CancelStage.BEFORE_ANESTHESIA),
        ((EventKind.IN_ROOM, EventKind.ANESTHESIA_START), CancelStage.BEFORE_SURGERY),
        ((EventKind.IN_ROOM, EventKind.ANESTHESIA_START, EventKind.SURGERY_START), CancelStage.AFTER_SURGERY_START),
    ],
)
def test_cancelling_tells_the_his_how_far_it_had_come(
    li: User, case: SurgicalCase, kinds: tuple[EventKind, ...], stage: CancelStage
) -> None:
    run(li, case, *kinds)
    assert cancel_case(li, case, "心律失常", "medical") is stage
    assert case.cancel_stage is stage
    payload = outbox("schedule_cancelled")[0].payload
    assert (payload["stage"], payload["after_anesthesia"]) == (stage.value, stage.is_after_anesthesia)
    assert (payload["reason"], payload["code"], payload["request_no"]) == ("心律失常", "medical", "R001")


def test_anesthesia_start_entered_after_the_cancellation_changes_its_stage(li: User, case: SurgicalCase) -> None:
    run(li, case, EventKind.IN_ROOM)
    cancel_case(li, case, "心律失常")
    mark_event(li, case, EventKind.ANESTHESIA_START, clock.now() - timedelta(minutes=1))
    assert case.cancel_stage is CancelStage.BEFORE_SURGERY


def test_patient_of_a_cancelled_case_still_leaves(li: User, case: SurgicalCase) -> None:
    run(li, case, EventKind.IN_ROOM)
    cancel_case(li, case, "心律失常")
    with pytest.raises(Conflict, match="已取消"):
        mark_event(li, case, EventKind.SURGERY_START, clock.now() + timedelta(seconds=30))
    mark_event(li, case, EventKind.OUT_OF_ROOM)
    assert EventKind.OUT_OF_ROOM in case.times


def test_cancelling_needs_a_reason_and_an_open_case(li: User, case: SurgicalCase) -> None:
    with pytest.raises(InvalidInput):
        cancel_case(li, case, " ")
    run(li, case, EventKind.IN_ROOM, EventKind.OUT_OF_ROOM)
    with pytest.raises(Conflict, match="已出室"):
        cancel_case(li, case, "晚了")


def test_restored_case_is_published_anew(li: User, case: SurgicalCase) -> None:
    publish_day(li, DAY)
    cancel_case(li, case, "发热")
    restore_case(li, case, "体温正常")
    with pytest.raises(Conflict, match="没有取消"):
        restore_case(li, case)
    publish_day(li, DAY)
    assert len(outbox("schedule_new")) == 2


def test_pause_and_resume(li: User, case: SurgicalCase) -> None:
    with pytest.raises(Conflict, match="没有暂停"):
        resume_case(li, case)
    pause_case(li, case, "等待血制品")
    assert case.pause_reason == "等待血制品"
    with pytest.raises(Conflict, match="已经暂停"):
        pause_case(li, case, "又")
    resume_case(li, case)
    assert (case.paused_at, case.state) == (None, CaseState.SCHEDULED)


def test_each_milestone_is_told_with_all_before_it_in_one_lane(li: User, case: SurgicalCase) -> None:
    run(li, case, EventKind.IN_ROOM, EventKind.ANESTHESIA_START)
    mark_event(li, case, EventKind.INTUBATION)
    messages = outbox("status")
    assert [len(message.payload["milestones"]) for message in messages] == [1, 2], "intubation is ours alone"
    assert {message.lane for message in messages} == {f"case:{case.id}"}
    assert messages[-1].payload["milestones"][-1]["kind"] == "anesthesia_start"
    assert messages[-1].payload["operator"] == {"code": "1001", "name": "李明"}
    assert messages[-1].payload["state"] == "anesthesia_started"


def test_case_by_hand_is_not_told_to_the_his(li: User) -> None:
    facts = RequestFacts("", "", PatientFacts(""), kind="emergency", procedures=(ProcedureFacts("清创术"),))
    case = place_case(li, register_request(li, facts), room(), at(20))
    publish_day(li, DAY)
    mark_event(li, case, EventKind.IN_ROOM)
    cancel_case(li, case, "转院")
    assert case.published_at is not None
    assert db.session.scalars(select(OutboxMessage)).all() == []
