"""Statistics of fields: figures checked by hand, presence, groups, and the documents behind each total."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from io import BytesIO
from zipfile import ZipFile

import pytest

from app.accounts.models import User
from app.core.errors import InvalidInput, NotFound
from app.documents.definition import Kind
from app.documents.kinds import all_kinds
from app.documents.queries.field_statistics import StatisticsQuery, countable, documents_of, field_statistics
from app.documents.queries.records import RecordQuery, search_records
from app.documents.rules.statistics import (
    Measure,
    Observation,
    Presence,
    bar_edges,
    chosen,
    figures_of,
    summaries,
)
from app.documents.service import begin_document, save_field
from app.documents.workbook import statistics_workbook
from app.scheduling.models import SurgicalCase

Case = Callable[..., SurgicalCase]
PERIOD = (date(2026, 11, 1), date(2026, 11, 30))


def numbers(*texts: str) -> list[Decimal]:
    return [Decimal(text) for text in texts]


def test_figures_are_those_of_a_spreadsheet() -> None:
    found = figures_of(numbers("1", "2", "4", "7", "11", "16"))
    assert found is not None  # QUARTILE.INC of Excel: 2.5, 5.5, 10
    assert (found.count, found.low, found.quartile_1, found.median, found.quartile_3, found.high) == (
        6, 1, Decimal("2.5"), Decimal("5.5"), 10, 16,
    )  # fmt: skip
    assert found.mean == Decimal("6.83")
    assert figures_of([]) is None


@pytest.mark.parametrize(
    ("values", "first", "last"),
    [
        (("36.1", "36.2", "38.4"), "36", "38.6"),
        (("5",), "5", "6"),
        (("-3", "0", "900"), "-100", "1000"),
        (("0",), "0", "1"),
    ],
)
def test_edges_are_round_and_hold_every_number(values: tuple[str, ...], first: str, last: str) -> None:
    edges = bar_edges(numbers(*values))
    assert (edges[0], edges[-1]) == (Decimal(first), Decimal(last))
    assert len(edges) <= 15
    assert edges[0] <= min(numbers(*values)) <= max(numbers(*values)) < edges[-1]


def test_what_did_not_apply_is_not_missing() -> None:
    rows = [
        Observation(1, "一号间", Presence.FILLED, ("ICU", "病房")),
        Observation(2, "一号间", Presence.MISSING),
        Observation(3, "二号间", Presence.NOT_APPLICABLE),
        Observation(4, "二号间", Presence.FILLED, ("ICU",)),
    ]
    whole, first, second = summaries(rows, Measure.CATEGORY)
    assert (whole.total, whole.filled, whole.missing, whole.missing_share) == (4, 2, 1, Decimal("33.3"))
    assert [(bar.label, bar.count, bar.share) for bar in whole.bars] == [("ICU", 2, 100), ("病房", 1, 50)]
    assert (first.group, first.missing_share, second.group, second.missing_share) == ("一号间", 50, "二号间", 0)
    assert [one.document_id for one in chosen(rows, "", "v:ICU")] == [1, 4]
    assert [one.document_id for one in chosen(rows, "二号间", "v:ICU")] == [4]
    assert [one.document_id for one in chosen(rows, "", "missing")] == [2]


def test_every_bar_opens_as_many_as_it_counts(make_case: Case, users: dict[str, User]) -> None:
    user = users["anesthesiologist"]
    for number, weight in enumerate(("50", "58", "71.5", "93"), 1):
        document = begin_document(user, make_case(number=number, weight_kg=None), "preop_visit", [])
        meta = document.content.meta.get("weight") or {}
        save_field(user, document, "weight", weight, meta.get("v"))
    empty = begin_document(user, make_case(number=9, weight_kg=None), "preop_visit", [])
    found = field_statistics(StatisticsQuery("preop_visit", "weight", *PERIOD, "anesthesiologist"))
    whole = found.summaries[0]
    assert whole.figures is not None
    assert (whole.total, whole.filled, whole.missing, whole.figures.median) == (5, 4, 1, Decimal("64.75"))
    assert [row.group for row in found.summaries] == ["", "李明"]
    assert sum(bar.count for bar in whole.bars) == 4
    for bar in whole.bars:
        assert len(chosen(found.observations, "", bar.key)) == bar.count
    assert [one.document_id for one in chosen(found.observations, "", "missing")] == [empty.id]
    bmi = field_statistics(StatisticsQuery("preop_visit", "bmi", *PERIOD))
    assert bmi.measure is Measure.NUMBER
    assert bmi.summaries[0].filled == 4
    documents = documents_of([one.document_id for one in found.observations], 100)
    with ZipFile(BytesIO(statistics_workbook(found, documents))) as book:
        assert len([name for name in book.namelist() if name.startswith("xl/worksheets/sheet")]) == 3
        assert "64.75" in book.read("xl/worksheets/sheet1.xml").decode()
    assert len(search_records(RecordQuery(field="preop_visit.weight", field_op="ge", field_value="58"))) == 3
    assert len(search_records(RecordQuery(field="preop_visit.weight", field_op="eq", field_value="50.0"))) == 1
    assert search_records(RecordQuery(field="preop_visit.weight", field_op="empty")) == [empty]


def test_fields_of_every_type_can_be_counted(make_case: Case, users: dict[str, User]) -> None:
    case, seen = make_case(), set[tuple[str, str, bool, bool]]()
    for kind in all_kinds().values():
        shapes = {path: _shape(kind, path) for path, _ in countable(kind)}
        new = [path for path, shape in shapes.items() if shape not in seen and not seen.add(shape)]  # type: ignore[func-returns-value]
        if new:
            begin_document(users["anesthesiologist"], case, kind.key)
        for path in new:
            whole = field_statistics(StatisticsQuery(kind.key, path, *PERIOD, "room")).summaries[0]
            assert whole.total == whole.filled + whole.missing + whole.not_applicable + whole.no_field == 1


def _shape(kind: Kind, path: str) -> tuple[str, str, bool, bool]:
    key, _, column = path.partition(".")
    field = kind.find(key)
    assert field is not None
    inner = next((c.type.value for c in field.columns if c.key == column), "")
    return field.type.value, inner, field.visible is not None, field.source is not None


def test_a_question_without_sense_is_refused(context: None) -> None:
    with pytest.raises(NotFound):
        field_statistics(StatisticsQuery("preop_visit", "nothing", *PERIOD))
    with pytest.raises(NotFound):
        field_statistics(StatisticsQuery("preop_visit", "weight.x", *PERIOD))
    with pytest.raises(InvalidInput):
        field_statistics(StatisticsQuery("preop_visit", "weight", PERIOD[1], PERIOD[0]))
