"""Reads of results: the newest of each item, as a case, its forms and its pages want them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import select

from app.core import clock
from app.core.db import db
from app.labs import gases
from app.labs.items import PANELS, LabItems, hospital_items
from app.labs.models import LabResult
from app.labs.rules import STATUSES, arrow, convert, plain, told_value

# Older results say little of the patient of today; they stay with the laboratory's own system.
KEPT_FOR = timedelta(days=90)
_CLOCKS_APART = timedelta(minutes=10)  # a laboratory whose clock is ahead of ours
SOURCES = {"lis": "检验", "bedside": "床旁血气"}


@dataclass(frozen=True, slots=True)
class LabValue:
    """One result that stands, in the unit of the dictionary where that is possible."""

    code: str  # empty: the dictionary does not know the item
    name: str
    words: str  # the value without unit: 112, <0.01, 阴性
    unit: str
    taken_at: datetime
    value: Decimal | None = None  # None: text, a bound (<0.01), or a unit that is not converted
    sent: str = ""  # the value as sent, when it was converted
    problem: str = ""  # why the value is not filled into forms
    reference: str = ""
    flag: str = ""
    panel: str = ""
    source: str = "lis"
    status: str = "final"
    former: str = ""  # what a correction took the place of
    reported_at: datetime | None = None
    result_id: int = 0
    position: int = 999  # of the item in the dictionary

    @property
    def arrow(self) -> str:
        """↑, ↓ or （异常）, empty when normal."""
        return arrow(self.flag)

    @property
    def state_word(self) -> str:
        """初步, 已更正, 已撤回, or nothing."""
        return STATUSES.get(self.status, self.status)

    @property
    def text(self) -> str:
        """Value with unit."""
        return f"{self.words} {self.unit}".strip()

    @property
    def origin(self) -> str:
        """Where a value filled into a form comes from: 检验 Hb 112 g/L（已更正）."""
        state = f"（{self.state_word}）" if self.state_word else ""
        said = f"{self.code} {self.text}{self.arrow}" if self.value is not None or self.problem else self.name
        return f"{SOURCES.get(self.source, self.source)} {said}{state}"


class Stay(NamedTuple):
    """Whose results, and until when: results of a later stay say nothing of an operation in the past."""

    case_id: int
    patient_id: int
    until: datetime | None = None


def of_cases(stays: Sequence[Stay], items: LabItems | None = None) -> dict[int, list[LabValue]]:
    """Every result that stands for each case, the newest first; withdrawn ones among them, marked."""
    known = items or hospital_items()
    now = clock.now() + _CLOCKS_APART
    last = {stay.case_id: stay.until or now for stay in stays}
    found = _reported({stay.patient_id for stay in stays}, min(last.values(), default=now) - KEPT_FOR, known)
    measured = gases.of_cases([stay.case_id for stay in stays])
    made: dict[int, list[LabValue]] = {}
    for stay in stays:
        until = last[stay.case_id]
        own = [value for value in found[stay.patient_id] if until - KEPT_FOR <= value.taken_at <= until]
        own += [_gas(one, known) for one in measured.get(stay.case_id, ()) if one.taken_at <= until]
        made[stay.case_id] = sorted(own, key=lambda value: (value.taken_at, value.result_id), reverse=True)
    return made


def newest(values: Iterable[LabValue], before: datetime | None = None) -> dict[str, LabValue]:
    """The newest usable result of each item of the dictionary, taken before a moment when one is given."""
    made: dict[str, LabValue] = {}
    for value in values:
        if value.code and value.status != "withdrawn" and (before is None or value.taken_at < before):
            made.setdefault(value.code, value)
    return made


def _reported(patients: Collection[int], since: datetime, items: LabItems) -> dict[int, list[LabValue]]:
    rows = list(
        db.session.scalars(
            select(LabResult).where(
                LabResult.patient_id.in_(patients), LabResult.taken_at >= since, LabResult.replaced_by_id.is_(None)
            )
        )
    )
    former = _former([row.id for row in rows if row.status == "corrected"])
    made: dict[int, list[LabValue]] = defaultdict(list)
    for row in rows:
        made[row.patient_id].append(_value(row, items, former.get(row.id, "")))
    return made


def _former(ids: Sequence[int]) -> dict[int, str]:
    if not ids:
        return {}
    rows = db.session.scalars(select(LabResult).where(LabResult.replaced_by_id.in_(ids)).order_by(LabResult.id))
    return {row.replaced_by_id: f"{row.text} {row.unit}".strip() for row in rows if row.replaced_by_id is not None}


def _value(row: LabResult, items: LabItems, former: str) -> LabValue:
    item = items.by_code.get(row.code) or items.find(
        row.item_code, row.item_name, about=f"{row.specimen} {row.panel}".strip()
    )
    told = told_value(row.text, row.unit, item)
    return LabValue(
        code=item.code if item else "",
        name=item.name if item else row.item_name or row.item_code,
        words=told.words,
        unit=told.unit,
        value=told.value,
        sent=told.sent,
        problem=told.problem,
        taken_at=row.taken_at,
        reported_at=row.reported_at,
        reference=row.reference,
        flag=row.flag,
        panel=PANELS.get(item.panel, "") if item and item.panel else row.panel,
        source=row.source,
        status=row.status,
        former=former,
        result_id=row.id,
        position=item.position if item else 999,
    )


def _gas(one: gases.GasValue, items: LabItems) -> LabValue:
    item = items.by_code.get(one.code)
    amount = convert(item, one.value, one.unit) if item else None
    usable = item is not None and amount is not None
    shown = amount if amount is not None else one.value
    return LabValue(
        code=item.code if item and usable else "",
        name=item.name if item else one.code,
        words=plain(shown),
        unit=item.unit if item and usable else one.unit,
        value=amount,
        problem="" if usable else "单位不能确认，未带入",
        taken_at=one.taken_at,
        reported_at=one.taken_at,
        panel=PANELS["BGA"],
        source="bedside",
        position=item.position if item else 999,
    )


@dataclass(frozen=True, slots=True)
class LabGroup:
    """Results of one group, the newest of each item."""

    title: str
    taken_at: datetime
    rows: tuple[LabValue, ...]

    @property
    def abnormal(self) -> int:
        """How many are marked abnormal."""
        return sum(bool(row.arrow) for row in self.rows)


def groups(values: Iterable[LabValue]) -> list[LabGroup]:
    """The newest result of each item by group, as a panel shows them; items without a group come last."""
    seen: set[tuple[str, str]] = set()
    rows: dict[str, list[LabValue]] = defaultdict(list)
    for value in values:
        key = (value.code, "" if value.code else value.name)
        if key not in seen:
            seen.add(key)
            rows[value.panel or "其他"].append(value)
    order = {title: position for position, title in enumerate(PANELS.values())}
    made = [
        LabGroup(title, max(row.taken_at for row in found), tuple(sorted(found, key=lambda row: row.position)))
        for title, found in rows.items()
    ]
    return sorted(made, key=lambda group: (order.get(group.title, len(order)), group.title))
