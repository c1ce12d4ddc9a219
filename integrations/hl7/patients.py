"""Patient and visit of a message: PID, PV1, AL1, and the ADT events."""

import re

from integrations.canonical import (
    AllergyData,
    Code,
    Identifier,
    PatientAction,
    PatientChange,
    PatientData,
    PersonRef,
    VisitData,
)
from integrations.hl7.codes import PeerProfile
from integrations.hl7.errors import MessageError
from integrations.hl7.message import Message, Repetition, Segment
from integrations.hl7.times import parse_date, parse_time

ACTIONS = {
    "A01": PatientAction.ADMIT,
    "A02": PatientAction.TRANSFER,
    "A03": PatientAction.DISCHARGE,
    "A04": PatientAction.REGISTER,
    "A05": PatientAction.REGISTER,
    "A06": PatientAction.UPDATE,
    "A07": PatientAction.UPDATE,
    "A08": PatientAction.UPDATE,
    "A11": PatientAction.CANCEL_ADMIT,
    "A12": PatientAction.TRANSFER,  # a cancelled transfer tells the place where the patient is
    "A13": PatientAction.CANCEL_DISCHARGE,
    "A18": PatientAction.MERGE,
    "A28": PatientAction.REGISTER,
    "A31": PatientAction.UPDATE,
    "A34": PatientAction.MERGE,
    "A40": PatientAction.MERGE,
}
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_ID_NUMBER = re.compile(r"^\d{17}[\dXx]$")


def read_patient_changes(message: Message, profile: PeerProfile) -> list[PatientChange]:
    """The change of an ADT message; an A40 may hold several PID/MRG pairs. Raises `MessageError`."""
    trigger = message.header.trigger
    action = ACTIONS.get(trigger)
    if action is None:
        raise MessageError(
            f"不支持的患者事件 ADT^{trigger or '（空）'}。",
            where="MSH-9.2",
            advice=f"可接收：{'、'.join(sorted(ACTIONS))}。请在 HIS 端只推送这些事件。",
            code="hl7_unsupported",
        )
    pids = message.all("PID")
    if not pids:
        raise MessageError("没有 PID 段。", where="PID", advice="ADT 消息必须带患者信息。")
    if action is PatientAction.MERGE:
        return [_merge(message, profile, part) for part in _merge_parts(message)]
    return [_change(message, profile, action, message.segments)]


def _change(
    message: Message, profile: PeerProfile, action: PatientAction, segments: list[Segment], retired: str = ""
) -> PatientChange:
    patient = read_patient(segments, profile)
    require_patient(patient, name_too=action in (PatientAction.ADMIT, PatientAction.REGISTER))
    evn = message.first("EVN")
    occurred = (evn.time(6) or evn.time(2)) if evn else None
    return PatientChange(
        action=action,
        source=profile.name,
        patient=patient,
        visit=read_visit(segments, profile),
        retired_patient_no=retired,
        occurred_at=occurred or message.header.sent_at,
    )


def _merge_parts(message: Message) -> list[list[Segment]]:
    parts: list[list[Segment]] = []
    for segment in message.segments:
        if segment.name == "PID":
            parts.append([])
        if parts:
            parts[-1].append(segment)
    return parts


def _merge(message: Message, profile: PeerProfile, part: list[Segment]) -> PatientChange:
    retired = profile.read("retired_patient_no", part)
    if not retired:
        raise MessageError("没有被合并的患者号。", where="MRG-1", advice="请 HIS 在 MRG-1 填写停用的患者号。")
    change = _change(message, profile, PatientAction.MERGE, part, retired)
    if retired == change.patient.patient_no:
        raise MessageError("保留的患者号与停用的患者号相同。", where="MRG-1", advice="请在 HIS 端核对后重发。")
    return change


def require_patient(patient: PatientData, *, name_too: bool) -> None:
    """Refuse a message that does not say whom it is about. Raises `MessageError`."""
    if not patient.patient_no:
        raise MessageError("缺少患者号。", where="PID-3", advice="请 HIS 在 PID-3 填写患者唯一号（标识类型 PI）。")
    if name_too and not patient.name:
        raise MessageError("缺少患者姓名。", where="PID-5", advice="请 HIS 在 PID-5 填写姓名。")


def read_patient(segments: list[Segment], profile: PeerProfile) -> PatientData:
    """What PID and AL1 tell. A missing PID gives a patient without number."""
    pid = next((segment for segment in segments if segment.name == "PID"), None)
    if pid is None:
        return PatientData(patient_no="")
    identifiers = tuple(
        Identifier(repetition.text(1), repetition.text(5).upper(), repetition.text(4))
        for repetition in pid.repetitions(3)
        if repetition.text(1)
    )
    name, pinyin = read_name(pid.repetitions(5))
    national_id = profile.read("national_id", segments).upper()
    return PatientData(
        patient_no=profile.read("patient_no", segments) or (identifiers[0].value if identifiers else ""),
        name=name,
        pinyin=pinyin,
        sex=profile.codes.find("sex", pid.text(8), pid.text(8, 2)) or ("unknown" if pid.text(8) else ""),
        birth_date=parse_date(pid.text(7)),
        national_id=national_id if _ID_NUMBER.match(national_id) else "",
        phone=profile.read("phone", segments),
        address=_address(pid),
        ethnicity=profile.read("ethnicity", segments),
        allergies=read_allergies(segments),
        identifiers=identifiers,
    )


def read_name(repetitions: list[Repetition]) -> tuple[str, str]:
    """(name, pinyin). 黄^小梅 is family and given name, CESHI^测试 is pinyin and the whole name.

    Repetitions may be the ideographic (I), alphabetic (A) and phonetic (P) spelling; the one with Chinese wins.
    """
    name = spelled = ""
    for repetition in repetitions:
        parts = [part for part in (repetition.text(number) for number in (1, 2, 3)) if part]
        chinese = "".join(part for part in parts if _HAN.search(part))
        latin = " ".join(part for part in parts if not _HAN.search(part))
        name, spelled = name or chinese, spelled or latin
    return (name, spelled) if name else (spelled, "")


def _address(pid: Segment) -> str:
    for repetition in pid.repetitions(11):
        parts = [repetition.text(number) for number in (4, 3, 9, 1, 2)]
        if text := "".join(dict.fromkeys(part for part in parts if part)):
            return text
    return ""


def read_allergies(segments: list[Segment]) -> tuple[AllergyData, ...]:
    """AL1: substance and reaction, e.g. 青霉素（皮疹）."""
    found = []
    for segment in segments:
        if segment.name != "AL1":
            continue
        substance = segment.text(3, 2) or segment.text(3)
        reaction = segment.free_text(5)
        if substance:
            found.append(AllergyData(substance, reaction))
    return tuple(dict.fromkeys(found))


def read_visit(segments: list[Segment], profile: PeerProfile) -> VisitData | None:
    """What PV1 tells; `None` without PV1."""
    pv1 = next((segment for segment in segments if segment.name == "PV1"), None)
    if pv1 is None:
        return None
    ward, department, room = read_location(pv1)
    return VisitData(
        visit_no=profile.read("visit_no", segments),
        kind=profile.codes.find("visit_kind", pv1.text(2), pv1.text(2, 2)) or "",
        ward=ward,
        department=department,
        room=room,
        bed=profile.read("bed", segments),
        attending=read_person(pv1, 7),
        payment=profile.read("payment", segments),
        admitted_at=parse_time(profile.read("admitted_at", segments)),
        discharged_at=parse_time(profile.read("discharged_at", segments)),
    )


def read_location(pv1: Segment) -> tuple[Code, Code, str]:
    """(ward, department, room) from the shapes of PV1-3 that senders use.

    `骨科^0301^12`: department name and code; `W03^302^12`: ward and room; `^^12^020101&心血管内科`: department in
    the facility component, code and name as subcomponents (the name with a sort letter before it, `Z心血管内科`).
    """
    first, second = pv1.text(3, 1), pv1.text(3, 2)
    facility = Code(pv1.text(3, 4, 1), re.sub(r"^[A-Z](?=[\u4e00-\u9fff])", "", pv1.text(3, 4, 2)))
    ward = Code("", first) if _HAN.search(first) else Code(first, "")
    room = second
    department = facility if facility.name else Code()
    if _HAN.search(second):
        department, room = Code("", second), ""
    elif _HAN.search(first) and re.fullmatch(r"[A-Z]{2,10}|[A-Z]{0,2}\d{4,}", second):
        ward, room = Code(second, first), ""
        department = department or ward
    elif _HAN.search(first):
        department = department or ward
    return ward, department, room


def read_person(segment: Segment, field: int) -> PersonRef:
    """A person as XCN: number, family and given name, or the whole name in one component."""
    for repetition in segment.repetitions(field):
        return person_of(repetition)
    return PersonRef()


def person_of(repetition: Repetition) -> PersonRef:
    """One repetition of XCN. A single component with Chinese is a name, not a number."""
    first = repetition.text(1)
    if repetition.component_count == 1 and _HAN.search(first):
        return PersonRef("", first)
    family, given = repetition.text(2), repetition.text(3)
    joined = family + given if _HAN.search(family + given) else " ".join(part for part in (given, family) if part)
    return PersonRef(first, joined)
