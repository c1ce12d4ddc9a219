"""Age in words, and what height and weight say: BMI, surface, ideal and lean weight.

Sources: WS 329-2011 (how an age is written on the anesthesia record); Du Bois 1916, Mosteller 1987, Devine 1974,
James 1976, Janmahasatian 2005 for the formulas.
"""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

UNKNOWN_AGE = "年龄不详"
_NEWBORN_DAYS = 28
_PRESCHOOL_YEARS = 7


def age_days(birth_date: date, on: date) -> int:
    """Completed days of life; negative when born after `on`."""
    return (on - birth_date).days


def age_months(birth_date: date, on: date) -> int:
    """Completed months of life."""
    months = (on.year - birth_date.year) * 12 + on.month - birth_date.month
    return months - (on.day < birth_date.day)


def age_years(birth_date: date, on: date) -> int:
    """Completed years of life (周岁)."""
    return on.year - birth_date.year - ((on.month, on.day) < (birth_date.month, birth_date.day))


def age_words(birth_date: date, on: date) -> str:
    """Age as WS 329 wants it: newborns in days, infants in months, up to school in years and months, then years.

    A date of birth that lies after `on` is a slip of the sender and gives 年龄不详 instead of a wrong number.
    """
    days = age_days(birth_date, on)
    if days < 0:
        return UNKNOWN_AGE
    months = age_months(birth_date, on)
    if days <= _NEWBORN_DAYS or months < 1:
        return f"{days}天"
    years = age_years(birth_date, on)
    if years < 1:
        return f"{months}月"
    if years < _PRESCHOOL_YEARS:
        rest = months % 12
        return f"{years}岁{rest}月" if rest else f"{years}岁"
    return f"{years}岁"


def bmi(height_cm: Decimal, weight_kg: Decimal) -> Decimal:
    """Body mass index in kg/m², two decimals."""
    metres = _positive(height_cm, "身高") / 100
    return _round(_positive(weight_kg, "体重") / (metres * metres), "0.01")


def bsa_du_bois(height_cm: Decimal, weight_kg: Decimal) -> Decimal:
    """Body surface in m² after Du Bois: 0.007184 · W^0.425 · H^0.725."""
    height, weight = _positive(height_cm, "身高"), _positive(weight_kg, "体重")
    return _round(Decimal("0.007184") * weight ** Decimal("0.425") * height ** Decimal("0.725"), "0.001")


def bsa_mosteller(height_cm: Decimal, weight_kg: Decimal) -> Decimal:
    """Body surface in m² after Mosteller: √(H·W/3600)."""
    return _round((_positive(height_cm, "身高") * _positive(weight_kg, "体重") / 3600).sqrt(), "0.001")


def bsa_xu(height_cm: Decimal, weight_kg: Decimal) -> Decimal:
    """Body surface in m² after 许文生 (Chinese adults): 0.0061 H + 0.0128 W - 0.1529."""
    height, weight = _positive(height_cm, "身高"), _positive(weight_kg, "体重")
    return _round(Decimal("0.0061") * height + Decimal("0.0128") * weight - Decimal("0.1529"), "0.001")


def ideal_weight(height_cm: Decimal, *, male: bool) -> Decimal:
    """Ideal body weight in kg after Devine: 50 (male) or 45.5 (female) + 0.91 · (H - 152.4)."""
    base = Decimal("50") if male else Decimal("45.5")
    return _round(base + Decimal("0.91") * (_positive(height_cm, "身高") - Decimal("152.4")), "0.1")


def adjusted_weight(height_cm: Decimal, weight_kg: Decimal, *, male: bool) -> Decimal:
    """Adjusted body weight in kg: ideal + 0.4 · (actual - ideal)."""
    ideal = ideal_weight(height_cm, male=male)
    return _round(ideal + Decimal("0.4") * (_positive(weight_kg, "体重") - ideal), "0.1")


def lean_mass_james(height_cm: Decimal, weight_kg: Decimal, *, male: bool) -> Decimal:
    """Lean body mass in kg after James; the curve falls again in severe obesity (BMI over 42 male, 37 female)."""
    height, weight = _positive(height_cm, "身高"), _positive(weight_kg, "体重")
    ratio = (weight / height) ** 2
    mass = Decimal("1.1") * weight - 128 * ratio if male else Decimal("1.07") * weight - 148 * ratio
    return _round(mass, "0.1")


def lean_mass_janmahasatian(height_cm: Decimal, weight_kg: Decimal, *, male: bool) -> Decimal:
    """Lean body mass in kg after Janmahasatian 2005, usable in obesity."""
    index = _positive(weight_kg, "体重") / (_positive(height_cm, "身高") / 100) ** 2
    divisor = 6680 + 216 * index if male else 8780 + 244 * index
    return _round(9270 * weight_kg / divisor, "0.1")


def _positive(value: Decimal, name: str) -> Decimal:
    if value <= 0:
        raise ValueError(f"{name}应大于 0")
    return value


def _round(value: Decimal, step: str) -> Decimal:
    return value.quantize(Decimal(step), ROUND_HALF_UP)
