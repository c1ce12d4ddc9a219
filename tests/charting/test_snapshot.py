"""A frozen record comes back the same and has one digest."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta, timezone

import pytest

from app.charting.record import RecordSheet
from app.charting.snapshot import digest, dump_sheet, load_sheet
from tests.charting.samples import record
from tests.printing.samples import appendix, header


def sheet() -> RecordSheet:
    return RecordSheet(record(), header(), appendix())


def test_a_snapshot_comes_back_the_same() -> None:
    assert load_sheet(dump_sheet(sheet())) == sheet()


def test_the_digest_does_not_depend_on_the_zone_a_time_is_written_in() -> None:
    east = timezone(timedelta(hours=8))
    moved = replace(sheet(), view=replace(record(), origin=record().origin.astimezone(east)))
    assert digest(moved) == digest(sheet())


def test_any_changed_dose_changes_the_digest() -> None:
    view = record()
    lane = view.drugs[0]
    dose = replace(lane.boluses[0], amount=lane.boluses[0].amount + 1)
    changed = replace(view, drugs=(replace(lane, boluses=(dose,)), *view.drugs[1:]))
    assert digest(replace(sheet(), view=changed)) != digest(sheet())


def test_a_snapshot_of_another_format_is_refused() -> None:
    body = json.loads(dump_sheet(sheet()))
    body["format"] = 99
    with pytest.raises(ValueError, match="known format"):
        load_sheet(json.dumps(body))


def test_a_snapshot_with_a_foreign_key_is_refused() -> None:
    body = json.loads(dump_sheet(sheet()))
    body["sheet"]["header"]["colour"] = "red"
    with pytest.raises(ValueError, match="RecordHeader"):
        load_sheet(json.dumps(body))
