"""Renal function. Creatinine in mg/dl unless the name says µmol/l; results in ml/min (GFR per 1.73 m²). Facts 2g.3."""

UMOL_PER_MG_DL = 88.4


def mg_dl_from_umol_l(umol_l: float) -> float:
    """Creatinine: 88.4 µmol/l are 1 mg/dl."""
    return umol_l / UMOL_PER_MG_DL


def creatinine_clearance(age: int, weight_kg: float, creatinine_mg_dl: float, *, male: bool) -> float:
    """Cockcroft-Gault in ml/min."""
    clearance = (140 - age) * weight_kg / (72 * _positive(creatinine_mg_dl))
    return clearance if male else 0.85 * clearance


def creatinine_clearance_si(age: int, weight_kg: float, creatinine_umol_l: float, *, male: bool) -> float:
    """Cockcroft-Gault with µmol/l (factor 1.23 male, 1.04 female) in ml/min."""
    return (140 - age) * weight_kg * (1.23 if male else 1.04) / _positive(creatinine_umol_l)


def gfr_ckd_epi_2021(age: int, creatinine_mg_dl: float, *, male: bool) -> float:
    """CKD-EPI 2021 without race in ml/min/1.73 m²."""
    kappa, alpha = (0.9, -0.302) if male else (0.7, -0.241)
    ratio = _positive(creatinine_mg_dl) / kappa
    gfr: float = 142 * min(ratio, 1.0) ** alpha * max(ratio, 1.0) ** -1.2 * 0.9938**age
    return gfr if male else 1.012 * gfr


def gfr_mdrd(age: int, creatinine_mg_dl: float, *, male: bool) -> float:
    """MDRD (IDMS) in ml/min/1.73 m²."""
    gfr: float = 175 * _positive(creatinine_mg_dl) ** -1.154 * age**-0.203
    return gfr if male else 0.742 * gfr


def gfr_schwartz(height_cm: float, creatinine_mg_dl: float) -> float:
    """Bedside Schwartz for 1 to 17 years in ml/min/1.73 m²."""
    return 0.413 * height_cm / _positive(creatinine_mg_dl)


def urine_rate(volume_ml: float, weight_kg: float, hours: float) -> float:
    """ml/kg/h; below 0.5 is oliguria."""
    return volume_ml / _positive(weight_kg * hours)


def anion_gap(sodium: float, chloride: float, bicarbonate: float, albumin_g_dl: float | None = None) -> float:
    """mmol/l; with albumin corrected by 2.5 · (4 - albumin)."""
    gap = sodium - chloride - bicarbonate
    return gap if albumin_g_dl is None else gap + 2.5 * (4 - albumin_g_dl)


def bicarbonate_deficit(weight_kg: float, base_excess: float) -> float:
    """mmol: 0.3 · weight · |BE|; half of it is given first."""
    return 0.3 * weight_kg * abs(base_excess)


def _positive(value: float) -> float:
    if value <= 0:
        raise ValueError("数值应大于 0")
    return value
