"""What the laboratory knows of a patient, as defaults of forms: single items, and groups as one text."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from app.documents.facts import CaseFacts, Fact
from app.labs.items import PANELS, LabItems, hospital_items
from app.labs.queries import SOURCES, LabValue, Stay, newest, of_cases
from app.scheduling.models import SurgicalCase

PREOP = "preop:"
_BEFORE = ("in_room", "anesthesia_start", "surgery_start")


def tell_labs(pairs: Sequence[tuple[SurgicalCase, CaseFacts]]) -> None:
    """Give every case its results. They are read, for all of them at once, when the first form asks."""
    shelf = _Shelf([facts for _, facts in pairs])
    for _, facts in pairs:
        facts.labs = _CaseLabs(shelf, facts.case_id)


class _Shelf:
    """The results of several cases, read once."""

    def __init__(self, cases: Sequence[CaseFacts]) -> None:
        self._cases = cases
        self._facts: dict[int, dict[str, Fact]] | None = None

    def of(self, case_id: int) -> dict[str, Fact]:
        if self._facts is None:
            self._facts = self._read()
        return self._facts.get(case_id, {})

    def _read(self) -> dict[int, dict[str, Fact]]:
        items = hospital_items()
        stays = [
            Stay(one.case_id, one.patient_id, one.times.get("out_of_room"))
            for one in self._cases
            if one.patient_id is not None
        ]
        values = of_cases(stays, items)
        return {one.case_id: _facts(values.get(one.case_id, []), _begin(one), items) for one in self._cases}


class _CaseLabs(Mapping[str, Fact]):
    """Results of one case by code."""

    def __init__(self, shelf: _Shelf, case_id: int) -> None:
        self._shelf, self._case_id = shelf, case_id

    def __getitem__(self, key: str) -> Fact:
        return self._shelf.of(self._case_id)[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._shelf.of(self._case_id))

    def __len__(self) -> int:
        return len(self._shelf.of(self._case_id))


def _begin(facts: CaseFacts) -> datetime | None:
    return next((facts.times[name] for name in _BEFORE if name in facts.times), None)


def _facts(values: Sequence[LabValue], begin: datetime | None, items: LabItems) -> dict[str, Fact]:
    return {**_named(newest(values), items, ""), **_named(newest(values, begin), items, PREOP)}


def _named(found: Mapping[str, LabValue], items: LabItems, prefix: str) -> dict[str, Fact]:
    made = {prefix + code: _single(value) for code, value in found.items()}
    for key, title in PANELS.items():
        parts = [found[item.code] for item in items.panel(key) if item.code in found]
        if parts:
            made[prefix + key] = _group(title, parts)
    return made


def _single(value: LabValue) -> Fact:
    """A number where there is one; a bound such as <0.01, or words, as text."""
    if value.problem:
        return Fact(None, value.origin, value.taken_at, note=f"{value.origin}：{value.problem}")
    told = value.value if value.value is not None else value.words
    return Fact(told, value.origin, value.taken_at, value.unit if value.value is not None else "")


def _group(title: str, parts: Sequence[LabValue]) -> Fact:
    """`WBC 6.2，Hb 92↓ g/L …` of the items that stand; its age is that of the oldest item in it."""
    sources = list(dict.fromkeys(SOURCES.get(part.source, part.source) for part in parts))
    states = [part.state_word for part in parts if part.state_word]
    origin = f"{'、'.join(sources)} {title}{'（' + '、'.join(dict.fromkeys(states)) + '）' if states else ''}"
    text = "，".join(
        f"{part.name if part.value is None else part.code} {part.words}{part.arrow} {part.unit}".strip()
        for part in parts
    )
    return Fact(text, origin, min(part.taken_at for part in parts))
