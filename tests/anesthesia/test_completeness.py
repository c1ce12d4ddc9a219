"""What is said to be open when the patient leaves, by a table of records."""

from dataclasses import replace
from datetime import timedelta

import pytest

from app.anesthesia.rules import RecordFacts, unfinished
from app.scheduling.rules import EventKind
from tests.anesthesia.samples import at

K = EventKind
TIMES = {
    K.IN_ROOM: at(9), K.ANESTHESIA_START: at(9, 5), K.INTUBATION: at(9, 10), K.SURGERY_START: at(9, 20),
    K.SURGERY_END: at(11), K.EXTUBATION: at(11, 10), K.ANESTHESIA_END: at(11, 15), K.OUT_OF_ROOM: at(11, 20),
}  # fmt: skip
EVERY_5 = tuple(at(9, 5) + timedelta(minutes=5 * n) for n in range(27))
COMPLETE = RecordFacts(
    times=TIMES,
    now=at(11, 30),
    measured={"NIBP_S": EVERY_5, "HR": EVERY_5, "SpO2": EVERY_5, "EtCO2": EVERY_5, "TEMP": (at(9, 30), at(11))},
    has_intake=True,
    has_blood_loss=True,
    has_airway=True,
)


def codes(facts: RecordFacts) -> set[str]:
    return {finding.code for finding in unfinished(facts)}


def without(*kinds: EventKind) -> dict[EventKind, object]:
    return {kind: moment for kind, moment in TIMES.items() if kind not in kinds}


def test_a_complete_record_has_nothing_open() -> None:
    assert unfinished(COMPLETE) == ()


@pytest.mark.parametrize(
    ("change", "code", "blocks"),
    [
        ({"running": [(3, "丙泊酚")]}, "infusion_running", True),
        ({"without_total": [(3, "丙泊酚")]}, "total_unknown", True),
        ({"is_in_rescue": True}, "rescue_running", True),
        ({"running_bags": [(3, "乳林")]}, "bag_running", False),
        ({"times": without(K.EXTUBATION)}, "missing_extubation", False),
        ({"times": without(K.ANESTHESIA_END)}, "missing_anesthesia_end", False),
        ({"times": TIMES | {K.SURGERY_END: at(9, 15)}}, "time_order", False),
        ({"has_airway": False}, "missing_airway", False),
        ({"has_intake": False}, "no_intake", False),
        ({"has_blood_loss": False}, "no_blood_loss", False),
        ({"measured": COMPLETE.measured | {"TEMP": ()}}, "gap_temperature", False),
        ({"measured": COMPLETE.measured | {"EtCO2": EVERY_5[:10]}}, "gap_co2", False),
        ({"measured": COMPLETE.measured | {"SpO2": EVERY_5[:10] + EVERY_5[14:]}}, "gap", False),
        ({"measured": COMPLETE.measured | {"NIBP_S": EVERY_5[:10] + EVERY_5[13:]}}, "gap", False),
    ],
)
def test_each_open_point(change: dict[str, object], code: str, blocks: bool) -> None:
    found = unfinished(replace(COMPLETE, **change))  # type: ignore[arg-type]
    assert [(finding.code, finding.blocks) for finding in found] == [(code, blocks)]


def test_leaving_with_the_tube_is_no_omission_when_it_is_stated() -> None:
    facts = replace(COMPLETE, times=without(K.EXTUBATION), leaves_intubated=True)  # type: ignore[arg-type]
    assert codes(facts) == set()


def test_an_arterial_line_closes_a_gap_of_the_cuff() -> None:
    measured = COMPLETE.measured | {"NIBP_S": EVERY_5[:3], "ART_S": EVERY_5}
    assert codes(replace(COMPLETE, measured=measured)) == set()


def test_what_blocks_is_told_first() -> None:
    found = unfinished(replace(COMPLETE, has_intake=False, running=[(3, "丙泊酚")]))
    assert [finding.code for finding in found] == ["infusion_running", "no_intake"]
