"""A batch is stored exactly once, whatever is sent again, and compaction changes no value."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core import unit_of_work
from app.core.db import db
from app.vitals import queries, service
from app.vitals.columns import SeriesColumns
from app.vitals.models import BridgeStream, IngestedBatch, VitalSegment
from app.vitals.service import AlarmFacts, DeviceData

pytestmark = pytest.mark.usefixtures("context")
_T0 = 1_790_000_000_000
_DEVICE = 7


def _data(seq: int, device_id: int = _DEVICE) -> list[DeviceData]:
    series = SeriesColumns("HR", "/min", [_T0 + 1000 * seq], [60.0 + seq], [0])
    return [DeviceData(device_id, (series,), (AlarmFacts(_T0, "ASYSTOLE", "停搏", "high", "start"),))]


def _values(device_id: int = _DEVICE) -> list[float]:
    found = queries.samples(device_id, ["HR"], 0, 2**60)
    return found["HR"].values.tolist() if found else []


def test_the_same_batch_again_is_not_stored_again() -> None:
    assert service.ingest("b1", "s1", 1, 0, _data(1)) is True
    assert service.ingest("b1", "s1", 1, 0, _data(1)) is False
    assert _values() == [61.0]


def test_a_batch_below_the_floor_is_known() -> None:
    for seq in (1, 2, 3):
        service.ingest("b1", "s1", seq, seq - 1, _data(seq))
    service.ingest("b1", "s1", 4, 3, _data(4))
    assert service.ingest("b1", "s1", 2, 1, _data(2)) is False
    assert db.session.get(BridgeStream, ("b1", "s1")).floor == 3  # type: ignore[union-attr]
    assert db.session.query(IngestedBatch).count() == 1


def test_another_spool_is_another_stream() -> None:
    assert service.ingest("b1", "s1", 1, 0, _data(1))
    assert service.ingest("b1", "s2", 1, 0, _data(2))
    assert sorted(_values()) == [61.0, 62.0]


def test_what_is_rolled_back_is_not_marked_as_stored() -> None:
    service.ingest("b1", "s1", 1, 0, _data(1))
    unit_of_work.rollback()
    assert service.ingest("b1", "s1", 1, 0, _data(1)) is True


def test_compaction_keeps_every_value_and_is_read_together_with_young_segments() -> None:
    for seq in range(1, 31):
        service.ingest("b1", "s1", seq, 0, _data(seq))
    before = _values()
    assert service.compact(_DEVICE) == 30
    assert db.session.query(VitalSegment).count() == 0
    service.ingest("b1", "s1", 31, 30, _data(31))
    assert _values() == [*before, 91.0]
    assert queries.count(_DEVICE) == 31
    assert queries.latest(_DEVICE, 0)["HR"].value == 91.0


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.lists(st.integers(1, 12), max_size=40), floor_lag=st.integers(0, 5))
def test_any_order_and_repetition_stores_each_once(order: list[int], floor_lag: int) -> None:
    unit_of_work.rollback()
    acknowledged: set[int] = set()
    for seq in order:
        contiguous = next(n for n in range(0, 14) if n + 1 not in acknowledged)
        service.ingest("b1", "s1", seq, max(0, contiguous - floor_lag), _data(seq))
        acknowledged.add(seq)
    assert sorted(_values()) == sorted(60.0 + seq for seq in acknowledged)
