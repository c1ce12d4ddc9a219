"""Findings that need the whole case: the twelve automatic defects of the facts, and the safety check.

Limits: WS 329-2011 (pressure and pulse every 5 min, oxygenation every 15 min, EtCO₂ every 30 min), indicators of
2022 (first PACU temperature 36 ℃, stay 120 min), 《病历书写基本规范》 (rescue within 6 h).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from app.documents.facts import CaseFacts, ChartValue

PRESSURE_GAP = timedelta(minutes=5)
OXYGEN_GAP = timedelta(minutes=15)
CO2_GAP = timedelta(minutes=30)
LONG_SURGERY_MINUTES = 120
PACU_LIMIT_MINUTES = 120
PACU_TEMPERATURE = Decimal(36)
RESCUE_RECORD = timedelta(hours=6)
FOLLOW_UP = timedelta(hours=72)
HASTY_CHECK = timedelta(seconds=10)  # a stage of the safety check that took less was not read aloud
CHART = "chart"  # `Finding.kind` of what is mended in the running record, not in a document
BYPASS = "安全核查未完成，紧急放行："  # beginning of the remark of a time that passed without the check
TOLERANCE = timedelta(seconds=59)  # a reading of 10:05:40 still belongs to the grid line of 10:05


@dataclass(frozen=True, slots=True)
class DocumentState:
    """What the rules know of a document of the case."""

    document_id: int
    kind: str
    state: str  # draft, submitted, signed, archived
    signed_slots: frozenset[str]
    signed_at: datetime | None = None
    values: Mapping[str, object] | None = None
    slot_times: Mapping[str, datetime] = field(default_factory=dict)
    stage_began: Mapping[str, datetime] = field(default_factory=dict)  # first answer in a stage of the safety check


@dataclass(frozen=True, slots=True)
class Finding:
    """A defect of the case: stable code, Chinese sentence, and where it is mended: the field (or `sign.<slot>`) of a
    document, or for `CHART` the anesthesia record of the theatre."""

    code: str
    message: str
    kind: str = ""
    blocking: bool = False
    field: str = ""


Rule = Callable[[CaseFacts, "Documents", datetime], Iterator[Finding]]


class Documents:
    """The documents of a case by kind."""

    def __init__(self, states: Sequence[DocumentState]) -> None:
        self._by_kind: dict[str, list[DocumentState]] = {}
        for state in states:
            self._by_kind.setdefault(state.kind, []).append(state)

    def of(self, kind: str) -> list[DocumentState]:
        """All documents of a kind."""
        return self._by_kind.get(kind, [])

    def value(self, kind: str, key: str) -> object:
        """The value of a field in the first document of the kind that has one."""
        return next((state.values[key] for state in self.of(kind) if state.values and state.values.get(key)), None)

    def signed(self, kind: str) -> list[DocumentState]:
        """Those that are signed or archived."""
        return [state for state in self.of(kind) if state.state in ("signed", "archived")]

    def slots(self, kind: str) -> frozenset[str]:
        """All signed places of all documents of a kind."""
        return frozenset().union(*(state.signed_slots for state in self.of(kind)))


def case_findings(facts: CaseFacts, states: Sequence[DocumentState], now: datetime) -> list[Finding]:
    """Every defect of the case at this moment; nothing for a cancelled case."""
    if facts.cancelled:
        return []
    documents = Documents(states)
    return [finding for rule in RULES for finding in rule(facts, documents, now)]


def safety_stage_signed(signed_slots: frozenset[str], stage: str) -> bool:
    """Whether all three signed a stage of the safety check: `induction`, `incision`, `leaving`."""
    return {f"{stage}_surgeon", f"{stage}_anesthesiologist", f"{stage}_nurse"} <= signed_slots


def _preop_visit(facts: CaseFacts, documents: Documents, now: datetime) -> Iterator[Finding]:
    started = facts.times.get("anesthesia_start")
    if started and facts.get("case.is_emergency") != "yes":
        visits = documents.signed("preop_visit")
        if not visits:
            yield Finding("no_preop_visit", "择期手术没有已签名的麻醉术前访视记录", "preop_visit",
                          field="sign.anesthesiologist")  # fmt: skip
        elif all(visit.signed_at and visit.signed_at > started for visit in visits):
            yield Finding("late_preop_visit", "麻醉术前访视记录在麻醉开始之后才签名", "preop_visit",
                          field="visited_at")  # fmt: skip


_SAFETY_STAGES = (
    ("induction", "anesthesia_start", "麻醉开始前", "第一阶段"),
    ("incision", "surgery_start", "手术开始前", "第二阶段"),
    ("leaving", "out_of_room", "出手术室前", "第三阶段"),
)


def _safety_check(facts: CaseFacts, documents: Documents, now: datetime) -> Iterator[Finding]:
    slots = documents.slots("safety_check")
    for stage, event, before, name in _SAFETY_STAGES:
        if event in facts.times and not safety_stage_signed(slots, stage):
            yield Finding(
                f"no_safety_{stage}", f"{before}没有完成安全核查{name}（三方签名）", "safety_check", blocking=True,
                field=f"sign.{stage}_{_unsigned(slots, stage)}",
            )  # fmt: skip
        for reason in facts.bypasses.get(event, ()):
            yield Finding(f"bypass_{stage}", f"{before}安全核查{name}未完成而紧急放行，理由：{reason}", "safety_check",
                          field=f"sign.{stage}_surgeon")  # fmt: skip
        for state in documents.of("safety_check"):
            yield from _signed_stage(state, stage, name, facts.times.get(event), before)


def _unsigned(slots: frozenset[str], stage: str) -> str:
    return next(role for role in ("surgeon", "anesthesiologist", "nurse") if f"{stage}_{role}" not in slots)


def _signed_stage(
    state: DocumentState, stage: str, name: str, event_at: datetime | None, before: str
) -> Iterator[Finding]:
    """A stage that all three have signed: in time, and not quicker than it can be read aloud."""
    if not safety_stage_signed(state.signed_slots, stage):
        return
    moments = [at for slot, at in state.slot_times.items() if slot.startswith(f"{stage}_")]
    began = state.stage_began.get(stage)
    if moments and began is not None and max(moments) - began < HASTY_CHECK:
        seconds = max(0, int((max(moments) - began).total_seconds()))
        yield Finding(f"hasty_{stage}", f"安全核查{name}从填写到三方签完只用 {seconds} 秒，快于 10 秒", "safety_check",
                      field=f"sign.{stage}_surgeon")  # fmt: skip
    if moments and event_at is not None and max(moments) > event_at + TOLERANCE:
        yield Finding(f"late_{stage}", f"安全核查{name}在{before[:-1]}之后才签完", "safety_check",
                      field=f"sign.{stage}_surgeon")  # fmt: skip


def _temperature(facts: CaseFacts, documents: Documents, now: datetime) -> Iterator[Finding]:
    if not facts.charted or "anesthesia_start" not in facts.times or facts.chart.get("temp"):
        return
    if facts.get("case.is_general") == "yes":
        yield Finding("general_no_temperature", "全身麻醉没有体温记录", CHART)
    minutes = facts.minutes("surgery_start", "surgery_end")
    if minutes is None and "surgery_start" in facts.times and "surgery_end" not in facts.times:
        minutes = (now - facts.times["surgery_start"]).total_seconds() / 60
    if minutes is not None and minutes > LONG_SURGERY_MINUTES:
        yield Finding("long_no_temperature", "手术超过 120 分钟没有体温记录", CHART)


def _intervals(facts: CaseFacts, documents: Documents, now: datetime) -> Iterator[Finding]:
    start = facts.times.get("anesthesia_start")
    if not facts.charted or start is None:
        return
    end = facts.times.get("anesthesia_end") or now
    for code, name, limit in (
        ("sbp", "血压", PRESSURE_GAP), ("hr", "脉搏", PRESSURE_GAP), ("spo2", "SpO2", OXYGEN_GAP),
    ):  # fmt: skip
        yield from _gap(facts, code, name, limit, start, end)
    tube, out = facts.times.get("intubation"), facts.times.get("extubation") or end
    if tube is not None and tube < out:
        yield from _gap(facts, "etco2", "EtCO2", CO2_GAP, tube, out)


def _gap(facts: CaseFacts, code: str, name: str, limit: timedelta, start: datetime, end: datetime) -> Iterator[Finding]:
    longest, since = longest_gap(facts.chart.get(code, []), start, end)
    if since is not None and longest > limit + TOLERANCE:
        minutes = int(longest.total_seconds() // 60)
        limit_minutes = int(limit.total_seconds() // 60)
        yield Finding(f"gap_{code}", f"{name}记录最长间隔 {minutes} 分钟，超过 {limit_minutes} 分钟", CHART)


def longest_gap(points: Sequence[ChartValue], start: datetime, end: datetime) -> tuple[timedelta, datetime | None]:
    """The longest span without a value between start and end, and where it begins."""
    moments = [start, *sorted(point.at for point in points if start < point.at < end), end]
    longest, since = timedelta(0), None
    for before, after in pairwise(moments):
        if after - before > longest:
            longest, since = after - before, before
    return longest, since


def _infusions(facts: CaseFacts, documents: Documents, now: datetime) -> Iterator[Finding]:
    if "out_of_room" in facts.times:
        running = [infusion.name for infusion in facts.infusions if infusion.end is None]
        if running:
            names = "、".join(dict.fromkeys(running))
            yield Finding("infusion_running", f"出手术室时持续用药未停：{names}", CHART, blocking=True)


def _extubation(facts: CaseFacts, documents: Documents, now: datetime) -> Iterator[Finding]:
    times = facts.times
    left = "pacu_out" in times or ("out_of_room" in times and "pacu_in" not in times)
    if left and "intubation" in times and "extubation" not in times and "to_icu" not in times and "dead" not in times:
        yield Finding("no_extubation", "有插管没有拔管，也没有转入 ICU", CHART)


def _analgesia(facts: CaseFacts, documents: Documents, now: datetime) -> Iterator[Finding]:
    left = facts.times.get("out_of_room")
    if left is None or now - left <= FOLLOW_UP:
        return
    if facts.get("case.has_analgesia") == "yes" and not documents.of("analgesia_record"):
        yield Finding("no_analgesia_visit", "术后镇痛患者没有随访记录", "analgesia_record", field="visits")
    if not documents.signed("postop_visit"):
        yield Finding("no_postop_visit", "术后 72 小时没有已签名的麻醉术后访视记录", "postop_visit",
                      field="sign.anesthesiologist")  # fmt: skip


def _specials(facts: CaseFacts, documents: Documents, now: datetime) -> Iterator[Finding]:
    open_events = [event.label for event in facts.specials if not event.handled]
    if open_events:
        names = "、".join(dict.fromkeys(open_events))
        yield Finding("event_unhandled", f"特殊事件没有记录处理措施：{names}", CHART)


def _pacu(facts: CaseFacts, documents: Documents, now: datetime) -> Iterator[Finding]:
    entered = facts.times.get("pacu_in")
    if entered is None:
        return
    first = facts.get("pacu.first_temperature") or documents.value("pacu_record", "first_temperature")
    if first is None:
        yield Finding("pacu_no_temperature", "恢复室没有首次体温", "pacu_record", field="first_temperature")
    elif Decimal(str(first)) < PACU_TEMPERATURE:
        yield Finding("pacu_cold", f"恢复室首次体温 {first} ℃，低于 36 ℃", "pacu_record", field="warming")
    stay = ((facts.times.get("pacu_out") or now) - entered).total_seconds() / 60
    if stay > PACU_LIMIT_MINUTES:
        yield Finding("pacu_long", f"恢复室停留 {int(stay)} 分钟，超过 120 分钟", "pacu_record", field="delay_reason")


def _rescue(facts: CaseFacts, documents: Documents, now: datetime) -> Iterator[Finding]:
    started, ended = facts.times.get("rescue_start"), facts.times.get("rescue_end")
    if started is None or documents.signed("rescue_record"):
        return
    if ended is not None and now - ended > RESCUE_RECORD:
        yield Finding("rescue_late", "抢救结束超过 6 小时没有补记抢救记录", "rescue_record", blocking=True,
                      field="sign.recorder")  # fmt: skip


def _asa(facts: CaseFacts, documents: Documents, now: datetime) -> Iterator[Finding]:
    known = facts.get("case.asa_code") or documents.value("preop_visit", "asa")
    if "anesthesia_start" in facts.times and not known:
        yield Finding("no_asa", "没有 ASA 分级", "preop_visit", field="asa")


def _consent(facts: CaseFacts, documents: Documents, now: datetime) -> Iterator[Finding]:
    if "anesthesia_start" in facts.times and not documents.signed("anesthesia_consent"):
        yield Finding("no_consent", "没有已签名的麻醉知情同意书", "anesthesia_consent", blocking=True,
                      field="sign.patient")  # fmt: skip
    blood = facts.get("record.blood_ml")
    if blood and not documents.signed("transfusion_consent"):
        yield Finding("no_transfusion_consent", "有输血没有已签名的输血治疗同意书", "transfusion_consent",
                      field="sign.patient")  # fmt: skip


def _order(facts: CaseFacts, documents: Documents, now: datetime) -> Iterator[Finding]:
    chain = ("in_room", "anesthesia_start", "surgery_start", "surgery_end", "anesthesia_end", "out_of_room")
    names = ("入室", "麻醉开始", "手术开始", "手术结束", "麻醉结束", "出室")
    known = [(name, facts.times[key]) for key, name in zip(chain, names, strict=True) if key in facts.times]
    for (before, a), (after, b) in pairwise(known):
        if b < a:
            yield Finding("time_order", f"{after}时间早于{before}时间", CHART)
    if "intubation" in facts.times and (out := facts.times.get("extubation")) and out < facts.times["intubation"]:
        yield Finding("time_order", "拔管时间早于插管时间", CHART)


RULES: tuple[Rule, ...] = (
    _preop_visit, _consent, _safety_check, _asa, _temperature, _intervals, _infusions, _extubation, _analgesia,
    _specials, _pacu, _rescue, _order,
)  # fmt: skip
