"""Findings over a whole case: each automatic defect with a case that has it and one that has not."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.documents.facts import CaseFacts, ChartValue, InfusionFact, SpecialEvent
from app.documents.rules.case import DocumentState, case_findings, longest_gap, safety_stage_signed
from tests.documents.conftest import START, TIMES

STAGES = frozenset(f"{stage}_{role}" for stage in ("induction", "incision", "leaving")
                   for role in ("surgeon", "anesthesiologist", "nurse"))  # fmt: skip
NOW = START + timedelta(hours=5)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def every(step: int, start: int, end: int) -> list[ChartValue]:
    return [ChartValue(at(minute), Decimal(100)) for minute in range(start, end + 1, step)]


def good_facts() -> CaseFacts:
    facts = CaseFacts(1, times={kind: at(minutes) for kind, minutes in TIMES.items()}, charted=True)
    facts.put("case.asa_code", "2")
    facts.put("case.is_emergency", "no")
    facts.put("case.is_general", "yes")
    facts.put("pacu.first_temperature", Decimal("36.5"))
    for code in ("sbp", "hr", "spo2", "etco2", "temp"):
        facts.chart[code] = every(5, 0, 125)
    return facts


def good_documents() -> list[DocumentState]:
    return [
        DocumentState(1, "preop_visit", "signed", frozenset(), at(-600)),
        DocumentState(2, "anesthesia_consent", "signed", frozenset(), at(-500)),
        DocumentState(3, "safety_check", "signed", STAGES, at(125)),
    ]


def codes(facts: CaseFacts, documents: list[DocumentState], now: datetime = NOW) -> set[str]:
    return {finding.code for finding in case_findings(facts, documents, now)}


def test_a_good_case_has_no_finding() -> None:
    assert codes(good_facts(), good_documents()) == set()


def test_a_cancelled_case_has_no_finding() -> None:
    facts = good_facts()
    facts.cancelled = True
    assert codes(facts, []) == set()


def drop(*events: str, **changes: Any) -> CaseFacts:
    facts = good_facts()
    for event in events:
        facts.times.pop(event)
    for event, minutes in changes.items():
        facts.times[event] = at(minutes)
    return facts


def chart(code: str, points: list[ChartValue]) -> CaseFacts:
    facts = good_facts()
    facts.chart[code] = points
    return facts


def told(path: str, value: Any) -> CaseFacts:
    facts = good_facts()
    facts.values.pop(path, None)
    facts.put(path, value)
    return facts


def running() -> CaseFacts:
    facts = good_facts()
    facts.infusions = [InfusionFact("丙泊酚", at(15), None), InfusionFact("瑞芬太尼", at(15), at(110))]
    return facts


def special(handled: bool) -> CaseFacts:
    facts = good_facts()
    facts.specials = [SpecialEvent("低血压", at(40), handled)]
    return facts


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        (chart("temp", []), "general_no_temperature"),
        (chart("sbp", every(10, 0, 125)), "gap_sbp"),
        (chart("hr", []), "gap_hr"),
        (chart("spo2", every(20, 0, 125)), "gap_spo2"),
        (chart("etco2", [ChartValue(at(20), Decimal(35))]), "gap_etco2"),
        (running(), "infusion_running"),
        (drop("extubation"), "no_extubation"),
        (special(False), "event_unhandled"),
        (told("pacu.first_temperature", None), "pacu_no_temperature"),
        (told("pacu.first_temperature", Decimal("35.9")), "pacu_cold"),
        (drop(pacu_out=130 + 121), "pacu_long"),
        (told("case.asa_code", None), "no_asa"),
        (drop(surgery_end=25), "time_order"),
        (drop(extubation=1), "time_order"),
    ],
)
def test_each_defect_of_the_record(facts: CaseFacts, code: str) -> None:
    assert codes(facts, good_documents()) == {code}


@pytest.mark.parametrize(
    "facts",
    [
        special(True),
        drop("extubation", to_icu=200),
        drop(pacu_out=130 + 120),
        told("pacu.first_temperature", Decimal("36.0")),
        chart("spo2", every(15, 10, 125)),
        chart("etco2", every(30, 15, 120)),
    ],
)
def test_what_lies_on_the_limit_is_no_defect(facts: CaseFacts) -> None:
    assert codes(facts, good_documents()) == set()


def test_a_long_operation_without_temperature() -> None:
    facts = told("case.is_general", "no")
    facts.chart.pop("temp")
    facts.times["surgery_end"] = facts.times["surgery_start"] + timedelta(minutes=120)
    facts.times |= {"extubation": at(155), "anesthesia_end": at(156), "out_of_room": at(158), "pacu_in": at(160),
                    "pacu_out": at(200)}  # fmt: skip
    for code in ("sbp", "hr", "spo2", "etco2"):
        facts.chart[code] = every(5, 0, 160)
    assert codes(facts, good_documents()) == set()
    facts.times["surgery_end"] += timedelta(minutes=1)
    assert codes(facts, good_documents()) == {"long_no_temperature"}


@pytest.mark.parametrize(
    ("left_out", "code"),
    [("preop_visit", "no_preop_visit"), ("anesthesia_consent", "no_consent")],
)
def test_each_missing_document(left_out: str, code: str) -> None:
    documents = [state for state in good_documents() if state.kind != left_out]
    assert codes(good_facts(), documents) == {code}


def test_an_emergency_needs_no_visit_before() -> None:
    documents = [state for state in good_documents() if state.kind != "preop_visit"]
    assert codes(told("case.is_emergency", "yes"), documents) == set()


@pytest.mark.parametrize("stage", ["induction", "incision", "leaving"])
def test_each_stage_of_the_safety_check(stage: str) -> None:
    documents = good_documents()
    slots = STAGES - {f"{stage}_nurse"}
    documents[2] = DocumentState(3, "safety_check", "draft", slots)
    assert codes(good_facts(), documents) == {f"no_safety_{stage}"}
    assert not safety_stage_signed(slots, stage)
    assert safety_stage_signed(STAGES, stage)


def test_rescue_is_written_within_six_hours() -> None:
    facts = drop(rescue_start=40, rescue_end=60)
    assert codes(facts, good_documents(), at(60 + 360)) == set()
    assert codes(facts, good_documents(), at(60 + 361)) == {"rescue_late"}
    written = [*good_documents(), DocumentState(9, "rescue_record", "signed", frozenset())]
    assert codes(facts, written, at(60 + 361)) == set()


def test_follow_up_is_due_after_72_hours() -> None:
    facts = told("case.has_analgesia", "yes")
    assert codes(facts, good_documents(), at(125) + timedelta(hours=72)) == set()
    late = at(125) + timedelta(hours=72, seconds=1)
    assert codes(facts, good_documents(), late) == {"no_analgesia_visit", "no_postop_visit"}


def test_longest_gap_counts_the_ends() -> None:
    assert longest_gap([], at(0), at(30)) == (timedelta(minutes=30), at(0))
    assert longest_gap(every(5, 0, 20), at(0), at(30)) == (timedelta(minutes=10), at(20))
