"""What a queue may point at, and what follows from a failure."""

from datetime import timedelta

import pytest

from app.printjobs.rules import MAX_ATTEMPTS, after_failure, target_fault


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        ("cups", "OR_LASER"),
        ("cups", "hp-1.2"),
        ("raw9100", "192.168.1.50"),
        ("raw9100", "192.168.1.50:9101"),
        ("raw9100", "[fe80::1]:9100"),
        ("raw9100", "printer-3.or.local"),
        ("folder", "printed"),
        ("folder", "printed/labels"),
    ],
)
def test_targets_that_may_be_used(kind: str, target: str) -> None:
    assert target_fault(kind, target) == ""


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        ("cups", ""),
        ("cups", "-o raw"),
        ("cups", "a b"),
        ("cups", "手术室"),
        ("raw9100", ""),
        ("raw9100", "192.168.1.50:0"),
        ("raw9100", "192.168.1.50:70000"),
        ("raw9100", "http://192.168.1.50"),
        ("folder", ""),
        ("folder", "/etc"),
        ("folder", "../other"),
        ("folder", "a/../../b"),
        ("folder", "a\\b"),
        ("fax", "123"),
    ],
)
def test_targets_that_are_refused_with_a_sentence(kind: str, target: str) -> None:
    assert target_fault(kind, target).startswith(("请填写", "请选择"))


def test_a_failure_is_tried_again_with_growing_pauses_and_then_given_up() -> None:
    assert [after_failure(attempt, False).pause for attempt in (1, 2)] == [timedelta(seconds=10), timedelta(seconds=20)]
    assert after_failure(MAX_ATTEMPTS, False).is_final
    assert after_failure(1, True).is_final
