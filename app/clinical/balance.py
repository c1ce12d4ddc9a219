"""Balance of fluids: sums by category, intake minus output. All volumes are ml. Also 4-2-1 and allowable loss.

Formulas: facts 2g.6 (Holliday-Segar 4-2-1; allowable blood loss EBV · (Hi - Hf) / Hi).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

_INTAKE_LABELS = {
    "crystalloid": "晶体", "colloid": "胶体", "blood_product": "血制品", "autologous": "自体血", "other": "其他",
}  # fmt: skip
_OUTPUT_LABELS = {"urine": "尿量", "blood_loss": "出血量", "other": "其他"}


@dataclass(frozen=True, slots=True)
class FluidItem:
    """One bag or loss."""

    category: str
    name: str
    volume_ml: Decimal


@dataclass(frozen=True, slots=True)
class Sum:
    """Sum of a category."""

    category: str
    label: str
    volume_ml: Decimal


@dataclass(frozen=True, slots=True)
class FluidBalance:
    """Sums by category and in all; `net_ml` is intake minus output."""

    intake: tuple[Sum, ...]
    output: tuple[Sum, ...]
    intake_ml: Decimal
    output_ml: Decimal

    @property
    def net_ml(self) -> Decimal:
        """Positive: more went in than came out."""
        return self.intake_ml - self.output_ml


def fluid_balance(intake: Iterable[FluidItem], output: Iterable[FluidItem]) -> FluidBalance:
    """Sums in the order of the record: categories that occur, an unknown one under its own name."""
    taken, lost = _sums(intake, _INTAKE_LABELS), _sums(output, _OUTPUT_LABELS)
    return FluidBalance(
        taken, lost, sum((s.volume_ml for s in taken), Decimal()), sum((s.volume_ml for s in lost), Decimal())
    )


def _sums(items: Iterable[FluidItem], labels: dict[str, str]) -> tuple[Sum, ...]:
    found: dict[str, Decimal] = {}
    for item in items:
        found[item.category] = found.get(item.category, Decimal()) + item.volume_ml
    ordered = [category for category in labels if category in found]
    ordered += [category for category in found if category not in labels]
    return tuple(Sum(category, labels.get(category, category), found[category]) for category in ordered)


def maintenance_ml_h(weight_kg: Decimal) -> Decimal:
    """Maintenance in ml/h by 4-2-1: 4 for the first 10 kg, 2 for the next 10, 1 for every further kg."""
    if weight_kg <= 0:
        raise ValueError("体重应大于 0")
    first, second = min(weight_kg, Decimal(10)), min(max(weight_kg - 10, Decimal(0)), Decimal(10))
    return 4 * first + 2 * second + max(weight_kg - 20, Decimal(0))


def fasting_deficit_ml(weight_kg: Decimal, hours: Decimal) -> Decimal:
    """Deficit of fasting in ml: maintenance · hours."""
    return maintenance_ml_h(weight_kg) * hours


def allowable_loss_ml(weight_kg: Decimal, ml_per_kg: Decimal, start_hct: Decimal, least_hct: Decimal) -> Decimal:
    """Allowable blood loss in ml (Bourke, simple form): EBV · (Hi - Hf) / Hi. Haematocrits in %."""
    if start_hct <= 0 or least_hct > start_hct:
        raise ValueError("起始红细胞压积应大于最低允许值")
    volume = weight_kg * ml_per_kg * (start_hct - least_hct) / start_hct
    return volume.quantize(Decimal(1), ROUND_HALF_UP)
