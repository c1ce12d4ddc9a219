"""Where a default comes from and how old it is."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from app.core import clock
from app.documents.facts import CaseFacts, ChartValue, Fact
from app.documents.gather import gather
from app.documents.registry import catalogue
from app.documents.rules.completeness import default_values
from app.scheduling.models import SurgicalCase
from blueprints.common.filters import age_in_words
from blueprints.documents.forms import origin_words
from tests.documents.conftest import START

DAY = timedelta(days=1)


def test_the_origin_is_the_source_that_holds_the_value() -> None:
    kind = catalogue().kinds["instrument_count"]
    facts = CaseFacts(1, times={"in_room": START})
    facts.put("case.planned_start", START - DAY, START - 3 * DAY)
    made = default_values(kind, facts)["date"]  # first(times.in_room, case.planned_start)
    assert (made.value, made.origin, made.since) == (START, "手术流程时间", None)
    facts.times.clear()
    made = default_values(kind, facts)["date"]
    assert (made.value, made.origin, made.since) == (START - DAY, "手术安排", START - 3 * DAY)


def test_results_and_charted_values_carry_their_time() -> None:
    ecg = Fact("窦性心律", "检验", START - 9 * DAY)
    facts = CaseFacts(1, times={"out_of_room": START}, labs={"preop:ECG": ecg})
    facts.chart["sbp"] = [ChartValue(START - timedelta(minutes=5), Decimal(120))]
    assert default_values(catalogue().kinds["preop_visit"], facts)["ecg"].since == START - 9 * DAY
    made = default_values(catalogue().kinds["anesthesia_record"], facts)["last_sbp"]
    assert (made.origin, made.since) == ("麻醉记录", START - timedelta(minutes=5))


@pytest.mark.parametrize(
    ("age", "words"),
    [(timedelta(seconds=30), "0 分钟前"), (timedelta(minutes=59), "59 分钟前"), (timedelta(hours=47), "47 小时前"),
     (timedelta(days=9, hours=3), "9 天前"), (timedelta(seconds=-5), "0 分钟前")],
)  # fmt: skip
def test_ages_in_words(age: timedelta, words: str) -> None:
    assert age_in_words(age) == words


def test_the_words_beside_a_field() -> None:
    with clock.fixed(START + 9 * DAY):
        assert origin_words({"origin": "检验", "since": START.isoformat()}) == "检验 11-20 08:30，9 天前"
        assert origin_words({"origin": "麻醉记录", "at": START.isoformat()}) == "麻醉记录，11-20 08:30 带入"
        assert origin_words({"at": START.isoformat()}) == ""


def test_facts_of_a_case_are_dated(make_case: Callable[..., SurgicalCase]) -> None:
    case = make_case()
    facts = gather(case)
    assert facts.values["patient.allergies"].at == case.patient.allergies[0].created_at
    assert facts.values["encounter.bed"].at == START - 2 * DAY  # admission
