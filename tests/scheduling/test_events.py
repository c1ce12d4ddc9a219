"""Order of times, derived states and stages of a cancellation, by tables of cases and by properties."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.scheduling.rules import (
    DISPOSITIONS,
    MILESTONES,
    CancelStage,
    CaseState,
    EventKind,
    cancel_stage,
    derive_state,
    next_kinds,
    order_warnings,
)

K = EventKind
NINE = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)


def at(minutes: int) -> datetime:
    return NINE + timedelta(minutes=minutes)


def times(*kinds: EventKind) -> dict[EventKind, datetime]:
    return {kind: at(index * 10) for index, kind in enumerate(kinds)}


STATES = [
    ((), {}, CaseState.APPLIED),
    ((), {"is_placed": True}, CaseState.SCHEDULED),
    ((), {"is_placed": True, "is_published": True}, CaseState.PUBLISHED),
    ((), {"is_published": True}, CaseState.APPLIED),
    ((K.IN_TRANSIT,), {"is_placed": True}, CaseState.IN_TRANSIT),
    ((K.IN_ROOM,), {"is_placed": True}, CaseState.IN_ROOM),
    ((K.IN_ROOM, K.ANESTHESIA_START, K.INTUBATION), {}, CaseState.ANESTHESIA_STARTED),
    ((K.IN_ROOM, K.SURGERY_START), {}, CaseState.SURGERY_STARTED),  # local anesthesia by the surgeon
    ((K.IN_ROOM, K.ANESTHESIA_START, K.SURGERY_START, K.SURGERY_END), {}, CaseState.SURGERY_ENDED),
    ((K.IN_ROOM, K.ANESTHESIA_START, K.ANESTHESIA_END), {}, CaseState.ANESTHESIA_ENDED),
    ((K.IN_ROOM, K.OUT_OF_ROOM), {}, CaseState.OUT_OF_ROOM),
    ((K.OUT_OF_ROOM, K.PACU_IN, K.EXTUBATION), {}, CaseState.PACU_IN),
    ((K.OUT_OF_ROOM, K.PACU_IN, K.PACU_OUT), {}, CaseState.PACU_OUT),
    ((K.OUT_OF_ROOM, K.TO_ICU), {}, CaseState.ICU),
    ((K.OUT_OF_ROOM, K.TO_WARD), {}, CaseState.WARD),
    ((K.OUT_OF_ROOM, K.TO_ICU, K.DEAD), {}, CaseState.DEAD),
    ((K.IN_ROOM,), {"is_cancelled": True}, CaseState.CANCELLED),
]


@pytest.mark.parametrize(("kinds", "flags", "state"), STATES)
def test_state_follows_from_times_and_plan(
    kinds: tuple[EventKind, ...], flags: dict[str, bool], state: CaseState
) -> None:
    assert derive_state(times(*kinds), **flags) is state


ORDERS = [
    ((K.IN_ROOM, K.ANESTHESIA_START, K.SURGERY_START, K.SURGERY_END, K.ANESTHESIA_END, K.OUT_OF_ROOM), []),
    ((K.ANESTHESIA_START, K.IN_ROOM), ["麻醉开始早于入手术间，请核对时间"]),
    ((K.SURGERY_START, K.ANESTHESIA_START), ["手术开始早于麻醉开始，请核对时间"]),
    ((K.SURGERY_END, K.SURGERY_START), ["手术结束早于手术开始，请核对时间"]),
    ((K.OUT_OF_ROOM, K.ANESTHESIA_END), ["出手术间早于麻醉结束，请核对时间"]),
    ((K.EXTUBATION, K.INTUBATION), ["拔管早于气管插管，请核对时间"]),
    ((K.SURGERY_END, K.IN_ROOM), ["手术结束早于入手术间，请核对时间"]),  # a skipped step hides nothing
    ((K.PACU_OUT, K.PACU_IN), ["出恢复室早于入恢复室，请核对时间"]),
    ((K.TO_WARD, K.PACU_OUT), ["回病房早于出恢复室，请核对时间"]),
    ((K.ANESTHESIA_START, K.INTUBATION, K.SURGERY_START, K.SURGERY_END, K.ANESTHESIA_END, K.EXTUBATION), []),
    ((K.IN_ROOM, K.DEAD), []),
]


@pytest.mark.parametrize(("kinds", "messages"), ORDERS)
def test_order_is_warned_about(kinds: tuple[EventKind, ...], messages: list[str]) -> None:
    assert [item.message for item in order_warnings(times(*kinds))] == messages


def test_equal_times_are_no_violation() -> None:
    assert order_warnings(dict.fromkeys(MILESTONES, NINE)) == []


STAGES = [
    ((), CancelStage.BEFORE_ROOM),
    ((K.IN_TRANSIT,), CancelStage.BEFORE_ROOM),
    ((K.IN_ROOM,), CancelStage.BEFORE_ANESTHESIA),
    ((K.IN_ROOM, K.ANESTHESIA_START, K.INTUBATION), CancelStage.BEFORE_SURGERY),
    ((K.IN_ROOM, K.ANESTHESIA_START, K.SURGERY_START), CancelStage.AFTER_SURGERY_START),
    ((K.IN_ROOM, K.SURGERY_START), CancelStage.AFTER_SURGERY_START),
]


@pytest.mark.parametrize(("kinds", "stage"), STAGES)
def test_stage_of_a_cancellation_is_told_by_the_times(kinds: tuple[EventKind, ...], stage: CancelStage) -> None:
    assert cancel_stage(times(*kinds), at(60)) is stage
    assert stage.is_after_anesthesia is (K.ANESTHESIA_START in kinds or K.SURGERY_START in kinds)


def test_times_after_the_cancellation_do_not_count() -> None:
    assert cancel_stage({K.IN_ROOM: at(0), K.ANESTHESIA_START: at(20)}, at(10)) is CancelStage.BEFORE_ANESTHESIA


@pytest.mark.parametrize(
    ("reached", "expected"),
    [
        ((), (K.IN_TRANSIT, K.IN_ROOM)),
        ((K.IN_TRANSIT,), (K.IN_ROOM,)),
        ((K.IN_ROOM,), (K.ANESTHESIA_START,)),
        ((K.IN_ROOM, K.ANESTHESIA_START, K.INTUBATION), (K.SURGERY_START,)),
        ((K.IN_ROOM, K.SURGERY_START), (K.SURGERY_END,)),
        ((K.ANESTHESIA_END,), (K.OUT_OF_ROOM,)),
        ((K.OUT_OF_ROOM,), (K.PACU_IN, *DISPOSITIONS)),
        ((K.PACU_IN,), (K.PACU_OUT,)),
        ((K.PACU_OUT,), DISPOSITIONS),
        ((K.TO_WARD,), ()),
    ],
)
def test_the_next_likely_time_is_offered(reached: tuple[EventKind, ...], expected: tuple[EventKind, ...]) -> None:
    assert next_kinds(reached) == expected


some_times = st.dictionaries(st.sampled_from(list(EventKind)), st.integers(-600, 600).map(at))


@given(some_times)
def test_every_warning_names_two_times_in_the_wrong_order(given_times: dict[EventKind, datetime]) -> None:
    warnings = order_warnings(given_times)
    assert all(given_times[item.earlier] > given_times[item.later] for item in warnings)
    assert len({(item.earlier, item.later) for item in warnings}) == len(warnings)


@given(some_times)
def test_sorting_the_times_into_the_usual_order_leaves_no_warning(given_times: dict[EventKind, datetime]) -> None:
    usual = [*MILESTONES[:3], K.INTUBATION, K.TOURNIQUET_UP, K.TOURNIQUET_DOWN, *MILESTONES[3:5], K.EXTUBATION,
             *MILESTONES[5:]]  # fmt: skip
    present = [kind for kind in usual if kind in given_times]
    ordered = dict(zip(present, sorted(given_times[kind] for kind in present), strict=True))
    assert order_warnings(ordered) == []


@given(some_times, st.sampled_from(MILESTONES))
def test_one_more_milestone_never_throws_the_case_back(given_times: dict[EventKind, datetime], kind: EventKind) -> None:
    order = list(CaseState)
    before = derive_state(given_times, is_placed=True)
    after = derive_state({**given_times, kind: NINE}, is_placed=True)
    rank = {state: index for index, state in enumerate(order)}
    home = {CaseState.WARD, CaseState.ICU, CaseState.ER, CaseState.HOME}
    assert rank[after] >= rank[before] or {before, after} <= home


def test_labels_are_chinese() -> None:
    for member in [*EventKind, *CaseState, *CancelStage]:
        assert member.label
        assert not member.label.isascii()
