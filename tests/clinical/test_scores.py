"""Scores by their tables; what was not judged is not nought."""

import pytest

from app.clinical.scores import ALDRETE, APGAR, GCS, SCORES, STEWARD, apfel, pain_words, rcri, stop_bang


@pytest.mark.parametrize(
    ("score", "least", "most"),
    [("steward", 0, 6), ("aldrete", 0, 10), ("padss", 0, 10), ("apgar", 0, 10), ("gcs", 3, 15)],
)
def test_the_span_of_each_score(score: str, least: int, most: int) -> None:
    held = SCORES[score]
    assert held.total({item.key: item.choices[0][0] for item in held.items}) == most
    assert held.total({item.key: item.choices[-1][0] for item in held.items}) == least


def test_an_item_that_was_not_judged_leaves_the_sum_open() -> None:
    assert STEWARD.total({"consciousness": 2, "airway": 2}) is None
    assert STEWARD.reached({"consciousness": 2, "airway": 2, "movement": None}) is None


def test_points_that_an_item_does_not_have_are_refused() -> None:
    with pytest.raises(ValueError, match="没有 3 分"):
        STEWARD.total({"consciousness": 3, "airway": 2, "movement": 2})
    with pytest.raises(ValueError, match="没有 0 分"):
        GCS.total({"eyes": 0, "speech": 5, "motor": 6})


def test_thresholds() -> None:
    assert STEWARD.reached({"consciousness": 2, "airway": 1, "movement": 1}) is True
    assert STEWARD.reached({"consciousness": 1, "airway": 1, "movement": 1}) is False
    nine = {"activity": 2, "breathing": 2, "circulation": 2, "consciousness": 2, "oxygen": 1}
    assert ALDRETE.reached(nine) is True
    assert ALDRETE.reached(nine | {"breathing": 1}) is False
    assert APGAR.meaning


@pytest.mark.parametrize(("flags", "percent"), [(0, 10), (1, 21), (2, 39), (3, 61), (4, 79)])
def test_apfel(flags: int, percent: int) -> None:
    on = [position < flags for position in range(4)]
    assert apfel(female=on[0], non_smoker=on[1], history=on[2], postoperative_opioids=on[3]) == (flags, percent)


def test_rcri_counts_creatinine_over_177() -> None:
    none = {"high_risk_surgery": False, "ischemic": False, "heart_failure": False, "stroke": False, "insulin": False}
    assert rcri(**none, creatinine_umol_l=177) == (0, 0.4, 3.9)
    assert rcri(**none, creatinine_umol_l=178) == (1, 0.9, 6.0)
    assert rcri(**dict.fromkeys(none, True), creatinine_umol_l=200) == (6, 11.0, 15.0)


def test_stop_bang() -> None:
    facts = {"snoring": True, "tired": False, "observed": False, "pressure": False}
    assert stop_bang(**facts, bmi=24, age=40, neck_cm=36, male=False) == (1, "低")
    assert stop_bang(**facts, bmi=36, age=51, neck_cm=36, male=False) == (3, "中")
    assert stop_bang(**facts | {"tired": True}, bmi=24, age=40, neck_cm=36, male=True) == (3, "高")


@pytest.mark.parametrize(
    ("nrs", "words"), [(0, "无痛"), (3, "轻度"), (4, "中度"), (6, "中度"), (7, "重度"), (10, "重度")]
)
def test_pain(nrs: int, words: str) -> None:
    assert pain_words(nrs) == words
    with pytest.raises(ValueError, match="0–10"):
        pain_words(11)
