"""Messages that we send: schedule (SIU^S12–S15), status (ORM^O01 SC) and cancellation (ORM^O01 OC)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from integrations.canonical import (
    CancellationNotice,
    Code,
    Milestone,
    PatientData,
    PersonRef,
    ProcedureData,
    RequestKind,
    ScheduleEvent,
    ScheduleNotice,
    StatusNotice,
    VisitData,
)
from integrations.hl7 import build
from integrations.hl7.build import Value
from integrations.hl7.charset import encode, msh18_of
from integrations.hl7.times import format_date, format_time

#: Role words of AIP-4 with the Chinese title that the HIS shows.
ROLES = {
    "surgeon": ("SURGEON", "主刀医师"),
    "assistant_1": ("ASSIST1", "第一助手"),
    "assistant_2": ("ASSIST2", "第二助手"),
    "assistant_3": ("ASSIST3", "第三助手"),
    "assistant_4": ("ASSIST4", "第四助手"),
    "anesthesiologist": ("ANES", "麻醉医师"),
    "assistant_anesthesiologist": ("ANES2", "副麻医师"),
    "anesthesia_nurse": ("ANESNURSE", "麻醉护士"),
    "scrub_nurse": ("SCRUB", "器械护士"),
    "circulating_nurse": ("CIRC", "巡回护士"),
}
_EVENTS = {
    ScheduleEvent.NEW: ("ROUTINE", "排班"),
    ScheduleEvent.RESCHEDULED: ("RESCHEDULE", "改期"),
    ScheduleEvent.MODIFIED: ("MODIFY", "调整"),
    ScheduleEvent.CANCELLED: ("CANCEL", "取消"),
}
_ACTION = {ScheduleEvent.NEW: "A", ScheduleEvent.CANCELLED: "D"}
_CLASS = {"inpatient": "I", "outpatient": "O", "emergency": "E", "day": "I"}
_SEX = {"male": "M", "female": "F", "unknown": "U"}


@dataclass(frozen=True, slots=True)
class Route:
    """From whom to whom, in which version and charset. Pairs are (application, facility)."""

    sender: tuple[str, str] = ("MAFEI", "HOSPITAL")
    receiver: tuple[str, str] = ("HIS", "HOSPITAL")
    version: str = "2.4"
    charset: str = "utf-8"
    placer_namespace: str = "HIS"
    filler_namespace: str = "MAFEI"


def schedule_message(notice: ScheduleNotice, route: Route, control_id: str) -> bytes:
    """SIU^S12–S15: SCH-1 the HIS's request number, SCH-2 our schedule number, the team and the room."""
    cancelled = notice.event is ScheduleEvent.CANCELLED
    state = "CANCELLED" if cancelled else "BOOKED"
    mode = _ACTION.get(notice.event, "U")
    span: dict[int, Value] = {6: format_time(notice.starts_at), 9: str(notice.duration_minutes), 10: "min", 12: state}
    segments = [
        _header(("SIU", notice.event.value, "SIU_S12"), route, control_id),
        _sch(notice, route, state),
        *_notes(_schedule_notes(notice)),
        _pid(notice.patient, route),
        *_pv1(notice.visit),
        *_diagnoses(notice.diagnoses),
        build.segment("RGS", {1: "1", 2: mode, 3: notice.room.code}),
        *(_ais(number, mode, item, span) for number, item in enumerate(notice.procedures, 1)),
    ]
    for number, member in enumerate(notice.team, 1):
        role: Value = ROLES.get(member.role, (member.role.upper(), ""))
        segments.append(build.segment("AIP", {1: str(number), 2: mode, 3: _xcn(member.person), 4: role, **span}))
    room: Value = (notice.room.code, notice.room.name, "", route.sender[1])
    segments.append(build.segment("AIL", {1: "1", 2: mode, 3: room, 4: ("OR", "手术间"), **span}))
    return _finish(segments, route)


def status_message(notice: StatusNotice, route: Route, control_id: str) -> bytes:
    """ORM^O01 with ORC-1 SC: an OBX per time reached and one with the present status."""
    segments = [
        _header(("ORM", "O01", "ORM_O01"), route, control_id),
        _pid(notice.patient, route),
        *_pv1(notice.visit),
        _orc("SC", "CM" if notice.is_finished else "IP", notice, route, ""),
        _obr(notice, route, notice.milestones),
    ]
    for number, (milestone, moment) in enumerate(notice.milestones, 1):
        segments.append(_observation(number, "TS", (milestone.value, milestone.label, "MAFEI"), format_time(moment)))
    if notice.milestones:
        last = notice.milestones[-1][0]
        present: Value = (last.value, last.label, "MAFEI")
        segments.append(_observation(len(notice.milestones) + 1, "CE", ("OPER_STATUS", "手术状态", "MAFEI"), present))
    return _finish(segments, route)


def cancellation_message(notice: CancellationNotice, route: Route, control_id: str) -> bytes:
    """ORM^O01 with ORC-1 OC, ORC-5 CA and the reason in ORC-16."""
    stage: Value = ("1", "麻醉开始后", "MAFEI") if notice.after_anesthesia else ("0", "麻醉开始前", "MAFEI")
    segments = [
        _header(("ORM", "O01", "ORM_O01"), route, control_id),
        _pid(notice.patient, route),
        *_pv1(notice.visit),
        _orc("OC", "CA", notice, route, (notice.reason.code, notice.reason.name, notice.reason.system)),
        _obr(notice, route, ()),
        _observation(1, "CE", ("CANCEL_STAGE", "取消时机", "MAFEI"), stage),
        _observation(2, "CE", ("OPER_STATUS", "手术状态", "MAFEI"), ("CANCELLED", "已取消", "MAFEI")),
    ]
    return _finish(segments, route)


def _header(kind: tuple[str, ...], route: Route, control_id: str) -> str:
    return build.header(
        kind,
        control_id,
        sender=route.sender,
        receiver=route.receiver,
        version=route.version,
        charset=msh18_of(route.charset),
    )


def _finish(segments: Sequence[str], route: Route) -> bytes:
    return encode(build.join(segments), route.charset)


def _sch(notice: ScheduleNotice, route: Route, state: str) -> str:
    ends_at = notice.starts_at + timedelta(minutes=notice.duration_minutes)
    duration = str(notice.duration_minutes)
    contact = _xcn(notice.scheduler)
    reason: Value = (_EVENTS[notice.event][0], notice.reason or _EVENTS[notice.event][1])
    return build.segment(
        "SCH",
        {
            1: (notice.request_no, route.placer_namespace),
            2: (notice.schedule_no, route.filler_namespace),
            6: reason,
            7: (notice.kind.value.upper(), notice.kind.label),
            8: ("EMERGENCY", "急诊") if notice.kind is RequestKind.EMERGENCY else ("NORMAL", "常规"),
            9: duration,
            10: "min",
            11: ("", "", duration, format_time(notice.starts_at), format_time(ends_at)),
            12: contact,
            16: contact,
            20: contact,
            25: state,
        },
    )


def _schedule_notes(notice: ScheduleNotice) -> list[str]:
    told = [
        f"台次：{notice.sequence}" if notice.sequence else "",
        f"麻醉方式：{notice.anesthesia_method}" if notice.anesthesia_method else "",
        f"体位：{notice.position}" if notice.position else "",
        notice.notes,
    ]
    return [text for text in told if text]


def _notes(texts: Sequence[str]) -> list[str]:
    return [build.segment("NTE", {1: str(number), 2: "L", 3: text}) for number, text in enumerate(texts, 1)]


def _pid(patient: PatientData, route: Route) -> str:
    numbers: list[str | tuple[build.Component, ...]] = [(patient.patient_no, "", "", route.placer_namespace, "PI")]
    if patient.national_id:
        numbers.append((patient.national_id, "", "", "GA", "NI"))
    return build.segment(
        "PID",
        {
            1: "1",
            3: numbers,
            5: _person_name(patient.name),
            7: format_date(patient.birth_date) if patient.birth_date else "",
            8: _SEX.get(patient.sex, ""),
        },
    )


def _person_name(name: str) -> tuple[str, ...]:
    """The whole name in component 1: family and given name cannot be told apart for certain (欧阳, 单名)."""
    return (name,)


def _pv1(visit: VisitData | None) -> list[str]:
    if visit is None:
        return []
    place: Value = (visit.department.name or visit.ward.name, visit.department.code or visit.ward.code, visit.bed)
    return [
        build.segment(
            "PV1",
            {1: "1", 2: _CLASS.get(visit.kind, "U"), 3: place, 7: _xcn(visit.attending), 19: visit.visit_no},
        )
    ]


def _diagnoses(diagnoses: Sequence[Code]) -> list[str]:
    return [
        build.segment("DG1", {1: str(number), 3: (code.code, code.name, code.system or "ICD10CN"), 6: "A"})
        for number, code in enumerate(diagnoses, 1)
    ]


def _ais(number: int, mode: str, procedure: ProcedureData, span: dict[int, Value]) -> str:
    """AIS counts one field less than AIP and AIL before the start time."""
    shifted = {4: span[6], 7: span[9], 8: span[10], 10: span[12]}
    return build.segment("AIS", {1: str(number), 2: mode, 3: _procedure(procedure), **shifted})


def _procedure(procedure: ProcedureData) -> tuple[str, ...]:
    return (procedure.code, procedure.name, procedure.system or "ICD9CM3")


def _xcn(person: PersonRef) -> tuple[str, ...]:
    return (person.code, person.name) if person else ()


def _orc(control: str, state: str, notice: StatusNotice | CancellationNotice, route: Route, reason: Value) -> str:
    return build.segment(
        "ORC",
        {
            1: control,
            2: (notice.request_no, route.placer_namespace),
            3: (notice.schedule_no, route.filler_namespace),
            4: (notice.group_no, route.placer_namespace) if notice.group_no else "",
            5: state,
            7: ("", "", "", format_time(notice.planned_at)) if notice.planned_at else "",
            9: format_time(notice.occurred_at),
            10: _xcn(notice.operator),
            16: reason,
        },
    )


def _obr(
    notice: StatusNotice | CancellationNotice, route: Route, milestones: Sequence[tuple[Milestone, datetime]]
) -> str:
    times = dict(milestones)
    start, end = times.get(Milestone.OPER_START), times.get(Milestone.OPER_END)
    return build.segment(
        "OBR",
        {
            1: "1",
            2: (notice.request_no, route.placer_namespace),
            3: (notice.schedule_no, route.filler_namespace),
            4: _procedure(notice.procedure),
            7: format_time(start) if start else "",
            8: format_time(end) if end else "",
        },
    )


def _observation(number: int, kind: str, item: tuple[str, ...], value: Value) -> str:
    return build.segment("OBX", {1: str(number), 2: kind, 3: item, 5: value, 11: "F"})
