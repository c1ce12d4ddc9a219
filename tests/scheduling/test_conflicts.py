"""Conflicts of a plan, order in a room, snapping: tables of cases and properties."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.scheduling.rules import (
    ConflictKind,
    Slot,
    find_conflicts,
    isolation_words,
    overlaps,
    procedure_words,
    sequence_of,
    snap,
)

EIGHT = datetime(2026, 11, 22, 0, 0, tzinfo=UTC)  # 08:00 in the hospital


def slot(case_id: int, start: int, end: int, **more: object) -> Slot:
    defaults: dict[str, object] = {
        "room_id": 1,
        "room": "1号手术间",
        "patient_id": case_id,
        "patient": f"患者{case_id}",
    }
    return Slot(case_id, EIGHT + timedelta(minutes=start), EIGHT + timedelta(minutes=end), **{**defaults, **more})  # type: ignore[arg-type]


ZHOU = {"staff:7": ("surgeon", "周杰")}
LI = {"staff:1": ("anesthesiologist", "李明")}
WANG = {"staff:5": ("circulating_nurse", "王芳")}

CASES = [
    ("apart", slot(1, 0, 60), slot(2, 120, 180), []),
    ("back to back", slot(1, 0, 60), slot(2, 60, 120), []),
    ("one minute over", slot(1, 0, 61), slot(2, 60, 120), [ConflictKind.ROOM]),
    ("inside", slot(1, 0, 120), slot(2, 30, 60), [ConflictKind.ROOM]),
    ("other room", slot(1, 0, 60), slot(2, 0, 60, room_id=2), []),
    ("no room", slot(1, 0, 60, room_id=None), slot(2, 0, 60, room_id=None), []),
    ("same patient", slot(1, 0, 60, patient_id=9), slot(2, 30, 90, room_id=2, patient_id=9), [ConflictKind.PATIENT]),
    ("surgeon", slot(1, 0, 60, staff=ZHOU), slot(2, 30, 90, room_id=2, staff=ZHOU), [ConflictKind.SURGEON]),
    ("surgeon in turn", slot(1, 0, 60, staff=ZHOU), slot(2, 60, 90, room_id=2, staff=ZHOU), []),
    (
        "anesthesiologist",
        slot(1, 0, 60, staff=LI),
        slot(2, 30, 90, room_id=2, staff=LI),
        [ConflictKind.ANESTHESIOLOGIST],
    ),
    ("nurse", slot(1, 0, 60, staff=WANG), slot(2, 30, 90, room_id=2, staff=WANG), [ConflictKind.STAFF]),
    ("turnover kept", slot(1, 0, 60, turnover_minutes=20), slot(2, 80, 120, turnover_minutes=20), []),
    ("turnover", slot(1, 0, 60, turnover_minutes=20), slot(2, 75, 120, turnover_minutes=20), [ConflictKind.ROOM]),
    (
        "turnover before",
        slot(1, 75, 120, turnover_minutes=20),
        slot(2, 0, 60, turnover_minutes=20),
        [ConflictKind.ROOM],
    ),
    ("infected first", slot(1, 0, 60, isolation="乙肝"), slot(2, 60, 90), [ConflictKind.INFECTION_ORDER]),
    ("infected last", slot(1, 60, 90, isolation="乙肝"), slot(2, 0, 60), []),
    ("infected yesterday", slot(1, -1200, -1140, isolation="乙肝"), slot(2, 0, 60), []),
    ("itself", slot(1, 0, 60), slot(1, 0, 60), []),
]


@pytest.mark.parametrize(("name", "one", "other", "kinds"), CASES, ids=[case[0] for case in CASES])
def test_conflicts_are_found_from_both_sides(name: str, one: Slot, other: Slot, kinds: list[ConflictKind]) -> None:
    assert [item.kind for item in find_conflicts(one, [other])] == kinds, name
    assert [item.kind for item in find_conflicts(other, [one])] == kinds, name


def test_message_names_who_and_where() -> None:
    found = find_conflicts(slot(1, 0, 60, staff=ZHOU), [slot(2, 30, 90, room_id=2, room="2号手术间", staff=ZHOU)])
    assert found[0].message == "手术医师 周杰 同时在2号手术间（患者2）"


spans = st.tuples(st.integers(0, 600), st.integers(5, 300)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@given(spans, spans)
def test_overlap_is_symmetric_and_means_a_common_minute(one: tuple[int, int], other: tuple[int, int]) -> None:
    moments = [EIGHT + timedelta(minutes=minute) for minute in (*one, *other)]
    found = overlaps(*moments)
    assert found == overlaps(moments[2], moments[3], moments[0], moments[1])
    assert found == bool(set(range(*one)) & set(range(*other)))


@given(st.lists(spans, max_size=12))
def test_a_room_without_overlap_has_no_conflict(lengths: list[tuple[int, int]]) -> None:
    cursor, slots = 0, []
    for number, (gap, end) in enumerate(lengths):
        slots.append(slot(number, cursor + gap % 30, cursor + gap % 30 + (end - gap)))
        cursor += gap % 30 + (end - gap)
    assert all(not find_conflicts(item, slots) for item in slots)


@given(st.lists(st.tuples(st.integers(1, 99), st.integers(0, 900)), unique_by=lambda pair: pair[0]))
def test_sequence_counts_from_one_in_the_order_of_the_plan(rows: list[tuple[int, int]]) -> None:
    starts = {case_id: EIGHT + timedelta(minutes=minute) for case_id, minute in rows}
    numbers = sequence_of(starts.items())
    assert sorted(numbers.values()) == list(range(1, len(rows) + 1))
    ordered = sorted(numbers, key=lambda case_id: numbers[case_id])
    assert [starts[case_id] for case_id in ordered] == sorted(starts.values())


@pytest.mark.parametrize(
    ("minute", "second", "expected"),
    [(0, 0, 0), (2, 29, 0), (2, 30, 5), (7, 0, 5), (8, 0, 10), (57, 30, 60)],
)
def test_times_snap_to_five_minutes(minute: int, second: int, expected: int) -> None:
    assert snap(EIGHT.replace(minute=minute, second=second)) == EIGHT + timedelta(minutes=expected)


@given(st.datetimes(timezones=st.just(UTC), min_value=datetime(2020, 1, 1), max_value=datetime(2040, 1, 1)))  # noqa: DTZ001
def test_snapping_moves_by_at_most_half_a_step(moment: datetime) -> None:
    snapped = snap(moment)
    assert abs(snapped - moment) <= timedelta(minutes=2, seconds=30)
    assert snapped.minute % 5 == 0
    assert snap(snapped) == snapped


@pytest.mark.parametrize(
    ("text", "words"), [("", ""), ("无", ""), (" 否 ", ""), ("None", ""), ("乙肝", "乙肝"), (" HIV ", "HIV")]
)
def test_isolation_that_says_there_is_none_is_none(text: str, words: str) -> None:
    assert isolation_words(text) == words


@pytest.mark.parametrize(
    ("procedures", "words"),
    [
        ([], ""),
        ([{"name": "腹股沟疝修补术", "laterality": "left"}], "左侧腹股沟疝修补术"),
        ([{"name": "右侧全髋关节置换术", "laterality": "right"}], "右侧全髋关节置换术"),
        ([{"name": "甲状腺切除术"}, {"name": "", "code": "06.51"}], "甲状腺切除术＋06.51"),
    ],
)
def test_procedures_in_one_line(procedures: list[dict[str, str]], words: str) -> None:
    assert procedure_words(procedures) == words
