"""A document as paper and readers see it: ready words only. Built from a definition, frozen with the signature."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from app.documents.definition import Field, FieldType, Section
from app.documents.facts import CaseFacts
from app.documents.rules.completeness import Filled, active_slots
from app.documents.rules.values import row_words, shown


@dataclass(frozen=True, slots=True)
class Box:
    """A labelled value. `kind`: text, choices, table, score, image or mark; `span` in 24ths of the line."""

    label: str
    value: str = ""
    kind: str = "text"
    span: int = 8
    choices: tuple[tuple[str, bool], ...] = ()
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    key: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A titled section of the sheet."""

    title: str
    boxes: tuple[Box, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class SignatureLine:
    """A place to sign; an empty name is an empty line for the hand."""

    label: str
    name: str = ""
    at: str = ""
    image: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A whole document ready for paper."""

    title: str
    hospital: str
    head: tuple[tuple[str, str], ...]
    parts: tuple[Part, ...]
    signatures: tuple[SignatureLine, ...]
    document_no: str = ""
    version_no: int = 1
    state: str = "draft"
    struck: bool = False
    basis: str = ""
    digest: str = ""
    sm3: str = ""
    chart_case_id: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain mapping for the canonical JSON."""
        return asdict(self)


def sheet_from_json(content: dict[str, Any]) -> Sheet:
    """The sheet that a canonical JSON holds; the way back of `Sheet.to_json`."""
    parts = tuple(
        Part(part["title"], tuple(_box_from_json(box) for box in part["boxes"]), part["note"])
        for part in content["parts"]
    )
    return Sheet(
        **{
            **content,
            "head": tuple((label, value) for label, value in content["head"]),
            "parts": parts,
            "signatures": tuple(SignatureLine(**line) for line in content["signatures"]),
        }
    )


def _box_from_json(box: dict[str, Any]) -> Box:
    return Box(
        **{
            **box,
            "choices": tuple((words, bool(chosen)) for words, chosen in box["choices"]),
            "head": tuple(box["head"]),
            "rows": tuple(tuple(row) for row in box["rows"]),
        }
    )


HEAD: Sequence[tuple[str, str]] = (
    ("姓名", "patient.name"), ("性别", "patient.sex"), ("年龄", "patient.age"), ("科室", "encounter.department"),
    ("病区", "encounter.ward"), ("床号", "encounter.bed"), ("住院号", "encounter.inpatient_no"),
    ("病人ID", "patient.patient_no"), ("手术日期", "case.day"), ("手术编号", "case.case_no"),
)  # fmt: skip


def head_of(facts: CaseFacts) -> tuple[tuple[str, str], ...]:
    """The identity line of every form; an outpatient shows the number of the visit."""
    made = [(label, facts.text(path)) for label, path in HEAD]
    if not facts.text("encounter.inpatient_no") and facts.text("encounter.outpatient_no"):
        made[6] = ("门诊号", facts.text("encounter.outpatient_no"))
    return tuple(made)


def parts_of(filled: Filled) -> tuple[Part, ...]:
    """The sections that apply, in order."""
    return tuple(
        Part(section.title, tuple(_boxes(filled, section)), section.note)
        for section in filled.kind.sections
        if section.key not in filled.hidden
    )


def _boxes(filled: Filled, section: Section) -> list[Box]:
    span = 24 // section.columns
    return [
        _box(filled, item, 24 if item.wide else span) for item in section.fields if filled.is_visible(section, item)
    ]


def _box(filled: Filled, item: Field, span: int) -> Box:
    value = filled.value(item)
    words = filled.words(item)
    if item.type in (FieldType.TABLE, FieldType.DRUG_ROWS):
        rows = tuple(tuple(_cell(c, row.get(c.key)) for c in item.columns) for row in _printed_rows(item, value or ()))
        head = tuple(f"{c.label}{'(' + c.unit + ')' if c.unit else ''}" for c in item.columns)
        return Box(item.label, kind="table", span=24, head=head, rows=rows, key=item.key)
    if item.type is FieldType.MULTI_CHOICE and len(item.options) <= 16:
        chosen = set(value or ())
        marks = tuple((option.label, option.code in chosen) for option in item.options)
        others = tuple((code.partition(":")[2], True) for code in value or () if code.startswith("other:"))
        return Box(item.label, words, "choices", 24 if len(item.options) > 4 else span, marks + others, key=item.key)
    if item.type is FieldType.YES_NO_UNKNOWN:
        if len(item.label + item.yes + item.no) * 8 > span * 13:  # 18 characters have room in a third of the line
            span = min(24, span * 2)
        return Box(item.label, words, "choices", span, ((item.yes, value == "yes"), (item.no, value == "no")),
                   key=item.key)  # fmt: skip
    if item.type is FieldType.SCORE and value and item.scale:
        details = "；".join(f"{part.label} {value['items'].get(part.key, '未评')}" for part in item.scale.items)
        return Box(item.label, f"{words}（{details}）" if len(item.scale.items) > 1 else words, span=24, key=item.key)
    if item.type is FieldType.SIGNATURE:
        return Box(item.label, (value or {}).get("image", ""), "image", span, key=item.key)
    if item.type is FieldType.MARK:
        rows = tuple((mark["x"], mark["y"], mark["note"]) for mark in value or ())
        return Box(item.label, words, "mark", span, rows=rows, key=item.key)
    if len(words) > 40:
        span = 24
    elif len(words) > 12:
        span = max(span, 12)
    return Box(item.label, words, span=span, key=item.key)


def _printed_rows(item: Field, rows: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
    """Rows for paper: of a table with prepared names, those that were used."""
    if item.source is None or not item.source.text.startswith("rows("):
        return rows
    return [row for row in rows if len(row) > 1] or rows


def _cell(column: Field, value: Any) -> str:
    """A cell in words; the unit stands in the head of the table."""
    return str(value) if column.type is FieldType.NUMBER and value is not None else shown(column, value)


def plain_text(filled: Filled) -> str:
    """All words of a document, for the query by free text."""
    lines = []
    for section, item in filled.kind.fields():
        if not filled.is_visible(section, item):
            continue
        value = filled.value(item)
        if item.type in (FieldType.TABLE, FieldType.DRUG_ROWS):
            lines += [" ".join(row_words(item, row)) for row in value or ()]
        elif words := filled.words(item):
            lines.append(f"{item.label} {words}")
    return "\n".join(lines)


def open_lines(filled: Filled, done: Sequence[tuple[str, SignatureLine]]) -> tuple[SignatureLine, ...]:
    """The places to sign in order, filled where somebody signed."""
    signed = dict(done)
    return tuple(signed.get(slot.slot) or SignatureLine(slot.label) for slot in active_slots(filled))
