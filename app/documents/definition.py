"""What a kind of document is: sections, fields, rules, signatories, due time and exchange mapping. Pure data."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Any

from app.documents.expressions import Expression


class FieldType(StrEnum):
    """How a field is entered, stored and printed."""

    TEXT = "text"
    LONG_TEXT = "long_text"
    NUMBER = "number"
    DATETIME = "datetime"
    CHOICE = "choice"
    MULTI_CHOICE = "multi_choice"
    YES_NO_UNKNOWN = "yes_no_unknown"
    SCORE = "score"
    DIAGNOSIS = "diagnosis"
    PROCEDURE = "procedure"
    DRUG_ROWS = "drug_rows"
    TABLE = "table"
    SIGNATURE = "signature"
    MARK = "mark"
    COMPUTED = "computed"


class Stage(IntEnum):
    """When a rule begins to bind; a later stage includes the earlier ones."""

    SAVE = 1
    SIGN = 2
    ARCHIVE = 3

    @property
    def label(self) -> str:
        """Chinese word in lists of what is missing."""
        return {1: "保存前", 2: "签名前", 3: "归档前"}[self.value]


@dataclass(frozen=True, slots=True)
class Option:
    """A choice: stored code, shown label, optional code of the national value set."""

    code: str
    label: str
    wst: str = ""


@dataclass(frozen=True, slots=True)
class ScoreItem:
    """One dimension of a score; options hold points as their code."""

    key: str
    label: str
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class Scale:
    """A score: items, and what a total means. `bands` are (lowest total, words) in rising order."""

    key: str
    title: str
    items: tuple[ScoreItem, ...]
    bands: tuple[tuple[int, str], ...] = ()
    source: str = ""

    def meaning(self, total: int) -> str:
        """Chinese interpretation of a total, empty when none is declared."""
        words = ""
        for low, text in self.bands:
            if total >= low:
                words = text
        return words


@dataclass(frozen=True, slots=True)
class Requirement:
    """A field must be filled from `stage` on, always or when a condition holds."""

    stage: Stage
    when: Expression | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """One thing to fill in."""

    key: str
    label: str
    type: FieldType
    hint: str = ""
    unit: str = ""
    low: Decimal | None = None  # hard range: refused outside
    high: Decimal | None = None
    soft_low: Decimal | None = None  # unusual: asks for a second look
    soft_high: Decimal | None = None
    places: int | None = None  # decimals allowed
    max_length: int = 200
    options: tuple[Option, ...] = ()
    unknown: bool = True  # yes_no_unknown: whether 不详 is offered
    yes: str = "是"
    no: str = "否"
    scale: Scale | None = None
    columns: tuple["Field", ...] = ()
    source: Expression | None = None  # default value
    compute: Expression | None = None
    visible: Expression | None = None
    required: tuple[Requirement, ...] = ()
    explain_when: str = ""  # the answer that needs an explanation, e.g. "no"
    explain_in: str = ""  # key of the field that holds it
    element: str = ""  # WS/T 363/445 data element
    value_set: str = ""  # key in value_sets.yaml
    other: bool = False  # choice: free text 其他 is accepted as "other:…"
    diagram: str = ""  # mark: name of the body diagram
    wide: bool = False  # takes a whole line on screen and paper
    hospital: bool = False  # added by the hospital

    @property
    def stored(self) -> bool:
        """Whether people enter it (a computed value is never stored)."""
        return self.type is not FieldType.COMPUTED


@dataclass(frozen=True, slots=True)
class Section:
    """A titled group of fields."""

    key: str
    title: str
    fields: tuple[Field, ...]
    visible: Expression | None = None
    note: str = ""  # printed text: declarations, legal wording
    columns: int = 3  # fields on a line on paper
    package: str = ""  # specialty package it came from


@dataclass(frozen=True, slots=True)
class Rule:
    """A finding: when the condition holds at the stage, the sentence is shown at the field."""

    stage: Stage
    when: Expression
    message: str
    field: str = ""
    blocking: bool = True


@dataclass(frozen=True, slots=True)
class Signatory:
    """A place to sign. Staff sign by presence (PIN or password), patients by drawing or on paper."""

    slot: str
    label: str
    roles: tuple[str, ...]  # staff kinds, or "patient"
    order: int = 1
    required: bool = True
    covers: tuple[str, ...] = ()  # section keys that must be complete; empty: all
    group: str = "all"  # two slots of one group cannot be the same person
    when: Expression | None = None  # the slot exists only then

    @property
    def by_patient(self) -> bool:
        """Whether the patient or the proxy signs here."""
        return "patient" in self.roles


@dataclass(frozen=True, slots=True)
class Due:
    """When the document has to be signed: `minutes` after (negative: before) an event of the case."""

    event: str
    minutes: int = 0


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of document, ready for use. `raw` is what it was loaded from (frozen with each document)."""

    key: str
    title: str
    category: str
    version: int
    sections: tuple[Section, ...]
    signatories: tuple[Signatory, ...]
    rules: tuple[Rule, ...]
    raw: dict[str, Any]
    basis: str = ""
    code: str = ""  # C0010 …
    due: Due | None = None
    when: Expression | None = None  # the case needs this document only then
    retention_years: int = 30
    outpatient_years: int = 15  # of a patient who was never admitted
    repeatable: bool = False  # several of one case (visits, blood records)
    chart: bool = False  # print embeds the chart of the anesthesia record
    cda: dict[str, Any] | None = None

    def fields(self) -> Iterator[tuple[Section, Field]]:
        """Every field with its section, in order."""
        for section in self.sections:
            for item in section.fields:
                yield section, item

    def find(self, key: str) -> Field | None:
        """The field with this key."""
        return next((item for _, item in self.fields() if item.key == key), None)

    def section(self, key: str) -> Section | None:
        """The section with this key."""
        return next((section for section in self.sections if section.key == key), None)

    def slot(self, slot: str) -> Signatory | None:
        """The signatory of this slot."""
        return next((item for item in self.signatories if item.slot == slot), None)
