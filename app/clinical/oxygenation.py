"""Oxygenation and gas exchange. Pressures in mmHg, haemoglobin in g/dl, fractions 0-1, contents in ml/dl.

Source: facts 2g.1. A missing or impossible input raises `ValueError`; nothing is guessed from the size of a number.
"""

HUFNER, DISSOLVED = 1.34, 0.0031
WATER_VAPOUR_MMHG, RESPIRATORY_QUOTIENT = 47.0, 0.8
MMHG_PER_KPA = 7.50062


def mmhg_from_kpa(kpa: float) -> float:
    """13.3 kPa → 100 mmHg."""
    return kpa * MMHG_PER_KPA


def alveolar_po2(fio2: float, paco2: float, barometric: float = 760.0) -> float:
    """PAO₂ in mmHg: FiO₂ · (PB - 47) - PaCO₂ / 0.8."""
    return _fraction(fio2) * (barometric - WATER_VAPOUR_MMHG) - paco2 / RESPIRATORY_QUOTIENT


def alveolar_arterial_gradient(fio2: float, paco2: float, pao2: float, barometric: float = 760.0) -> float:
    """A-a gradient in mmHg."""
    return alveolar_po2(fio2, paco2, barometric) - pao2


def pf_ratio(pao2: float, fio2: float) -> float:
    """PaO₂ / FiO₂ in mmHg; 300, 200 and 100 divide mild, moderate and severe ARDS."""
    return pao2 / _fraction(fio2)


def oxygenation_index(mean_airway_cmh2o: float, fio2: float, pao2: float) -> float:
    """OI: mean airway pressure · FiO₂ · 100 / PaO₂."""
    return mean_airway_cmh2o * _fraction(fio2) * 100 / _positive(pao2)


def oxygen_saturation_index(mean_airway_cmh2o: float, fio2: float, spo2_percent: float) -> float:
    """OSI: mean airway pressure · FiO₂ · 100 / SpO₂ (in %)."""
    return mean_airway_cmh2o * _fraction(fio2) * 100 / _positive(spo2_percent)


def oxygen_content(hb_g_dl: float, saturation: float, po2: float) -> float:
    """Content in ml/dl: 1.34 · Hb · S + 0.0031 · PO₂."""
    return HUFNER * _positive(hb_g_dl) * saturation + DISSOLVED * po2


def oxygen_delivery(cardiac_output_l_min: float, arterial_content: float) -> float:
    """DO₂ in ml/min."""
    return cardiac_output_l_min * arterial_content * 10


def oxygen_consumption(cardiac_output_l_min: float, arterial_content: float, venous_content: float) -> float:
    """VO₂ in ml/min by Fick."""
    return cardiac_output_l_min * (arterial_content - venous_content) * 10


def shunt_fraction(
    hb_g_dl: float, fio2: float, paco2: float, arterial: tuple[float, float], mixed_venous: tuple[float, float]
) -> float:
    """Qs/Qt 0-1; `arterial` and `mixed_venous` are (saturation 0-1, PO₂ in mmHg)."""
    capillary = oxygen_content(hb_g_dl, 1.0, alveolar_po2(fio2, paco2))
    held, back = oxygen_content(hb_g_dl, *arterial), oxygen_content(hb_g_dl, *mixed_venous)
    if capillary <= back:
        raise ValueError("毛细血管氧含量应高于混合静脉血")
    return (capillary - held) / (capillary - back)


def dead_space_fraction(paco2: float, expired_co2: float) -> float:
    """Vd/Vt by Bohr-Enghoff; with end-tidal instead of mixed expired CO₂ it comes out too low."""
    return (_positive(paco2) - expired_co2) / paco2


def compliance(tidal_volume_ml: float, pressure_cmh2o: float, peep_cmh2o: float) -> float:
    """ml/cmH₂O: static with the plateau pressure, dynamic with the peak pressure."""
    return tidal_volume_ml / _positive(pressure_cmh2o - peep_cmh2o)


def _fraction(value: float) -> float:
    if not 0 < value <= 1:
        raise ValueError("吸入氧浓度应为 0–1 的小数")
    return value


def _positive(value: float) -> float:
    if value <= 0:
        raise ValueError("数值应大于 0")
    return value
