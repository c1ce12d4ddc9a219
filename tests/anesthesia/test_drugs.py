"""Drugs and fluids: doses, rates, totals by hand, twins, corrections, withdrawals."""

from datetime import datetime
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from app.anesthesia import queries, service
from app.anesthesia.models import Administration, Intake, RateChange
from app.core.audit import AuditEntry
from app.core.db import db
from app.core.errors import Conflict, InvalidInput
from app.demo import bedside
from tests.anesthesia.samples import Theatre, at, make_theatre

PROPOFOL, REMIFENTANIL, NOREPINEPHRINE, SEVOFLURANE, OXYGEN = "D001", "D021", "D062", "D050", "D053"


def give(theatre: Theatre, code: str, dose: str, unit: str, **more: object) -> Administration:
    return service.give_bolus(
        theatre.actor,
        theatre.record.id,
        term_code=code,
        dose=Decimal(dose),
        unit=unit,
        **{"at": at(9, 10), **more},  # type: ignore[arg-type]
    )


def start(theatre: Theatre, code: str, rate: str, unit: str, when: datetime, **more: object) -> Administration:
    return service.start_infusion(
        theatre.actor,
        theatre.record.id,
        term_code=code,
        rate=Decimal(rate),
        rate_unit=unit,
        at=when,
        **more,  # type: ignore[arg-type]
    )


def totals(theatre: Theatre, now: datetime) -> dict[str, str]:
    return {total.name: total.text for total in queries.drug_totals(theatre.record.id, now)}


def test_a_bolus_keeps_text_code_and_class_of_the_day(theatre: Theatre) -> None:
    row = give(theatre, "D004", "2", "mg")
    assert (row.name, row.term_code, row.drug_class, row.specification) == (
        "咪达唑仑",
        "D004",
        "psychotropic_1",
        "10 mg/2 ml",
    )
    assert (row.dose, row.unit, row.route) == (2, "mg", "iv")


def test_a_free_text_drug_is_taken(theatre: Theatre) -> None:
    row = service.give_bolus(
        theatre.actor, theatre.record.id, name="院内制剂", dose=Decimal(1), unit="支", at=at(9, 10)
    )
    assert totals(theatre, at(10)) == {"院内制剂": "1 支"}
    assert row.term_code == ""


@pytest.mark.parametrize(("dose", "unit"), [("0", "mg"), ("-5", "mg"), ("100", "U"), ("100", "杯"), ("1E8", "mg")])
def test_a_dose_that_is_none_is_refused(theatre: Theatre, dose: str, unit: str) -> None:
    with pytest.raises(InvalidInput):
        give(theatre, PROPOFOL, dose, unit)


def test_a_dose_over_the_maximum_is_asked_about_in_any_unit(theatre: Theatre) -> None:
    with pytest.raises(InvalidInput) as asked:
        give(theatre, REMIFENTANIL, "1", "mg")
    assert asked.value.code == "needs_confirmation"
    assert give(theatre, REMIFENTANIL, "1", "mg", confirm=True).dose == 1


def test_the_same_post_twice_gives_one_dose_one_infusion_one_rate_one_bag(theatre: Theatre) -> None:
    for _ in range(2):
        give(theatre, PROPOFOL, "100", "mg", idempotency_key="b")
        row = start(theatre, REMIFENTANIL, "0.1", "ug/kg/min", at(9, 10), idempotency_key="i")
        service.change_rate(theatre.actor, row.id, rate=Decimal("0.2"), at=at(9, 20), idempotency_key="r")
        service.add_intake(
            theatre.actor,
            theatre.record.id,
            term_code="F001",
            volume_ml=Decimal(500),
            start_at=at(9),
            idempotency_key="f",
        )
    counted = [db.session.scalar(select(func.count()).select_from(m)) for m in (Administration, RateChange, Intake)]
    assert counted == [2, 2, 1]


def test_a_key_of_another_record_is_a_conflict(theatre: Theatre) -> None:
    give(theatre, PROPOFOL, "100", "mg", idempotency_key="b")
    other = make_theatre(theatre.actor, 2)
    with pytest.raises(Conflict):
        give(other, PROPOFOL, "100", "mg", idempotency_key="b")


def test_totals_by_hand(theatre: Theatre) -> None:
    """60 kg: remifentanil 0.1 → 0.2 ug/kg/min at half time of an hour, a pause of 10 min, then stopped."""
    give(theatre, PROPOFOL, "120", "mg")
    pump = start(theatre, PROPOFOL, "4", "mg/kg/h", at(9, 10))  # 240 mg/h
    row = start(theatre, REMIFENTANIL, "0.1", "ug/kg/min", at(9, 0))
    service.change_rate(theatre.actor, row.id, rate=Decimal("0.2"), at=at(9, 30))
    service.change_rate(theatre.actor, row.id, rate=Decimal(0), at=at(9, 40))
    service.change_rate(theatre.actor, row.id, rate=Decimal(6), unit="ml/h", at=at(9, 50))  # 50 ug/ml: 5 ug/min
    # 6·30 + 12·10 = 300 ug at 9:50; 120 + 240·40/60 = 280 mg at 9:50
    assert totals(theatre, at(9, 50)) == {"瑞芬太尼": "300 μg（未停）", "丙泊酚": "280 mg（未停）"}
    service.stop_infusion(theatre.actor, row.id, at=at(9, 56))  # and 5·6 = 30 ug more
    service.stop_infusion(theatre.actor, pump.id, at=at(9, 55))
    assert totals(theatre, at(10)) == {"瑞芬太尼": "330 μg", "丙泊酚": "300 mg"}


def test_a_rate_in_ml_without_a_concentration_is_told_in_ml(theatre: Theatre) -> None:
    row = service.start_infusion(
        theatre.actor, theatre.record.id, name="自配泵", rate=Decimal(10), rate_unit="ml/h", at=at(9)
    )
    assert row.unit == "ml"
    assert totals(theatre, at(9, 30)) == {"自配泵": "5 ml（未停）"}


def test_a_volume_of_known_concentration_is_added_to_the_drug(theatre: Theatre) -> None:
    give(theatre, "D080", "40", "mg", concentration="20 mg/ml")
    give(theatre, "D080", "5", "ml", concentration="2%", route="硬膜外")
    assert totals(theatre, at(10)) == {"利多卡因": "140 mg"}


def test_a_concentration_of_an_agent_has_no_total_and_a_flow_has(theatre: Theatre) -> None:
    start(theatre, SEVOFLURANE, "2", "%", at(9))
    start(theatre, OXYGEN, "2", "L/min", at(9))
    assert totals(theatre, at(9, 30)) == {"氧气": "60 L（未停）"}
    view = queries.record_view(theatre.case.id, at(9, 30))
    assert [(gas.name, gas.unit) for gas in view.gases] == [("七氟烷", "%"), ("氧气", "L/min")]


def test_a_rate_per_kg_without_a_weight_is_refused(theatre: Theatre) -> None:
    other = make_theatre(theatre.actor, 2, weight_kg=None)
    with pytest.raises(InvalidInput, match="体重"):
        start(other, PROPOFOL, "4", "mg/kg/h", at(9))


def test_the_weight_of_the_start_counts_not_a_later_one(theatre: Theatre) -> None:
    start(theatre, PROPOFOL, "6", "mg/kg/h", at(9))
    theatre.case.weight_kg = Decimal(80)
    db.session.flush()
    assert totals(theatre, at(10)) == {"丙泊酚": "360 mg（未停）"}


def test_an_excessive_rate_is_asked_about_even_in_another_unit(theatre: Theatre) -> None:
    with pytest.raises(InvalidInput) as asked:
        start(theatre, NOREPINEPHRINE, "500", "ml/h", at(9))  # 80 ug/ml at 60 kg: 11 ug/kg/min
    assert asked.value.code == "needs_confirmation"


def test_a_drug_that_runs_is_not_started_twice_and_a_stopped_one_takes_no_rate(theatre: Theatre) -> None:
    row = start(theatre, PROPOFOL, "4", "mg/kg/h", at(9))
    with pytest.raises(Conflict, match="改变速率"):
        start(theatre, PROPOFOL, "5", "mg/kg/h", at(9, 10))
    service.stop_infusion(theatre.actor, row.id, at=at(9, 30))
    with pytest.raises(Conflict, match="已停止"):
        service.change_rate(theatre.actor, row.id, rate=Decimal(5), at=at(9, 40))
    with pytest.raises(InvalidInput, match="早于"):
        service.stop_infusion(theatre.actor, start(theatre, PROPOFOL, "4", "mg/kg/h", at(9, 40)).id, at=at(9, 35))


def test_stopping_twice_keeps_the_first_time(theatre: Theatre) -> None:
    row = start(theatre, PROPOFOL, "4", "mg/kg/h", at(9))
    service.stop_infusion(theatre.actor, row.id, at=at(9, 30))
    assert service.stop_infusion(theatre.actor, row.id, at=at(9, 50)).end_at == at(9, 30)


def test_a_corrected_dose_keeps_what_it_was(theatre: Theatre) -> None:
    row = give(theatre, PROPOFOL, "100", "mg")
    with pytest.raises(InvalidInput, match="理由"):
        service.correct_administration(theatre.actor, row.id, {"dose": Decimal(120)}, "")
    service.correct_administration(theatre.actor, row.id, {"dose": Decimal(120)}, "录错")
    assert row.dose == 120
    assert Decimal(row.history[0]["before"]["dose"]) == 100
    assert (row.history[0]["after"], row.history[0]["reason"]) == ({"dose": "120"}, "录错")
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "anesthesia.correct_administration")).one()
    assert entry.reason == "录错"
    assert '"dose":"100' in entry.before


def test_a_corrected_start_moves_the_first_rate_and_the_total(theatre: Theatre) -> None:
    row = start(theatre, PROPOFOL, "4", "mg/kg/h", at(9, 30))
    service.correct_administration(theatre.actor, row.id, {"start_at": at(9)}, "实际 9:00 开始")
    assert totals(theatre, at(10)) == {"丙泊酚": "240 mg（未停）"}
    assert row.rates[0].history[0]["reason"] == "实际 9:00 开始"


def test_a_corrected_rate_keeps_what_it_was(theatre: Theatre) -> None:
    row = start(theatre, PROPOFOL, "4", "mg/kg/h", at(9))
    service.correct_rate(theatre.actor, row.rates[0].id, "看错", rate=Decimal(5))
    assert totals(theatre, at(10)) == {"丙泊酚": "300 mg（未停）"}
    assert Decimal(row.rates[0].history[0]["before"]["rate"]) == 4


def test_a_withdrawn_drug_leaves_totals_and_drawing_and_stays_readable(theatre: Theatre) -> None:
    row = give(theatre, PROPOFOL, "100", "mg")
    with pytest.raises(InvalidInput, match="理由"):
        service.void_administration(theatre.actor, row.id, "")
    service.void_administration(theatre.actor, row.id, "未给")
    assert totals(theatre, at(10)) == {}
    assert queries.record_view(theatre.case.id).drugs == ()
    assert db.session.get_one(Administration, row.id).void_reason == "未给"


def test_donor_blood_needs_a_bag_number_and_a_second_person(theatre: Theatre) -> None:
    def blood(bag_no: str, checked_by: str) -> Intake:
        return service.add_intake(
            theatre.actor, theatre.record.id, term_code="F030", volume_ml=Decimal(200), bag_no=bag_no,
            checked_by=checked_by, start_at=at(9, 30),
        )  # fmt: skip

    with pytest.raises(InvalidInput) as refused:
        blood("", "")
    assert set(refused.value.fields) == {"bag_no", "checked_by"}
    with pytest.raises(InvalidInput, match="不能是本人"):
        blood("B001", theatre.actor.actor_name)
    assert blood("B001", "王芳").category == "blood_product"
    with pytest.raises(Conflict, match="血袋号"):
        blood("B001", "王芳")


def test_the_balance_by_hand(theatre: Theatre) -> None:
    actor, number = theatre.actor, theatre.record.id
    service.add_intake(actor, number, term_code="F001", volume_ml=Decimal(500), start_at=at(9))
    bag = service.add_intake(actor, number, term_code="F020", volume_ml=Decimal(500), start_at=at(9, 20))
    service.end_intake(actor, bag.id, volume_ml=Decimal(350))
    service.add_output(actor, number, kind="urine", volume_ml=Decimal(200), at=at(9, 30))
    service.add_output(actor, number, kind="blood_loss", volume_ml=Decimal(100), at=at(9, 40))
    loss = service.add_output(actor, number, kind="blood_loss", volume_ml=Decimal(100), at=at(9, 50))
    service.correct_output(actor, loss.id, {"volume_ml": Decimal(50)}, "称重后更正")
    found = queries.balance(number)
    assert [(one.label, one.value) for one in found.intake] == [("晶体", "500 ml"), ("胶体", "350 ml")]
    assert [(one.label, one.value) for one in found.output] == [("尿量", "200 ml"), ("出血量", "150 ml")]
    assert (found.intake_total, found.output_total, found.net) == ("850 ml", "350 ml", "+500 ml")


def test_the_demonstration_tells_its_simulated_patient_what_was_given(theatre: Theatre) -> None:
    """In mg and mg/min, without a name, and without what was struck out."""
    give(theatre, "D020", "25", "ug")
    mistake = give(theatre, "D001", "110", "mg")
    start(theatre, PROPOFOL, "4", "mg/kg/h", at(9, 20))
    start(theatre, SEVOFLURANE, "2", "%", at(9, 25))
    service.void_administration(theatre.actor, mistake.id, "记错病人")
    found = bedside.chart(theatre.case)
    assert [(one["drug"], one["mg"]) for one in found["doses"]] == [("sufentanil", 0.025)]
    assert [(one["drug"], one["mg_per_min"]) for one in found["rates"]] == [("propofol", 4.0), ("sevoflurane", 2.0)]
    assert found["weight_kg"] == 60
    assert "覃" not in repr(found)
