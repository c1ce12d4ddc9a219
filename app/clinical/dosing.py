"""Amounts, rates and concentrations with explicit units. Nothing is guessed from the size of a number.

Inside everything is exact (`Fraction`); only the last step rounds to a `Decimal`. A unit that is not known or does
not fit raises `UnitError` with a Chinese sentence. Formulas: facts 2g.8 (rate in ml/h = dose · weight · 60 /
concentration; the total of a pump is the sum of rate · time over its segments).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

_MICRO = "μ"  # GREEK SMALL LETTER MU: in GB 2312 and every Chinese font; U+00B5 is not and prints as another sign
_ALIASES = {
    "µg": "ug", "μg": "ug", "mcg": "ug", "微克": "ug", "毫克": "mg", "克": "g", "纳克": "ng", "毫升": "ml", "升": "l",
    "cc": "ml", "iu": "u", "单位": "u", "µl": "ul", "μl": "ul", "µmol": "umol", "μmol": "umol",
}  # fmt: skip
# canonical lower case → (how it is stored, dimension, factor to the base of the dimension)
_UNITS: dict[str, tuple[str, str, Fraction]] = {
    "ng": ("ng", "mass", Fraction(1, 10**6)),
    "ug": ("ug", "mass", Fraction(1, 10**3)),
    "mg": ("mg", "mass", Fraction(1)),
    "g": ("g", "mass", Fraction(10**3)),
    "ul": ("ul", "volume", Fraction(1, 10**3)),
    "ml": ("ml", "volume", Fraction(1)),
    "l": ("L", "volume", Fraction(10**3)),
    "mu": ("mU", "activity", Fraction(1, 10**3)),
    "u": ("U", "activity", Fraction(1)),
    "万u": ("万U", "activity", Fraction(10**4)),
    "umol": ("umol", "substance", Fraction(1, 10**3)),
    "mmol": ("mmol", "substance", Fraction(1)),
    "meq": ("mEq", "charge", Fraction(1)),
}
_COUNTED = ("支", "片", "粒", "贴", "喷", "揿", "瓶")
_UNITS.update({word: (word, f"count {word}", Fraction(1)) for word in _COUNTED})
_SECONDS = {"h": 3600, "hr": 3600, "min": 60, "s": 1, "d": 86400}
_QUOTIENT = re.compile(
    r"^(?P<amount>\d+(?:\.\d+)?)?\s*(?P<unit>[^\d\s/]+)\s*/\s*(?P<per>\d+(?:\.\d+)?)?\s*(?P<volume>[^\d\s]+)$"
)
_PERCENT = re.compile(r"^(\d+(?:\.\d+)?)\s*[%％]$")
LEVEL_UNITS = frozenset({"%"})


class UnitError(ValueError):
    """A unit is unknown or two units do not fit; the text is Chinese and meant for people."""


def unit_name(text: str) -> str:
    """The one stored spelling of an amount unit: µg, μg, mcg → ug; L, mL → L, ml. Raises `UnitError`."""
    return _lookup(text)[0]


def _lookup(text: str) -> tuple[str, str, Fraction]:
    word = text.strip()
    # In SI the case tells mega from milli; here only these spellings exist, and none of them differ by case alone.
    key = _ALIASES.get(word.lower(), word.lower())
    if key not in _UNITS:
        raise UnitError(f"不认识的单位「{text}」")
    return _UNITS[key]


def unit_text(unit: str) -> str:
    """How a stored unit is shown and printed: ug/kg/min → μg/kg/min (Greek mu, which every Chinese font has)."""
    return re.sub(r"\bu(?=g|l\b|mol)", _MICRO, unit).replace("µ", _MICRO)


def dimension(unit: str) -> str:
    """mass, volume, activity, substance, charge or `count 支`. Raises `UnitError`."""
    return _lookup(unit)[1]


def convert(value: Decimal, source: str, target: str) -> Decimal:
    """The same amount in another unit of the same dimension, exact to 9 decimals. Raises `UnitError`."""
    return as_decimal(convert_exact(Fraction(value), source, target), 9)


def convert_exact(value: Fraction, source: str, target: str, concentration: "Concentration | None" = None) -> Fraction:
    """The same amount in another unit, exact; between volume and drug it takes a concentration. Raises `UnitError`."""
    source_name, source_dimension, source_factor = _lookup(source)
    target_name, target_dimension, target_factor = _lookup(target)
    base = value * source_factor
    if source_dimension == target_dimension:
        return base / target_factor
    if concentration is None:
        raise UnitError(f"{source_name} 换算为 {target_name} 需要填写浓度")
    if source_dimension == "volume" and target_dimension == concentration.dimension:
        return base * concentration.per_ml / target_factor
    if target_dimension == "volume" and source_dimension == concentration.dimension:
        if concentration.per_ml == 0:
            raise UnitError("浓度不能为 0")
        return base / concentration.per_ml / target_factor
    raise UnitError(f"{source_name} 不能换算为 {target_name}")


@dataclass(frozen=True, slots=True)
class Concentration:
    """Base amount (mg, U, mmol …) in one ml."""

    per_ml: Fraction
    dimension: str

    @staticmethod
    def parse(text: str) -> "Concentration":
        """From 10 mg/ml, 50 μg/ml, 400 mg/40 ml or 1% (= 10 mg/ml). Raises `UnitError`."""
        percent = _PERCENT.match(text.strip())
        if percent:
            return Concentration(Fraction(percent[1]) * 10, "mass")
        found = _QUOTIENT.match(text.strip())
        if not found:
            raise UnitError(f"看不懂的浓度「{text}」，请写成 10 mg/ml、50 mg/50 ml 或 1%")
        _, kind, factor = _lookup(found["unit"])
        _, volume_kind, volume_factor = _lookup(found["volume"])
        volume = Fraction(found["per"] or 1) * volume_factor
        if volume_kind != "volume" or volume == 0:
            raise UnitError(f"看不懂的浓度「{text}」，分母应为体积")
        return Concentration(Fraction(found["amount"] or 1) * factor / volume, kind)


@dataclass(frozen=True, slots=True)
class RateUnit:
    """Unit of a rate: amount, perhaps per kg, per time."""

    amount: str
    per_kg: bool
    seconds: int

    @staticmethod
    def parse(text: str) -> "RateUnit":
        """From ml/h, mg/h, ug/kg/min, μg·kg⁻¹·min⁻¹ is not accepted. Raises `UnitError`."""
        parts = [part.strip() for part in text.strip().split("/")]
        per_kg = len(parts) == 3 and parts[1].lower() == "kg"
        if not (per_kg or len(parts) == 2) or parts[-1].lower() not in _SECONDS:
            raise UnitError(f"不认识的速率单位「{text}」，例如 ml/h、mg/kg/h、ug/kg/min")
        return RateUnit(unit_name(parts[0]), per_kg, _SECONDS[parts[-1].lower()])

    def __str__(self) -> str:
        time = {3600: "h", 60: "min", 1: "s", 86400: "d"}[self.seconds]
        return "/".join([self.amount, "kg", time] if self.per_kg else [self.amount, time])


def rate_unit_name(text: str) -> str:
    """The one stored spelling of a rate unit; `%` is a level, not a rate, and stays. Raises `UnitError`."""
    return text.strip() if text.strip() in LEVEL_UNITS else str(RateUnit.parse(text))


def has_total(rate_unit: str) -> bool:
    """Whether rate · time is an amount: 2 % of an agent has none."""
    return rate_unit not in LEVEL_UNITS


@dataclass(frozen=True, slots=True)
class Segment:
    """A rate that held for some time."""

    rate: Decimal
    unit: str
    milliseconds: int


def infused(
    segments: Iterable[Segment],
    into: str,
    *,
    weight_kg: Decimal | None = None,
    concentration: Concentration | None = None,
) -> Fraction:
    """Exact amount in unit `into` that ran in. Raises `UnitError` when weight or concentration is missing."""
    return sum((_segment_amount(one, into, weight_kg, concentration) for one in segments), Fraction(0))


def _segment_amount(
    segment: Segment, into: str, weight_kg: Decimal | None, concentration: Concentration | None
) -> Fraction:
    if segment.milliseconds < 0:
        raise UnitError("时间先后颠倒，无法计算总量")
    unit = RateUnit.parse(segment.unit)
    amount = Fraction(segment.rate) * segment.milliseconds / (1000 * unit.seconds)
    if unit.per_kg:
        amount *= _weight(weight_kg)
    return convert_exact(amount, unit.amount, into, concentration)


def _weight(weight_kg: Decimal | None) -> Fraction:
    if weight_kg is None or weight_kg <= 0:
        raise UnitError("按体重计的速率需要先填写体重")
    return Fraction(weight_kg)


def convert_rate(
    rate: Decimal,
    source: str,
    target: str,
    *,
    weight_kg: Decimal | None = None,
    concentration: Concentration | None = None,
) -> Decimal:
    """A rate in another unit (0.1 ug/kg/min of 80 ug/ml at 70 kg → 5.25 ml/h), to 4 decimals. Raises `UnitError`."""
    wanted = RateUnit.parse(target)
    held = Segment(rate, source, wanted.seconds * 1000)
    amount = infused((held,), wanted.amount, weight_kg=weight_kg, concentration=concentration)
    return as_decimal(amount / _weight(weight_kg) if wanted.per_kg else amount, 4)


def as_decimal(value: Fraction, places: int) -> Decimal:
    """Round half up to at most `places` decimals, without trailing zeros."""
    scaled = value * 10**places
    whole = (2 * abs(scaled).numerator + abs(scaled).denominator) // (2 * abs(scaled).denominator)
    number = Decimal(-whole if scaled < 0 else whole).scaleb(-places)
    return trimmed(number)


def trimmed(value: Decimal) -> Decimal:
    """The same number without trailing zeros and without an exponent: 100.000 → 100."""
    return Decimal(plain(value))


def plain(value: Decimal) -> str:
    """A number as people write it: no trailing zeros, no exponent."""
    text = f"{value:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def rounded(value: Decimal, places: int) -> Decimal:
    """Round half up to exactly `places` decimals."""
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
