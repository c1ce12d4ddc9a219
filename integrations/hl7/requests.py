"""Surgery requests: ORM^O01 and OMG^O19 with their ORC/OBR groups, and SIU^S12–S17 of senders that book by calendar."""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from integrations.canonical import (
    AllergyData,
    Code,
    PersonRef,
    ProcedureData,
    RequestAction,
    RequestKind,
    SurgeryRequestChange,
    VisitData,
)
from integrations.hl7.codes import PeerProfile
from integrations.hl7.errors import MessageError
from integrations.hl7.items import ASSISTANTS, Items, height_of, read_items, weight_of
from integrations.hl7.message import Message, Segment
from integrations.hl7.patients import read_patient, read_person, read_visit, require_patient

ORDER_TYPES = ("ORM^O01", "OMG^O19")
SCHEDULE_ACTIONS = {
    "S12": RequestAction.NEW,
    "S13": RequestAction.UPDATE,
    "S14": RequestAction.UPDATE,
    "S15": RequestAction.CANCEL,
    "S17": RequestAction.CANCEL,
}


@dataclass(frozen=True)
class Group:
    """The segments of one request with a label for errors: 第2组申请."""

    label: str
    segments: list[Segment]

    def first(self, name: str) -> Segment | None:
        return next((segment for segment in self.segments if segment.name == name), None)

    def all(self, name: str) -> list[Segment]:
        return [segment for segment in self.segments if segment.name == name]


def split_groups(message: Message) -> tuple[list[Segment], list[Group]]:
    """(segments of the patient, groups). A group begins with ORC, or with OBR when no ORC stands before it.

    Groups with the same request number (ORC-2) are one request with several procedures.
    """
    common: list[Segment] = []
    parts: list[list[Segment]] = []
    for segment in message.segments:
        starts = segment.name == "ORC" or (segment.name == "OBR" and not parts)
        if starts:
            parts.append([segment])
        elif parts:
            parts[-1].append(segment)
        else:
            common.append(segment)
    merged: dict[str, list[Segment]] = {}
    for number, part in enumerate(parts, 1):
        key = _request_no(part) or f"#{number}"
        merged.setdefault(key, []).extend(part)
    several = len(merged) > 1
    groups = [Group(f"第{number}组申请" if several else "申请", part) for number, part in enumerate(merged.values(), 1)]
    return common, groups


def _request_no(part: list[Segment]) -> str:
    orc = next((segment for segment in part if segment.name == "ORC"), None)
    obr = next((segment for segment in part if segment.name == "OBR"), None)
    return (orc.text(2) if orc else "") or (obr.text(2) if obr else "")


def read_order_group(
    message: Message, common: list[Segment], group: Group, profile: PeerProfile
) -> SurgeryRequestChange:
    """One ORC/OBR group. Raises `MessageError` that says which field is missing or wrong."""
    orc, obr = group.first("ORC"), group.first("OBR")
    if obr is not None:
        _require_surgery(obr, 4, obr.text(24), profile)
    action = _action(orc, profile)
    segments = common + group.segments
    items = read_items(group.segments, profile)
    visit = read_visit(segments, profile)
    timing = group.first("TQ1")
    change = SurgeryRequestChange(
        action=action,
        source=profile.name,
        request_no=_request_no(group.segments),
        group_no=(orc.text(4) if orc else ""),
        patient=read_patient(segments, profile),
        visit=visit,
        kind=_kind(action, items.code("kind"), _priority(orc, timing, obr), visit, profile),
        procedures=tuple(procedure for procedure in map(_obr_procedure, group.all("OBR")) if procedure),
        planned_at=_planned_at(orc, timing, obr),
        duration_minutes=_orc_duration(orc),
        department=_first_code((orc, 17), (orc, 13)),
        applicant=_first_person((orc, 10), (orc, 12), (obr, 16)),
        applied_at=(orc.time(9) if orc else None) or message.header.sent_at,
        reason=(orc.text(16, 2) or orc.text(16)) if orc else "",
    )
    surgeon = items.people.get("surgeon") or _first_person((obr, 16), (orc, 12))
    return _checked(_with_items(change, items, surgeon, segments, profile))


def read_schedule(message: Message, profile: PeerProfile) -> SurgeryRequestChange:
    """An inbound SIU: the HIS asks for an operation by booking it. Raises `MessageError`."""
    action = SCHEDULE_ACTIONS.get(message.header.trigger)
    sch = message.first("SCH")
    if action is None:
        raise MessageError(
            f"不支持的预约事件 SIU^{message.header.trigger}。",
            where="MSH-9.2",
            advice=f"可接收：{'、'.join(SCHEDULE_ACTIONS)}。",
            code="hl7_unsupported",
        )
    if sch is None:
        raise MessageError("没有 SCH 段。", where="SCH", advice="预约消息必须带 SCH。")
    items = read_items(message.segments, profile)
    visit = read_visit(message.segments, profile)
    service = message.first("AIS")
    if service is not None:
        _require_surgery(service, 3, "", profile)
    change = SurgeryRequestChange(
        action=action,
        source=profile.name,
        request_no=sch.text(1) or sch.text(2),
        patient=read_patient(message.segments, profile),
        visit=visit,
        kind=_kind(
            action,
            items.code("kind") or Code(sch.text(7), sch.text(7, 2)),
            sch.text(8, 1) if profile.codes.find("request_kind", sch.text(8), sch.text(8, 2)) else "",
            visit,
            profile,
        ),
        procedures=tuple(_code_procedure(segment, 3) for segment in message.all("AIS") if segment.text(3)),
        planned_at=sch.time(11, 4) or (service.time(4) if service else None),
        duration_minutes=_minutes(sch.text(9), sch.text(10)),
        applicant=_first_person((sch, 20), (sch, 12), (sch, 16)),
        applied_at=message.header.sent_at,
        reason=(sch.text(6, 2) or sch.text(6)) if action is RequestAction.CANCEL else "",
    )
    return _checked(_with_items(change, items, items.people.get("surgeon", PersonRef()), message.segments, profile))


def _with_items(
    change: SurgeryRequestChange,
    items: Items,
    surgeon: PersonRef,
    segments: list[Segment],
    profile: PeerProfile,
) -> SurgeryRequestChange:
    codes = profile.codes
    blood, rh = items.code("blood_type"), items.code("rh")
    allergy = str(items.code("allergy"))
    told = tuple(dict.fromkeys([*change.patient.allergies, *([AllergyData(allergy)] if allergy else [])]))
    patient = replace(
        change.patient,
        blood_type=codes.find("blood_type", blood.code, blood.name) or "",
        rh=codes.find("rh", rh.code, rh.name) or "",
        allergies=told,
    )
    isolation = items.code("isolation")
    known = codes.find("isolation", isolation.code, isolation.name)
    return replace(
        change,
        patient=patient,
        procedures=_detailed(change.procedures, items, profile),
        diagnoses=_diagnoses(segments),
        surgeon=surgeon,
        assistants=tuple(items.people[role] for role in ASSISTANTS if role in items.people),
        anesthesia_method=items.code("anesthesia_method"),
        asa=codes.find("asa", items.code("asa").code, items.code("asa").name) or "",
        wound_class=codes.find("wound_class", items.code("wound_class").code, items.code("wound_class").name) or "",
        position=str(items.code("position")),
        isolation=str(isolation) if known is None else known,
        special_equipment=str(items.code("special_equipment")),
        notes="\n".join([*([str(items.code("notes"))] if items.code("notes") else []), *items.notes]),
        height_cm=height_of(items),
        weight_kg=weight_of(items),
        extra=tuple(items.extra),
    )


def _checked(change: SurgeryRequestChange) -> SurgeryRequestChange:
    if not change.request_no:
        raise MessageError("缺少手术申请号。", where="ORC-2", advice="请 HIS 在 ORC-2（或 SCH-1）填写申请单号。")
    if change.action in (RequestAction.CANCEL, RequestAction.HOLD):
        return change
    require_patient(change.patient, name_too=change.action is RequestAction.NEW)
    if not change.procedures:
        raise MessageError(
            "没有手术名称。", where="OBR-4", advice="请 HIS 在 OBR-4（或 AIS-3）填写 ICD-9-CM-3 编码与名称。"
        )
    return change


def _require_surgery(segment: Segment, number: int, section: str, profile: PeerProfile) -> None:
    """Laboratory and imaging orders and bookings travel alike; none of them may become an operation."""
    is_observation = segment.text(number, 3).upper() == "LN"
    if is_observation or profile.codes.has("other_section", section):
        raise MessageError(
            f"这不是手术申请（{segment.text(number, 2) or segment.text(number)}）。",
            where=f"{segment.name}-{number}.3" if is_observation else "OBR-24",
            advice="请 HIS 只把手术申请推送到本接口。",
            code="hl7_unsupported",
        )


def _action(orc: Segment | None, profile: PeerProfile) -> RequestAction:
    if orc is None:
        return RequestAction.NEW
    control = orc.text(1)
    found = profile.codes.find("order_control", control)
    if found is None:
        raise MessageError(
            f"不认识的医嘱控制码“{control or '（空）'}”。",
            where="ORC-1",
            advice="应为 NW（新）、XO（改）、CA（取消）或 HD（暂缓）。",
        )
    return RequestAction(found)


def _kind(
    action: RequestAction, told: Code, priority: str, visit: VisitData | None, profile: PeerProfile
) -> RequestKind | None:
    """Told, or by priority; a new request also by the class of the visit. An amendment keeps what it does not tell."""
    codes = profile.codes
    found = codes.find("request_kind", told.code, told.name)
    if found is None and priority:
        urgent = codes.find("priority", priority)
        found = urgent if urgent != RequestKind.ELECTIVE else None
    if found is None and visit is not None and action is RequestAction.NEW:
        found = codes.find("visit_kind_to_request", visit.kind)
    if found is None and action is RequestAction.NEW:
        return RequestKind.ELECTIVE
    return RequestKind(found) if found else None


def _priority(orc: Segment | None, timing: Segment | None, obr: Segment | None) -> str:
    for segment, number, component in ((orc, 7, 6), (timing, 9, 1), (obr, 27, 6), (obr, 5, 1)):
        if segment is not None and (text := segment.text(number, component)):
            return text
    return ""


def _planned_at(orc: Segment | None, timing: Segment | None, obr: Segment | None) -> datetime | None:
    for segment, number, component in ((orc, 7, 4), (timing, 7, 1), (obr, 27, 4), (obr, 36, 1), (obr, 6, 1)):
        if segment is not None and (moment := segment.time(number, component)):
            return moment
    return None


def _orc_duration(orc: Segment | None) -> int | None:
    """ORC-7.3: a bare number is minutes, else HL7's M120, H2."""
    text = orc.text(7, 3).upper() if orc else ""
    match = re.fullmatch(r"([MH]?)(\d{1,4})", text)
    if match is None:
        return None
    return int(match.group(2)) * (60 if match.group(1) == "H" else 1) or None


def _minutes(amount: str, unit: str) -> int | None:
    if not re.fullmatch(r"\d{1,6}", amount):
        return None
    factor = {"S": Decimal(1) / 60, "H": Decimal(60), "时": Decimal(60), "秒": Decimal(1) / 60}
    return int(int(amount) * factor.get(unit[:1].upper(), Decimal(1))) or None


def _obr_procedure(obr: Segment) -> ProcedureData | None:
    procedure = _code_procedure(obr, 4)
    return procedure if procedure.code or procedure.name else None


def _code_procedure(segment: Segment, number: int) -> ProcedureData:
    code, name, system = (segment.text(number, part) for part in (1, 2, 3))
    if code and not name and not re.search(r"\d", code):
        code, name = "", code  # some senders write only the name, in the place of the code
    return ProcedureData(code=code, name=name, system=system)


def _detailed(procedures: tuple[ProcedureData, ...], items: Items, profile: PeerProfile) -> tuple[ProcedureData, ...]:
    """Level, site and side belong to the main procedure."""
    if not procedures:
        return procedures
    level, side = items.code("procedure_level"), items.code("laterality")
    main = replace(
        procedures[0],
        level=profile.codes.find("procedure_level", level.code, level.name) or "",
        site=str(items.code("site")),
        laterality=profile.codes.find("laterality", side.code, side.name) or "",
    )
    return (main, *procedures[1:])


def _diagnoses(segments: list[Segment]) -> tuple[Code, ...]:
    found = []
    for segment in segments:
        if segment.name == "DG1":
            code = Code(segment.text(3, 1), segment.text(3, 2) or segment.free_text(4), segment.text(3, 3))
            if code and code not in found:
                found.append(code)
    return tuple(found)


def _first_person(*places: tuple[Segment | None, int]) -> PersonRef:
    for segment, number in places:
        if segment is not None and (person := read_person(segment, number)):
            return person
    return PersonRef()


def _first_code(*places: tuple[Segment | None, int]) -> Code:
    for segment, number in places:
        if segment is not None and segment.text(number):
            return Code(segment.text(number), segment.text(number, 2))
    return Code()
