"""ADT: who, where, and what happened."""

from datetime import date

import pytest

from integrations.canonical import Code, PatientAction
from tests.integrations.messages import PID, PV1, change_of, error_of, header, one, text


def adt(trigger: str, *segments: str) -> str:
    return text(header(kind=f"ADT^{trigger}"), f"EVN|{trigger}|20261122081500", *segments)


@pytest.mark.parametrize(
    ("trigger", "action"),
    [
        ("A01", PatientAction.ADMIT),
        ("A02", PatientAction.TRANSFER),
        ("A03", PatientAction.DISCHARGE),
        ("A04", PatientAction.REGISTER),
        ("A08", PatientAction.UPDATE),
        ("A11", PatientAction.CANCEL_ADMIT),
        ("A13", PatientAction.CANCEL_DISCHARGE),
        ("A28", PatientAction.REGISTER),
        ("A31", PatientAction.UPDATE),
    ],
)
def test_events(trigger, action):
    assert change_of(adt(trigger, PID, PV1)).action is action


def test_all_that_a_message_tells_of_a_patient():
    change = change_of(adt("A01", PID, PV1, "AL1|1|DA|PCN^青霉素||皮疹", "AL1|2|DA|^碘"))
    patient, visit = change.patient, change.visit
    assert (patient.patient_no, patient.name, patient.sex) == ("0001234567", "黄小梅", "female")
    assert patient.birth_date == date(1970, 1, 2)
    assert patient.national_id == "450122197001020011"
    assert patient.phone == "13800001111"
    assert patient.address == "广西武鸣区"
    assert [str(item) for item in patient.allergies] == ["青霉素（皮疹）", "碘"]
    assert (visit.visit_no, visit.kind, visit.bed) == ("ZY001", "inpatient", "12")
    assert visit.department == Code("0301", "骨科")
    assert visit.attending.name == "李强"
    assert visit.admitted_at.isoformat() == "2026-11-20T01:30:00+00:00"
    assert change.occurred_at.isoformat() == "2026-11-22T00:15:00+00:00"


@pytest.mark.parametrize(
    ("field", "name", "pinyin"),
    [
        ("黄^小梅", "黄小梅", ""),
        ("黄小梅", "黄小梅", ""),
        ("CESHI1^测试1111", "测试1111", "CESHI1"),
        ("黄小梅^HUANG XIAOMEI", "黄小梅", "HUANG XIAOMEI"),
        ("HUANG^XIAOMEI~黄^小梅^^^^^L^I", "黄小梅", "HUANG XIAOMEI"),
        ("黄^小梅^^^^^L^I~HUANG^XIAOMEI^^^^^L^A", "黄小梅", "HUANG XIAOMEI"),
        ("SMITH^JOHN", "SMITH JOHN", ""),
        ("䶮^㛃", "䶮㛃", ""),
        ("买买提·艾力", "买买提·艾力", ""),
    ],
)
def test_names_as_they_come(field, name, pinyin):
    patient = change_of(adt("A08", f"PID|1||7^^^HIS^PI||{field}")).patient
    assert (patient.name, patient.pinyin) == (name, pinyin)


@pytest.mark.parametrize(
    ("field", "ward", "department", "bed"),
    [
        ("骨科^0301^12", Code("0301", "骨科"), Code("0301", "骨科"), "12"),
        ("W03^骨科^12", Code("W03", ""), Code("", "骨科"), "12"),
        ("^^12^020101&Z心血管内科", Code(), Code("020101", "心血管内科"), "12"),
        ("外一病区^3^05^0201&普外科", Code("", "外一病区"), Code("0201", "普外科"), "05"),
        ("", Code(), Code(), ""),
    ],
)
def test_places_as_they_come(field, ward, department, bed):
    visit = change_of(adt("A08", PID, f"PV1|1|I|{field}||||||||||||||||ZY1")).visit
    assert (visit.ward, visit.department, visit.bed) == (ward, department, bed)


@pytest.mark.parametrize(("told", "sex"), [("M", "male"), ("2", "female"), ("男", "male"), ("", ""), ("X", "unknown")])
def test_sex(told, sex):
    assert change_of(adt("A08", f"PID|1||7||黄|||{told}")).patient.sex == sex


def test_visit_class_may_be_chinese_or_national_code():
    visit = change_of(adt("A08", PID, "PV1|1|2^急诊|||||||||||||||||JZ1|职工医保")).visit
    assert visit.kind == "emergency"
    assert change_of(adt("A08", PID, "PV1|1|门诊")).visit.kind == "outpatient"


def test_merge_names_survivor_and_retired():
    change = change_of(adt("A40", PID, "MRG|0009999999^^^HIS^PI"))
    assert change.action is PatientAction.MERGE
    assert (change.patient.patient_no, change.retired_patient_no) == ("0001234567", "0009999999")


def test_several_merges_of_one_message_each_have_their_pair():
    item = one(adt("A40", PID, "MRG|1^^^HIS^PI", PID.replace("0001234567", "0007"), "MRG|2^^^HIS^PI"))
    pairs = [(change.patient.patient_no, change.retired_patient_no) for _, change in item.changes]
    assert pairs == [("0001234567", "1"), ("0007", "2")]


@pytest.mark.parametrize(
    ("source", "where"),
    [
        (adt("A40", PID), "MRG-1"),
        (adt("A40", PID, "MRG|0001234567"), "MRG-1"),
        (adt("A08"), "PID"),
        (adt("A08", "PID|1||||黄"), "PID-3"),
        (adt("A01", "PID|1||7^^^HIS^PI"), "PID-5"),
        (adt("A60", PID), "MSH-9.2"),
        (text(header(kind="MDM^T02"), PID), "MSH-9"),
        (text(header(kind="ORU^R01"), PID), "OBR"),
        (text(header(control_id=""), PID), "MSH-10"),
    ],
)
def test_refusals_say_where(source, where):
    error = error_of(source)
    assert error.where == where
    assert error.message.startswith(f"{where}：")
    assert error.advice


def test_identity_card_that_is_none_is_left_out():
    assert change_of(adt("A08", "PID|1||7^^^HIS^PI~123^^^GA^NI||黄")).patient.national_id == ""
