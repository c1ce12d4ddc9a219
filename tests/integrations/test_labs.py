"""Reports of a laboratory: read, filed once, corrected with a trace, never given to the wrong patient."""

from decimal import Decimal

import pytest
from sqlalchemy import select

from app.core.db import db
from app.interfaces.models import InboundMessage
from app.labs.models import LabResult
from app.patients.models import Patient
from integrations.hl7.preview import describe, preview
from tests.integrations.journal import code_of
from tests.integrations.messages import HIS, PID, PV1, change_of, error_of, header, request, text


def report(*rows, control_id="L0001", patient=PID, status="F", number="R1", at="20261122091000", panel="XCG^血常规"):
    obr = f"OBR|1||{number}^LIS|{panel}|||20261122071000||||||||全血|||||||{at}|||{status}"
    return text(header(kind="ORU^R01", control_id=control_id), patient, PV1, obr, *rows)


def hb(value="112", status="F", unit="g/L", flag="L"):
    return f"OBX|1|NM|HGB^血红蛋白^LIS||{value}|{unit}|115-150|{flag}|||{status}|||20261122091000"


def results():
    db.session.rollback()  # a new look: the engine writes beside us
    return list(db.session.scalars(select(LabResult).order_by(LabResult.id)))


@pytest.fixture
def filed(intake, application):
    """An engine that knows the patient, in an application context."""
    assert code_of(intake(request())) == "AA"
    with application.app_context():
        yield intake


@pytest.mark.parametrize("codec", ["utf-8", "gb18030"])
def test_a_report_is_filed_for_its_patient(filed, codec):
    told = report(hb(), "OBX|2|SN|CTNI^肌钙蛋白I^LIS||<^0.01|ng/mL||||||||", "OBX|3|ED|PDF||x^^^Base64^AAAA")
    assert code_of(filed(told.encode(codec))) == "AA"
    hemoglobin, troponin = results()
    assert (hemoglobin.code, hemoglobin.value, hemoglobin.flag, hemoglobin.status) == ("Hb", Decimal(112), "L", "final")
    assert (hemoglobin.panel, hemoglobin.specimen, hemoglobin.reference) == ("血常规", "全血", "115-150")
    assert hemoglobin.taken_at.isoformat() == "2026-11-21T23:10:00+00:00"
    assert (troponin.code, troponin.comparator, troponin.text) == ("cTnI", "<", "<0.01")
    assert db.session.get_one(Patient, hemoglobin.patient_id).name == "黄小梅"


def test_the_same_message_is_filed_once_and_a_reused_number_is_read(filed):
    for _ in range(2):
        assert code_of(filed(report(hb()))) == "AA"
    assert code_of(filed(report(hb("98"), number="R2"))) == "AA"  # another report under the same message number
    assert [row.text for row in results()] == ["112", "98"]


def test_a_correction_keeps_what_it_replaces(filed):
    filed(report(hb(status="P"), control_id="1", at="20261122080000"))
    filed(report(hb(), control_id="2"))
    filed(report(hb("121", "C", flag=""), control_id="3", at="20261122100000"))
    filed(report(hb("97", "P"), control_id="4", at="20261122080500"))  # overtaken on its way
    first, second, third, late = results()
    assert [first.replaced_by_id, second.replaced_by_id, third.replaced_by_id] == [second.id, third.id, None]
    assert (third.status, third.text, late.replaced_by_id) == ("corrected", "121", third.id)
    filed(report(hb("", "W"), control_id="5", at="20261122110000"))
    assert (results()[-1].status, results()[-1].text, third.replaced_by_id) == ("withdrawn", "", results()[-1].id)


def test_a_final_value_that_changes_is_a_correction_whatever_it_is_called(filed):
    filed(report(hb(), control_id="1"))
    filed(report(hb("131"), control_id="2", at="20261122100000"))
    assert results()[-1].status == "corrected"


def test_results_wait_for_their_patient(intake, application):
    assert code_of(intake(report(hb(), control_id="W1"))) == "AA"
    with application.app_context():
        waiting = db.session.scalars(select(InboundMessage)).one()
        assert (waiting.state, results()) == ("waiting", [])
        assert "没有这位患者" in waiting.outcome[0]["text"]
        db.session.rollback()
        intake(request())
        db.session.expire_all()
        assert (waiting.state, [row.text for row in results()]) == ("done", ["112"])
        assert "患者已登记" in waiting.outcome[-1]["text"]


def test_a_number_with_another_name_files_nothing(filed):
    assert code_of(filed(report(hb(), patient=PID.replace("黄^小梅", "黄^小美")))) == "AR"
    kept = db.session.scalars(select(InboundMessage).order_by(InboundMessage.id.desc())).first()
    assert kept is not None
    assert (kept.state, "不一致" in kept.error, results()) == ("refused", True, [])


def test_an_examination_is_told_by_its_conclusion():
    told = report("OBX|1|TX|FIND^检查所见||…", "OBX|2|TX|CONCL^检查结论||窦性心律", panel="ECG^常规心电图")
    change = change_of(told)
    assert [(item.item.name, item.text) for item in change.items] == [("检查所见", "…"), ("常规心电图", "窦性心律")]


def test_a_report_without_results_says_so():
    assert error_of(report("OBX|1|NM|HGB^血红蛋白||||||||I")).where == "OBX"


def test_parse_says_what_is_not_taken_over():
    rows = (hb("11.2", unit="g/dL"), "OBX|2|NM|PLT^血小板||220|G/L||||||", "OBX|3|ST|XX^怪项目||阳性|||||||")
    shown = "\n".join(describe(one) for one in preview(report(*rows).encode(), HIS))
    for words in ("血红蛋白 → Hb：112 g/L ↓（原值 11.2 g/dL）", "不能确认与 10⁹/L 相当，未带入", "怪项目（字典中没有"):
        assert words in shown
