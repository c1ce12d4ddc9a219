"""Units, numbers and flags of results: what may be converted, and what must not."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, DecimalException
from typing import NamedTuple

# Spellings of one unit, compared without case, spaces and multiplication signs. G/L is therefore grams (many systems
# write units in capitals); a count in giga a litre is not recognised and so never filled in.
_UNITS: Mapping[str, str] = {
    "10⁹/L": "10^9/L 10*9/L 10E9/L E9/L 10E+9/L 10^9个/L giga.l-1 Gpt/L 10^3/µL 10*3/µL K/µL",
    "10¹²/L": "10^12/L 10*12/L 10E12/L E12/L 10E+12/L tera.l-1 Tpt/L 10^6/µL 10*6/µL M/µL",
    "/µL": "/µL /mm3 cells/µL 个/µL",
    "g/L": "g/L gm/L g.L-1",
    "g/dL": "g/dL gm/dL",
    "mg/dL": "mg/dL mg/100mL",
    "mg/L": "mg/L",
    "mg/L FEU": "mg/LFEU mg/L(FEU) mgFEU/L µg/mLFEU µg/mL(FEU) µgFEU/mL",
    "ng/mL FEU": "ng/mLFEU ng/mL(FEU) ngFEU/mL µg/LFEU µg/L(FEU) µgFEU/L",
    "µg/L": "µg/L",
    "ng/mL": "ng/mL",
    "ng/L": "ng/L",
    "pg/mL": "pg/mL",
    "mmol/L": "mmol/L mmol.L-1",
    "µmol/L": "µmol/L µmol.L-1",
    "mEq/L": "mEq/L meq/L",
    "U/L": "U/L IU/L",
    "mIU/mL": "mIU/mL",
    "s": "s sec secs 秒",
    "%": "% 百分比",
    "L/L": "L/L",
    "mmHg": "mmHg mm[Hg]",
    "kPa": "kPa",
}
_NUMBER = re.compile(r"^(<=|>=|≤|≥|<|>)?\s*([+-]?\d{1,9}(?:\.\d{1,6})?)$")
_COMPARATORS = {"≤": "<=", "≥": ">="}
STATUSES: Mapping[str, str] = {"preliminary": "初步", "final": "", "corrected": "已更正", "withdrawn": "已撤回"}
_HIGH, _LOW = frozenset({"H", "HH", ">"}), frozenset({"L", "LL", "<"})


def _key(text: str) -> str:
    text = re.sub(r"[\s×xX*]+(?=10)", "", text.strip()).replace(" ", "")
    text = text.replace("μ", "µ").replace("⁹", "^9").replace("¹²", "^12")
    text = re.sub(r"^[uU](?=[a-zA-Z])(?!/)", "µ", text)
    return re.sub(r"/[uU][lL]", "/µL", text).casefold()


_CANONICAL = {_key(spelling): unit for unit, spellings in _UNITS.items() for spelling in (unit, *spellings.split())}


def canonical_unit(text: str) -> str:
    """The usual spelling of a unit; a unit that is not in the table stays as sent."""
    return _CANONICAL.get(_key(text), text.strip())


@dataclass(frozen=True, slots=True)
class LabItem:
    """An item of the dictionary: the unit it is used in, and what other units are multiplied by."""

    code: str
    name: str
    unit: str = ""
    also: Mapping[str, Decimal] = field(default_factory=dict)
    panel: str = ""
    is_report: bool = False  # an examination whose conclusion is text: ECG, CT …
    fluid: str = "blood"  # blood, urine: of what the item is told
    position: int = 999  # in the dictionary


def convert(item: LabItem, value: Decimal, unit: str) -> Decimal | None:
    """The number in the unit of the item; None when that unit is not known to mean the same.

    A number without a unit is taken only for an item that has none (INR, pH): a guess could be ten times wrong.
    """
    told = canonical_unit(unit)
    if told == canonical_unit(item.unit) or (not item.unit and told in ("", "1")):
        return value
    factors = {canonical_unit(other): factor for other, factor in item.also.items()}
    factor = factors.get(told)
    return None if factor is None else _significant(value * factor)


def _significant(value: Decimal) -> Decimal:
    """Four significant digits: a conversion makes no precision that the laboratory did not give."""
    return +value if value == 0 else round(value, max(0, 3 - value.adjusted()))


def parse_number(text: str) -> tuple[str, Decimal | None]:
    """(comparator, number) of a result as written; no number for anything else, such as 阴性(-) or 1:80."""
    match = _NUMBER.match(text.strip())
    if match is None:
        return "", None
    try:
        return _COMPARATORS.get(match[1] or "", match[1] or ""), Decimal(match[2])
    except DecimalException:
        return "", None


class ToldValue(NamedTuple):
    """A result in the unit of its item; or as sent, with the reason why it is not used."""

    words: str
    unit: str
    value: Decimal | None = None  # None: words, a bound such as <0.01, or a unit that is not converted
    sent: str = ""  # as sent, when it was converted
    problem: str = ""


def told_value(text: str, unit: str, item: LabItem | None) -> ToldValue:
    """What a result says, in the unit of the item where that is known to be right."""
    comparator, number = parse_number(text)
    told = canonical_unit(unit)
    if number is None or item is None or item.is_report:
        return ToldValue(text, told)
    amount = convert(item, number, unit)
    if amount is None:
        stated = f"单位「{unit}」" if unit else "没有给单位，"
        return ToldValue(text, told, problem=f"{stated}不能确认与 {item.unit or '无单位'} 相当，未带入")
    sent = f"{text} {unit}".strip() if told != canonical_unit(item.unit) else ""
    return ToldValue(f"{comparator}{plain(amount)}", item.unit, None if comparator else amount, sent)


def plain(value: Decimal) -> str:
    """A number without an exponent and without zeros that say nothing."""
    return format(value.normalize(), "f") if value % 1 else str(value.quantize(Decimal(1)))


def arrow(flag: str) -> str:
    """How an abnormal flag is written beside a number."""
    if flag in _HIGH:
        return "↑↑" if flag == "HH" else "↑"
    if flag in _LOW:
        return "↓↓" if flag == "LL" else "↓"
    return "（异常）" if flag in ("A", "AA") else ""


def is_older(status: str, reported: object, held_status: str, held_reported: object) -> bool:
    """Whether a message that comes now tells less than what is held: it was overtaken on its way.

    A preliminary value never takes the place of a final one; otherwise the later report wins.
    """
    if status == "preliminary" and held_status in ("final", "corrected"):
        return True
    if reported is None or held_reported is None:
        return False
    return bool(reported < held_reported)  # type: ignore[operator]
