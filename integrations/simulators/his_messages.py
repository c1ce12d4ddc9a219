"""Messages as the simulated HIS writes them: ADT and ORM^O01, the mirror image of our readers."""

from integrations.canonical import PatientData, RequestAction, SurgeryRequestChange, VisitData
from integrations.hl7 import build
from integrations.hl7.charset import msh18_of
from integrations.hl7.times import format_date, format_time

SENDER, RECEIVER = ("HIS", "HOSPITAL"), ("MAFEI", "HOSPITAL")
_SEX = {"male": "M", "female": "F"}
_CLASS = {"inpatient": "I", "outpatient": "O", "emergency": "E", "day": "D"}
_CONTROL = {
    RequestAction.NEW: "NW",
    RequestAction.UPDATE: "XO",
    RequestAction.CANCEL: "CA",
    RequestAction.HOLD: "HD",
}
_ASA = {"1": "Ⅰ级", "2": "Ⅱ级", "3": "Ⅲ级", "4": "Ⅳ级", "5": "Ⅴ级", "6": "Ⅵ级"}
_WOUND = {"0": "0类", "1": "Ⅰ类", "2": "Ⅱ类", "3": "Ⅲ类"}
_LEVEL = {"1": "一级", "2": "二级", "3": "三级", "4": "四级"}
_SIDE = {"left": "左侧", "right": "右侧", "bilateral": "双侧"}
_BLOOD = {"A": "A型", "B": "B型", "AB": "AB型", "O": "O型"}


def patient_message(request: SurgeryRequestChange, control_id: str, charset: str) -> str:
    """ADT^A01 of an inpatient, A04 of anyone else."""
    is_inpatient = request.visit is not None and request.visit.kind == "inpatient"
    trigger = "A01" if is_inpatient else "A04"
    moment = format_time(request.visit.admitted_at) if request.visit and request.visit.admitted_at else ""
    return build.join(
        [
            _msh(("ADT", trigger, "ADT_A01"), control_id, charset),
            build.segment("EVN", {1: trigger, 2: moment}),
            *person_segments(request.patient, request.visit),
        ]
    )


def request_message(request: SurgeryRequestChange, control_id: str, charset: str) -> str:
    """ORM^O01: NW, XO, CA or HD by the action of the request."""
    kind = request.kind
    urgency = {"emergency": "S", "urgent": "A"}.get(kind.value if kind else "", "R")
    surgeon = (request.surgeon.code, request.surgeon.name)
    department = (request.department.code, request.department.name)
    planned = format_time(request.planned_at) if request.planned_at else ""
    orc = build.segment(
        "ORC",
        {
            1: _CONTROL[request.action],
            2: (request.request_no, "HIS"),
            4: (request.group_no, "HIS"),
            7: ("", "", str(request.duration_minutes or ""), planned, "", urgency),
            9: format_time(request.applied_at) if request.applied_at else "",
            10: surgeon,
            12: surgeon,
            13: department,
            16: (dict(request.extra).get("reason_code", ""), request.reason),
            17: department,
        },
    )
    segments = [
        _msh(("ORM", "O01", "ORM_O01"), control_id, charset),
        *person_segments(request.patient, request.visit),
        orc,
        *_procedures(request),
        *_diagnoses(request),
        *_items(request),
    ]
    if request.notes:
        segments.append(build.segment("NTE", {1: "1", 2: "L", 3: request.notes}))
    return build.join(segments)


def _msh(kind: tuple[str, ...], control_id: str, charset: str) -> str:
    return build.header(kind, control_id, sender=SENDER, receiver=RECEIVER, version="2.4", charset=msh18_of(charset))


def person_segments(patient: PatientData, visit: VisitData | None) -> list[str]:
    """PID, PV1 and AL1."""
    numbers: list[str | tuple[build.Component, ...]] = [
        (number.value, "", "", number.authority, number.kind) for number in patient.identifiers
    ]
    segments = [
        build.segment(
            "PID",
            {
                1: "1",
                3: numbers,
                5: (patient.name[:1], patient.name[1:]),
                7: format_date(patient.birth_date) if patient.birth_date else "",
                8: _SEX.get(patient.sex, "U"),
                11: ("", "", "", patient.address),
                13: ("", "PRN", "PH", "", "", "", "", "", "", "", "", patient.phone),
            },
        )
    ]
    if visit is not None:
        segments.append(_pv1(visit))
    for number, allergy in enumerate(patient.allergies, 1):
        fields: dict[int, build.Value] = {1: str(number), 2: "DA", 3: ("", allergy.substance), 5: allergy.reaction}
        segments.append(build.segment("AL1", fields))
    return segments


def _pv1(visit: VisitData) -> str:
    place: build.Value = (visit.department.name, visit.department.code, visit.bed)
    return build.segment(
        "PV1",
        {
            1: "1",
            2: _CLASS.get(visit.kind, "I"),
            3: place,
            7: (visit.attending.code, visit.attending.name),
            19: visit.visit_no,
            20: visit.payment,
            44: format_time(visit.admitted_at) if visit.admitted_at else "",
        },
    )


def _procedures(request: SurgeryRequestChange) -> list[str]:
    return [
        build.segment(
            "OBR",
            {
                1: str(number),
                2: (request.request_no, "HIS"),
                4: (procedure.code, procedure.name, procedure.system),
                16: (request.surgeon.code, request.surgeon.name),
                24: "OR",
            },
        )
        for number, procedure in enumerate(request.procedures, 1)
    ]


def _diagnoses(request: SurgeryRequestChange) -> list[str]:
    return [
        build.segment("DG1", {1: str(number), 3: (item.code, item.name, item.system), 6: "A"})
        for number, item in enumerate(request.diagnoses, 1)
    ]


def _items(request: SurgeryRequestChange) -> list[str]:
    main = request.procedures[0]
    method = request.anesthesia_method
    told: list[tuple[str, str, tuple[str, ...]]] = [
        ("OPER_CLASS", "手术类别", (request.kind.value.upper(), request.kind.label) if request.kind else ()),
        ("ANES_METHOD", "拟麻醉方式", (method.code, method.name)),
        ("INCISION", "切口等级", (request.wound_class, _WOUND.get(request.wound_class, ""))),
        ("OPER_LEVEL", "手术级别", (main.level, _LEVEL.get(main.level, "")) if main.level else ()),
        ("LATERALITY", "侧别", ("", _SIDE[main.laterality]) if main.laterality else ()),
        ("ASA", "ASA分级", (request.asa, _ASA.get(request.asa, "")) if request.asa else ()),
        ("POSITION", "体位", ("", request.position) if request.position else ()),
        ("ISOLATION", "隔离标志", ("1", request.isolation) if request.isolation else ("0", "无")),
        ("EQUIPMENT", "特殊器械", ("", request.special_equipment) if request.special_equipment else ()),
        ("BLOOD_TYPE", "血型", ("", _BLOOD.get(request.patient.blood_type, ""))),
        ("RH", "Rh血型", ("", "阳性") if request.patient.rh == "positive" else ()),
    ]
    told += [(f"ASSIST{n}", f"助手{n}", (person.code, person.name)) for n, person in enumerate(request.assistants, 1)]
    rows = [row for row in told if any(row[2])]
    return [
        build.segment("OBX", {1: str(n), 2: "CE", 3: (code, name, "HIS"), 5: value, 11: "F"})
        for n, (code, name, value) in enumerate(rows, 1)
    ]
