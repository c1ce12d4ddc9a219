"""From the bytes of a frame or file to what each message in it would do. Nothing here raises for bad input."""

from dataclasses import dataclass, replace

from integrations.canonical import Change
from integrations.hl7 import charset
from integrations.hl7.charset import CharsetDecision
from integrations.hl7.codes import PeerProfile
from integrations.hl7.errors import MessageError
from integrations.hl7.labs import REPORT_TYPES, read_report, split_reports
from integrations.hl7.message import Header, Message, Segment, split_messages
from integrations.hl7.patients import ACTIONS, read_patient_changes
from integrations.hl7.requests import (
    ORDER_TYPES,
    SCHEDULE_ACTIONS,
    read_order_group,
    read_schedule,
    split_groups,
)

SUPPORTED = (
    f"ADT（{'、'.join(sorted(ACTIONS))}）、{'、'.join(ORDER_TYPES)}、SIU（{'、'.join(SCHEDULE_ACTIONS)}）、"
    f"{'、'.join(REPORT_TYPES)}"
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One change of a message, or why there is none."""

    label: str
    change: Change | None = None
    error: MessageError | None = None


@dataclass(frozen=True, slots=True)
class Interpretation:
    """One message, understood as far as possible. `source` is its normalised text."""

    header: Header
    charset: CharsetDecision
    source: str
    outcomes: tuple[Outcome, ...]
    notes: tuple[str, ...] = ()

    @property
    def errors(self) -> list[tuple[str, MessageError]]:
        """(label, error) of what is refused."""
        return [(outcome.label, outcome.error) for outcome in self.outcomes if outcome.error is not None]

    @property
    def changes(self) -> list[tuple[str, Change]]:
        """(label, change) of what can be done."""
        return [(outcome.label, outcome.change) for outcome in self.outcomes if outcome.change is not None]

    @property
    def is_acceptable(self) -> bool:
        """Nothing in the message is refused."""
        return not self.errors


def interpret(raw: bytes, profile: PeerProfile) -> list[Interpretation]:
    """Every message of a frame or batch. What cannot even be split is one interpretation with an error."""
    text, decision = charset.decode(raw, profile.charset)
    found: list[Interpretation] = []
    try:
        for source, notes in split_messages(text):
            found.append(_interpret_message(source, decision, tuple(notes), profile))
    except MessageError as error:
        found.append(refused(error, decision, text))
    return found


def refused(error: MessageError, decision: CharsetDecision, text: str, header: Header | None = None) -> Interpretation:
    """An interpretation that only says what is wrong."""
    return Interpretation(header or _salvaged_header(text), decision, text, (Outcome("消息", error=error),))


def _salvaged_header(text: str) -> Header:
    """Of a message that does not parse, what an acknowledgement can still use."""
    start = text.find("MSH")
    line = text[start:].split("\r")[0].split("\n")[0] if start >= 0 else ""
    fields = line.split(line[3:4]) if len(line) > 8 and not line[3].isalnum() else []
    values = [field.split("^")[0].strip() for field in fields] + [""] * 20
    if not fields:
        return Header()
    return Header(
        sending_application=values[2],
        sending_facility=values[3],
        receiving_application=values[4],
        receiving_facility=values[5],
        message_type=values[8],
        control_id=values[9][:199],
        version=values[11] or "2.4",
    )


def _interpret_message(
    source: str, decision: CharsetDecision, notes: tuple[str, ...], profile: PeerProfile
) -> Interpretation:
    try:
        message = Message(source)
    except MessageError as error:
        return replace(refused(error, decision, source), notes=notes)
    try:
        outcomes = _outcomes(message, profile)
    except MessageError as error:
        outcomes = [Outcome("消息", error=error)]
    if decision.is_damaged:
        damaged = MessageError(decision.reason + "。", where="MSH-18", advice="请核对发送方的字符集设置后重发。")
        outcomes = [Outcome("消息", error=damaged)]
    return Interpretation(message.header, decision, source, tuple(outcomes), notes)


def _outcomes(message: Message, profile: PeerProfile) -> list[Outcome]:
    header = message.header
    if not header.control_id:
        raise MessageError("没有消息号。", where="MSH-10", advice="请 HIS 为每条消息填写唯一的 MSH-10。")
    if header.message_type == "ADT":
        return [Outcome("患者", change=change) for change in read_patient_changes(message, profile)]
    if header.kind in ORDER_TYPES:
        return _order_outcomes(message, profile)
    if header.kind in REPORT_TYPES:
        return _report_outcomes(message, profile)
    if header.message_type == "SIU":
        return [Outcome("申请", change=read_schedule(message, profile))]
    raise MessageError(
        f"不支持的消息类型 {header.kind or '（空）'}。",
        where="MSH-9",
        advice=f"可接收：{SUPPORTED}。",
        code="hl7_unsupported",
    )


def _order_outcomes(message: Message, profile: PeerProfile) -> list[Outcome]:
    common, groups = split_groups(message)
    if not groups:
        raise MessageError("没有 ORC 和 OBR 段。", where="ORC", advice="手术申请至少要有一组 ORC、OBR。")
    outcomes = []
    for group in groups:
        try:
            change = read_order_group(message, _patient_part(common), group, profile)
            outcomes.append(Outcome(group.label, change=change))
        except MessageError as error:
            outcomes.append(Outcome(group.label, error=error))
    return outcomes


def _report_outcomes(message: Message, profile: PeerProfile) -> list[Outcome]:
    common, reports = split_reports(message)
    outcomes = []
    for number, segments in enumerate(reports, 1):
        label = f"第 {number} 份报告"
        try:
            outcomes.append(Outcome(label, change=read_report(message.header, common, segments, profile)))
        except MessageError as error:
            outcomes.append(Outcome(label, error=error))
    return outcomes


def _patient_part(common: list[Segment]) -> list[Segment]:
    return [segment for segment in common if segment.name != "MSH"]
