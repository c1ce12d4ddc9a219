"""The dictionary of laboratory items: whose code is whose."""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from app.core.db import db
from app.labs.rules import LabItem
from app.terminology.models import Term
from app.terminology.service import default_terms

KIND = "lab"
PANELS: Mapping[str, str] = {
    "CBC": "血常规", "COAG": "凝血功能", "LFT": "肝功能", "RFT": "肾功能与电解质", "INF": "感染筛查", "UA": "尿常规",
    "BGA": "血气分析",
}  # fmt: skip


class LabItems:
    """Items by code, and by every code and name that a laboratory may send."""

    def __init__(self, rows: Iterable[tuple[str, str, str, Mapping[str, Any]]]) -> None:
        self.by_code: dict[str, LabItem] = {}
        self._names: dict[str, LabItem] = {}
        for code, name, aliases, attributes in rows:
            item = _item(code, name, attributes, len(self.by_code))
            self.by_code[code] = item
            told = (code, name, *aliases.split(), *attributes.get("loinc", ()), *attributes.get("codes", ()))
            for spelling in told:
                self._names.setdefault(_key(str(spelling)), item)

    def find(self, *candidates: str, about: str = "") -> LabItem | None:
        """The item of the first code or name that the dictionary knows.

        `about`: specimen and panel as sent. Leukocytes of a urine or a cerebrospinal fluid are not those of the blood.
        """
        fluid = fluid_of(about)
        for text in candidates:
            item = self._names.get(_key(text)) if text else None
            if item is not None and (item.is_report or item.fluid == fluid or (item.fluid == "urine" and "尿" in text)):
                return item
        return None

    def panel(self, key: str) -> list[LabItem]:
        """Items of a group, in the order of the dictionary."""
        return [item for item in self.by_code.values() if item.panel == key]


def _item(code: str, name: str, attributes: Mapping[str, Any], position: int) -> LabItem:
    also = {str(unit): Decimal(str(factor)) for unit, factor in dict(attributes.get("also") or {}).items()}
    return LabItem(
        code, name, str(attributes.get("unit") or ""), also, str(attributes.get("panel") or ""),
        bool(attributes.get("report")), "urine" if attributes.get("panel") == "UA" else "blood", position,
    )  # fmt: skip


_URINE = re.compile(r"尿|urine|^ur?$", re.IGNORECASE)
_OTHER_FLUIDS = re.compile(
    r"便|粪|脑脊液|胸水|腹水|积液|引流液|穿刺液|灌洗液|痰|分泌物|关节液|羊水|stool|csf|sputum|fluid", re.IGNORECASE
)


def fluid_of(about: str) -> str:
    """blood, urine or other; what is not told is taken for blood, as laboratories do. 尿素 and 尿酸 are no urine."""
    words = re.sub(r"尿素|尿酸", "", about)
    return "other" if _OTHER_FLUIDS.search(words) else "urine" if _URINE.search(words) else "blood"


def _key(text: str) -> str:
    return "".join(text.split()).casefold().replace("（", "(").replace("）", ")")


def hospital_items() -> LabItems:
    """The dictionary as the hospital keeps it; as shipped while it has none (an update that was not set up yet)."""
    statement = select(Term.code, Term.name, Term.aliases, Term.attributes).where(Term.kind == KIND, Term.is_active)
    rows = [(row[0], row[1], row[2], row[3]) for row in db.session.execute(statement.order_by(Term.sort))]
    return LabItems(rows) if rows else shipped_items()


def shipped_items() -> LabItems:
    """The dictionary as shipped, without a database."""
    return LabItems(
        (row["code"], row["name"], row["aliases"], row["attributes"]) for row in default_terms() if row["kind"] == KIND
    )
