"""What the anesthesia record tells its documents."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from app.accounts.models import User
from app.anesthesia.models import (
    Administration,
    AirwayProcedure,
    AnesthesiaRecord,
    BlockProcedure,
    ChartReading,
    Intake,
    Output,
    RateChange,
)
from app.core.db import db
from app.documents import service
from app.documents.gather import gather
from app.documents.queries.lists import case_folder
from app.scheduling.models import CaseEvent, SurgicalCase
from tests.documents.conftest import START


@pytest.fixture
def recorded(make_case: Callable[..., SurgicalCase]) -> SurgicalCase:
    """A case with a record: drugs, fluids, blood, pressures every 5 min, a tube, a block, an event, a rescue."""
    case = make_case()
    record = AnesthesiaRecord(
        case_id=case.id, opened_at=START, opened_by="test", technique={"premedication": "无", "pca": "PCIA"},
        rescue_spans=[{"start": (START + timedelta(minutes=50)).isoformat(),
                       "end": (START + timedelta(minutes=60)).isoformat()}],
    )  # fmt: skip
    db.session.add(record)
    db.session.flush()
    at = START + timedelta(minutes=12)
    pump = Administration(record_id=record.id, name="丙泊酚", mode="infusion", unit="mg", route="iv", start_at=at,
                          concentration="10 mg/ml", by="test")  # fmt: skip
    pump.rates.append(RateChange(at=at, rate=Decimal(30), unit="ml/h", by="test"))
    db.session.add_all([
        Administration(record_id=record.id, name="咪达唑仑", mode="bolus", unit="mg", route="iv", dose=Decimal("2.0"),
                       start_at=at, by="test"),
        pump,
        Intake(record_id=record.id, name="乳酸钠林格液", category="crystalloid", volume_ml=Decimal(500), start_at=at,
               by="test"),
        Intake(record_id=record.id, name="去白红细胞", category="blood_product", volume_ml=Decimal(400), start_at=at,
               end_at=at + timedelta(minutes=40), by="test"),
        Output(record_id=record.id, kind="blood_loss", name="出血量", volume_ml=Decimal(300), at=at, by="test"),
        Output(record_id=record.id, kind="urine", name="尿量", volume_ml=Decimal(200), at=at, by="test"),
        AirwayProcedure(record_id=record.id, at=at, device="tracheal_tube", path="oral", size="7.0", by="test"),
        BlockProcedure(record_id=record.id, at=at, kind="nerve", site="腹横肌平面", by="test"),
        CaseEvent(case_id=case.id, kind="noted", at=at, label="低血压", by="test"),
    ])  # fmt: skip
    for minute in range(0, 130, 5):
        for code, value in (("NIBP_S", 118), ("NIBP_D", 70), ("HR", 72), ("SpO2", 99), ("RR", 12)):
            moment = START + timedelta(minutes=minute)
            db.session.add(ChartReading(record_id=record.id, code=code, slot_at=moment, at=moment, unit="",
                                        value=Decimal(value), source="device", state="auto"))  # fmt: skip
    db.session.flush()
    db.session.expire(case)
    return case


def test_the_record_becomes_facts(recorded: SurgicalCase) -> None:
    facts = gather(recorded)
    drugs = {row["name"]: row for row in facts.get("record.drugs")}
    assert (drugs["咪达唑仑"]["amount"], drugs["咪达唑仑"]["route"]) == ("2", "静脉")
    assert drugs["丙泊酚"]["amount"] == "565"  # 30 ml/h of 10 mg/ml from 12 to 125 min
    assert facts.get("record.blood_loss_ml") == 300
    assert facts.get("record.intake_ml") == 900
    assert facts.get("record.blood")[0]["product"] == "1"
    assert facts.get("record.airway") == "经口气管插管 7.0"
    assert facts.get("record.puncture") == "神经阻滞，腹横肌平面"
    assert facts.get("case.has_analgesia") == "yes"
    assert facts.times["rescue_end"] - facts.times["rescue_start"] == timedelta(minutes=10)
    point = facts.chart_at("sbp", "out_of_room")
    assert point is not None
    assert point.value == 118


def test_the_record_fills_its_document(recorded: SurgicalCase, users: dict[str, User]) -> None:
    values = service.begin_document(users["anesthesiologist"], recorded, "anesthesia_record", []).content.values
    assert [row["name"] for row in values["drugs"]] == ["咪达唑仑", "丙泊酚"]
    assert (values["last_sbp"], values["blood_loss"], values["urine"]) == ("118", "300", "200")
    assert values["routine_monitoring"][0] == {"name": "收缩压", "result": "118 mmHg"}
    assert values["blood"][0]["ended_at"] == "2026-11-20T01:22:00+00:00"


def test_the_record_fills_measurements_and_volumes(recorded: SurgicalCase, users: dict[str, User]) -> None:
    nurse = users["theatre_nurse"]
    signs = service.begin_document(nurse, recorded, "vital_signs_record", []).content.values
    assert (signs["signs"][0]["sbp"], signs["signs"][0]["at"][:4], signs["ventilator"]) == ("118", "2026", "yes")
    volumes = service.begin_document(nurse, recorded, "intake_output_record", []).content.values
    assert sum(int(row["volume"]) for row in volumes["intakes"]) == 900
    assert ("尿量", "200") in {(row["name"], row["volume"]) for row in volumes["outputs"]}


def test_findings_of_the_record(recorded: SurgicalCase) -> None:
    folder = case_folder(recorded)
    found = {finding.code for finding in folder.findings}
    assert {"infusion_running", "event_unhandled", "general_no_temperature", "gap_etco2", "rescue_late",
            "no_transfusion_consent"} <= found  # fmt: skip
    assert "gap_sbp" not in found
    assert {"rescue_record", "transfusion_record", "analgesia_record"} <= {row.kind.key for row in folder.wanted}
