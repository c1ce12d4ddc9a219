"""What is charted, in which unit, from which parameters of devices, and which numbers are believable.

Source: facts 2h.3 rule 8 (SBP 30-300, DBP 10-200, HR 10-300, RR 0-80, SpO₂ 0-100, T 20-45, EtCO₂ 0-100; hard limits
refuse, soft limits ask twice). Zero heart beats and no pressure are real in an arrest: they are accepted after a
second question and never moved to a limit. Where a crisis or a newborn passes a figure of the source (EtCO₂ over 100
in malignant hyperthermia, RR over 80), that figure is the soft limit and the hard one is what a device can measure.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Parameter:
    """One charted parameter. Limits are inclusive and in `unit`; `sources` are device codes, the best one first."""

    code: str
    label: str
    unit: str
    digits: int
    hard_low: Decimal
    hard_high: Decimal
    soft_low: Decimal
    soft_high: Decimal
    sources: tuple[str, ...]
    series: str = ""  # key of the symbol registry when it is drawn as a curve; blank: a row of figures
    right_axis: bool = False

    @property
    def is_curve(self) -> bool:
        """Drawn as a curve, otherwise as figures under the curves."""
        return bool(self.series)

    def rounded(self, value: float) -> Decimal:
        """A device value at the precision of the chart."""
        return Decimal(repr(value)).quantize(Decimal(1).scaleb(-self.digits))


def _row(
    code: str,
    label: str,
    unit: str,
    hard: tuple[float, float],
    soft: tuple[float, float],
    *sources: str,
    series: str = "",
    digits: int = 0,
    right_axis: bool = False,
) -> Parameter:
    low, high, soft_low, soft_high = (Decimal(str(number)) for number in (*hard, *soft))
    return Parameter(code, label, unit, digits, low, high, soft_low, soft_high, sources or (code,), series, right_axis)


# The order is the order of rows on the record.
_TABLE = (
    _row("NIBP_S", "收缩压", "mmHg", (0, 300), (50, 240), series="sbp"),
    _row("NIBP_D", "舒张压", "mmHg", (0, 200), (20, 140), series="dbp"),
    _row("NIBP_M", "平均压", "mmHg", (0, 260), (30, 180), series="map"),
    _row("ART_S", "有创收缩压", "mmHg", (0, 350), (50, 240), series="abp_sys"),
    _row("ART_D", "有创舒张压", "mmHg", (0, 250), (20, 140), series="abp_dia"),
    _row("ART_M", "有创平均压", "mmHg", (0, 300), (30, 180), series="abp_map"),
    _row("HR", "心率", "/min", (0, 300), (30, 200), "HR", "PR", "NIBP_PR", series="hr"),
    _row("RR", "呼吸", "/min", (0, 150), (4, 60), "awRR", "RR", series="rr"),
    _row("TEMP", "体温", "℃", (15, 45), (32, 41), "T1", "T2", "TB", series="temp", digits=1, right_axis=True),
    _row("SpO2", "SpO₂", "%", (0, 100), (70, 100)),
    _row("EtCO2", "EtCO₂", "mmHg", (0, 150), (15, 80)),
    _row("FiO2", "FiO₂", "%", (15, 100), (21, 100)),
    _row("MAC", "MAC", "", (0, 5), (0, 2.5), "MAC_age", "MAC", digits=1),
    _row("BIS", "BIS", "", (0, 100), (20, 100)),
    _row("CVP", "CVP", "mmHg", (-20, 60), (-2, 25)),
    _row("TOF", "TOF", "%", (0, 160), (0, 120)),
    _row("Ppeak", "气道峰压", "cmH₂O", (0, 120), (5, 40)),
    _row("PEEP", "PEEP", "cmH₂O", (0, 50), (0, 20)),
    _row("TVe", "潮气量", "ml", (0, 3000), (50, 1200)),
    _row("CO", "心排量", "L/min", (0, 30), (1.5, 12), digits=1),
    _row("rSO2", "脑氧", "%", (15, 95), (40, 95)),
    _row("GLU", "血糖", "mmol/L", (0.5, 60), (3, 20), digits=1),
)
CHARTED: dict[str, Parameter] = {row.code: row for row in _TABLE}

# One measurement of the cuff gives all three; they are charted together or not at all.
CUFF_CODES = ("NIBP_S", "NIBP_D", "NIBP_M")


def parameter(code: str) -> Parameter | None:
    """The charted parameter of a code or None."""
    return CHARTED.get(code)


class Verdict(StrEnum):
    """What becomes of a typed value."""

    FINE = "fine"
    ASK = "ask"  # beyond the soft limits: believable, but ask once more
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Judgement:
    """Verdict and the Chinese sentence that explains it."""

    verdict: Verdict
    message: str = ""


def judge(item: Parameter, value: Decimal) -> Judgement:
    """Judge a typed value; the value itself is never changed."""
    if not value.is_finite():
        return Judgement(Verdict.REFUSE, f"{item.label}应为数字")
    if value != value.quantize(Decimal(1).scaleb(-item.digits)):
        words = "应为整数" if item.digits == 0 else f"最多 {item.digits} 位小数"
        return Judgement(Verdict.REFUSE, f"{item.label}{words}")
    if not item.hard_low <= value <= item.hard_high:
        span = f"{item.hard_low}–{item.hard_high} {item.unit}".rstrip()
        return Judgement(Verdict.REFUSE, f"{item.label} {value:f} 不可能，应在 {span} 之间，请检查是否输错")
    if not item.soft_low <= value <= item.soft_high:
        return Judgement(Verdict.ASK, f"{item.label} {value:f} {item.unit} 不常见，请确认无误后再保存")
    return Judgement(Verdict.FINE)
