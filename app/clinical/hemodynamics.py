"""Hemodynamics. Pressures in mmHg, output in l/min, indices per m², resistance in dyn·s·cm⁻⁵. Source: facts 2g.2."""

_WORK = 0.0136  # g·m per ml·mmHg


def mean_pressure(systolic: float, diastolic: float) -> float:
    """MAP: (S + 2 D) / 3."""
    return (systolic + 2 * diastolic) / 3


def cardiac_index(output_l_min: float, surface_m2: float) -> float:
    """CI in l/min/m²."""
    return output_l_min / _positive(surface_m2)


def stroke_volume(output_l_min: float, rate_per_min: float) -> float:
    """SV in ml."""
    return output_l_min * 1000 / _positive(rate_per_min)


def systemic_resistance(mean: float, central_venous: float, output_l_min: float) -> float:
    """SVR (with an index instead of the output: SVRI)."""
    return 80 * (mean - central_venous) / _positive(output_l_min)


def pulmonary_resistance(mean_pulmonary: float, wedge: float, output_l_min: float) -> float:
    """PVR (with an index instead of the output: PVRI)."""
    return 80 * (mean_pulmonary - wedge) / _positive(output_l_min)


def left_stroke_work_index(stroke_index_ml_m2: float, mean: float, wedge: float) -> float:
    """LVSWI in g·m/m²."""
    return stroke_index_ml_m2 * (mean - wedge) * _WORK


def right_stroke_work_index(stroke_index_ml_m2: float, mean_pulmonary: float, central_venous: float) -> float:
    """RVSWI in g·m/m²."""
    return stroke_index_ml_m2 * (mean_pulmonary - central_venous) * _WORK


def shock_index(rate_per_min: float, systolic: float) -> float:
    """Heart rate / systolic pressure; 1 and more is a warning."""
    return rate_per_min / _positive(systolic)


def pulse_pressure_variation(largest: float, smallest: float) -> float:
    """PPV in %: (max - min) / mean of both · 100."""
    return (largest - smallest) / _positive((largest + smallest) / 2) * 100


def _positive(value: float) -> float:
    if value <= 0:
        raise ValueError("数值应大于 0")
    return value
