"""Small builders over lxml: names in the HL7 namespace, times of 14 digits, ages in 岁, 周 or 天."""

from datetime import date, datetime
from decimal import Decimal, DecimalException
from typing import Any

from lxml import etree

from app.clinical.body import age_years
from app.core import clock

NS = "urn:hl7-org:v3"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
ELEMENTS = ("2.16.156.10011.2.2.1", "卫生信息数据元目录")
LOINC = ("2.16.840.1.113883.6.1", "LOINC")
ICD10 = ("2.16.156.10011.2.3.3.11.3", "诊断代码表(ICD-10)")
ICD9 = ("2.16.156.10011.2.3.3.12", "手术(操作)代码表(ICD-9-CM)")
Node = etree._Element


def add(parent: Node, name: str, text: str | None = None, **attributes: str) -> Node:
    """A child element in the HL7 namespace."""
    node = etree.SubElement(parent, f"{{{NS}}}{name}", {key: clean(value) for key, value in attributes.items()})
    if text is not None:
        node.text = clean(text)
    return node


def make(name: str, **attributes: str) -> Node:
    """An element of its own in the HL7 namespace."""
    return etree.Element(f"{{{NS}}}{name}", {key: clean(value) for key, value in attributes.items()})


def clean(text: str) -> str:
    """The text without what XML 1.0 cannot carry."""
    return "".join(c for c in text if c in "\t\n" or (ord(c) >= 32 and not 0xD800 <= ord(c) <= 0xDFFF
                                                      and ord(c) not in (0xFFFE, 0xFFFF)))  # fmt: skip


def time14(moment: datetime) -> str:
    """YYYYMMDDHHMMSS on the hospital's clock, the only form the schemas take."""
    return f"{clock.to_hospital(moment):%Y%m%d%H%M%S}"


def age_of(birth: date, on: date) -> tuple[str, str]:
    """Value and unit of an age: 岁 from one year on, 周 from four weeks on, else 天 (月 is refused)."""
    years = age_years(birth, on)
    if years >= 1:
        return str(years), "岁"
    days = max((on - birth).days, 0)
    return (str(days // 7), "周") if days >= 28 else (str(days), "天")


def two_places(value: Any) -> str | None:
    """A dose with exactly two decimals; None when it is not a number."""
    number = to_decimal(value)
    return None if number is None else format(round(number, 2), ".2f")


def to_decimal(value: Any) -> Decimal | None:
    """A finite Decimal, or None."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = Decimal(str(value))
    except DecimalException:
        return None
    return number if number.is_finite() else None


def plain(value: Decimal) -> str:
    """A number without exponent and trailing zeros."""
    return format(value.quantize(Decimal(1)) if value == value.to_integral_value() else value.normalize(), "f")
