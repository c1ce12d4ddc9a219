"""Surgery requests: every field, several groups, and orders that are none of ours."""

from decimal import Decimal

import pytest

from integrations.canonical import Code, PersonRef, RequestAction, RequestKind
from integrations.hl7.codes import CodeTables, FieldPath, PeerProfile, load_profile
from integrations.hl7.errors import MessageError
from tests.integrations.messages import PID, PV1, change_of, error_of, header, one, order, request, text


def obx(code: str, value: str, kind: str = "CE", unit: str = "") -> str:
    return f"OBX|1|{kind}|{code}||{value}|{unit}|||||F"


def test_all_that_a_request_tells():
    change = change_of(
        request(
            "OBR|2|REQ1^HIS||47.0100^腹腔镜阑尾切除术^ICD9CM3",
            "DG1|1||K80.200^胆囊结石^ICD10CN||20261120|A",
            obx("OPER_CLASS^手术类别", "ELECTIVE^择期"),
            obx("ANES_METHOD^拟麻醉方式", "01^全身麻醉^WST500"),
            obx("INCISION^切口等级", "2^Ⅱ类"),
            obx("ISOLATION^隔离标志", "0^无"),
            obx("ASA^ASA分级", "^Ⅲ级"),
            obx("POSITION^体位", "^仰卧位"),
            obx("EQUIPMENT^特殊器械", "超声刀", "ST"),
            obx("OPER_LEVEL^手术级别", "3^三级"),
            obx("HEIGHT^身高", "1.62", "NM", "m"),
            obx("^体重", "58.5", "NM", "kg"),
            obx("BLOOD_TYPE^血型", "A^A型"),
            obx("RH^Rh", "^阳性"),
            obx("ASSIST1^一助", "1002^韦^国栋", "XCN"),
            obx("ASSIST2^二助", "^蒙丽", "XCN"),
            obx("WALKING^行走", "平车"),
            "NTE|1|L|备术中冰冻",
        )
    )
    assert (change.action, change.request_no, change.group_no) == (RequestAction.NEW, "REQ1", "GRP1")
    assert change.kind is RequestKind.ELECTIVE
    assert [item.code for item in change.procedures] == ["51.2300", "47.0100"]
    assert change.procedures[0].level == "3"
    assert change.diagnoses == (Code("K80.200", "胆囊结石", "ICD10CN"),)
    assert change.surgeon == PersonRef("1001", "李强")
    assert [person.name for person in change.assistants] == ["韦国栋", "蒙丽"]
    assert change.planned_at.isoformat() == "2026-11-23T00:30:00+00:00"
    assert change.duration_minutes == 120
    assert change.anesthesia_method == Code("01", "全身麻醉", "WST500")
    assert (change.asa, change.wound_class, change.position, change.isolation) == ("3", "2", "仰卧位", "")
    assert change.special_equipment == "超声刀"
    assert change.notes == "备术中冰冻"
    assert (change.height_cm, change.weight_kg) == (Decimal("162"), Decimal("58.5"))
    assert (change.patient.blood_type, change.patient.rh) == ("A", "positive")
    assert change.department == Code("0301", "骨科")
    assert change.applicant.name == "李强"
    assert change.applied_at.isoformat() == "2026-11-22T00:00:00+00:00"
    assert change.extra == (("行走", "平车"),)


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ("ELECTIVE^择期", RequestKind.ELECTIVE),
        ("URGENT^限期", RequestKind.URGENT),
        ("^急诊手术", RequestKind.EMERGENCY),
        ("^无痛", RequestKind.PAINLESS),
        ("门诊", RequestKind.OUTPATIENT),
        ("DAY^日间手术", RequestKind.DAY),
        ("9^胃肠镜", RequestKind.ENDOSCOPY),
    ],
)
def test_kinds(told, kind):
    assert change_of(request(obx("OPER_CLASS^手术类别", told))).kind is kind


@pytest.mark.parametrize(
    ("priority", "visit_class", "kind"),
    [
        ("S", "I", RequestKind.EMERGENCY),
        ("A", "I", RequestKind.URGENT),
        ("R", "I", RequestKind.ELECTIVE),
        ("R", "E", RequestKind.EMERGENCY),
        ("", "O", RequestKind.OUTPATIENT),
        ("4", "I", RequestKind.ELECTIVE),
    ],
)
def test_kind_when_only_priority_and_visit_tell_it(priority, visit_class, kind):
    source = request().replace("^^R|", f"^^{priority}|").replace("PV1|1|I", f"PV1|1|{visit_class}")
    assert change_of(source).kind is kind


@pytest.mark.parametrize(
    ("control", "action"),
    [
        ("NW", "new"),
        ("XO", "update"),
        ("RP", "update"),
        ("CA", "cancel"),
        ("DC", "cancel"),
        ("OC", "cancel"),
        ("HD", "hold"),
    ],
)
def test_actions(control, action):
    assert change_of(text(header(), PID, PV1, *order("R", control))).action == action


def test_cancellation_needs_only_the_number_and_brings_its_reason():
    orc = "ORC|CA|REQ1^HIS||||||||||||||10^患者发热"
    change = change_of(text(header(), PID, orc))
    assert change.action is RequestAction.CANCEL
    assert change.reason == "患者发热"


def test_groups_are_requests_of_their_own_and_one_bad_row_stops_no_other():
    item = one(
        text(header(), PID, PV1, *order("R1"), *order("R2", procedure=""), *order("R3", "CA"), *order("R4", "??"))
    )
    assert [(change.request_no, change.action) for _, change in item.changes] == [("R1", "new"), ("R3", "cancel")]
    assert [(label, error.where) for label, error in item.errors] == [("第2组申请", "OBR-4"), ("第4组申请", "ORC-1")]


def test_notes_and_items_stay_in_their_group():
    first = order("R1", "NW", "NTE|1|L|甲", obx("POSITION", "俯卧位", "ST"))
    second = order("R2", "NW", "NTE|1|L|乙")
    changes = [change for _, change in one(text(header(), PID, PV1, *first, *second)).changes]
    assert [(change.notes, change.position) for change in changes] == [("甲", "俯卧位"), ("乙", "")]


def test_several_groups_of_one_number_are_one_request_with_several_procedures():
    parts = [*order("R1", procedure="1^甲^X"), *order("R1", procedure="2^乙^X")]
    change = change_of(text(header(), PID, PV1, *parts))
    assert [item.name for item in change.procedures] == ["甲", "乙"]


def test_omg_with_timing_and_roles():
    source = text(
        header(kind="OMG^O19^OMG_O19", version="2.5.1"),
        PID,
        "PV1|1|D",
        "ORC|NW|Q1|||||||20261122080000|||||||||0301^骨科",
        "TQ1|1||||||20261124090000||S",
        "OBR|1|Q1||51.23^腹腔镜胆囊切除术",
        "ROL|1|AD|SURGEON^主刀|1001^李^强",
        "ROL|2|AD|^一助|1002^韦^国栋",
    )
    change = change_of(source)
    assert change.kind is RequestKind.EMERGENCY
    assert change.planned_at.isoformat() == "2026-11-24T01:00:00+00:00"
    assert change.surgeon.name == "李强"
    assert change.assistants[0].name == "韦国栋"


@pytest.mark.parametrize(
    ("trigger", "action"), [("S12", "new"), ("S13", "update"), ("S14", "update"), ("S15", "cancel")]
)
def test_calendar_booking_as_request(trigger, action):
    source = text(
        header(kind=f"SIU^{trigger}"),
        "SCH|REQ7^HIS|9^HIS||||ROUTINE^患者要求|DAY^日间|NORMAL|90|min|^^90^20261123083000^20261123100000|3001^陈^刚",
        PID,
        PV1,
        "RGS|1|A",
        "AIS|1|A|13.4100^白内障超声乳化抽吸术^ICD9CM3|20261123083000",
        "AIP|1|A|1001^李^强|SURGEON^主刀医师",
    )
    change = change_of(source)
    assert (change.action, change.request_no, change.kind) == (action, "REQ7", RequestKind.DAY)
    assert change.duration_minutes == 90
    assert change.surgeon.name == "李强"
    assert change.procedures[0].code == "13.4100"


@pytest.mark.parametrize(
    ("source", "where"),
    [
        (text(header(), PID, PV1, *order("")), "ORC-2"),
        (text(header(), PV1, *order()), "PID-3"),
        (text(header(), PID, PV1), "ORC"),
        (text(header(), PID, PV1, *order(procedure="24725-4^CT Head^LN")), "OBR-4.3"),
        (text(header(), PID, *order()).replace("|OR\r", "|LAB\r"), "OBR-24"),
        (text(header(kind="SIU^S26"), PID), "MSH-9.2"),
        (text(header(kind="SIU^S12"), PID), "SCH"),
        (text(header(kind="SIU^S12"), "SCH|1", PID, "AIS|1|A|58410-2^CBC^LN"), "AIS-3.3"),
    ],
)
def test_refusals_say_where(source, where):
    assert error_of(source).where == where


@pytest.mark.parametrize(
    ("value", "unit", "height"),
    [("162", "cm", Decimal(162)), ("1.62", "", Decimal(162)), ("16", "cm", None), ("身高162", "", Decimal(162))],
)
def test_heights(value, unit, height):
    assert change_of(request(obx("HEIGHT", value, "NM", unit))).height_cm == height


@pytest.mark.parametrize(
    ("value", "unit", "weight"),
    [("58.5", "kg", Decimal("58.5")), ("3200", "g", Decimal("3.2")), ("120", "斤", Decimal(60)), ("0", "kg", None)],
)
def test_weights(value, unit, weight):
    assert change_of(request(obx("WEIGHT", value, "NM", unit))).weight_kg == weight


def test_withdrawn_item_is_not_used():
    assert change_of(request("OBX|1|ST|ASA||3||||||D")).asa == ""


def test_name_in_the_place_of_the_code():
    change = change_of(text(header(), PID, *order(procedure="阑尾切除术")))
    assert (change.procedures[0].code, change.procedures[0].name) == ("", "阑尾切除术")


def test_site_profile_changes_codes_and_places_without_code(tmp_path):
    file = tmp_path / "site.yaml"
    file.write_text(
        "charset: gbk\ncodes:\n  request_kind:\n    甲类: emergency\n  item:\n    ZD001: kind\n"
        "fields:\n  patient_no: ZPI-3.2\n",
        encoding="utf-8",
    )
    profile = load_profile(file)
    source = request(obx("ZD001", "甲类", "ST"), "ZPI|1||x^P0009")
    change = change_of(source.encode("gbk"), profile)
    assert change.kind is RequestKind.EMERGENCY
    assert change.patient.patient_no == "P0009"
    assert change_of(source).kind is RequestKind.ELECTIVE


@pytest.mark.parametrize("content", ["fields:\n  bed: PV1.3", "codes: 3", "[", "- a"])
def test_wrong_profile_is_told(tmp_path, content):
    file = tmp_path / "site.yaml"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(MessageError, match=r"site\.yaml"):
        load_profile(file)


def test_unknown_codes_are_remembered_for_the_informatics_department():
    profile = PeerProfile(codes=CodeTables({"sex": {"M": "male"}, "order_control": {"NW": "new"}}))
    change_of(request(), profile)
    assert profile.codes.unmapped[("sex", "F")] == 1


def test_field_paths():
    path = FieldPath.parse("PID-3[5=NI].1")
    assert (path.segment, path.number, path.filter_component, path.filter_value) == ("PID", 3, 5, "NI")
    with pytest.raises(ValueError, match="PID"):
        FieldPath.parse("__import__('os')-PID")
