"""Between a browser's form and values: what was posted for a field, and what a field shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flask import url_for
from werkzeug.datastructures import MultiDict

from app.core import clock
from app.documents.definition import Field, FieldType, Section
from app.documents.models import Document
from app.documents.queries.lists import CaseFolder
from app.documents.rules.case import CHART, Finding
from app.documents.rules.completeness import Filled, Gap, lab_note
from app.documents.rules.values import OTHER, warning
from blueprints.common.filters import ago
from blueprints.documents.conflicts import Sides

BLANK_ROWS = 2
_ROW_LIMIT = 300


@dataclass(frozen=True, slots=True)
class FieldView:
    """A field as the page draws it."""

    field: Field
    value: Any
    words: str
    version: int
    origin: str  # 「手术申请 11-27 10:20，1 天前」
    saved_by: str
    warning: str
    editable: bool
    required: bool
    lab_note: str = ""  # why a result was not filled in, or what has come since
    error: str = ""
    conflict: Sides | None = None
    saved: bool = False
    hidden: bool = False
    oob: bool = False  # sent beside the field that was saved

    def with_changes(self, **changes: Any) -> "FieldView":
        """The same field drawn differently."""
        return replace(self, **changes)


@dataclass(frozen=True, slots=True)
class SectionView:
    """A section with all its fields; those that do not apply keep an empty place, so that they can appear."""

    section: Section
    hidden: bool
    every: tuple[FieldView, ...]

    @property
    def has_labs(self) -> bool:
        """Whether results of the laboratory belong to it."""
        return any(view.field.source is not None and view.field.source.labs for view in self.every)


def number(text: str, otherwise: int = 0) -> int:
    """A version that a form tells; something else when it is no number of a sensible size."""
    return int(text) if text.isdecimal() and len(text) < 10 else otherwise


def raw_value(field: Field, form: MultiDict[str, str]) -> Any:
    """What the browser sent for the field, ready for `canonical_value`."""
    if field.type is FieldType.MULTI_CHOICE:
        other = form.get("other", "").strip()
        return [code for code in form.getlist("value") if code] + ([OTHER + other] if other else [])
    if field.type is FieldType.CHOICE and form.get("value") == OTHER:
        return OTHER + form.get("other", "").strip()
    if field.type in (FieldType.TABLE, FieldType.DRUG_ROWS):
        return _rows(field.columns, form)
    if field.type is FieldType.SCORE and field.scale is not None:
        return {"items": {item.key: form.get(f"item-{item.key}", "") for item in field.scale.items}}
    if field.type in (FieldType.DIAGNOSIS, FieldType.PROCEDURE):
        pairs = zip(form.getlist("code"), form.getlist("name"), strict=False)
        return [{"code": code, "name": name} for code, name in pairs if name.strip()]
    if field.type is FieldType.MARK:
        triples = zip(form.getlist("x"), form.getlist("y"), form.getlist("note"), strict=False)
        return [{"x": x, "y": y, "note": note} for x, y, note in triples if x.strip() and y.strip()]
    if field.type is FieldType.SIGNATURE:
        return {"image": form.get("image", ""), "name": form.get("name", "")} if form.get("image") else None
    return form.get("value", "")


def _rows(columns: Sequence[Field], form: MultiDict[str, str]) -> list[dict[str, Any]]:
    count = min(max((len(form.getlist(column.key)) for column in columns), default=0), _ROW_LIMIT)
    cells = {column.key: form.getlist(column.key) for column in columns}
    made = []
    for number in range(count):
        row = {key: values[number] for key, values in cells.items() if number < len(values)}
        if any(value.strip() for value in row.values()):
            made.append(row)
    return made


def field_view(document: Document, filled: Filled, field: Field, editable: bool, **extra: Any) -> FieldView:
    """A field with its value, version and origin."""
    meta: dict[str, Any] = document.content.meta.get(field.key) or {}
    value = filled.value(field)
    return FieldView(
        field=field,
        value=value,
        words=filled.words(field),
        version=int(meta.get("v", 0)),
        origin=origin_words(meta),
        saved_by=str(meta.get("name", "")),
        warning=warning(field, value) if field.stored else "",
        editable=editable and field.stored,
        required=_is_required(filled, field),
        lab_note=lab_note(filled, field, bool(meta.get("origin"))) if editable else "",
        **{"hidden": field.key in filled.hidden, **extra},
    )


def origin_words(meta: Mapping[str, Any]) -> str:
    """Where a value was taken from, with the date and the age of it; a source without a date tells when it was taken."""
    origin, since, taken = (str(meta.get(name) or "") for name in ("origin", "since", "at"))
    if not origin or not (since or taken):
        return origin
    moment = datetime.fromisoformat(since or taken)
    if not since:
        return f"{origin}，{clock.to_hospital(moment):%m-%d %H:%M} 带入"
    return f"{origin} {clock.to_hospital(moment):%m-%d %H:%M}，{ago(moment)}"


def section_views(document: Document, filled: Filled, frozen: frozenset[str], writable: bool) -> list[SectionView]:
    """Every section with every field, in order."""
    return [
        SectionView(
            section,
            section.key in filled.hidden,
            tuple(
                field_view(document, filled, item, writable and section.key not in frozen) for item in section.fields
            ),
        )
        for section in filled.kind.sections
    ]


def depends_on(filled: Filled, field: Field) -> tuple[bool, bool, str]:
    """What other fields decide about a field: whether it applies, is required, and its computed words."""
    words = filled.words(field) if not field.stored else ""
    return field.key in filled.hidden, _is_required(filled, field), words


def _is_required(filled: Filled, field: Field) -> bool:
    return any(r.when is None or r.when.holds(filled.environment) for r in field.required)


def time_input(value: str | None) -> str:
    """A canonical time as `datetime-local` wants it, on the hospital's clock; a refused one as it was typed."""
    try:
        moment = datetime.fromisoformat(value or "")
    except ValueError:
        return value or ""
    return f"{clock.to_hospital(moment) if moment.tzinfo else moment:%Y-%m-%dT%H:%M}"


def anchor(gap: Gap) -> str:
    """Where a line of 还差什么 jumps to."""
    return _anchor(gap.path)


def _anchor(path: str) -> str:
    return "#sign-" + path.removeprefix("sign.") if path.startswith("sign.") else f"#field-{path}"


def mending_url(folder: CaseFolder, finding: Finding) -> str:
    """Where a finding of the whole case is mended: a field of a document or the record of the theatre; empty when the
    document has to be begun first."""
    if finding.kind == CHART:
        return url_for("theatre.case_page", case_id=folder.case.id)
    row = next((row for row in folder.rows if row.kind.key == finding.kind), None)
    if row is None:
        return ""
    place = _anchor(finding.field) if finding.field else ""
    return url_for("documents.form_page", document_id=row.document.id) + place
