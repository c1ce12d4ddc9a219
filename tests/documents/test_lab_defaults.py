"""Results as defaults of forms: the right one of the right time and unit, with its origin, age and what came since."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from app.accounts.models import User
from app.cli.setup import INSTALLER
from app.core import clock
from app.core.audit import AuditEntry
from app.core.db import db
from app.devices import service as devices
from app.documents.definition import Field, FieldType
from app.documents.expressions import parse
from app.documents.gather import gather, gather_all
from app.documents.rules.completeness import lab_note, unfit
from app.documents.service import begin_document, save_field
from app.documents.service.common import filled_of
from app.labs.service import Received, ReportFacts, ResultFacts, receive_report
from app.scheduling.models import SurgicalCase
from app.vitals import service as vitals
from app.vitals.columns import SeriesColumns
from blueprints.documents.forms import origin_words
from tests.documents.conftest import START

Case = Callable[..., SurgicalCase]
BEFORE = START - timedelta(days=3)


def report(
    case: SurgicalCase, *rows: tuple[str, ...], at: datetime = BEFORE, number: str = "R1", **changes: str
) -> Received:
    """File rows of (code, value, unit, flag) for the patient of the case."""
    facts = tuple(
        ResultFacts(code, "", "", value, unit, "", *(rest or ("",)), changes.get("status", "final"), at,
                    at + timedelta(hours=1, minutes=len(number)))
        for code, value, unit, *rest in rows
    )  # fmt: skip
    return receive_report(INSTALLER, case.patient, ReportFacts("lis", number, facts, changes.get("panel", "")))


def values_of(user: User, case: SurgicalCase, kind: str = "preop_visit") -> dict[str, str]:
    content = begin_document(user, case, kind).content
    return {key: f"{content.values[key]} ← {origin_words(content.meta[key])}" for key in content.values}


def test_results_fill_the_visit_with_origin_and_age(
    make_case: Case, users: dict[str, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    case = make_case()
    monkeypatch.setattr(clock, "now", lambda: START)
    report(
        case, ("WBC", "6.2", "10^9/L"), ("HGB", "11.2", "g/dL", "L"), ("PLT", "231", "10*9/L"), ("ECG", "窦性心律", "")
    )
    found = values_of(users["anesthesiologist"], case)
    assert found["hb"] == "112 ← 检验 Hb 112 g/L↓ 11-17 08:30，3 天前"
    assert found["platelets"].startswith("231 ←")
    assert found["blood_count"].startswith("WBC 6.2 10⁹/L，Hb 112↓ g/L，PLT 231 10⁹/L ← 检验 血常规")
    assert found["ecg"].startswith("窦性心律 ← 检验 心电图 11-17")
    assert "coagulation" not in found


def test_a_value_in_an_unknown_unit_is_not_filled_and_says_so(make_case: Case, users: dict[str, User]) -> None:
    case = make_case()
    report(case, ("HGB", "6.9", "mg%"), ("PLT", "<5", "10^9/L"))
    document = begin_document(users["anesthesiologist"], case, "preop_visit")
    filled = filled_of(document)
    field = filled.kind.find("hb")
    assert field is not None
    assert document.content.values.get("hb") is None
    assert document.content.values.get("platelets") is None  # a bound is no number
    assert "单位「mg%」不能确认与 g/L 相当，未带入" in lab_note(filled, field, is_taken_over=False)


def test_the_visit_takes_no_result_of_the_operation_and_a_case_none_of_a_later_stay(make_case: Case) -> None:
    case = make_case()
    report(case, ("HGB", "130", "g/L"))
    report(case, ("HGB", "92", "g/L"), at=START + timedelta(minutes=60), number="R2")
    report(case, ("HGB", "141", "g/L"), at=START + timedelta(days=4), number="R3")
    report(case, ("K", "3.9", "mmol/L"), at=START - timedelta(days=120), number="R0")
    labs = gather(case).labs
    assert (labs["Hb"].value, labs["preop:Hb"].value, "K" in labs) == (Decimal(92), Decimal(130), False)
    assert labs["Hb"].at == START + timedelta(minutes=60)


def test_a_correction_is_told_beside_the_value_it_has_overtaken(make_case: Case, users: dict[str, User]) -> None:
    case, user = make_case(), users["anesthesiologist"]
    report(case, ("GLU", "16.8", "mmol/L", "H"))
    document = begin_document(user, case, "preop_visit")
    field = filled_of(document).kind.find("glucose")
    assert field is not None
    done = report(case, ("GLU", "5.6", "mmol/L"), status="corrected")
    assert (done.replaced, done.label) == (1, "更正 1 项")
    note = lab_note(filled_of(document), field, is_taken_over=True)
    assert note == "检验有新的结果：检验 GLU 5.6 mmol/L（已更正），请核对"
    assert lab_note(filled_of(document), field, is_taken_over=False) == ""  # a person has written the value
    entry = db.session.query(AuditEntry).filter_by(action="labs.receive").order_by(AuditEntry.id.desc()).first()
    assert entry is not None
    assert entry.before == '{"replaced":[{"item":"GLU","new":"5.6 mmol/L","old":"16.8 mmol/L"}]}'
    report(case, ("GLU", "", "mmol/L"), status="withdrawn")
    assert "撤回" in lab_note(filled_of(document), field, is_taken_over=True)
    save_field(user, document, "glucose", "5.6", document.content.meta["glucose"]["v"])
    assert "origin" not in document.content.meta["glucose"]


def test_gases_of_a_bound_analyser_count(make_case: Case) -> None:
    case, other = make_case(), make_case(number=2)
    analyser = devices.register_device(
        INSTALLER, "ABL", kind="blood_gas", brand="Radiometer", model="ABL800", driver="astm",
        transport={"kind": "tcp_server", "port": 9100},
    )  # fmt: skip
    devices.bind_device(INSTALLER, analyser, case, START)
    at = clock.to_ms(START + timedelta(minutes=50))
    series = tuple(
        SeriesColumns(code, unit, [at], [value], [quality])
        for code, unit, value, quality in (
            ("tHb", "g/L", 98.0, 0), ("pH", "", 7.41, 0), ("K", "mmol/L", 9.9, 4), ("Lac", "mmol/L", 0.9, 0),
        )
    )  # fmt: skip
    vitals.ingest("b", "s", 1, 0, [vitals.DeviceData(analyser.id, series)])
    mine, theirs = (facts.labs for facts in gather_all([case, other]))
    assert (mine["Hb"].value, mine["Hb"].origin) == (Decimal(98), "床旁血气 Hb 98 g/L")
    assert mine["BGA"].value == "pH 7.41，Lac 0.9 mmol/L"
    assert ("K" in mine, "Hb" in theirs, "preop:Hb" in mine) == (False, False, False)


def test_a_field_in_another_unit_is_not_filled(make_case: Case) -> None:

    case = make_case()
    report(case, ("HGB", "112", "g/L"))
    field = Field("hb", "Hb", FieldType.NUMBER, unit="g/dL", source=parse('labs.latest("Hb")'))
    assert "单位与本栏的「g/dL」不同" in unfit(field, gather(case))
