"""Calculators with the worked examples of the facts (2g.1 to 2g.3)."""

import pytest

from app.clinical import hemodynamics as h
from app.clinical import oxygenation as o
from app.clinical import renal as r

ARTERIAL = o.oxygen_content(15, 0.98, 100)
VENOUS = o.oxygen_content(15, 0.75, 40)


@pytest.mark.parametrize(
    ("found", "wanted", "digits"),
    [
        (o.alveolar_po2(0.21, 40), 99.73, 2),
        (o.alveolar_po2(0.5, 40), 306.5, 1),
        (o.alveolar_arterial_gradient(0.5, 40, 100), 206.5, 1),
        (o.pf_ratio(80, 0.4), 200, 0),
        (o.oxygenation_index(15, 0.6, 75), 12, 1),
        (o.oxygen_saturation_index(15, 0.6, 90), 10, 1),
        (ARTERIAL, 20.01, 2),
        (VENOUS, 15.20, 2),
        (o.oxygen_delivery(5, ARTERIAL), 1000.4, 1),
        (o.oxygen_consumption(5, ARTERIAL, VENOUS), 240.4, 1),
        (100 * o.shunt_fraction(12, 1, 40, (0.95, 80), (0.70, 37)), 38.6, 1),
        (o.dead_space_fraction(40, 28), 0.30, 2),
        (o.compliance(500, 20, 5), 33.3, 1),
        (o.compliance(500, 25, 5), 25, 1),
        (o.mmhg_from_kpa(13.3), 99.8, 1),
        (h.mean_pressure(120, 80), 93.3, 1),
        (h.mean_pressure(140, 90), 106.7, 1),
        (h.cardiac_index(5, 1.7), 2.94, 2),
        (h.stroke_volume(5, 80), 62.5, 1),
        (h.systemic_resistance(95, 5, 5), 1440, 0),
        (h.systemic_resistance(95, 5, h.cardiac_index(5, 1.7)), 2448, 0),
        (h.systemic_resistance(95, 5, 2.5), 2880, 0),
        (h.pulmonary_resistance(20, 12, 5), 128, 0),
        (h.pulmonary_resistance(20, 12, h.cardiac_index(5, 1.8)), 230.4, 1),
        (h.left_stroke_work_index(37.04, 90, 12), 39.3, 1),
        (h.right_stroke_work_index(37.04, 20, 8), 6.04, 2),
        (h.shock_index(110, 90), 1.22, 2),
        (h.pulse_pressure_variation(60, 48), 22.2, 1),
        (r.creatinine_clearance(60, 70, 1.2, male=True), 64.8, 1),
        (r.creatinine_clearance(60, 70, 1.2, male=False), 55.1, 1),
        (r.creatinine_clearance_si(60, 70, 106, male=True), 65.0, 1),
        (r.gfr_ckd_epi_2021(60, 1.2, male=True), 69.2, 1),
        (r.gfr_ckd_epi_2021(60, 1.2, male=False), 51.8, 1),
        (r.gfr_ckd_epi_2021(50, 1.0, male=True), 91.7, 1),
        (r.gfr_ckd_epi_2021(50, 0.8, male=False), 89.7, 1),
        (r.gfr_mdrd(60, 1.2, male=True), 61.8, 1),
        (r.gfr_mdrd(60, 1.2, male=False), 45.8, 1),
        (r.gfr_schwartz(120, 0.5), 99.1, 1),
        (r.urine_rate(210, 70, 3), 1.0, 1),
        (r.mg_dl_from_umol_l(88.4), 1.0, 1),
        (r.anion_gap(140, 104, 24), 12, 0),
        (r.bicarbonate_deficit(70, -8), 168, 0),
    ],
)
def test_worked_examples(found: float, wanted: float, digits: int) -> None:
    assert round(found, digits) == wanted


def test_impossible_inputs_are_refused() -> None:
    with pytest.raises(ValueError, match="小数"):
        o.pf_ratio(80, 40)  # a percentage is not a fraction, and is not guessed to be one
    with pytest.raises(ValueError, match="大于 0"):
        h.systemic_resistance(95, 5, 0)
    with pytest.raises(ValueError, match="大于 0"):
        r.creatinine_clearance(60, 70, 0, male=True)
