"""What a file of messages would do, in words and as JSON, without doing it: `python -m integrations parse FILE`."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from app.core import clock
from app.labs.items import shipped_items
from app.labs.rules import STATUSES, arrow, told_value
from integrations.canonical import Change, LabReportChange, PatientChange, PatientData, SurgeryRequestChange
from integrations.hl7 import charset
from integrations.hl7.ack import acknowledgement_of, verdict
from integrations.hl7.codes import PeerProfile
from integrations.hl7.errors import MessageError
from integrations.hl7.message import Header
from integrations.hl7.reader import Interpretation, interpret, refused
from integrations.mllp import START, Frame, FrameProblem, deframe_all

_SEX = {"male": "男", "female": "女", "unknown": "性别不详"}
_SIDE = {"left": "左侧", "right": "右侧", "bilateral": "双侧"}


@dataclass(frozen=True, slots=True)
class Preview:
    """One message of the file, what it means and the reply it would get."""

    number: int
    item: Interpretation
    reply: bytes


def preview(data: bytes, profile: PeerProfile) -> list[Preview]:
    """Every message of a file: MLLP frames, batches, or plain text. Never raises for bad content."""
    found: list[Interpretation] = []
    for item in _frames(data):
        if item.problem is None:
            found.extend(interpret(item.body, profile))
        else:
            found.append(broken_frame(item, profile))
    return [Preview(number, item, acknowledgement_of(item)) for number, item in enumerate(found, 1)]


def _frames(data: bytes) -> Iterator[Frame]:
    head = data.lstrip(b"\xef\xbb\xbf\x00\r\n\t ")
    if head.startswith(START):
        yield from deframe_all(data) or [Frame(b"")]
    else:
        yield Frame(data.strip(b"\x00\x1c"))


def broken_frame(item: Frame, profile: PeerProfile) -> Interpretation:
    """A frame that cannot be used, as a refusal that says so."""
    text, decision = charset.decode(item.body, profile.charset)
    told = {
        FrameProblem.TOO_LARGE: ("消息超过大小上限。", "请不要在消息中嵌入过大的文件，或调高接口的大小上限。"),
        FrameProblem.TRUNCATED: ("消息没有传完就中断了。", "请发送方重发这条消息。"),
    }
    problem, advice = told[item.problem or FrameProblem.TRUNCATED]
    error = MessageError(problem, where="MLLP", advice=advice, code=f"mllp_{item.problem}")
    found = interpret(item.body, profile)
    return refused(error, decision, text, found[0].header if found else Header())


def describe(shown: Preview) -> str:
    """Some Chinese lines for one message."""
    item = shown.item
    code, text = verdict(item)
    kind = item.header.kind or "未知类型"
    lines = [f"第 {shown.number} 条  {kind}  消息号 {item.header.control_id or '（无）'}"]
    lines.append(f"  字符集：{item.charset.codec}（{item.charset.reason}）")
    lines.extend(f"  提示：{note}" for note in item.notes)
    for outcome in item.outcomes:
        if outcome.error is not None:
            lines.append(f"  ✗ {outcome.label}：{outcome.error.message}")
        elif outcome.change is not None:
            lines.append(f"  ✓ {outcome.change.describe()}")
            lines.extend(f"      {line}" for line in _details(outcome.change))
    lines.append(f"  应答：{code.value}{'  ' + text if text else ''}")
    return "\n".join(lines)


def _details(change: Change) -> list[str]:
    told = [*_patient_lines(change.patient), *_visit_lines(change)]
    if isinstance(change, LabReportChange):
        told += _report_lines(change)
    if isinstance(change, SurgeryRequestChange):
        told += _request_lines(change)
    return [f"{name}：{value}" for name, value in told if value]


def _patient_lines(patient: PatientData) -> list[tuple[str, str]]:
    return [
        ("性别", _SEX.get(patient.sex, "")),
        ("出生日期", patient.birth_date.isoformat() if patient.birth_date else ""),
        ("过敏史", "、".join(str(item) for item in patient.allergies)),
        ("血型", patient.blood_type),
    ]


def _visit_lines(change: Change) -> list[tuple[str, str]]:
    visit = change.visit
    if visit is None:
        return []
    return [
        ("就诊号", visit.visit_no),
        ("科室", str(visit.department)),
        ("病区床位", " ".join(part for part in (str(visit.ward), visit.bed and f"{visit.bed}床") if part)),
    ]


def _request_lines(change: SurgeryRequestChange) -> list[tuple[str, str]]:
    main = change.procedures[0] if change.procedures else None
    return [
        ("手术", "；".join(f"{item.code} {item.name}".strip() for item in change.procedures)),
        ("部位侧别", (main.site + _SIDE.get(main.laterality, "")) if main else ""),
        ("诊断", "；".join(f"{item.code} {item.name}".strip() for item in change.diagnoses)),
        ("拟手术时间", _local(change.planned_at)),
        ("预计时长", f"{change.duration_minutes} 分钟" if change.duration_minutes else ""),
        ("主刀", change.surgeon.name or change.surgeon.code),
        ("助手", "、".join(person.name or person.code for person in change.assistants)),
        ("拟麻醉方式", str(change.anesthesia_method)),
        ("ASA", change.asa),
        ("切口等级", change.wound_class),
        ("体位", change.position),
        ("隔离", change.isolation),
        ("特殊器械", change.special_equipment),
        ("备注", change.notes.replace("\n", " / ")),
        ("申请", " ".join(part for part in (change.applicant.name, _local(change.applied_at)) if part)),
        ("未对照的项目", "；".join(f"{name}={value}" for name, value in change.extra)),
    ]


def _report_lines(change: LabReportChange) -> list[tuple[str, str]]:
    """What the shipped dictionary makes of each item; a hospital's own mapping counts only when it is running."""
    known = shipped_items()
    lines = [("标本", change.specimen)]
    for item in change.items:
        found = known.find(item.item.code, item.item.name, about=f"{change.specimen} {change.panel}".strip())
        told = told_value(item.text, item.unit, found)
        name = f"{item.item.name or item.item.code} → {found.code}" if found else f"{item.item}（字典中没有，只作显示）"
        words = " ".join(part for part in (told.words, told.unit, arrow(item.flag)) if part)
        sent = f"（原值 {told.sent}）" if told.sent else ""
        state = STATUSES.get(item.status, "")
        taken = _local(item.taken_at or item.reported_at)
        lines.append((name, "，".join(part for part in (words + sent, state, told.problem, taken) if part)))
    return lines


def _local(moment: datetime | None) -> str:
    return clock.to_hospital(moment).strftime("%Y-%m-%d %H:%M") if moment else ""


def as_json(shown: Preview) -> dict[str, Any]:
    """The same as data."""
    item = shown.item
    code, text = verdict(item)
    return {
        "number": shown.number,
        "type": item.header.kind,
        "control_id": item.header.control_id,
        "charset": {"codec": item.charset.codec, "reason": item.charset.reason},
        "notes": list(item.notes),
        "accepted": item.is_acceptable,
        "outcomes": [
            {
                "label": outcome.label,
                "change": _change_json(outcome.change) if outcome.change else None,
                "error": _error_json(outcome.error) if outcome.error else None,
            }
            for outcome in item.outcomes
        ],
        "acknowledgement": {
            "code": code.value,
            "text": text,
            "message": shown.reply.decode(item.charset.codec).replace("\r", "\n").strip(),
        },
    }


def _change_json(change: Change) -> dict[str, Any]:
    kinds = {PatientChange: "patient", LabReportChange: "lab_report"}
    kind = kinds.get(type(change), "surgery_request")
    return {"what": kind, "summary": change.describe(), **plain(change)}


def _error_json(error: MessageError) -> dict[str, str]:
    return {"where": error.where, "problem": error.problem, "advice": error.advice, "code": error.code}


def plain(value: Any) -> Any:
    """Dataclasses, dates, decimals and enums as JSON can hold them."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return value
